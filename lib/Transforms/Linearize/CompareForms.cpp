//===- CompareForms.cpp - both forms of an attention in one function ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Sites.h"
#include "linnet/IR/Formula.h"
#include "linnet/IR/Locations.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

/// The largest magnitude along some dimensions.
static Value largest(ImplicitLocOpBuilder &b, Value x, ArrayRef<int64_t> axes) {
  return ReduceOp::create(b, ReduceKind::max, math::AbsFOp::create(b, x), axes,
                          /*keepdims=*/false);
}

/// [B,H,D] as the largest of the query heads of each key head: [B,Hk,D].
static Value perKeyHead(ImplicitLocOpBuilder &b, Value x, int64_t keyHeads) {
  auto type = cast<RankedTensorType>(x.getType());
  int64_t group = type.getDimSize(1) / keyHeads;
  if (group == 1)
    return x;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), x);
  sizes[1] = b.getIndexAttr(group);
  sizes.insert(sizes.begin() + 1, b.getIndexAttr(keyHeads));
  SmallVector<int64_t> shape = {type.getDimSize(0), keyHeads, group, type.getDimSize(2)};
  SmallVector<ReassociationIndices> split = {{0}, {1, 2}, {3}};
  return largest(b, tensor::ExpandShapeOp::create(b, type.clone(shape), x, split, sizes), {2});
}

/// The function that the op is in, if it may have more results.
static func::FuncOp extensible(AttentionOp op) {
  auto fn = dyn_cast<func::FuncOp>(op->getParentOp());
  if (!fn || !fn.getBody().hasOneBlock() || op.getQ().getType().isDynamicDim(1) ||
      op.getK().getType().isDynamicDim(1))
    return {};
  auto uses = SymbolTable::getSymbolUses(fn, fn->getParentOp());
  return uses && uses->empty() ? fn : func::FuncOp();
}

bool linnet::linearize::compareForms(AttentionOp op, Value made) {
  func::FuncOp fn = extensible(op);
  if (!fn)
    return false;
  Operation *back = fn.getBody().front().getTerminator();
  ImplicitLocOpBuilder b(fn.getLoc(), back);
  Type f32 = b.getF32Type();
  Expr exact = Expr{&b, op.getO()}.as(f32), form = Expr{&b, made}.as(f32);
  Expr values = Expr{&b, op.getV()}.as(f32);
  Value byChannel = largest(b, exact - form, {2});
  Expr values1 = {&b, largest(b, values, {2})};
  Expr least = values1.constant(1e-30); // channels of zeros give zeros
  Expr relative = {&b, perKeyHead(b, byChannel, op.getK().getType().getDimSize(1))};
  relative = relative / Expr{&b, arith::MaximumFOp::create(b, values1, least)};
  Value numbers[] = {largest(b, byChannel, {0, 1, 2}), largest(b, relative, {0, 1, 2})};
  StringRef names[] = {kDifferencePrefix, kErrorPrefix};
  for (auto [number, name] : llvm::zip_equal(numbers, names)) {
    auto attrs = b.getDictionaryAttr(
        b.getNamedAttr(kNameAttr, b.getStringAttr(name + getSite(op.getLoc()))));
    if (failed(fn.insertResult(fn.getNumResults(), number.getType(), attrs)))
      return false;
    back->insertOperands(back->getNumOperands(), number);
  }
  op->setAttr(kCertifiedAttr, b.getUnitAttr()); // it is what is compared with
  return true;
}
