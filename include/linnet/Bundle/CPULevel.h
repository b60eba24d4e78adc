//===- CPULevel.h - CPU feature levels and their detection ------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The compiler names features as LLVM does; the runtime has to find the same names by
// cpuid. One table serves both.
//===----------------------------------------------------------------------===//
#ifndef LINNET_BUNDLE_CPULEVEL_H
#define LINNET_BUNDLE_CPULEVEL_H

#include <string>
#include <string_view>
#include <vector>

namespace linnet::bundle {

/// Features of x86-64-v3 and x86-64-v4, with those of the levels below.
const std::vector<std::string> &featuresOfV3();
const std::vector<std::string> &featuresOfV4();

/// Every feature of the table that this machine has and its operating system supports (xsave
/// state of ymm, zmm, tiles): what a `native` image may ask for.
std::vector<std::string> hostFeatures();

/// Whether the table has the name, so that a loader can tell "missing" from "unknown".
bool isKnownFeature(std::string_view name);

/// Those of `needed` that the machine lacks (or the table does not know), in order.
std::vector<std::string> missingFeatures(const std::vector<std::string> &needed);

} // namespace linnet::bundle

#endif // LINNET_BUNDLE_CPULEVEL_H
