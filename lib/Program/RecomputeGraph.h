//===- RecomputeGraph.h - a dispatch graph as the planner sees it -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PROGRAM_RECOMPUTEGRAPH_H
#define LINNET_LIB_PROGRAM_RECOMPUTEGRAPH_H

#include "linnet/IR/Exec.h"
#include "linnet/Plan/Recompute.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"

namespace linnet {

/// The ops of a function that make or read tensors, as nodes. Reshapes and slices are not nodes:
/// they are other names for the bytes that they look at.
struct RecomputeGraph {
  plan::Graph graph;
  llvm::SmallVector<mlir::Operation *> ops; ///< per node
};

/// Picoseconds that a kernel takes, by name; others are estimated from FLOPs and bytes.
using DispatchTimes = llvm::StringMap<int64_t>;

/// The median times of the dispatches in a trace of `linnet-run`. Fails, with an error at `loc`,
/// where the file is none.
mlir::FailureOr<DispatchTimes> readDispatchTimes(llvm::StringRef path, mlir::Location loc);

/// Of a function whose kernels have their launch regions, with sizes at the symbols' maxima. Fails,
/// with an error, where a size has none.
mlir::FailureOr<RecomputeGraph> makeRecomputeGraph(mlir::func::FuncOp func,
                                                   mlir::SymbolTableCollection &symbols,
                                                   unsigned threads, const DispatchTimes &times);

/// Rewrites the function's block so that it runs `order`, with copies for what runs again.
void applyOrder(mlir::func::FuncOp func, const RecomputeGraph &graph,
                llvm::ArrayRef<plan::Step> steps);

} // namespace linnet

#endif // LINNET_LIB_PROGRAM_RECOMPUTEGRAPH_H
