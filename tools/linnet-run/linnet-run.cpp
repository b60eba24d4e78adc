//===- linnet-run.cpp - calls a function of a compiled bundle -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Invocation.h"

#include <csignal>
#include <cstdio>

using namespace linnet::run;

int main(int argc, char **argv) {
  std::signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error of its write
  Options options;
  if (Error error = parseOptions(argc, argv, options)) {
    std::fprintf(stderr, "linnet-run: error: %s; --help shows the usage\n",
                 error.message().c_str());
    return 1;
  }
  if (options.help || options.version) {
    if (options.help)
      std::fputs(kHelp, stdout);
    else
      std::printf("linnet-run %s\n", lnt_version());
    return 0;
  }
  if (options.listDevices) {
    listDevices();
    return 0;
  }
  Error error = Invocation(options).run();
  if (error)
    std::fprintf(stderr, "linnet-run: error: %s\n", error.message().c_str());
  return error ? 1 : 0;
}
