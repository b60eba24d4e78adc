//===- FoldWeights.h - what is known of weights is computed once -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Runs on structured IR, where weights are arguments (`linnet.constant`). What depends on nothing
// else is compiled to a bundle of its own and run, and its results become weights.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PIPELINES_FOLDWEIGHTS_H
#define LINNET_LIB_PIPELINES_FOLDWEIGHTS_H

#include "mlir/IR/BuiltinOps.h"
#include <string>
#include <vector>

namespace linnet {

struct FoldOptions {
  std::vector<std::string> weights; ///< safetensors files
  bool external = false;            ///< their tensors are not known: constants of the IR only
  unsigned jobs = 0;                ///< kernels compiled at once; 0: one per core
  bool explain = false;             ///< a remark for each value
};

/// Evaluates at compile time what every call would compute from weights alone, at the level
/// x86-64-v3 on any machine, so that bundles do not depend on where they were compiled. Left
/// alone: what only moves elements (kernels read weights in any order), what is larger than the
/// weights that it is made of, and what fails when it runs, as it then will in a call.
mlir::LogicalResult foldWeights(mlir::ModuleOp module, const FoldOptions &options);

} // namespace linnet

#endif // LINNET_LIB_PIPELINES_FOLDWEIGHTS_H
