//===- LowerToStructuredBatchNorm.cpp - batch normalisation ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Statistics are reductions whose outer loop is the channel; what is done with them per element
// keeps the order of the tensor, so that it fuses with what follows.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

namespace {

/// The channels of a tensor and how many elements each has.
class Channels {
public:
  Channels(ImplicitLocOpBuilder &b, Value input)
      : b(b), type(cast<RankedTensorType>(input.getType())), sizes(sizesOf(b, input)),
        f32(b.getF32Type()) {
    Sizes others(sizes);
    others.erase(others.begin() + 1);
    count = productOf(b, others);
    // loops: the channel, then the other dimensions in order
    SmallVector<AffineExpr> read;
    for (unsigned d = 0; d < type.getRank(); ++d)
      read.push_back(b.getAffineDimExpr(d == 1 ? 0 : d == 0 ? 1 : d));
    first = AffineMap::get(type.getRank(), 0, read, b.getContext());
    kept = projectLoops(b.getContext(), type.getRank(), [](unsigned d) { return d == 0; });
  }

  /// Sums over the elements of every channel. The body gets those of `tensors` and the values
  /// of `perChannel`, all in f32, and gives what is added.
  SmallVector<Value> sums(ValueRange tensors, ValueRange perChannel, unsigned results, Body body) {
    SmallVector<Read> reads;
    for (Value v : tensors)
      reads.push_back({v, first});
    for (Value v : perChannel)
      reads.push_back({v, kept});
    SmallVector<Value> inits(results, fillTensor(b, sizes[1], numberAttr(f32, 0)));
    return reduceElements(b, reads, inits, kept, [&](ImplicitLocOpBuilder &inner, ValueRange v) {
      SmallVector<Value> next = body(inner, widenAll(inner, v.drop_back(results)));
      for (auto [x, acc] : llvm::zip(next, v.take_back(results)))
        x = arith::AddFOp::create(inner, acc, x);
      return next;
    });
  }

  /// Values per channel of values per channel. The body gets them, then the count as f32.
  SmallVector<Value> map(ValueRange values, unsigned results, Body body) {
    AffineMap identity = b.getMultiDimIdentityMap(1), none = AffineMap::get(1, 0, b.getContext());
    SmallVector<Read> reads;
    for (Value v : values)
      reads.push_back({v, identity});
    bool constant = getConstantIntValue(count).has_value();
    if (!constant)
      reads.push_back({count, none});
    SmallVector<Value> inits(results, tensor::EmptyOp::create(b, ArrayRef(sizes[1]), f32));
    return reduceElements(
        b, reads, inits, identity, [&](ImplicitLocOpBuilder &inner, ValueRange v) {
          SmallVector<Value> in = widenAll(inner, v.take_front(values.size()));
          in.push_back(indexToFloat(inner, constant ? count : v[values.size()], f32));
          return body(inner, in);
        });
  }

  /// A value per element of `tensors` and of values per channel.
  Value elements(ValueRange tensors, ValueRange perChannel, ScalarBody body) {
    AffineMap all = b.getMultiDimIdentityMap(type.getRank());
    AffineMap channel =
        projectLoops(b.getContext(), type.getRank(), [](unsigned d) { return d == 1; });
    SmallVector<Read> reads;
    for (Value v : tensors)
      reads.push_back({v, all});
    for (Value v : perChannel)
      reads.push_back({v, channel});
    return mapElements(b, type, sizes, reads, [&](ImplicitLocOpBuilder &inner, ValueRange v) {
      return narrow(inner, body(inner, widenAll(inner, v)), type.getElementType());
    });
  }

  ImplicitLocOpBuilder &b;
  RankedTensorType type;
  Sizes sizes;
  Type f32;
  Value count;

private:
  SmallVector<Value> widenAll(ImplicitLocOpBuilder &inner, ValueRange values) {
    SmallVector<Value> wide;
    for (Value v : values)
      wide.push_back(widen(inner, v, f32));
    return wide;
  }
  AffineMap first, kept;
};

Value add(ImplicitLocOpBuilder &b, Value x, Value y) { return arith::AddFOp::create(b, x, y); }
Value sub(ImplicitLocOpBuilder &b, Value x, Value y) { return arith::SubFOp::create(b, x, y); }
Value mul(ImplicitLocOpBuilder &b, Value x, Value y) { return arith::MulFOp::create(b, x, y); }
Value div(ImplicitLocOpBuilder &b, Value x, Value y) { return arith::DivFOp::create(b, x, y); }

/// 1 / sqrt(var + eps).
Value factorOf(ImplicitLocOpBuilder &b, Value var, double eps) {
  Value shifted = add(b, var, number(b, var.getType(), eps));
  return div(b, number(b, var.getType(), 1), math::SqrtOp::create(b, shifted));
}

/// (x - mean) / sqrt(var + eps) * scale + bias.
Value normalise(Channels &c, Value input, Value mean, Value var, Value scale, Value bias,
                const APFloat &eps) {
  Value inverse = c.map(var, 1, [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
    return {factorOf(b, v[0], eps.convertToDouble())};
  })[0];
  SmallVector<Value> perChannel = {mean, inverse};
  for (Value v : {scale, bias})
    if (v)
      perChannel.push_back(v);
  return c.elements(input, perChannel, [&](ImplicitLocOpBuilder &b, ValueRange v) {
    Value y = mul(b, sub(b, v[0], v[1]), v[2]);
    if (scale)
      y = mul(b, y, v[3]);
    return bias ? add(b, y, v.back()) : y;
  });
}

struct BatchNormToGeneric : OpRewritePattern<BatchNormOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BatchNormOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Channels c(b, op.getInput());
    rewriter.replaceOp(op, normalise(c, op.getInput(), op.getMean(), op.getVar(), op.getScale(),
                                     op.getBias(), op.getEps()));
    return success();
  }
};

struct BatchNormTrainToGeneric : OpRewritePattern<BatchNormTrainOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BatchNormTrainOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Channels c(b, op.getInput());
    using Values = SmallVector<Value>;
    auto mean = [](ImplicitLocOpBuilder &b, ValueRange v) -> Values {
      return {div(b, v[0], v[1])};
    };
    Value sum = c.sums(op.getInput(), {}, 1,
                       [](ImplicitLocOpBuilder &, ValueRange v) -> Values { return {v[0]}; })[0];
    Value mu = c.map(sum, 1, mean)[0];
    Value squares =
        c.sums(op.getInput(), mu, 1, [](ImplicitLocOpBuilder &b, ValueRange v) -> Values {
          Value d = sub(b, v[0], v[1]);
          return {mul(b, d, d)};
        })[0];
    Value var = c.map(squares, 1, mean)[0];
    Values results = {
        normalise(c, op.getInput(), mu, var, op.getScale(), op.getBias(), op.getEps()), mu, var};
    if (!op.getRunning().empty())
      llvm::append_range(results, update(c, op, mu, var));
    for (auto [result, old] : llvm::zip(results, op.getResults()))
      if (result.getType() != old.getType())
        result = tensor::CastOp::create(b, old.getType(), result);
    rewriter.replaceOp(op, results);
    return success();
  }

private:
  static SmallVector<Value> update(Channels &c, BatchNormTrainOp op, Value mean, Value var) {
    double momentum = op.getMomentum()->convertToDouble();
    auto body = [&](ImplicitLocOpBuilder &b, ValueRange v) -> SmallVector<Value> {
      auto constant = [&](double x) { return number(b, v[0].getType(), x); };
      auto mix = [&](Value old, Value now) {
        return add(b, mul(b, old, constant(1 - momentum)), mul(b, now, constant(momentum)));
      };
      Value n = v[4], least = constant(1);
      Value others = arith::MaximumFOp::create(b, sub(b, n, least), least);
      return {mix(v[0], v[2]), mix(v[1], mul(b, v[3], div(b, n, others)))};
    };
    return c.map({op.getRunning()[0], op.getRunning()[1], mean, var}, 2, body);
  }
};

struct BatchNormGradToGeneric : OpRewritePattern<BatchNormGradOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(BatchNormGradOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Channels c(b, op.getInput());
    double eps = op.getEps().convertToDouble();
    using Values = SmallVector<Value>;
    // of dy, and of dy (x - mean)
    Values sums = c.sums({op.getGrad(), op.getInput()}, op.getMean(), 2,
                         [](ImplicitLocOpBuilder &b, ValueRange v) -> Values {
                           return {v[0], mul(b, v[0], sub(b, v[1], v[2]))};
                         });
    Value scale = op.getScale();
    Values in = {sums[0], sums[1], op.getVar()};
    if (scale)
      in.push_back(scale);
    // dscale, and dx = factor (dy - shift - (x - mean) slope)
    Values row = c.map(in, 4, [&](ImplicitLocOpBuilder &b, ValueRange v) -> Values {
      Value inverse = factorOf(b, v[2], eps), n = v.back();
      Value dscale = mul(b, v[1], inverse);
      Value factor = scale ? mul(b, inverse, v[3]) : inverse;
      return {dscale, factor, div(b, v[0], n), div(b, mul(b, dscale, inverse), n)};
    });
    Value dx = c.elements({op.getGrad(), op.getInput()}, {op.getMean(), row[1], row[2], row[3]},
                          [](ImplicitLocOpBuilder &b, ValueRange v) {
                            Value slope = mul(b, sub(b, v[1], v[2]), v[5]);
                            return mul(b, sub(b, sub(b, v[0], v[4]), slope), v[3]);
                          });
    Values results = {dx, row[0], sums[0]};
    for (auto [result, old] : llvm::zip(results, op.getResults()))
      if (result.getType() != old.getType())
        result = tensor::CastOp::create(b, old.getType(), result);
    rewriter.replaceOp(op, results);
    return success();
  }
};

} // namespace

void linnet::populateBatchNormToStructuredPatterns(RewritePatternSet &patterns) {
  patterns.add<BatchNormToGeneric, BatchNormTrainToGeneric, BatchNormGradToGeneric>(
      patterns.getContext());
}
