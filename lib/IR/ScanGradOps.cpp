//===- ScanGradOps.cpp - gradients of selective_scan and causal_conv ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "SequenceVerify.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;

//===----------------------------------------------------------------------===//
// What both share: result i is the gradient of operand i
//===----------------------------------------------------------------------===//

template <typename OpTy> static Value gradientOf(OpTy op, unsigned group) {
  auto [first, count] = op.getODSOperandIndexAndLength(group);
  return count ? op->getResult(first) : Value();
}

template <typename OpTy>
static LogicalResult verifyGradients(OpTy op, StringRef whole, StringRef inParts) {
  size_t inputs = op->getNumOperands() - 1 - (op.getDfinal() ? 1 : 0);
  if (op->getNumResults() != inputs)
    return op.emitOpError() << whole << " expects " << inputs << " results, one per operand before "
                            << "dy, found " << op->getNumResults();
  SmallVector<Type> parts = op.getPartTypes();
  for (unsigned i = 0; i < inputs; ++i) {
    bool isPart = op.getParts() && op.getPartsDim(i);
    Type wanted = isPart ? parts[i] : op->getOperand(i).getType();
    Type found = op->getResult(i).getType();
    if (failed(verifyCompatibleShape(wanted, found)) ||
        getElementTypeOrSelf(wanted) != getElementTypeOrSelf(found))
      return op.emitOpError() << (isPart ? inParts : whole) << " expects result " << i
                              << " of type " << wanted << ", found " << found;
  }
  return success();
}

/// The type of parts of `gradient`: f32, with `size` as dimension `dim`.
static Type partsOf(Type gradient, int64_t dim, int64_t size) {
  auto type = cast<RankedTensorType>(gradient);
  SmallVector<int64_t> shape(type.getShape());
  shape.insert(shape.begin() + dim, size);
  return RankedTensorType::get(shape, Float32Type::get(type.getContext()));
}

//===----------------------------------------------------------------------===//
// SelectiveScanGradOp
//===----------------------------------------------------------------------===//

static SmallVector<Type> typesOf(ValueRange values) { return llvm::to_vector(values.getTypes()); }

void SelectiveScanGradOp::build(OpBuilder &b, OperationState &st, SelectiveScanOp primal, Value dy,
                                Value dfinal) {
  build(b, st, typesOf(primal->getOperands()), primal.getU(), primal.getDelta(), primal.getA(),
        primal.getB(), primal.getC(), primal.getSkip(), primal.getGate(), primal.getDeltaBias(),
        primal.getState(), dy, dfinal, primal.getSoftplus(), /*parts=*/false);
}

Value SelectiveScanGradOp::getGradientOf(unsigned group) { return gradientOf(*this, group); }

std::optional<int64_t> SelectiveScanGradOp::getPartsDim(unsigned i) {
  Value result = getResult(i);
  // b and c have one dimension of their batches already
  if (result == getGradientOf(3) || result == getGradientOf(4))
    return 1;
  if (result == getGradientOf(2) || result == getGradientOf(5) || result == getGradientOf(7))
    return 0;
  return std::nullopt;
}

SmallVector<Type> SelectiveScanGradOp::getPartTypes() {
  int64_t batch = getU().getType().getDimSize(0), channels = getU().getType().getDimSize(2);
  int64_t parts =
      ShapedType::isDynamic(channels) ? channels : llvm::divideCeil(channels, kPartChannels);
  SmallVector<Type> types;
  for (unsigned i = 0, n = getNumResults(); i < n; ++i) {
    Type type = getOperand(i).getType();
    if (std::optional<int64_t> dim = getPartsDim(i))
      type = partsOf(type, *dim, *dim ? parts : batch);
    types.push_back(type);
  }
  return types;
}

LogicalResult SelectiveScanGradOp::verify() {
  if (failed(sequence::verifyScan(*this, {"dy", getDy()}, {})))
    return failure();
  auto u = getU().getType();
  NamedSize state[] = {{"batch", u.getDimSize(0)},
                       {"channels", u.getDimSize(2)},
                       {"state size", getA().getType().getDimSize(1)}};
  if (failed(sequence::expectShapes(*this, "(C6)", {{"dfinal", getDfinal()}}, state)))
    return failure();
  return verifyGradients(*this, "(C7)", "(C8)");
}

LogicalResult SelectiveScanGradOp::reifyResultShapes(OpBuilder &b,
                                                     ReifiedRankedShapedTypeDims &shapes) {
  for (unsigned i = 0, n = getNumResults(); i < n; ++i) {
    ShapeSource source = shapeOf(getOperand(i));
    std::optional<int64_t> dim = getParts() ? getPartsDim(i) : std::nullopt;
    if (dim)
      source.insert(source.begin() + *dim, {getU(), *dim ? 2 : 0});
    shapes.push_back(reifyFrom(b, getLoc(), getResult(i), source));
    auto parts = dim ? dyn_cast<Value>(shapes.back()[*dim]) : Value();
    if (!parts || !*dim)
      continue;
    auto constant = [&](int64_t v) {
      return arith::ConstantIndexOp::create(b, getLoc(), v).getResult();
    };
    parts = arith::AddIOp::create(b, getLoc(), parts, constant(kPartChannels - 1));
    shapes.back()[*dim] =
        arith::DivUIOp::create(b, getLoc(), parts, constant(kPartChannels)).getResult();
  }
  return success();
}

void SelectiveScanGradOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  SizePairs sizes(*this, pairs);
  sequence::addScanSizes(*this, sizes);
  Value u = getU();
  sizes.addAll(getDy(), {{u, 0}, {u, 1}, {u, 2}});
  sizes.addAll(getDfinal(), {{u, 0}, {u, 2}, {getA(), 1}});
}

//===----------------------------------------------------------------------===//
// CausalConvGradOp
//===----------------------------------------------------------------------===//

void CausalConvGradOp::build(OpBuilder &b, OperationState &st, CausalConvOp primal, Value dy,
                             Value dfinal) {
  build(b, st, typesOf(primal->getOperands()), primal.getX(), primal.getWeight(), primal.getBias(),
        primal.getState(), dy, dfinal, primal.getActivation(), /*parts=*/false);
}

Value CausalConvGradOp::getGradientOf(unsigned group) { return gradientOf(*this, group); }

std::optional<int64_t> CausalConvGradOp::getPartsDim(unsigned i) {
  Value result = getResult(i);
  if (result == getGradientOf(1) || result == getGradientOf(2))
    return 0;
  return std::nullopt;
}

SmallVector<Type> CausalConvGradOp::getPartTypes() {
  SmallVector<Type> types;
  for (unsigned i = 0, n = getNumResults(); i < n; ++i) {
    Type type = getOperand(i).getType();
    types.push_back(getPartsDim(i) ? partsOf(type, 0, getX().getType().getDimSize(0)) : type);
  }
  return types;
}

LogicalResult CausalConvGradOp::verify() {
  if (failed(sequence::verifyCausalConv(*this, {"dy", getDy()}, {"dfinal", getDfinal()})))
    return failure();
  return verifyGradients(*this, "(C5)", "(C6)");
}

LogicalResult CausalConvGradOp::reifyResultShapes(OpBuilder &b,
                                                  ReifiedRankedShapedTypeDims &shapes) {
  for (unsigned i = 0, n = getNumResults(); i < n; ++i) {
    ShapeSource source = shapeOf(getOperand(i));
    if (getParts() && getPartsDim(i))
      source.insert(source.begin(), {getX(), 0});
    shapes.push_back(reifyFrom(b, getLoc(), getResult(i), source));
  }
  return success();
}

void CausalConvGradOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  SizePairs sizes(*this, pairs);
  sequence::addCausalConvSizes(*this, sizes);
  Value x = getX();
  sizes.addAll(getDy(), {{x, 0}, {x, 1}, {x, 2}});
  sizes.addAll(getDfinal(), {{x, 0}, {x, 2}});
}
