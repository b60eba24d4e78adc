//===- Kernel.cpp - attention with a kernel of features ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/Formula.h"
#include "linnet/Transforms/Linearize.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

using namespace mlir;
using namespace linnet;

//===----------------------------------------------------------------------===//
// Bounds
//===----------------------------------------------------------------------===//

double linnet::distanceOfRatios(double low, double high) {
  if (!(low > 0) || !std::isfinite(high))
    return std::numeric_limits<double>::infinity();
  return std::tanh(std::log(high / low) / 4);
}

double linnet::roundings(double n) {
  double x = n * 0x1p-24;
  return x < 1 ? x / (1 - x) : std::numeric_limits<double>::infinity();
}

/// A sum of n terms of at most t, in any order, is off by at most the sum over additions of what
/// they give, times 2^-24: no tree of additions has more than a chain, n (n + 1) / 2 * t. The
/// sums over features are no chain of equal terms: roundings(m).
///
/// The bound rises with the number of keys, so that of the most keys covers every call: roundings
/// rises where it is finite and is infinite beyond, and all that is made of it here are sums and
/// products of numbers that are not negative, and x / (1 - x), which rises below 1.
double linnet::roundingOfKernel(const AttentionSite &site, double features, double feature,
                                double spread) {
  double most = site.mostKeys;
  double keys = roundings((most + 1) / 2 * (1 + roundings(most)) + 2);
  double sums = (1 + keys) * (1 + roundings(features + 2)) * (1 + feature) - 1;
  double eta = sums * spread;
  if (!(eta < 0.5))
    return std::numeric_limits<double>::infinity();
  // numerator and denominator, then the division
  double quotient = 2 * eta / (1 - eta);
  return quotient + (1 + quotient) * roundings(4);
}

//===----------------------------------------------------------------------===//
// Sites
//===----------------------------------------------------------------------===//

/// Whether the explicit mask is the same for all queries and heads.
static bool hidesKeysOnly(AttentionOp op) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(op.getMask().getType()).getShape();
  return llvm::all_of(shape.drop_front(shape.size() == 4).drop_back(!shape.empty()),
                      [](int64_t size) { return size == 1; });
}

std::string linnet::refuseExtras(const AttentionSite &site) {
  AttentionOp op = site.op;
  if (op.getLse())
    return "the log-sum-exp is used";
  if (op.getPart())
    return "it is cut into parts";
  if (op.getBias())
    return "it has a bias";
  return op.getDropout() ? "it has dropout" : "";
}

std::string linnet::refuseKernel(const AttentionSite &site) {
  AttentionOp op = site.op;
  MaskAttr masks = op.getMaskSet();
  if (std::string extra = refuseExtras(site); !extra.empty())
    return extra;
  if (op.getAlibiSlopes())
    return "it has ALiBi slopes";
  if (op.getSoftcap())
    return "it has a soft cap, which no product of features is";
  if (masks.getWindow() || masks.getSegments() || (op.getMask() && !hidesKeysOnly(op)))
    return "its mask is neither causal nor the same for all queries and heads";
  if (masks.getCausal() && !site.isCausal())
    return "its causal mask is not j <= i with as many queries as keys: equal numbers, or one "
           "symbol of linnet.dims for both";
  auto q = op.getQ().getType(), k = op.getK().getType(), v = op.getV().getType();
  if (q.isDynamicDim(1) || k.isDynamicDim(1) || q.isDynamicDim(3) || v.isDynamicDim(3))
    return "the number of heads or their depth is not known";
  if (!std::isfinite(site.mostKeys))
    return "the number of keys, which the rounding of sums grows with, is neither known nor "
           "bounded by linnet.symbols of a function that nothing calls";
  return "";
}

void linnet::countKernel(const AttentionSite &site, double features, double passes,
                         double dispatches, Certificate &c) {
  const CostModel &cost = site.cost;
  double rows = site.batch * (site.heads * site.queries + site.keyHeads * site.keys);
  double values = site.valueDepth + 1, made = rows * features * passes;
  c.work.flops = 2 * rows * features * values + 2 * rows * features;
  // features are written and read in every pass, and made of queries and keys
  c.work.bytes = 8 * made + 4 * rows * (site.depth + site.valueDepth);
  c.seconds = made * cost.secondsPerFeature + dispatches * cost.secondsPerDispatch;
  c.seconds += site.isCausal()
                   ? c.work.flops / cost.linearFlopsPerSecond
                   : 2 * rows * features * CostModel::padded(values) / cost.flopsPerSecond;
}

//===----------------------------------------------------------------------===//
// Build
//===----------------------------------------------------------------------===//

Value linnet::sliceDim(ImplicitLocOpBuilder &b, Value x, unsigned dim, int64_t from,
                       int64_t count) {
  auto type = cast<RankedTensorType>(x.getType());
  if (type.getDimSize(dim) == count)
    return x;
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0));
  SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), x);
  offsets[dim] = b.getIndexAttr(from), sizes[dim] = b.getIndexAttr(count);
  return tensor::ExtractSliceOp::create(b, x, offsets, sizes, strides);
}

/// Rows of x, [B,Hk,Nk,m], where a mask of keys, [Nk] or [B,Nk], is true, and else zeros.
static Value shownRows(ImplicitLocOpBuilder &b, Value x, Value seen) {
  Expr all = {&b, x};
  SmallVector<int64_t> dims = {2};
  if (cast<RankedTensorType>(seen.getType()).getRank() == 2)
    dims.insert(dims.begin(), 0);
  Value shown = BroadcastOp::create(b, all.type().clone(b.getI1Type()), seen,
                                    all.type().hasStaticShape() ? Value() : x, ValueRange(),
                                    b.getDenseI64ArrayAttr(dims));
  return arith::SelectOp::create(b, shown, all, all.constant(0));
}

static Value readMask(ImplicitLocOpBuilder &b, Value mask) {
  auto type = cast<RankedTensorType>(mask.getType());
  if (type.getRank() < 2)
    return mask;
  // [B,1,1,Nk], or one dimension for all that are 1
  SmallVector<ReassociationIndices> groups;
  if (type.getRank() == 4)
    groups.push_back({0});
  groups.emplace_back(llvm::to_vector(llvm::seq<int64_t>(groups.size(), type.getRank())));
  return tensor::CollapseShapeOp::create(b, mask, groups);
}

/// Whether a key is before its batch's length, [B,Nk].
static Value readLengths(ImplicitLocOpBuilder &b, Value lengths, Value k) {
  Type element = cast<RankedTensorType>(lengths.getType()).getElementType();
  Location loc = b.getLoc();
  SmallVector<OpFoldResult> sizes = {tensor::getMixedSize(b, loc, lengths, 0),
                                     tensor::getMixedSize(b, loc, k, 2)};
  Value init = tensor::EmptyOp::create(b, sizes, b.getI1Type());
  auto rows = b.getMultiDimIdentityMap(2).getMajorSubMap(1), all = b.getMultiDimIdentityMap(2);
  SmallVector<utils::IteratorType> loops(2, utils::IteratorType::parallel);
  auto body = [&](OpBuilder &at, Location, ValueRange args) {
    Value j = linalg::IndexOp::create(at, loc, 1);
    j = arith::IndexCastOp::create(at, loc, element, j);
    Value seen = arith::CmpIOp::create(at, loc, arith::CmpIPredicate::slt, j, args[0]);
    linalg::YieldOp::create(at, loc, seen);
  };
  return linalg::GenericOp::create(b, init.getType(), lengths, init, ArrayRef{rows, all}, loops,
                                   body)
      .getResult(0);
}

static RankedTensorType typeOf(Value x) { return cast<RankedTensorType>(x.getType()); }

static RankedTensorType withShape(Value like, ArrayRef<int64_t> shape) {
  return RankedTensorType::get(shape, typeOf(like).getElementType());
}

/// Q (K^T V) with a column of ones in V, whose read-out is the sum of weights.
static Value twoProducts(ImplicitLocOpBuilder &b, Value q, Value k, Value v, double least) {
  auto qs = typeOf(q).getShape(), ks = typeOf(k).getShape();
  int64_t groups = qs[1] / ks[1], channels = typeOf(v).getDimSize(3);
  Value ones = constantLike(b, sliceDim(b, v, 3, 0, 1), 1);
  v = tensor::ConcatOp::create(b, /*dim=*/3, ValueRange{v, ones});
  SmallVector<int64_t> grouped = {qs[0], ks[1], groups, qs[2], qs[3]};
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, b.getLoc(), q);
  sizes.insert(sizes.begin() + 1, b.getIndexAttr(ks[1]));
  sizes[2] = b.getIndexAttr(groups);
  SmallVector<ReassociationIndices> split = {{0}, {1, 2}, {3}, {4}};
  q = tensor::ExpandShapeOp::create(b, withShape(q, grouped), q, split, sizes);
  Value state = EinsumOp::create(b, withShape(v, {ks[0], ks[1], ks[3], channels + 1}),
                                 "bhjm,bhjd->bhmd", ValueRange{k, v});
  grouped[4] = channels + 1;
  Value both =
      EinsumOp::create(b, withShape(q, grouped), "bhgim,bhmd->bhgid", ValueRange{q, state});
  both = tensor::CollapseShapeOp::create(b, withShape(q, {qs[0], qs[1], qs[2], channels + 1}), both,
                                         split);
  Expr top = {&b, sliceDim(b, both, 3, 0, channels)};
  Expr sum = {&b, sliceDim(b, both, 3, channels, 1)};
  // a row without keys gives zeros: no sum of weights is below the least of them
  Value divisor = arith::MaximumFOp::create(b, sum, sum.constant(least / 2));
  Value repeated =
      BroadcastOp::create(b, top.type(), divisor, top.type().hasStaticShape() ? Value() : top.value,
                          ValueRange(), DenseI64ArrayAttr());
  return top / Expr{&b, repeated};
}

Value linnet::buildKernel(ImplicitLocOpBuilder &b, const AttentionSite &site, Value queries,
                          Value keys, double least) {
  AttentionOp op = site.op;
  Expr v = Expr{&b, op.getV()}.as(b.getF32Type());
  // hidden keys have neither features nor values, whatever they hold
  SmallVector<Value> masks;
  if (op.getMask())
    masks.push_back(readMask(b, op.getMask()));
  if (op.getKvLengths())
    masks.push_back(readLengths(b, op.getKvLengths(), op.getK()));
  for (Value seen : masks) {
    keys = shownRows(b, keys, seen);
    v = {&b, shownRows(b, v, seen)};
  }
  Value out;
  if (site.isCausal()) {
    auto type = cast<RankedTensorType>(op.getO().getType()).clone(b.getF32Type());
    out = LinearAttentionOp::create(b, type, Type(), queries, keys, v, Value(), Value(), Value(),
                                    Value(), Value(), Value(), StateRead::post, FloatAttr(),
                                    b.getF64FloatAttr(least / 2), IntegerAttr())
              .getO();
  } else {
    out = twoProducts(b, queries, keys, v, least);
  }
  return Expr{&b, out}.as(op.getO().getType().getElementType());
}
