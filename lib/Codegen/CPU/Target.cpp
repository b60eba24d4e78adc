//===- Target.cpp - the CPU levels ----------------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Codegen/KernelEmitter.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;
using namespace linnet::codegen;

/// Features that kernels of x86-64-v3 may use; see Bundle/CPULevel.h.
static constexpr llvm::StringLiteral kRequired[] = {"avx2", "fma", "f16c", "bmi2", "lzcnt"};

static FailureOr<CPUTarget> nativeTarget() {
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  for (llvm::StringRef f : kRequired)
    if (!features.lookup(f))
      return failure();
  CPUTarget t{"native", llvm::sys::getHostCPUName().str(), "", false, false};
  // A sorted list, so that the same machine gives the same bytes.
  SmallVector<std::string> list;
  for (auto &f : features)
    list.push_back((f.second ? "+" : "-") + f.first().str());
  llvm::sort(list);
  t.features = llvm::join(list, ",");
  t.avx512 = features.lookup("avx512f") && features.lookup("avx512bw") &&
             features.lookup("avx512dq") && features.lookup("avx512vl");
  t.bf16Dot = t.avx512 && features.lookup("avx512bf16");
  return t;
}

FailureOr<CPUTarget> linnet::codegen::getCPUTarget(llvm::StringRef level) {
  if (level == "x86-64-v3")
    return CPUTarget{"x86-64-v3", "x86-64-v3", "", false, false};
  if (level == "x86-64-v4")
    return CPUTarget{"x86-64-v4", "x86-64-v4", "", true, false};
  if (level == "native")
    return nativeTarget();
  return failure();
}
