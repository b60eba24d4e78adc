//===- Views.cpp - which views are other names for the same bytes ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Views.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Program/KernelContract.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

/// For every dimension of a tensor but the last: whether stepping it is stepping over the whole
/// of the next one.
using Joints = SmallVector<bool>;

static Joints allJoined(Value tensor) {
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  return Joints(std::max<int64_t>(rank - 1, 0), true);
}

static bool takesWhole(tensor::ExtractSliceOp slice, unsigned dim) {
  int64_t size = slice.getStaticSizes()[dim];
  return isConstantIntValue(slice.getMixedOffsets()[dim], 0) && !ShapedType::isDynamic(size) &&
         size == slice.getSourceType().getDimSize(dim);
}

static Joints getJoints(Value tensor);

static Joints getSliceJoints(tensor::ExtractSliceOp slice) {
  Joints source = getJoints(slice.getSource());
  SmallVector<bool> step; // unit strides
  for (OpFoldResult stride : slice.getMixedStrides())
    step.push_back(isConstantIntValue(stride, 1));
  for (unsigned i = 0; i < source.size(); ++i)
    source[i] = source[i] && takesWhole(slice, i + 1) && step[i] && step[i + 1];
  llvm::SmallBitVector dropped = slice.getDroppedDims();
  Joints result;
  int64_t previous = -1;
  for (int64_t i = 0, rank = slice.getSourceType().getRank(); i < rank; ++i) {
    if (dropped.test(i))
      continue;
    if (previous >= 0)
      // across a dropped dimension strides still fit when that has one element in all
      result.push_back(
          llvm::all_of(llvm::seq(previous, i), [&](int64_t j) { return source[j]; }) &&
          (i == previous + 1 || llvm::all_of(llvm::seq(previous + 1, i),
                                             [&](int64_t j) { return takesWhole(slice, j); })));
    previous = i;
  }
  return result;
}

static Joints getTransposeJoints(Operation *transpose) {
  Joints source = getJoints(getViewSource(transpose));
  SmallVector<int64_t> permutation = getPermutation(transpose);
  Joints result;
  for (unsigned i = 0; i + 1 < permutation.size(); ++i)
    result.push_back(permutation[i + 1] == permutation[i] + 1 && source[permutation[i]]);
  return result;
}

static Joints getReshapeJoints(Operation *reshape) {
  Joints source = getJoints(getViewSource(reshape));
  Joints result;
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(reshape)) {
    for (auto [i, group] : llvm::enumerate(expand.getReassociationIndices())) {
      if (i)
        result.push_back(source[i - 1]);
      result.append(group.size() - 1, true);
    }
    if (expand.getReassociationIndices().empty())
      result.assign(std::max<int64_t>(expand.getResultType().getRank() - 1, 0), true);
    return result;
  }
  auto collapse = cast<tensor::CollapseShapeOp>(reshape);
  for (auto [i, group] : llvm::enumerate(collapse.getReassociationIndices()))
    if (i)
      result.push_back(source[group.front() - 1]);
  return result;
}

static Joints getJoints(Value tensor) {
  Operation *def = tensor.getDefiningOp();
  if (!def || !isView(def))
    return allJoined(tensor);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(def))
    return getSliceJoints(slice);
  if (isTranspose(def))
    return getTransposeJoints(def);
  if (isa<tensor::CastOp>(def))
    return getJoints(def->getOperand(0));
  return getReshapeJoints(def);
}

/// Leading dimensions of one element, then at most one that is cut, then whole ones.
static bool isContiguousSlice(tensor::ExtractSliceOp slice) {
  unsigned rank = slice.getSourceType().getRank(), i = 0;
  if (!llvm::all_of(slice.getMixedStrides(),
                    [](OpFoldResult s) { return isConstantIntValue(s, 1); }))
    return false;
  while (i < rank && slice.getStaticSizes()[i] == 1)
    ++i;
  for (++i; i < rank; ++i)
    if (!takesWhole(slice, i))
      return false;
  return true;
}

static bool movesOnlyUnitDims(Operation *transpose) {
  auto source = cast<RankedTensorType>(getViewSource(transpose).getType());
  int64_t last = -1;
  for (int64_t dim : getPermutation(transpose)) {
    if (source.getDimSize(dim) == 1)
      continue;
    if (dim < last)
      return false;
    last = dim;
  }
  return true;
}

bool linnet::isContiguous(Value tensor) {
  Operation *def = tensor.getDefiningOp();
  return !def || !isView(def) || isAlias(def);
}

bool linnet::isAlias(Operation *op) {
  if (!isView(op) || !isContiguous(getViewSource(op)))
    return false;
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return isContiguousSlice(slice);
  return !isTranspose(op) || movesOnlyUnitDims(op);
}

bool linnet::needsMaterializedSource(Operation *op) {
  auto collapse = dyn_cast<tensor::CollapseShapeOp>(op);
  if (!collapse || isContiguous(collapse.getSrc()))
    return false;
  Joints source = getJoints(collapse.getSrc());
  ArrayRef<int64_t> shape = collapse.getSrcType().getShape();
  for (const ReassociationIndices &group : collapse.getReassociationIndices()) {
    int64_t previous = -1; // dimensions of one element have no stride
    for (int64_t dim : group) {
      if (shape[dim] == 1)
        continue;
      if (previous >= 0 &&
          !llvm::all_of(llvm::seq(previous, dim), [&](int64_t j) { return source[j]; }))
        return true;
      previous = dim;
    }
  }
  return false;
}

Value linnet::getAliasRoot(Value tensor) {
  while (Operation *def = tensor.getDefiningOp()) {
    if (!isAlias(def))
      break;
    tensor = getViewSource(def);
  }
  return tensor;
}

BlockArgument linnet::getDonor(func::FuncOp func, unsigned i) {
  auto state = func.getResultAttrOfType<StringAttr>(i, kStateAttr);
  for (BlockArgument arg : func.getArguments()) {
    unsigned n = arg.getArgNumber();
    auto number = func.getArgAttrOfType<IntegerAttr>(n, kDonateAttr);
    if ((state && func.getArgAttr(n, kStateAttr) == state) || (number && number.getInt() == i))
      return arg;
  }
  return BlockArgument();
}
