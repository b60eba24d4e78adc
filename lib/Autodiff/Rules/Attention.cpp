//===- Attention.cpp - derivatives of the attention family ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Rules.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

//===----------------------------------------------------------------------===//
// attention
//===----------------------------------------------------------------------===//

/// The op with its log-sum-exp, which the gradient needs; it takes the place of the one without.
static AttentionOp withLse(AttentionOp op, Adjoints &a) {
  if (op.getLse())
    return op;
  OpBuilder b(op);
  auto rows = RankedTensorType::get(op.getQ().getType().getShape().drop_back(), b.getF32Type());
  auto full = AttentionOp::create(b, op.getLoc(), op.getO().getType(), rows, op.getQ(), op.getK(),
                                  op.getV(), op.getBias(), op.getAlibiSlopes(), op.getMask(),
                                  op.getKvLengths(), op.getQOffset(), op.getQSegments(),
                                  op.getKvSegments(), op.getDropoutKey(), op.getDropoutCounter(),
                                  op.getMasksAttr(), op.getAlignment(), op.getScaleAttr(),
                                  op.getSoftcapAttr(), op.getDropoutAttr(), IntegerAttr());
  full->setDiscardableAttrs(op->getDiscardableAttrDictionary());
  op.getO().replaceAllUsesWith(full.getO());
  a.replaced(op.getO(), full.getO());
  op.erase();
  return full;
}

static LogicalResult differentiateAttention(AttentionOp op, Adjoints &a) {
  if (op.getPart())
    return op.emitOpError("has no derivative with part");
  if (op.getAlibiSlopes() && a.wants(op.getAlibiSlopes()))
    return op.emitOpError("has no derivative by its alibi_slopes");
  op = withLse(op, a);
  Value dout = a.ofOrZero(op.getO()), dlse = a.of(op.getLse());
  bool withBias = op.getBias() && a.wants(op.getBias());
  auto grad = AttentionGradOp::create(a.builder(), op, dout, dlse, withBias);
  a.add(op.getQ(), grad.getDq());
  a.add(op.getK(), grad.getDk());
  a.add(op.getV(), grad.getDv());
  if (withBias)
    a.add(op.getBias(), grad.getDbias());
  return success();
}

//===----------------------------------------------------------------------===//
// rotary
//===----------------------------------------------------------------------===//

/// The first or the second channels of the rotated pairs, in f32.
static Expr channelsOfPairs(ImplicitLocOpBuilder &b, RotaryOp op, Value x, bool second) {
  int64_t half = op.getRotatedChannels() / 2;
  bool interleaved = op.getLayout() == RotaryLayout::interleaved;
  SmallVector<OpFoldResult> offsets(4, b.getIndexAttr(0)), strides(4, b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), x);
  offsets[3] = b.getIndexAttr(!second ? 0 : interleaved ? 1 : half);
  strides[3] = b.getIndexAttr(interleaved ? 2 : 1);
  sizes[3] = b.getIndexAttr(half);
  return {&b, toF32(b, tensor::ExtractSliceOp::create(b, x, offsets, sizes, strides))};
}

/// Tables are repeated over heads, and over batches where they have rank 2.
static void addTableGradients(RotaryOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Value dy = a.of(op.getY());
  Expr x = channelsOfPairs(b, op, op.getX(), false), z = channelsOfPairs(b, op, op.getX(), true);
  Expr dx = channelsOfPairs(b, op, dy, false), dz = channelsOfPairs(b, op, dy, true);
  bool batched = cast<RankedTensorType>(op.getCos().getType()).getRank() == 3;
  SmallVector<int64_t> axes = batched ? SmallVector<int64_t>{1} : SmallVector<int64_t>{0, 1};
  auto add = [&](Value table, Expr gradient) {
    if (a.wants(table))
      a.add(table, roundLike(b, sumOver(b, gradient, axes), table));
  };
  add(op.getCos(), dx * x + dz * z);
  add(op.getSin(), dz * x - dx * z);
}

/// The gradient of a rotation is the rotation back: the same angles, negated.
static LogicalResult differentiateRotary(RotaryOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Value sin = op.getSin(), frequencies = op.getFrequencies();
  if (frequencies && a.wants(frequencies))
    return op.emitOpError("has no derivative by its frequencies");
  if (sin && (a.wants(sin) || a.wants(op.getCos())))
    addTableGradients(op, a);
  if (!a.wants(op.getX()))
    return success();
  if (sin) {
    sin = arith::NegFOp::create(b, sin);
  } else if (frequencies) {
    frequencies = arith::NegFOp::create(b, frequencies);
  } else {
    SmallVector<float> values = op.getFrequenciesOfBase();
    for (float &value : values)
      value = -value;
    auto type = RankedTensorType::get(values.size(), b.getF32Type());
    frequencies =
        arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef<float>(values)));
  }
  a.add(op.getX(), RotaryOp::create(b, op.getX().getType(), a.of(op.getY()), op.getCos(), sin,
                                    frequencies, op.getPositions(), op.getOffset(), FloatAttr(),
                                    IntegerAttr(), op.getLayout()));
  return success();
}

//===----------------------------------------------------------------------===//
// feature_map
//===----------------------------------------------------------------------===//

/// At zero elu1 has slope 1, relu and its square 0.
static LogicalResult differentiateFeatureMap(FeatureMapOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Expr x = {&b, toF32(b, op.getX())}, dy = {&b, toF32(b, a.of(op.getY()))};
  Expr one = x.constant(1), zero = x.constant(0);
  auto wherePositive = [&](Expr yes, Expr no) -> Expr {
    Value positive = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, x, zero);
    return {&b, arith::SelectOp::create(b, positive, yes, no)};
  };
  auto slope = [&]() -> Expr {
    switch (op.getKind()) {
    case FeatureKind::elu1:
      return wherePositive(one, {&b, math::ExpOp::create(b, x)});
    case FeatureKind::relu:
      return wherePositive(one, zero);
    case FeatureKind::relu2:
      return wherePositive(x * 2, zero);
    case FeatureKind::exp:
      return {&b, math::ExpOp::create(b, x)};
    }
    llvm_unreachable("all kinds are above");
  };
  a.add(op.getX(), roundLike(b, dy * slope(), op.getX()));
  return success();
}

void linnet::registerAttentionRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LinnetDialect *) {
    attachRule<AttentionOp, differentiateAttention>(context);
    attachRule<RotaryOp, differentiateRotary>(context);
    attachRule<FeatureMapOp, differentiateFeatureMap>(context);
  });
}
