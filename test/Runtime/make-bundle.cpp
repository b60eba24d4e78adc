//===- make-bundle.cpp - sample bundles for command-line tests ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// make-bundle KIND OUT.lnb: a bundle without the compiler.
//===----------------------------------------------------------------------===//
#include "Samples.h"

#include <cstdio>

int main(int argc, char **argv) {
  using namespace linnet::test;
  TestBundle bundle;
  if (argc != 3 || !makeSample(argv[1], bundle)) {
    std::fprintf(stderr, "usage: make-bundle %s OUT.lnb\n", kSampleKinds);
    return 2;
  }
  if (linnet::bundle::Error error = bundle.write(argv[2])) {
    std::fprintf(stderr, "make-bundle: error: %s\n", error.message().c_str());
    return 1;
  }
  return 0;
}
