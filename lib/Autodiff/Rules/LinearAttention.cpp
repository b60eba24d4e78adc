//===- LinearAttention.cpp - derivative of linear attention ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Rules.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

/// The gradients of the operands, of their types, with q, k and v in place of the op's own.
static LinearAttentionGradOp createGrad(ImplicitLocOpBuilder &b, LinearAttentionOp op, Value q,
                                        Value k, Value v, Value dout, Value dfinal,
                                        FloatAttr scale) {
  SmallVector<Value> operands = {q, k, v};
  llvm::append_range(operands, op->getOperands().drop_front(3));
  return LinearAttentionGradOp::create(b, TypeRange(ValueRange(operands)), q, k, v, op.getDecay(),
                                       op.getEraseA(), op.getEraseB(), op.getBeta(), op.getBonus(),
                                       op.getState(), dout, dfinal, op.getRead(), scale,
                                       /*per_head=*/false);
}

//===----------------------------------------------------------------------===//
// With a normaliser
//===----------------------------------------------------------------------===//

/// Channels `from` to `from + count` of a tensor of rank 4.
static Value channels(ImplicitLocOpBuilder &b, Value x, int64_t from, int64_t count) {
  SmallVector<OpFoldResult> offsets(4, b.getIndexAttr(0)), strides(4, b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), x);
  offsets[3] = b.getIndexAttr(from), sizes[3] = b.getIndexAttr(count);
  return tensor::ExtractSliceOp::create(b, x, offsets, sizes, strides);
}

/// The read-out of v with a column of ones is numerator and denominator: both are computed again,
/// in f32, for the gradient of their quotient.
static LogicalResult differentiateNormalised(LinearAttentionOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  int64_t depth = op.getV().getType().getDimSize(3);
  Value q = toF32(b, op.getQ()), k = toF32(b, op.getK()), v = toF32(b, op.getV());
  Value ones = constantLike(b, channels(b, v, 0, 1), 1);
  Value full = tensor::ConcatOp::create(b, /*dim=*/3, ValueRange{v, ones});
  SmallVector<int64_t> shape(op.getO().getType().getShape());
  shape[3] = depth + 1;
  auto type = RankedTensorType::get(shape, b.getF32Type());
  Value both = LinearAttentionOp::create(b, type, Type(), q, k, full, op.getDecay(), Value(),
                                         Value(), Value(), op.getBonus(), op.getState(),
                                         op.getRead(), FloatAttr(), FloatAttr(), IntegerAttr())
                   .getO();
  double scale = op.getScale() ? op.getScale()->convertToDouble() : 1;
  Expr top = {&b, channels(b, both, 0, depth)}, sum = {&b, channels(b, both, depth, 1)};
  Expr dout = {&b, toF32(b, a.ofOrZero(op.getO()))};
  Expr eps = sum.constant(op.getNormalise()->convertToDouble());
  Expr divisor = {&b, arith::MaximumFOp::create(b, sum, eps)};
  Expr spread = {&b, broadcastLike(b, divisor, top, {0, 1, 2, 3})};
  Expr dtop = dout * scale / spread;
  Expr dots = {&b, sumOver(b, dtop * top, {3}, /*keepdims=*/true)};
  Value above = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, sum, eps);
  Value dsum = arith::SelectOp::create(b, above, -dots / divisor, sum.constant(0));
  Value dboth = tensor::ConcatOp::create(b, /*dim=*/3, ValueRange{dtop, dsum});
  Value dfinal = op.getFinalState() ? a.of(op.getFinalState()) : Value();
  auto grad = createGrad(b, op, q, k, full, dboth, dfinal, FloatAttr());
  for (auto [i, operand] : llvm::enumerate(op->getOperands())) {
    Value gradient = grad.getGrads()[i];
    if (i == 2)
      gradient = channels(b, gradient, 0, depth);
    a.add(operand, roundLike(b, gradient, operand));
  }
  return success();
}

//===----------------------------------------------------------------------===//
// linear_attention
//===----------------------------------------------------------------------===//

static LogicalResult differentiateLinearAttention(LinearAttentionOp op, Adjoints &a) {
  if (op.getNormalise())
    return differentiateNormalised(op, a);
  Value dout = a.ofOrZero(op.getO());
  Value dfinal = op.getFinalState() ? a.of(op.getFinalState()) : Value();
  auto grad =
      createGrad(a.builder(), op, op.getQ(), op.getK(), op.getV(), dout, dfinal, op.getScaleAttr());
  for (auto [operand, gradient] : llvm::zip(op->getOperands(), grad.getGrads()))
    a.add(operand, gradient);
  return success();
}

void linnet::registerLinearAttentionRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LinnetDialect *) {
    attachRule<LinearAttentionOp, differentiateLinearAttention>(context);
  });
}
