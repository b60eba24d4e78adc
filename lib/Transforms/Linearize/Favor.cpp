//===- Favor.cpp - exp as an average of random features ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// FAVOR+ (arXiv:2009.14794) in its hyperbolic form: with rows w of length sqrt(d), d of them
// orthogonal in a block, the features exp(w.x - |x|^2 / 2) and exp(-w.x - |x|^2 / 2) of x and y
// have the product exp(x.y) Z(x + y), with
//
//     Z(z) = exp(-|z|^2 / 2) mean over rows of cosh(w.z)
//
// Fixed lengths, in place of those of normal vectors, bound a block: cosh(sqrt(t)) is convex in t,
// and the squares of an orthonormal basis's coordinates sum to |z|^2, so the mean over a block is
// at least cosh(|z|) and at most (cosh(sqrt(d) |z|) + d - 1) / d. Blocks are independent; their
// mean and variance over all bases are known, and Bernstein's inequality bounds the mean of all.
//
//===----------------------------------------------------------------------===//
#include "Methods.h"
#include "RandomRows.h"
#include "linnet/IR/Formula.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>

using namespace mlir;
using namespace linnet;

namespace {

/// What is known about Z for all |z| <= radius.
struct Ratios {
  double low = 1, high = 1;
};

class FavorMethod : public LinearizeMethod {
public:
  StringRef getName() const override { return "favor"; }
  void propose(const AttentionSite &site, SmallVectorImpl<LinearForm> &forms,
               std::string &refusal) const override;
};

/// Factors that make queries and keys equally long and their product the score.
struct Lengths {
  explicit Lengths(const AttentionSite &site);
  double query = 1, key = 1; ///< factors
  double most = 0;           ///< the largest norm of either behind them
};

} // namespace

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

/// The mean of cosh(sqrt(d) t u) over the coordinates u of unit vectors in d dimensions.
static double meanOfCosh(double d, double t) {
  double x = d * t * t / 4, term = 1, sum = 1;
  for (int k = 1; k < 500 && term > sum * 0x1p-60; ++k) {
    term *= x / (k * (d / 2 + k - 1));
    sum += term;
  }
  return sum;
}

/// The variance over bases of a block's mean of cosh.
static double varianceOfBlock(double d, double t) {
  double mean = meanOfCosh(d, t), both = meanOfCosh(d, std::sqrt(2.0) * t);
  double square = (1 + meanOfCosh(d, 2 * t)) / 2;
  double variance = square / d + (d - 1) / d * both - mean * mean;
  // what rounding may have taken away
  return std::max(variance, 0.0) + 0x1p-48 * square;
}

/// How far the mean of `blocks` is from its expectation, but for a probability of exp(-logarithm).
static double deviation(double range, double variance, double blocks, double logarithm) {
  double a = range * logarithm / 3;
  double bernstein = (a + std::sqrt(a * a + 2 * blocks * variance * logarithm)) / blocks;
  return std::min(bernstein, range * std::sqrt(logarithm / (2 * blocks)));
}

/// `logarithm`: of the reciprocal of the failure probability of one pair and side; 0: certainly.
static Ratios boundRatios(double d, double radius, double blocks, double logarithm) {
  Ratios out;
  if (!(std::sqrt(d) * radius < 100))
    return {0, std::numeric_limits<double>::infinity()};
  constexpr int steps = 512;
  for (int i = 0; i < steps; ++i) {
    // all functions rise with |z|, and exp(-|z|^2 / 2) falls: bounds of an interval from its ends
    double from = radius * i / steps, to = radius * (i + 1) / steps;
    double lowest = std::cosh(from), highest = (std::cosh(std::sqrt(d) * to) + d - 1) / d;
    if (logarithm > 0) {
      double t = deviation(highest - lowest, varianceOfBlock(d, to), blocks, logarithm);
      lowest = std::max(lowest, meanOfCosh(d, from) - t);
      highest = std::min(highest, meanOfCosh(d, to) + t);
    }
    out.low = std::min(out.low, lowest * std::exp(-to * to / 2));
    out.high = std::max(out.high, highest * std::exp(-from * from / 2));
  }
  return out;
}

Lengths::Lengths(const AttentionSite &site) {
  double size = std::sqrt(std::abs(site.scale));
  double q = site.logits.queries, k = site.logits.keys;
  double balance = q > 0 && k > 0 ? std::sqrt(k / q) : 1;
  query = std::copysign(size * balance, site.scale);
  key = size / balance;
  most = std::max(std::abs(query) * q, key * k) * (1 + 0x1p-22);
}

//===----------------------------------------------------------------------===//
// Build
//===----------------------------------------------------------------------===//

static Value buildFeatures(ImplicitLocOpBuilder &b, Value x, double factor, Value rows) {
  Expr scaled = Expr{&b, x}.as(b.getF32Type()) * factor;
  SmallVector<int64_t> shape(scaled.type().getShape());
  shape[3] = cast<RankedTensorType>(rows.getType()).getDimSize(0);
  auto type = RankedTensorType::get(shape, b.getF32Type());
  Expr dots = {&b, EinsumOp::create(b, type, "bhic,fc->bhif", ValueRange{scaled, rows})};
  auto summed = RankedTensorType::get(ArrayRef(shape).drop_back(), b.getF32Type());
  Expr squares = {&b, ReduceOp::create(b, summed, ReduceKind::sum, scaled * scaled,
                                       b.getDenseI64ArrayAttr({3}), /*keepdims=*/false)};
  Expr half = {&b, BroadcastOp::create(b, type, squares * 0.5,
                                       type.hasStaticShape() ? Value() : dots.value, ValueRange(),
                                       b.getDenseI64ArrayAttr({0, 1, 2}))};
  Value positive = math::ExpOp::create(b, dots - half);
  Value negative = math::ExpOp::create(b, -dots - half);
  return tensor::ConcatOp::create(b, /*dim=*/3, ValueRange{positive, negative});
}

static Value buildFavor(ImplicitLocOpBuilder &b, const AttentionSite &site, int64_t blocks,
                        double least) {
  Lengths lengths(site);
  int64_t depth = static_cast<int64_t>(site.depth);
  auto type = RankedTensorType::get({blocks * depth, depth}, b.getF32Type());
  SmallVector<float> values = linearize::randomRows(site.contract.getSeed(), blocks, depth);
  Value rows = arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef(values)));
  Value q = buildFeatures(b, site.op.getQ(), lengths.query, rows);
  Value k = buildFeatures(b, site.op.getK(), lengths.key, rows);
  return buildKernel(b, site, q, k, least);
}

//===----------------------------------------------------------------------===//
// Method
//===----------------------------------------------------------------------===//

/// The relative error of the product of two features: of the dot product with a row, of half the
/// square, of their difference and of the exponential.
static double roundingOfFeatures(double depth, double length) {
  double argument = roundings(depth + 6) * (std::sqrt(depth) * length + length * length);
  double one = std::exp(argument) * (1 + roundings(4));
  return one * one - 1;
}

void FavorMethod::propose(const AttentionSite &site, SmallVectorImpl<LinearForm> &forms,
                          std::string &refusal) const {
  refusal = refuseKernel(site);
  if (refusal.empty())
    refusal = site.logits.unproven;
  if (refusal.empty() && !std::isfinite(site.mostPairs))
    refusal = "the number of pairs of queries and keys, all of which have to be near, is neither "
              "known nor bounded by its symbols";
  if (!refusal.empty())
    return;
  Lengths lengths(site);
  double depth = site.depth, radius = 2 * lengths.most, r = site.logits.products;
  double failure = site.contract.getFailure();
  // the deviations that are allowed for rise with the number of pairs, and so the bound
  double pairs = site.mostPairs;
  for (int64_t blocks = 1; 2 * blocks * depth <= 8192; blocks *= 2) {
    if (blocks > 1 && failure == 0)
      break; // more blocks do not help what is certain
    double logarithm = blocks > 1 ? std::log(2 * pairs / failure) : 0;
    Ratios ratios = boundRatios(depth, radius, blocks, logarithm);
    double features = 2 * blocks * depth, least = ratios.low * std::exp(-r);
    LinearForm form;
    Certificate &c = form.certificate;
    c.method = llvm::formatv("favor with {0} features", 2 * blocks * static_cast<int64_t>(depth));
    c.condition = llvm::formatv("|s| <= {0}: {1}", printNumber(r), site.logits.proof);
    c.weights = distanceOfRatios(ratios.low, ratios.high);
    c.failure = blocks > 1 ? failure : 0;
    c.rounding = roundingOfKernel(site, features, roundingOfFeatures(depth, lengths.most),
                                  ratios.high * std::exp(r) / least);
    countKernel(site, features, /*passes=*/2, /*dispatches=*/8, c);
    double rows = site.batch * (site.heads * site.queries + site.keyHeads * site.keys);
    c.work.flops += 2 * rows * blocks * depth * depth;
    c.seconds += 2 * rows * blocks * depth * depth / site.cost.flopsPerSecond +
                 rows * features * site.cost.secondsPerScore;
    // features are not divided by their number: it cancels
    form.build = [&site, blocks, scale = features * least](ImplicitLocOpBuilder &b) {
      return buildFavor(b, site, blocks, scale);
    };
    forms.push_back(std::move(form));
  }
}

std::unique_ptr<LinearizeMethod> linnet::linearize::createFavorMethod() {
  return std::make_unique<FavorMethod>();
}
