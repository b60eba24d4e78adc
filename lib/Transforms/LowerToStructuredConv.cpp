//===- LowerToStructuredConv.cpp - transposed convolutions ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A transposed convolution of stride s is s convolutions of stride 1 per dimension. Output
// position h = q s + phase - pad_lo meets the taps r with r*dilation = phase modulo s, which are
// r0, r0 + step, ...; by q they read neighbours in the input, the last tap first. So every phase
// is a convolution with some taps of the turned filter, and fills every s-th position.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <numeric>

using namespace mlir;
using namespace linnet;

namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

/// One residue of positions along one dimension.
struct Phase {
  int64_t taps = 0, firstTap = 0, tapStep = 1; ///< of the filter
  int64_t dilation = 1;                        ///< between taps, in the input
  int64_t low = 0, high = 0;                   ///< padding of the convolution; may be negative
  int64_t first = 0;                           ///< its first position in the result
  int64_t more = 0;                            ///< how many more positions than input elements

  Phase(ConvTransposeOp op, unsigned i, int64_t phase) {
    int64_t stride = op.getStride(i), d = op.getDilation(i), pad = op.getPadLow(i);
    int64_t common = std::gcd(stride, d), size = op.getFilter().getType().getDimSize(i + 2);
    tapStep = stride / common;
    dilation = d / common;
    for (firstTap = 0; firstTap < size && firstTap * d % stride != phase;)
      ++firstTap;
    taps = firstTap < size ? (size - firstTap - 1) / tapStep + 1 : 0;
    first = ((phase - pad) % stride + stride) % stride;
    more = ceilDiv(op.getShift(i) - first, stride);
    int64_t span = dilation * (taps - 1), skipped = (first + pad - phase) / stride;
    low = (firstTap * d - phase) / stride + span - skipped;
    high = more - low + span;
  }
};

class Lowering {
public:
  Lowering(ImplicitLocOpBuilder &b, ConvTransposeOp op) : b(b), op(op) {}
  Value run();

private:
  Value turnFilter(ArrayRef<Phase> phases);
  Value convolve(ArrayRef<Phase> phases);
  Value noTaps(ArrayRef<OpFoldResult> sizes);
  Sizes sizesOfPhase(ArrayRef<Phase> phases);
  unsigned spatial() { return op.getNumSpatialDims(); }

  ImplicitLocOpBuilder &b;
  ConvTransposeOp op;
};

} // namespace

static RankedTensorType typeOf(ArrayRef<OpFoldResult> sizes, Type element) {
  SmallVector<int64_t> shape;
  for (OpFoldResult size : sizes)
    shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
  return RankedTensorType::get(shape, element);
}

/// The taps of the phase, last one first, as [groups * F, C, taps...].
Value Lowering::turnFilter(ArrayRef<Phase> phases) {
  auto type = cast<RankedTensorType>(op.getFilter().getType());
  int64_t groups = op.getGroups(), n = spatial();
  Value filter = op.getFilter();
  unsigned lead = groups > 1 ? 1 : 0; // a dimension of groups in front
  if (lead) {
    SmallVector<int64_t> shape(type.getShape());
    shape[0] = ShapedType::isDynamic(shape[0]) ? shape[0] : shape[0] / groups;
    shape.insert(shape.begin(), groups);
    SmallVector<ReassociationIndices> merged = {{0, 1}};
    for (int64_t i = 2; i < n + 3; ++i)
      merged.push_back({i});
    Sizes sizes = sizesOf(b, filter);
    Value channels = getValueOrCreateConstantIndexOp(b, b.getLoc(), sizes[0]);
    Value perGroup = arith::DivUIOp::create(b, channels, arith::ConstantIndexOp::create(b, groups));
    sizes[0] = ShapedType::isDynamic(shape[1]) ? OpFoldResult(perGroup) : b.getIndexAttr(shape[1]);
    sizes.insert(sizes.begin(), b.getIndexAttr(groups));
    filter = tensor::ExpandShapeOp::create(b, RankedTensorType::get(shape, type.getElementType()),
                                           filter, merged, sizes);
  }
  Sizes sizes = sizesOf(b, filter);
  std::swap(sizes[lead], sizes[lead + 1]);
  SmallVector<AffineExpr> read;
  for (unsigned d = 0; d < lead + 2; ++d)
    read.push_back(b.getAffineDimExpr(d));
  std::swap(read[lead], read[lead + 1]);
  for (auto [i, phase] : llvm::enumerate(phases)) {
    sizes[lead + 2 + i] = b.getIndexAttr(phase.taps);
    int64_t last = phase.firstTap + (phase.taps - 1) * phase.tapStep;
    read.push_back(last - b.getAffineDimExpr(lead + 2 + i) * phase.tapStep);
  }
  Value turned = mapElements(b, typeOf(sizes, type.getElementType()), sizes,
                             {{filter, AffineMap::get(sizes.size(), 0, read, b.getContext())}},
                             [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
  if (!lead)
    return turned;
  SmallVector<ReassociationIndices> merged = {{0, 1}};
  for (int64_t i = 2; i < n + 3; ++i)
    merged.push_back({i});
  return tensor::CollapseShapeOp::create(b, turned, merged);
}

/// [B, Cout, positions of the phase...].
Sizes Lowering::sizesOfPhase(ArrayRef<Phase> phases) {
  Sizes sizes = resultSizes(b, op), input = sizesOf(b, op.getInput());
  for (auto [i, phase] : llvm::enumerate(phases)) {
    if (auto known = getConstantIntValue(input[i + 2])) {
      sizes[i + 2] = b.getIndexAttr(std::max<int64_t>(*known + phase.more, 0));
      continue;
    }
    Value size = getValueOrCreateConstantIndexOp(b, b.getLoc(), input[i + 2]);
    size = arith::AddIOp::create(b, size, arith::ConstantIndexOp::create(b, phase.more));
    sizes[i + 2] =
        arith::MaxSIOp::create(b, size, arith::ConstantIndexOp::create(b, 0)).getResult();
  }
  return sizes;
}

/// The bias, or zeros.
Value Lowering::noTaps(ArrayRef<OpFoldResult> sizes) {
  RankedTensorType type = typeOf(sizes, op.getType().getElementType());
  if (!op.getBias())
    return fillTensor(b, sizes, numberAttr(type.getElementType(), 0));
  AffineMap channel = projectLoops(b.getContext(), sizes.size(), [](unsigned d) { return d == 1; });
  return mapElements(b, type, sizes, {{op.getBias(), channel}},
                     [](ImplicitLocOpBuilder &, ValueRange v) { return v[0]; });
}

Value Lowering::convolve(ArrayRef<Phase> phases) {
  Sizes sizes = sizesOfPhase(phases);
  auto isEmpty = [](OpFoldResult size) { return isConstantIntValue(size, 0); };
  if (llvm::any_of(phases, [](const Phase &p) { return p.taps == 0; }) ||
      llvm::any_of(sizes, isEmpty))
    return noTaps(sizes);
  // a negative padding computes positions that are then cut off
  SmallVector<int64_t> ones(spatial(), 1), dilations, padding;
  Sizes offsets(2, b.getIndexAttr(0)), padded = sizes;
  bool cut = false;
  for (auto [i, p] : llvm::enumerate(phases)) {
    int64_t before = std::max<int64_t>(-p.low, 0), after = std::max<int64_t>(-p.high, 0);
    dilations.push_back(p.dilation);
    padding.append({std::max<int64_t>(p.low, 0), std::max<int64_t>(p.high, 0)});
    offsets.push_back(b.getIndexAttr(before));
    if (before + after == 0)
      continue;
    cut = true;
    auto known = getConstantIntValue(sizesOf(b, op.getInput())[i + 2]);
    padded[i + 2] = b.getIndexAttr(known ? *known + p.more + before + after : ShapedType::kDynamic);
    if (known && *known + p.more <= 0)
      return noTaps(sizes); // nothing is left
  }
  auto attr = [&](ArrayRef<int64_t> v) { return b.getDenseI64ArrayAttr(v); };
  Value y = ConvOp::create(b, typeOf(padded, op.getType().getElementType()), op.getInput(),
                           turnFilter(phases), op.getBias(), b.getI64IntegerAttr(op.getGroups()),
                           attr(ones), attr(dilations), attr(padding));
  if (!cut)
    return y;
  return tensor::ExtractSliceOp::create(b, y, offsets, sizes,
                                        Sizes(sizes.size(), b.getIndexAttr(1)));
}

Value Lowering::run() {
  int64_t count = 1, n = spatial();
  for (int64_t i = 0; i < n; ++i)
    count *= op.getStride(i);
  if (count == 1)
    return convolve(SmallVector<Phase>(
        llvm::map_range(llvm::seq<int64_t>(0, n), [&](int64_t i) { return Phase(op, i, 0); })));
  Sizes sizes = resultSizes(b, op);
  // zeros: every phase writes its own part of them, and those without taps need not
  // (a kernel of their own: a fill is written by the ops that use it, and these write parts)
  Type element = op.getType().getElementType();
  Value result = mapElements(
      b, typeOf(sizes, element), sizes, {},
      [&](ImplicitLocOpBuilder &inner, ValueRange) { return number(inner, element, 0); });
  for (int64_t number = 0; number < count; ++number) {
    SmallVector<Phase> phases;
    Sizes offsets(2, b.getIndexAttr(0)), strides(2, b.getIndexAttr(1));
    int64_t rest = number;
    for (int64_t i = 0; i < n; ++i) {
      phases.emplace_back(op, i, rest % op.getStride(i));
      rest /= op.getStride(i);
      offsets.push_back(b.getIndexAttr(phases.back().first));
      strides.push_back(b.getIndexAttr(op.getStride(i)));
    }
    Sizes own = sizesOfPhase(phases);
    if (llvm::any_of(own, [](OpFoldResult size) { return isConstantIntValue(size, 0); }))
      continue;
    bool empty = llvm::any_of(phases, [](const Phase &p) { return p.taps == 0; });
    if (empty && !op.getBias())
      continue;
    Value y = convolve(phases);
    result = tensor::InsertSliceOp::create(b, y, result, offsets, own, strides);
  }
  return result;
}

namespace {
struct ConvTransposeToConv : OpRewritePattern<ConvTransposeOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConvTransposeOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value y = Lowering(b, op).run();
    if (y.getType() != op.getType())
      y = tensor::CastOp::create(b, op.getType(), y);
    rewriter.replaceOp(op, y);
    return success();
  }
};
} // namespace

void linnet::populateConvToStructuredPatterns(RewritePatternSet &patterns) {
  patterns.add<ConvTransposeToConv>(patterns.getContext());
}
