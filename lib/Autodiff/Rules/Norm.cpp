//===- Norm.cpp - derivatives of the norm family --------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Row sums and elementwise arithmetic in f32, which dispatch formation fuses to one pass over the
// rows and one over the columns for the parameters. Mean and deviation are computed again.
//
//===----------------------------------------------------------------------===//
#include "../Rules.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet;

namespace {
/// A row of a norm: reductions over trailing axes.
class Rows {
public:
  Rows(Adjoints &a, Value input, int64_t trailing) : b(a.builder()) {
    int64_t rank = cast<RankedTensorType>(input.getType()).getRank();
    for (int64_t i = 0; i < rank; ++i)
      (i < rank - trailing ? leading : axes).push_back(i);
    x = {&b, toF32(b, input)};
  }

  Expr mean(Expr v) {
    Value m = ReduceOp::create(b, ReduceKind::mean, v, axes, /*keepdims=*/true);
    return {&b, m};
  }
  Expr spread(Value perRow) {
    auto dims = llvm::to_vector(llvm::seq<int64_t>(0, leading.size() + axes.size()));
    return {&b, broadcastLike(b, perRow, x, dims)};
  }
  /// A parameter with the trailing sizes, in f32, for every row.
  Expr parameter(Value p) { return {&b, broadcastLike(b, toF32(b, p), x, axes)}; }
  /// 1 / sqrt(mean(v * v) + eps), per row.
  Expr inverseRms(Expr v, const APFloat &eps) {
    Expr square = mean(v * v);
    return {&b, math::RsqrtOp::create(b, square + eps.convertToDouble())};
  }
  void addToParameter(Adjoints &a, Value p, Expr gradient) {
    a.add(p, roundLike(b, sumOver(b, gradient, leading), p));
  }

  ImplicitLocOpBuilder &b;
  SmallVector<int64_t> leading, axes;
  Expr x;
};
} // namespace

static LogicalResult differentiateSoftmax(SoftmaxOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  Expr y = {&b, toF32(b, op.getResult())}, dy = {&b, toF32(b, a.of(op.getResult()))};
  int64_t rank = op.getInput().getType().getRank();
  auto all = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  Value sum = sumOver(b, dy * y, op.getAxis(), /*keepdims=*/true);
  Expr spread = {&b, broadcastLike(b, sum, y, all)};
  a.add(op.getInput(), roundLike(b, y * (dy - spread), op.getInput()));
  return success();
}

static LogicalResult differentiateLayerNorm(LayerNormOp op, Adjoints &a) {
  Rows r(a, op.getInput(), op.getAxes());
  Expr dy = {&r.b, toF32(r.b, a.of(op.getResult()))};
  if (op.getBias() && a.wants(op.getBias()))
    r.addToParameter(a, op.getBias(), dy);
  Expr centred = r.x - r.spread(r.mean(r.x));
  Expr inverse = r.spread(r.inverseRms(centred, op.getEps()));
  Expr normal = centred * inverse;
  if (op.getScale() && a.wants(op.getScale()))
    r.addToParameter(a, op.getScale(), dy * normal);
  if (!a.wants(op.getInput()))
    return success();
  Expr dn = op.getScale() ? dy * r.parameter(op.getScale()) : dy;
  Expr dx = inverse * (dn - r.spread(r.mean(dn)) - normal * r.spread(r.mean(dn * normal)));
  a.add(op.getInput(), roundLike(r.b, dx, op.getInput()));
  return success();
}

static LogicalResult differentiateRmsNorm(RmsNormOp op, Adjoints &a) {
  Rows r(a, op.getInput(), op.getAxes());
  Expr dy = {&r.b, toF32(r.b, a.of(op.getResult()))};
  Expr inverse = r.spread(r.inverseRms(r.x, op.getEps()));
  Expr normal = r.x * inverse;
  if (op.getScale() && a.wants(op.getScale()))
    r.addToParameter(a, op.getScale(), dy * normal);
  if (!a.wants(op.getInput()))
    return success();
  Expr dn = dy;
  if (op.getScale()) {
    Expr scale = r.parameter(op.getScale());
    dn = dy * (op.getUnitOffset() ? scale + 1.0 : scale);
  }
  Expr dx = inverse * (dn - normal * r.spread(r.mean(dn * normal)));
  a.add(op.getInput(), roundLike(r.b, dx, op.getInput()));
  return success();
}

void linnet::registerNormRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LinnetDialect *) {
    attachRule<SoftmaxOp, differentiateSoftmax>(context);
    attachRule<LayerNormOp, differentiateLayerNorm>(context);
    attachRule<RmsNormOp, differentiateRmsNorm>(context);
  });
}
