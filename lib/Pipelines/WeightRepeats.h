//===- WeightRepeats.h - weights that say everything twice ------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PIPELINES_WEIGHTREPEATS_H
#define LINNET_LIB_PIPELINES_WEIGHTREPEATS_H

#include "mlir/IR/BuiltinOps.h"

namespace linnet {

/// Writes `linnet.repeats` on the globals whose values in these files are so, and removes it from
/// all others: what the input says is not believed. A file that cannot be read is reported where
/// weights are written.
void noteRepeats(mlir::ModuleOp module, llvm::ArrayRef<std::string> files);

} // namespace linnet

#endif // LINNET_LIB_PIPELINES_WEIGHTREPEATS_H
