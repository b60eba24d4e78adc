//===- Shapes.h - sizes of tensors between dispatches -----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PROGRAM_SHAPES_H
#define LINNET_LIB_PROGRAM_SHAPES_H

#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace linnet {

/// Says every size in terms of the sizes of function arguments and of indices. Index arithmetic
/// that it needs is put behind the op that defines the tensor.
class ShapeResolver {
public:
  explicit ShapeResolver(mlir::MLIRContext *ctx) : builder(ctx) {}

  mlir::OpFoldResult dim(mlir::Value tensor, unsigned i);
  /// The dynamic sizes of a tensor, in order.
  llvm::SmallVector<mlir::Value> dynamicDims(mlir::Value tensor);
  /// To be told of every op that is erased: another may take its place in memory.
  void forget(mlir::Operation *op);

private:
  mlir::OpFoldResult compute(mlir::Value tensor, unsigned i);
  mlir::OpFoldResult ofBlockArgument(mlir::BlockArgument arg, unsigned i);
  mlir::OpFoldResult ofResult(mlir::OpResult result, unsigned i);
  mlir::OpFoldResult ofView(mlir::Operation *view, unsigned i);
  mlir::OpFoldResult ofRegion(mlir::OpResult result, mlir::Value yielded, unsigned i);
  mlir::OpFoldResult resolved(mlir::OpFoldResult size, mlir::OpResult result);
  mlir::OpFoldResult ofConcat(mlir::Operation *concat, unsigned i);
  mlir::OpFoldResult dimOp(mlir::Value tensor, unsigned i);

  mlir::OpBuilder builder;
  llvm::DenseMap<std::pair<mlir::Value, unsigned>, mlir::OpFoldResult> known;
};

} // namespace linnet

#endif // LINNET_LIB_PROGRAM_SHAPES_H
