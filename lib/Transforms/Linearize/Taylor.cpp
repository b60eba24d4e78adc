//===- Taylor.cpp - exp as a polynomial of the scores ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// exp(s) is about a polynomial p(s), and s^r is a dot product of the monomials of degree r of
// queries and keys. Where |s| <= R is proven, p(s) exp(-s) stays within known numbers. R is known
// too, so p is not Taylor's polynomial, which is best at 0, but one that misses alike at the ends
// and in between.
//
//===----------------------------------------------------------------------===//
#include "Methods.h"
#include "linnet/IR/Formula.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace linnet;

namespace {

/// Monomials of every degree up to `degree`. Channels come in blocks, and a monomial has its
/// factors in the order of their blocks, so that all of one degree are few outer products: those of
/// degree r are block i times those of degree r - 1 from block i on, for all i.
class Monomials {
public:
  Monomials(int64_t depth, int64_t degree)
      : depth(depth), degree(degree), width(llvm::divideCeil(depth, 8)) {
    starts.push_back(blockStarts());
    for (int64_t r = 2; r <= degree; ++r)
      starts.push_back(next(starts.back()));
  }
  /// Of all degrees, 0 included.
  int64_t count() const {
    int64_t n = 1;
    for (auto &list : starts)
      n += list.back();
    return n;
  }
  /// The factor of every monomial in the polynomial of s = scale * dot(q, k).
  SmallVector<float> weights(double scale, ArrayRef<double> coefficients) const;
  /// The monomials of x [.., depth].
  Value build(ImplicitLocOpBuilder &b, Value x) const;

private:
  using Starts = SmallVector<int64_t>; ///< where each block's monomials start, and their number
  Starts blockStarts() const {
    Starts out;
    for (int64_t c = 0; c < depth; c += width)
      out.push_back(c);
    out.push_back(depth);
    return out;
  }
  int64_t blocks() const { return starts[0].size() - 1; }
  int64_t widthOf(int64_t block) const { return starts[0][block + 1] - starts[0][block]; }
  Starts next(const Starts &lower) const {
    Starts out = {0};
    for (int64_t i = 0; i < blocks(); ++i)
      out.push_back(out.back() + widthOf(i) * (lower.back() - lower[i]));
    return out;
  }
  void weigh(int64_t r, int64_t from, double weight, int64_t run, SmallVector<float> &out) const;

  int64_t depth, degree, width;
  SmallVector<Starts> starts; ///< of degree r + 1
};

class TaylorMethod : public LinearizeMethod {
public:
  StringRef getName() const override { return "taylor"; }
  void propose(const AttentionSite &site, SmallVectorImpl<LinearForm> &forms,
               std::string &refusal) const override;
};

} // namespace

//===----------------------------------------------------------------------===//
// Monomials
//===----------------------------------------------------------------------===//

/// Monomials of r more factors from block `from` on. `weight` is 1 over the factorials of how often
/// blocks occurred before, of which `from` occurred `run` times.
void Monomials::weigh(int64_t r, int64_t from, double weight, int64_t run,
                      SmallVector<float> &out) const {
  if (r == 0) {
    out.push_back(static_cast<float>(weight));
    return;
  }
  for (int64_t i = from; i < blocks(); ++i) {
    int64_t occurs = i == from ? run + 1 : 1;
    SmallVector<float> rest;
    weigh(r - 1, i, weight / occurs, occurs, rest);
    for (int64_t c = 0; c < widthOf(i); ++c)
      llvm::append_range(out, rest);
  }
}

SmallVector<float> Monomials::weights(double scale, ArrayRef<double> coefficients) const {
  SmallVector<float> out;
  for (int64_t r = 0; r <= degree; ++r)
    weigh(r, 0, coefficients[r] * std::tgamma(r + 1) * std::pow(scale, r), 0, out);
  return out;
}

Value Monomials::build(ImplicitLocOpBuilder &b, Value x) const {
  auto type = cast<RankedTensorType>(x.getType());
  SmallVector<Value> all = {constantLike(b, sliceDim(b, x, 3, 0, 1), 1), x};
  SmallVector<OpFoldResult> rows = tensor::getMixedSizes(b, b.getLoc(), x);
  Value lower = x;
  for (int64_t r = 2; r <= degree; ++r) {
    SmallVector<Value> pieces;
    for (int64_t i = 0; i < blocks(); ++i) {
      int64_t first = starts[r - 2][i], count = starts[r - 2].back() - first;
      Value block = sliceDim(b, x, 3, starts[0][i], widthOf(i));
      Value rest = sliceDim(b, lower, 3, first, count);
      SmallVector<int64_t> shape(type.getShape().drop_back());
      shape.append({widthOf(i), count});
      auto outer = RankedTensorType::get(shape, type.getElementType());
      SmallVector<Value> sizes;
      for (OpFoldResult row : ArrayRef(rows).drop_back())
        if (auto dynamic = dyn_cast<Value>(row))
          sizes.push_back(dynamic);
      auto spread = [&](Value v, ArrayRef<int64_t> dims) {
        return Expr{&b,
                    BroadcastOp::create(b, outer, v, Value(), sizes, b.getDenseI64ArrayAttr(dims))};
      };
      shape.pop_back_n(2);
      shape.push_back(widthOf(i) * count);
      SmallVector<ReassociationIndices> flat = {{0}, {1}, {2}, {3, 4}};
      pieces.push_back(tensor::CollapseShapeOp::create(
          b, RankedTensorType::get(shape, type.getElementType()),
          spread(block, {0, 1, 2, 3}) * spread(rest, {0, 1, 2, 4}), flat));
    }
    llvm::append_range(all, pieces);
    if (r < degree)
      lower = tensor::ConcatOp::create(b, /*dim=*/3, pieces);
  }
  return tensor::ConcatOp::create(b, /*dim=*/3, all);
}

//===----------------------------------------------------------------------===//
// Method
//===----------------------------------------------------------------------===//

namespace {
/// The polynomial of a degree for |s| <= radius; its coefficients are not negative.
struct Polynomial {
  Polynomial(int64_t degree, double radius);
  double at(double s) const {
    double sum = 0;
    for (double c : llvm::reverse(coefficients))
      sum = sum * s + c;
    return sum;
  }
  bool isUsable() const {
    return low > 0 && llvm::all_of(coefficients, [](double c) { return c >= 0; });
  }

  SmallVector<double> coefficients;
  double low, high; ///< of p(s) exp(-s)

private:
  void findRange(double radius);
};
} // namespace

/// p(s) exp(-s) is 1 + e and 1 - e in turn at the extremes of Chebyshev's polynomial of the next
/// degree: one linear equation each for the coefficients and e.
Polynomial::Polynomial(int64_t degree, double radius) {
  unsigned n = degree + 2;
  SmallVector<SmallVector<double>> rows;
  for (unsigned i = 0; i < n; ++i) {
    double s = -radius * std::cos(i * 3.14159265358979323846 / (degree + 1));
    SmallVector<double> &row = rows.emplace_back();
    for (int64_t r = 0; r <= degree; ++r)
      row.push_back(std::pow(s, r) * std::exp(-s));
    row.append({i % 2 ? 1.0 : -1.0, 1.0});
  }
  for (unsigned column = 0; column < n; ++column) { // Gauss and Jordan
    auto best = std::max_element(rows.begin() + column, rows.end(), [&](auto &a, auto &b) {
      return std::abs(a[column]) < std::abs(b[column]);
    });
    std::swap(rows[column], *best);
    for (unsigned i = 0; i < n; ++i) {
      double factor = i == column ? 0 : rows[i][column] / rows[column][column];
      for (unsigned c = column; c <= n && i != column; ++c)
        rows[i][c] -= factor * rows[column][c];
    }
  }
  for (int64_t r = 0; r <= degree; ++r)
    coefficients.push_back(rows[r][n] / rows[r][r]);
  findRange(radius);
}

/// From points, and how far the function can move between them: its derivative is at most that of
/// the coefficients of p' - p, times exp(radius).
void Polynomial::findRange(double radius) {
  double slope = 0, power = std::exp(radius);
  for (size_t r = 0; r < coefficients.size(); ++r, power *= radius) {
    double next = r + 1 < coefficients.size() ? (r + 1) * coefficients[r + 1] : 0;
    slope += std::abs(next - coefficients[r]) * power;
  }
  constexpr int steps = 2048;
  low = std::numeric_limits<double>::infinity(), high = 0;
  for (int i = -steps; i <= steps; ++i) {
    double s = radius * i / steps, ratio = at(s) * std::exp(-s);
    low = std::min(low, ratio), high = std::max(high, ratio);
  }
  double slack = slope * radius / steps / 2;
  low -= slack, high += slack;
}

static Value buildTaylor(ImplicitLocOpBuilder &b, const AttentionSite &site, const Polynomial &p,
                         double least) {
  AttentionOp op = site.op;
  Monomials monomials(op.getQ().getType().getDimSize(3), p.coefficients.size() - 1);
  Expr q = {&b, monomials.build(b, Expr{&b, op.getQ()}.as(b.getF32Type()))};
  Value k = monomials.build(b, Expr{&b, op.getK()}.as(b.getF32Type()));
  SmallVector<float> weights = monomials.weights(site.scale, p.coefficients);
  auto type = RankedTensorType::get({monomials.count()}, b.getF32Type());
  Value factors = arith::ConstantOp::create(b, DenseElementsAttr::get(type, ArrayRef(weights)));
  Value repeated =
      BroadcastOp::create(b, q.type(), factors, q.type().hasStaticShape() ? Value() : q.value,
                          ValueRange(), b.getDenseI64ArrayAttr({3}));
  return buildKernel(b, site, q * Expr{&b, repeated}, k, least);
}

void TaylorMethod::propose(const AttentionSite &site, SmallVectorImpl<LinearForm> &forms,
                           std::string &refusal) const {
  refusal = refuseKernel(site);
  if (refusal.empty())
    refusal = site.logits.unproven;
  if (!refusal.empty())
    return;
  double r = site.logits.products;
  for (int64_t degree = 1; degree <= 4; ++degree) {
    Polynomial p(degree, std::max(r, 0.01)); // points apart, also where all scores are zero
    if (!p.isUsable() || !std::isfinite(p.high))
      continue;
    int64_t features = Monomials(static_cast<int64_t>(site.depth), degree).count();
    if (features > 8192)
      break;
    LinearForm form;
    Certificate &c = form.certificate;
    c.method = llvm::formatv("taylor of degree {0}", degree);
    c.condition = llvm::formatv("|s| <= {0}: {1}", printNumber(r), site.logits.proof);
    c.weights = distanceOfRatios(p.low, p.high);
    double least = p.low * std::exp(-r);
    c.rounding = roundingOfKernel(site, features, roundings(2 * degree), p.at(r) / least);
    // of higher degrees, products of a block of channels each are made, put together and weighted
    bool joined = degree > 1;
    countKernel(site, features, joined ? 4 : 1, 4 + 16 * (degree - 1), c);
    form.build = [&site, p, least](ImplicitLocOpBuilder &b) {
      return buildTaylor(b, site, p, least);
    };
    forms.push_back(std::move(form));
  }
  if (forms.empty())
    refusal = llvm::formatv("|s| <= {0} is all that is proven ({1}), and no polynomial of degree "
                            "4 or less is near exp there",
                            printNumber(r), site.logits.proof);
}

std::unique_ptr<LinearizeMethod> linnet::linearize::createTaylorMethod() {
  return std::make_unique<TaylorMethod>();
}
