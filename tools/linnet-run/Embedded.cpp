//===- Embedded.cpp - a bundle inside the program --------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Embedded.h"

extern "C" {
extern const char linnet_bundle[] __attribute__((weak));
extern const char linnet_bundle_end[] __attribute__((weak));
}

Embedded embeddedBundle() {
  if (!linnet_bundle)
    return {};
  return {linnet_bundle, static_cast<size_t>(linnet_bundle_end - linnet_bundle)};
}
