//===- Shapes.cpp - sizes of tensors between dispatches -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "linnet/IR/Exec.h"
#include "linnet/Program/KernelContract.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/DestinationStyleOpInterface.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace linnet;

OpFoldResult ShapeResolver::dim(Value tensor, unsigned i) {
  auto type = cast<RankedTensorType>(tensor.getType());
  if (!type.isDynamicDim(i))
    return builder.getIndexAttr(type.getDimSize(i));
  auto it = known.find({tensor, i});
  if (it != known.end())
    return it->second;
  OpBuilder::InsertionGuard guard(builder);
  OpFoldResult size = compute(tensor, i);
  known[{tensor, i}] = size;
  return size;
}

SmallVector<Value> ShapeResolver::dynamicDims(Value tensor) {
  SmallVector<Value> sizes;
  auto type = cast<RankedTensorType>(tensor.getType());
  for (int64_t i = 0; i < type.getRank(); ++i) {
    if (!type.isDynamicDim(i))
      continue;
    OpFoldResult size = dim(tensor, i);
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointAfterValue(tensor);
    sizes.push_back(getValueOrCreateConstantIndexOp(builder, tensor.getLoc(), size));
  }
  return sizes;
}

void ShapeResolver::forget(Operation *op) {
  for (Value result : op->getResults())
    if (auto type = dyn_cast<RankedTensorType>(result.getType()))
      for (int64_t i = 0; i < type.getRank(); ++i)
        known.erase({result, i});
}

OpFoldResult ShapeResolver::compute(Value tensor, unsigned i) {
  if (auto arg = dyn_cast<BlockArgument>(tensor))
    return ofBlockArgument(arg, i);
  return ofResult(cast<OpResult>(tensor), i);
}

OpFoldResult ShapeResolver::dimOp(Value tensor, unsigned i) {
  builder.setInsertionPointAfterValue(tensor);
  return tensor::DimOp::create(builder, tensor.getLoc(), tensor, i).getResult();
}

/// Loop-carried tensors keep their sizes from one iteration to the next.
OpFoldResult ShapeResolver::ofBlockArgument(BlockArgument arg, unsigned i) {
  Operation *parent = arg.getOwner()->getParentOp();
  if (auto loop = dyn_cast<scf::ForOp>(parent))
    return dim(loop.getTiedLoopInit(arg)->get(), i);
  if (auto loop = dyn_cast<scf::WhileOp>(parent)) {
    if (arg.getOwner() == loop.getBeforeBody())
      return dim(loop.getInits()[arg.getArgNumber()], i);
    return dim(loop.getConditionOp().getArgs()[arg.getArgNumber()], i);
  }
  return dimOp(arg, i);
}

OpFoldResult ShapeResolver::ofView(Operation *view, unsigned i) {
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(view)) {
    llvm::SmallBitVector dropped = slice.getDroppedDims();
    for (auto [dim, size] : llvm::enumerate(slice.getMixedSizes()))
      if (!dropped.test(dim) && i-- == 0)
        return size;
  }
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(view))
    return expand.getMixedOutputShape()[i];
  if (isTranspose(view))
    return dim(getViewSource(view), getPermutation(view)[i]);
  if (isa<tensor::CastOp>(view))
    return dim(getViewSource(view), i);
  auto collapse = cast<tensor::CollapseShapeOp>(view);
  OpFoldResult product = builder.getIndexAttr(1);
  ReassociationIndices sources = collapse.getReassociationIndices()[i];
  for (int64_t source : sources) {
    OpFoldResult size = dim(collapse.getSrc(), source);
    builder.setInsertionPointAfter(view);
    AffineExpr a = builder.getAffineSymbolExpr(0), b = builder.getAffineSymbolExpr(1);
    product =
        affine::makeComposedFoldedAffineApply(builder, view->getLoc(), a * b, {product, size});
  }
  return product;
}

OpFoldResult ShapeResolver::ofConcat(Operation *op, unsigned i) {
  auto concat = cast<tensor::ConcatOp>(op);
  OpFoldResult sum = builder.getIndexAttr(0);
  if (i != concat.getDim())
    return dim(concat.getInputs()[0], i);
  for (Value input : concat.getInputs()) {
    OpFoldResult size = dim(input, i);
    builder.setInsertionPointAfter(op);
    AffineExpr a = builder.getAffineSymbolExpr(0), b = builder.getAffineSymbolExpr(1);
    sum = affine::makeComposedFoldedAffineApply(builder, op->getLoc(), a + b, {sum, size});
  }
  return sum;
}

/// Index arithmetic of a region, again in front of the op that has the region; null where that
/// cannot be.
static Value hoist(OpBuilder &b, Value v, Operation *outer, IRMapping &map) {
  if (!outer->isAncestor(v.getParentBlock()->getParentOp()))
    return v;
  Operation *def = v.getDefiningOp();
  if (!def || !isPure(def) || def->getNumRegions())
    return nullptr;
  if (Value known = map.lookupOrNull(v))
    return known;
  for (Value operand : def->getOperands()) {
    Value outside = hoist(b, operand, outer, map);
    if (!outside)
      return nullptr;
    map.map(operand, outside);
  }
  b.setInsertionPoint(outer);
  b.clone(*def, map);
  return map.lookup(v);
}

/// The size of what a region yields as `result`. It is known in front of the region.
OpFoldResult ShapeResolver::ofRegion(OpResult result, Value yielded, unsigned i) {
  OpFoldResult size = dim(yielded, i);
  auto value = dyn_cast<Value>(size);
  if (!value)
    return size;
  IRMapping map;
  Value outside = hoist(builder, value, result.getOwner(), map);
  return outside ? outside : dimOp(result, i);
}

/// What an op says of its result's size, where it is computed from sizes of the op's operands.
OpFoldResult ShapeResolver::resolved(OpFoldResult size, OpResult result) {
  auto value = dyn_cast<Value>(size);
  Operation *op = value ? value.getDefiningOp() : nullptr;
  if (auto d = dyn_cast_or_null<tensor::DimOp>(op))
    if (d.getConstantIndex() && d.getSource() != result)
      return dim(d.getSource(), *d.getConstantIndex());
  auto apply = dyn_cast_or_null<affine::AffineApplyOp>(op);
  if (!apply)
    return size;
  SmallVector<OpFoldResult> operands;
  for (Value operand : apply.getMapOperands())
    operands.push_back(resolved(operand, result));
  builder.setInsertionPointAfter(result.getOwner());
  return affine::makeComposedFoldedAffineApply(builder, result.getLoc(), apply.getAffineMap(),
                                               operands);
}

OpFoldResult ShapeResolver::ofResult(OpResult result, unsigned i) {
  Operation *op = result.getOwner();
  unsigned n = result.getResultNumber();
  if (isView(op))
    return ofView(op, i);
  if (auto empty = dyn_cast<tensor::EmptyOp>(op))
    return empty.getMixedSizes()[i];
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return dim(insert.getDest(), i);
  if (isa<tensor::ConcatOp>(op))
    return ofConcat(op, i);
  if (auto dps = dyn_cast<DestinationStyleOpInterface>(op))
    return dim(dps.getTiedOpOperand(result)->get(), i);
  if (auto loop = dyn_cast<scf::ForOp>(op))
    return dim(loop.getInits()[n], i);
  if (auto loop = dyn_cast<scf::WhileOp>(op))
    return ofRegion(result, loop.getConditionOp().getArgs()[n], i);
  if (auto branch = dyn_cast<scf::IfOp>(op))
    return ofRegion(result, branch.thenYield().getOperand(n), i);
  if (auto dispatch = dyn_cast<exec::DispatchOp>(op)) {
    if (dispatch.getTiedInput(n) >= 0)
      return dim(dispatch.getInputs()[dispatch.getTiedInput(n)], i);
    return dispatch.getResultSizes(
        n)[cast<RankedTensorType>(result.getType()).getDynamicDimIndex(i)];
  }
  if (auto reify = dyn_cast<ReifyRankedShapedTypeOpInterface>(op)) {
    ReifiedRankedShapedTypeDims shapes;
    builder.setInsertionPointAfter(op);
    if (succeeded(reify.reifyResultShapes(builder, shapes)))
      return resolved(shapes[n][i], result);
  }
  return dimOp(result, i);
}
