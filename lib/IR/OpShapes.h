//===- OpShapes.h - what shape verifiers and inference share ----*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_IR_OPSHAPES_H
#define LINNET_LIB_IR_OPSHAPES_H

#include "Shapes.h"
#include "linnet/Interfaces/EqualSizes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/OpDefinition.h"
#include "llvm/ADT/Twine.h"

namespace linnet {

/// A size with the words that a message calls it by.
struct NamedSize {
  llvm::StringRef name;
  int64_t size;
};

/// Fails where both sizes are known and differ: `expects key depth 64 to match query depth 32`.
inline mlir::LogicalResult expectSame(mlir::Operation *op, llvm::StringRef constraint, NamedSize a,
                                      NamedSize b) {
  if (mlir::ShapedType::isDynamic(a.size) || mlir::ShapedType::isDynamic(b.size) ||
      a.size == b.size)
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

#endif // LINNET_LIB_IR_OPSHAPES_H
