//===- Shapes.h - sizes in verifiers and inference --------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_IR_SHAPES_H
#define LINNET_LIB_IR_SHAPES_H

#include "linnet/Interfaces/EqualSizes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "llvm/ADT/Twine.h"

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

/// A size with the words that a message calls it by.
struct NamedSize {
  llvm::StringRef name;
  int64_t size;
};

/// Fails where both sizes are known and differ: `expects key depth 64 to match query depth 32`.
inline mlir::LogicalResult expectSame(mlir::Operation *op, llvm::StringRef constraint, NamedSize a,
                                      NamedSize b) {
  if (mayBeEqual(a.size, b.size))
    return mlir::success();
  return op->emitOpError() << constraint << " expects " << a.name << " " << a.size << " to match "
                           << b.name << " " << b.size;
}

/// Checks `type` against the sizes, one per dimension; `what` names the value. The rank is
/// part of the value's type constraint, except where it may vary.
inline mlir::LogicalResult expectShape(mlir::Operation *op, llvm::StringRef constraint,
                                       llvm::StringRef what, mlir::RankedTensorType type,
                                       llvm::ArrayRef<NamedSize> sizes) {
  if (type.getRank() != static_cast<int64_t>(sizes.size()))
    return op->emitOpError() << constraint << " expects " << what << " of rank " << sizes.size()
                             << ", found rank " << type.getRank();
  for (auto [i, expected] : llvm::enumerate(sizes)) {
    std::string name = (what + " size " + llvm::Twine(i)).str();
    if (mlir::failed(expectSame(op, constraint, {name, type.getDimSize(i)}, expected)))
      return mlir::failure();
  }
  return mlir::success();
}

/// One result's shape as (value, dimension) pairs, for reifyResultShapes.
using ShapeSource = llvm::SmallVector<std::pair<mlir::Value, int64_t>>;

/// The sizes that the pairs name. A size that the result's type knows is a constant.
inline llvm::SmallVector<mlir::OpFoldResult>
reifyFrom(mlir::OpBuilder &b, mlir::Location loc, mlir::Value result, const ShapeSource &source) {
  auto type = mlir::cast<mlir::RankedTensorType>(result.getType());
  llvm::SmallVector<mlir::OpFoldResult> sizes;
  for (auto [i, from] : llvm::enumerate(source))
    sizes.push_back(sizeOf(b, loc, from.first, from.second, type, i));
  return sizes;
}

/// Pairs for a result that has the shape of `value`.
inline ShapeSource shapeOf(mlir::Value value) {
  ShapeSource source;
  for (int64_t i = 0; i < mlir::cast<mlir::RankedTensorType>(value.getType()).getRank(); ++i)
    source.push_back({value, i});
  return source;
}

/// Collects pairs of sizes for getEqualSizes; an absent operand has none.
class SizePairs {
public:
  SizePairs(mlir::Operation *op, llvm::SmallVectorImpl<EqualSizes> &pairs) : op(op), pairs(pairs) {}

  void add(mlir::Value a, unsigned aDim, mlir::Value b, unsigned bDim) {
    if (a && b && a != b)
      pairs.push_back({{numberOf(a), aDim}, {numberOf(b), bDim}});
  }
  /// Sizes 0, 1, … of `a` against the given sizes of other values.
  void addAll(mlir::Value a, llvm::ArrayRef<std::pair<mlir::Value, unsigned>> sizes) {
    for (auto [i, size] : llvm::enumerate(sizes))
      add(a, i, size.first, size.second);
  }

private:
  unsigned numberOf(mlir::Value v) const { return llvm::find(op->getOperands(), v).getIndex(); }

  mlir::Operation *op;
  llvm::SmallVectorImpl<EqualSizes> &pairs;
};

} // namespace linnet

#endif // LINNET_LIB_IR_SHAPES_H
