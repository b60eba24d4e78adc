//===- ConvOps.cpp - ops of the conv family -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

using namespace mlir;
using namespace linnet;

#define GET_OP_CLASSES
#include "linnet/IR/ConvOps.cpp.inc"

void LinnetDialect::registerConvOps() {
  addOperations<
#define GET_OP_LIST
#include "linnet/IR/ConvOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// conv
//===----------------------------------------------------------------------===//

namespace {
/// The window along one spatial dimension.
struct Window {
  int64_t stride = 1, dilation = 1, low = 0, high = 0;
};
} // namespace

static Window windowOf(ConvOp::Adaptor op, unsigned i) {
  Window w;
  if (auto strides = op.getStrides())
    w.stride = (*strides)[i];
  if (auto dilations = op.getDilations())
    w.dilation = (*dilations)[i];
  if (auto padding = op.getPadding()) {
    w.low = (*padding)[2 * i];
    w.high = (*padding)[2 * i + 1];
  }
  return w;
}

/// (C2) and (C3).
static LogicalResult checkWindowAttrs(std::optional<Location> loc, ConvOp::Adaptor op,
                                      int64_t spatial) {
  auto check = [&](StringRef name, std::optional<ArrayRef<int64_t>> values, int64_t count,
                   int64_t least) -> LogicalResult {
    if (!values)
      return success();
    if (static_cast<int64_t>(values->size()) != count)
      return emitOptionalError(loc, "'linnet.conv' op expects ", count, " entries in '", name,
                               "' for ", spatial, " spatial dimensions, found ", values->size());
    for (int64_t value : *values)
      if (value < least)
        return emitOptionalError(loc, "'linnet.conv' op expects entries of at least ", least,
                                 " in '", name, "', found ", value);
    return success();
  };
  if (failed(check("strides", op.getStrides(), spatial, 1)) ||
      failed(check("dilations", op.getDilations(), spatial, 1)))
    return failure();
  return check("padding", op.getPadding(), 2 * spatial, 0);
}

/// (C4), (C5), (C6) and (C8).
static LogicalResult checkChannels(std::optional<Location> loc, ConvOp::Adaptor op) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  int64_t groups = op.getGroups();
  if (groups < 1)
    return emitOptionalError(loc, "'linnet.conv' op expects at least 1 group, found ", groups);
  int64_t cin = input.getDimSize(1), cout = filter.getDimSize(0), perGroup = filter.getDimSize(1);
  for (auto [name, size] : {std::pair("input", cin), std::pair("output", cout)})
    if (!ShapedType::isDynamic(size) && size % groups != 0)
      return emitOptionalError(loc, "'linnet.conv' op expects ", size, " ", name,
                               " channels to be a multiple of ", groups, " groups");
  if (!ShapedType::isDynamic(cin) && !mayBeEqual(cin / groups, perGroup))
    return emitOptionalError(loc, "'linnet.conv' op expects ", perGroup,
                             " channels per group of the filter to match ", cin,
                             " input channels in ", groups, " groups");
  if (input.getElementType() != filter.getElementType())
    return emitOptionalError(loc, "'linnet.conv' op expects input element type ",
                             input.getElementType(), " to match filter element type ",
                             filter.getElementType());
  if (!op.getBias())
    return success();
  auto bias = cast<RankedTensorType>(op.getBias().getType());
  if (bias.getRank() != 1 || !mayBeEqual(bias.getDimSize(0), cout) ||
      bias.getElementType() != filter.getElementType())
    return emitOptionalError(loc,
                             "'linnet.conv' op expects a bias of one size per output "
                             "channel of ",
                             filter, ", found ", bias);
  return success();
}

static FailureOr<RankedTensorType> inferType(ConvOp::Adaptor op, std::optional<Location> loc) {
  auto input = cast<RankedTensorType>(op.getInput().getType());
  auto filter = cast<RankedTensorType>(op.getFilter().getType());
  if (input.getRank() < 3 || input.getRank() != filter.getRank()) // (C1)
    return emitOptionalError(loc,
                             "'linnet.conv' op expects input and filter of one rank of at "
                             "least 3, found ranks ",
                             input.getRank(), " and ", filter.getRank());
  int64_t spatial = input.getRank() - 2;
  if (failed(checkWindowAttrs(loc, op, spatial)) || failed(checkChannels(loc, op)))
    return failure();
  SmallVector<int64_t> shape = {input.getDimSize(0), filter.getDimSize(0)};
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t size = input.getDimSize(i + 2), kernel = filter.getDimSize(i + 2);
    if (ShapedType::isDynamic(size) || ShapedType::isDynamic(kernel)) {
      shape.push_back(ShapedType::kDynamic);
      continue;
    }
    Window w = windowOf(op, i);
    int64_t padded = size + w.low + w.high, extent = w.dilation * (kernel - 1) + 1;
    if (extent > padded || kernel < 1) // (C7)
      return emitOptionalError(loc, "'linnet.conv' op expects the dilated filter size ", extent,
                               " of spatial dimension ", i, " from 1 to the padded input size ",
                               padded);
    shape.push_back((padded - extent) / w.stride + 1);
  }
  return RankedTensorType::get(shape, input.getElementType());
}

LogicalResult ConvOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor op,
                                       SmallVectorImpl<Type> &types) {
  return inferOrGuess(inferType(op, std::nullopt), op.getInput(), types);
}

bool ConvOp::isCompatibleReturnTypes(TypeRange, TypeRange) { return true; /* verify() compares */ }

LogicalResult ConvOp::verify() { return verifyResult(*this, inferType(*this, getLoc())); }

LogicalResult ConvOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  RankedTensorType type = getResult().getType();
  Location loc = getLoc();
  SmallVector<OpFoldResult> sizes = {sizeOf(b, loc, getInput(), 0, type, 0),
                                     sizeOf(b, loc, getFilter(), 0, type, 1)};
  for (unsigned i = 0; i < getNumSpatialDims(); ++i) {
    if (!type.isDynamicDim(i + 2)) {
      sizes.push_back(b.getIndexAttr(type.getDimSize(i + 2)));
      continue;
    }
    // max(floor((size + low + high + dilation - 1 - dilation * kernel) / stride) + 1, 0)
    ImplicitLocOpBuilder ib(loc, b);
    auto constant = [&](int64_t v) -> Value { return arith::ConstantIndexOp::create(ib, v); };
    auto valueOf = [&](Value tensor) {
      return getValueOrCreateConstantIndexOp(b, loc, tensor::getMixedSize(b, loc, tensor, i + 2));
    };
    Value span = arith::AddIOp::create(ib, valueOf(getInput()),
                                       constant(getPadLow(i) + getPadHigh(i) + getDilation(i) - 1));
    Value extent = arith::MulIOp::create(ib, valueOf(getFilter()), constant(getDilation(i)));
    Value steps = arith::FloorDivSIOp::create(ib, arith::SubIOp::create(ib, span, extent),
                                              constant(getStride(i)));
    Value count = arith::AddIOp::create(ib, steps, constant(1));
    sizes.push_back(arith::MaxSIOp::create(ib, count, constant(0)).getResult());
  }
  shapes.push_back(std::move(sizes));
  return success();
}

void ConvOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  if (getGroups() == 1)
    pairs.push_back({{0, 1}, {1, 1}});
  if (getBias())
    pairs.push_back({{1, 0}, {2, 0}});
}
