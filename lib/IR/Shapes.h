//===- Shapes.h - sizes in verifiers and inference --------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_IR_SHAPES_H
#define LINNET_LIB_IR_SHAPES_H

#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

namespace linnet {

/// False when two sizes are different constants.
inline bool mayBeEqual(int64_t a, int64_t b) {
  return mlir::ShapedType::isDynamic(a) || mlir::ShapedType::isDynamic(b) || a == b;
}

/// The more precise of two sizes that may be equal.
inline int64_t mergeSizes(int64_t a, int64_t b) { return mlir::ShapedType::isDynamic(a) ? b : a; }

/// For `inferReturnTypes`: never fails, so that a malformed op gets the one message of its
/// verifier.
inline mlir::LogicalResult inferOrGuess(mlir::FailureOr<mlir::RankedTensorType> type,
                                        mlir::Value guess,
                                        mlir::SmallVectorImpl<mlir::Type> &types) {
  types.push_back(mlir::failed(type) ? guess.getType() : mlir::Type(*type));
  return mlir::success();
}

/// For verifiers: a printed type may know more or less of the sizes than inference does.
inline mlir::LogicalResult verifyResult(mlir::Operation *op,
                                        mlir::FailureOr<mlir::RankedTensorType> inferred) {
  if (mlir::failed(inferred))
    return mlir::failure();
  auto type = mlir::cast<mlir::RankedTensorType>(op->getResult(0).getType());
  if (type.getElementType() == inferred->getElementType() &&
      mlir::succeeded(mlir::verifyCompatibleShape(type, *inferred)))
    return mlir::success();
  return op->emitOpError() << "expects result type " << *inferred << ", found " << type;
}

/// The size of dimension `dim` of `value`: the constant that the result's type knows, the
/// constant of the value's type, or a `tensor.dim`.
inline mlir::OpFoldResult sizeOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value,
                                 int64_t dim, mlir::RankedTensorType resultType,
                                 int64_t resultDim) {
  if (!resultType.isDynamicDim(resultDim))
    return b.getIndexAttr(resultType.getDimSize(resultDim));
  return mlir::tensor::getMixedSize(b, loc, value, dim);
}

/// The sizes of `value`, for an op whose only result `type` has that shape.
inline mlir::SmallVector<mlir::OpFoldResult>
sizesLike(mlir::OpBuilder &b, mlir::Location loc, mlir::Value value, mlir::RankedTensorType type) {
  mlir::SmallVector<mlir::OpFoldResult> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    sizes.push_back(sizeOf(b, loc, value, i, type, i));
  return sizes;
}

/// Static sizes as attributes, the dynamic ones from `dynamic` in order.
inline mlir::SmallVector<mlir::OpFoldResult>
mixSizes(mlir::OpBuilder &b, mlir::RankedTensorType type, mlir::ValueRange dynamic) {
  mlir::SmallVector<mlir::OpFoldResult> sizes;
  auto next = dynamic.begin();
  for (int64_t size : type.getShape())
    sizes.push_back(mlir::ShapedType::isDynamic(size) ? mlir::OpFoldResult(*next++)
                                                      : b.getIndexAttr(size));
  return sizes;
}

} // namespace linnet

#endif // LINNET_LIB_IR_SHAPES_H
