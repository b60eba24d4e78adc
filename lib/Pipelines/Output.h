//===- Output.h - the files that a compilation writes -----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PIPELINES_OUTPUT_H
#define LINNET_LIB_PIPELINES_OUTPUT_H

#include "linnet/Bundle/Write.h"
#include "linnet/Pipelines/Compile.h"
#include "llvm/Support/JSON.h"

namespace linnet {

/// Writes a text file under a temporary name and renames it ("-": standard output).
mlir::LogicalResult writeText(llvm::StringRef path,
                              llvm::function_ref<void(llvm::raw_ostream &)> write);

/// The bundle, or what `options.emit` wraps it in.
mlir::LogicalResult writeOutput(mlir::ModuleOp module, const bundle::Weights &weights,
                                const bundle::WriteOptions &write, const CompileOptions &options);

/// For `--report`: kernels with their strategies and dispatches, memory of every function.
llvm::json::Value describeProgram(mlir::ModuleOp module, llvm::StringRef target);

/// The first target's report, with those of the others in its "others".
mlir::LogicalResult writeReport(llvm::json::Array reports, const CompileOptions &options);

/// What functions have as `linnet.products`, to the module: functions become programs.
void gatherProducts(mlir::ModuleOp module);

} // namespace linnet

#endif // LINNET_LIB_PIPELINES_OUTPUT_H
