//===- ConvMatch.cpp - which kernels are convolutions ---------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Conv.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static bool isZero(Value v) {
  return matchPattern(v, m_AnyZeroFloat()) || matchPattern(v, m_Zero());
}

// The input itself, or what is padded with zeros by fixed amounts.
LogicalResult Conv::throughPad(Value tensor) {
  if (auto p = tensor.getDefiningOp<tensor::PadOp>()) {
    Value value = p.getConstantPaddingValue();
    if (!value || !isZero(value))
      return failure();
    for (auto [d, low] : llvm::enumerate(p.getStaticLow())) {
      if (ShapedType::isDynamic(low) || (d < 2 && (low || p.getStaticHigh()[d])))
        return failure();
      if (d >= 2)
        this->low[3 - spatial + d - 2] = low;
    }
    tensor = p.getSource();
  }
  input = tensor;
  return success(KernelViews::isView(input));
}

LogicalResult Conv::matchConv() {
  auto conv = cast<ConvOp>(op);
  if (conv.getNumSpatialDims() > 3)
    return failure();
  input = conv.getInput();
  filter = conv.getFilter();
  bias = conv.getBias();
  groups = conv.getGroups();
  static_cast<Windows &>(*this) =
      Windows(conv, conv.getFilter().getType().getShape().drop_front(2));
  element = conv.getInput().getType().getElementType();
  return success(KernelViews::isView(input) && (!bias || KernelViews::isView(bias)));
}

static bool isDims(AffineMap map, ArrayRef<unsigned> dims) {
  if (map.getNumResults() != dims.size())
    return false;
  for (auto [e, d] : llvm::zip(map.getResults(), dims))
    if (auto dim = dyn_cast<AffineDimExpr>(e); !dim || dim.getPosition() != d)
      return false;
  return true;
}

LogicalResult Conv::matchLinalg() {
  auto structured = cast<linalg::LinalgOp>(op);
  if (!structured.hasPureTensorSemantics() || !linalg::isaConvolutionOpInterface(structured))
    return failure();
  auto dims = linalg::inferConvolutionDims(structured);
  if (failed(dims) || dims->batch.size() != 1 || dims->outputImage.size() > 3)
    return failure();
  spatial = dims->outputImage.size();
  depthwise = dims->depth.size() == 1 && dims->outputChannel.empty() && dims->inputChannel.empty();
  bool dense =
      dims->outputChannel.size() == 1 && dims->inputChannel.size() == 1 && dims->depth.empty();
  if (!depthwise && !dense)
    return failure();
  SmallVector<unsigned> out = {dims->batch[0], depthwise ? dims->depth[0] : dims->outputChannel[0]};
  SmallVector<unsigned> taps = {out[1]};
  if (dense)
    taps.push_back(dims->inputChannel[0]);
  out.append(dims->outputImage.begin(), dims->outputImage.end());
  taps.append(dims->filterLoop.begin(), dims->filterLoop.end());
  auto maps = structured.getIndexingMapsArray();
  unsigned channel = depthwise ? dims->depth[0] : dims->inputChannel[0];
  if (!isDims(maps[2], out) || !isDims(maps[1], taps) ||
      !isDims(maps[0].getSliceMap(0, 2), {dims->batch[0], channel}))
    return failure();
  for (unsigned i = 0; i < spatial; ++i) {
    unsigned at = 3 - spatial + i;
    if (!maps[0].getResult(2 + i).isFunctionOfDim(dims->outputImage[i]))
      return failure();
    kernel[at] = structured.getStaticLoopRanges()[dims->filterLoop[i]];
    stride[at] = dims->strides[i];
    dilation[at] = dims->dilations[i];
  }
  filter = structured.getDpsInputOperand(1)->get();
  element = cast<ShapedType>(filter.getType()).getElementType();
  return throughPad(structured.getDpsInputOperand(0)->get());
}

static bool computable(const Conv &c) {
  auto of = [](Value v) { return cast<ShapedType>(v.getType()).getElementType(); };
  Type out = of(c.result());
  bool narrow = c.element.isF16() || c.element.isBF16() || c.element.isF32();
  return of(c.input) == c.element && of(c.filter) == c.element &&
         ((narrow && (out == c.element || out.isF32())) || (c.element.isF64() && out.isF64()));
}

FailureOr<Conv> Conv::match(exec::KernelOp kernel) {
  for (Operation &op : kernel.getBody().front()) {
    Conv c;
    c.op = &op;
    if (isa<ConvOp>(op) ? failed(c.matchConv())
                        : !isa<linalg::LinalgOp>(op) || failed(c.matchLinalg()))
      continue;
    if (!KernelViews::isView(c.filter) || llvm::any_of(c.kernel, ShapedType::isDynamic) ||
        !computable(c))
      continue;
    c.compute = c.element.isF64() ? c.element : Type(Float32Type::get(op.getContext()));
    FailureOr<Epilogue> epilogue = Epilogue::match(kernel, op.getResult(0));
    if (failed(epilogue))
      continue;
    c.epilogue = std::move(*epilogue);
    if (auto structured = dyn_cast<linalg::LinalgOp>(op)) {
      Value init = structured.getDpsInits()[0];
      auto fill = init.getDefiningOp<linalg::FillOp>();
      if (!(fill && isZero(fill.value())) && !isZero(init) && failed(c.epilogue.addInit(init)))
        continue;
    }
    return c;
  }
  return failure();
}
