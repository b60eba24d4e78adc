//===- Rules.cpp - registration, and building gradients -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Rules.h"
#include "linnet/Autodiff/Passes.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace linnet;

void linnet::registerDerivativeRules(DialectRegistry &registry) {
  registerArithRules(registry);
  registerAttentionRules(registry);
  registerBatchNormRules(registry);
  registerControlFlowRules(registry);
  registerConvRules(registry);
  registerGatherRules(registry);
  registerLinearAttentionRules(registry);
  registerLossRules(registry);
  registerMathRules(registry);
  registerNormRules(registry);
  registerPlainRules(registry);
  registerPoolRules(registry);
  registerRandomRules(registry);
  registerResizeRules(registry);
  registerScanRules(registry);
  registerTensorRules(registry);
}

Value linnet::toF32(ImplicitLocOpBuilder &b, Value value) {
  bool wide = getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth() >= 32;
  return wide ? value : Expr{&b, value}.as(b.getF32Type());
}

Value linnet::roundLike(ImplicitLocOpBuilder &b, Value value, Value like) {
  return Expr{&b, value}.as(getElementTypeOrSelf(like.getType()));
}

SmallVector<Value> linnet::dynamicSizes(ImplicitLocOpBuilder &b, Value value, int64_t first) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<Value> sizes;
  for (int64_t i = first; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(tensor::DimOp::create(b, value, i));
  return sizes;
}

Value linnet::sumOver(ImplicitLocOpBuilder &b, Value value, ArrayRef<int64_t> axes, bool keepdims) {
  if (axes.empty())
    return value;
  return ReduceOp::create(b, ReduceKind::sum, value, axes, keepdims);
}

Value linnet::broadcastLike(ImplicitLocOpBuilder &b, Value value, Value like,
                            ArrayRef<int64_t> dims) {
  auto type = cast<RankedTensorType>(like.getType()).clone(getElementTypeOrSelf(value.getType()));
  Value sizes = type.hasStaticShape() ? Value() : like;
  return BroadcastOp::create(b, type, value, sizes, ValueRange(), b.getDenseI64ArrayAttr(dims));
}

Value linnet::sumToOperand(ImplicitLocOpBuilder &b, Value gradient, Value value,
                           ArrayRef<int64_t> dims) {
  auto full = cast<RankedTensorType>(gradient.getType());
  auto type = dyn_cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> axes;
  for (int64_t axis = 0; axis < full.getRank(); ++axis) {
    auto *at = llvm::find(dims, axis);
    bool stretched = at != dims.end() && type && type.getDimSize(at - dims.begin()) == 1 &&
                     full.getDimSize(axis) != 1;
    if (at == dims.end() || stretched)
      axes.push_back(axis);
  }
  Value sum = sumOver(b, gradient, axes);
  if (!type)
    return tensor::ExtractOp::create(b, sum, ValueRange());
  if (cast<RankedTensorType>(sum.getType()).getRank() == type.getRank())
    return sum;
  // the stretched dimensions come back with size 1
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices group;
  int64_t kept = 0, rank = cast<RankedTensorType>(sum.getType()).getRank();
  for (auto [i, axis] : llvm::enumerate(dims)) {
    group.push_back(i);
    if (llvm::is_contained(axes, axis))
      continue;
    if (++kept < rank) {
      groups.push_back(group);
      group.clear();
    }
  }
  if (rank)
    groups.push_back(group);
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), value);
  return tensor::ExpandShapeOp::create(b, type, sum, groups, sizes);
}
