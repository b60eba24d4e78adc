//===- LowerToStructuredBuilder.cpp - building linalg.generic -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LowerToStructured.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"

using namespace mlir;
using namespace linnet;

static linalg::GenericOp createGeneric(ImplicitLocOpBuilder &b, ArrayRef<Read> reads,
                                       ValueRange inits, AffineMap written, Body body) {
  SmallVector<Value> inputs;
  SmallVector<AffineMap> maps;
  for (const Read &read : reads) {
    inputs.push_back(read.value);
    maps.push_back(read.map);
  }
  maps.append(inits.size(), written);
  SmallVector<utils::IteratorType> iterators(written.getNumDims(), utils::IteratorType::reduction);
  for (AffineExpr e : written.getResults())
    iterators[cast<AffineDimExpr>(e).getPosition()] = utils::IteratorType::parallel;
  return linalg::GenericOp::create(b, TypeRange(inits), inputs, inits, maps, iterators,
                                   [&](OpBuilder &builder, Location loc, ValueRange args) {
                                     ImplicitLocOpBuilder inner(loc, builder);
                                     linalg::YieldOp::create(inner, body(inner, args));
                                   });
}

Value linnet::mapElements(ImplicitLocOpBuilder &b, RankedTensorType type,
                          ArrayRef<OpFoldResult> sizes, ArrayRef<Read> reads, ScalarBody body) {
  Value init = tensor::EmptyOp::create(b, sizes, type.getElementType());
  auto op = createGeneric(b, reads, init, b.getMultiDimIdentityMap(sizes.size()),
                          [&](ImplicitLocOpBuilder &inner, ValueRange args) {
                            return SmallVector<Value>{body(inner, args.drop_back())};
                          });
  Value result = op.getResult(0);
  // sizes can be known better than the type says
  return result.getType() == type ? result : tensor::CastOp::create(b, type, result).getResult();
}

SmallVector<Value> linnet::reduceElements(ImplicitLocOpBuilder &b, ArrayRef<Read> reads,
                                          ValueRange inits, AffineMap kept, Body body) {
  return llvm::to_vector_of<Value>(createGeneric(b, reads, inits, kept, body).getResults());
}

Value linnet::fillTensor(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> sizes, TypedAttr value) {
  return fillTensor(b, sizes, arith::ConstantOp::create(b, value).getResult());
}

Value linnet::fillTensor(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> sizes, Value value) {
  Value init = tensor::EmptyOp::create(b, sizes, value.getType());
  return linalg::FillOp::create(b, value, init).getResult(0);
}

AffineMap linnet::projectLoops(MLIRContext *context, unsigned rank,
                               function_ref<bool(unsigned)> keep) {
  SmallVector<AffineExpr> kept;
  for (unsigned i = 0; i < rank; ++i)
    if (keep(i))
      kept.push_back(getAffineDimExpr(i, context));
  return AffineMap::get(rank, 0, kept, context);
}

Sizes linnet::sizesOf(ImplicitLocOpBuilder &b, Value tensor) {
  return tensor::getMixedSizes(b, b.getLoc(), tensor);
}

Sizes linnet::resultSizes(ImplicitLocOpBuilder &b, Operation *op) {
  ReifiedRankedShapedTypeDims shapes;
  LogicalResult reified = cast<ReifyRankedShapedTypeOpInterface>(op).reifyResultShapes(b, shapes);
  assert(succeeded(reified) && "every linnet op reifies its shapes");
  (void)reified;
  return shapes.front();
}

Type linnet::computeType(Type element) {
  auto type = dyn_cast<FloatType>(element);
  return type && type.getWidth() < 32 ? Float32Type::get(element.getContext()) : element;
}

Value linnet::widen(ImplicitLocOpBuilder &b, Value v, Type to) {
  if (v.getType() == to)
    return v;
  if (isa<FloatType>(to))
    return arith::ExtFOp::create(b, to, v);
  return arith::ExtSIOp::create(b, to, v);
}

Value linnet::narrow(ImplicitLocOpBuilder &b, Value v, Type to) {
  if (v.getType() == to)
    return v;
  if (isa<FloatType>(to))
    return arith::TruncFOp::create(b, to, v);
  return arith::TruncIOp::create(b, to, v);
}

TypedAttr linnet::numberAttr(Type type, double value) {
  if (isa<FloatType>(type))
    return FloatAttr::get(type, value);
  return IntegerAttr::get(type, static_cast<int64_t>(value));
}

Value linnet::number(ImplicitLocOpBuilder &b, Type type, double value) {
  return arith::ConstantOp::create(b, numberAttr(type, value));
}

Value linnet::productOf(ImplicitLocOpBuilder &b, ArrayRef<OpFoldResult> sizes) {
  int64_t constant = 1;
  Value product;
  for (OpFoldResult size : sizes) {
    if (auto value = getConstantIntValue(size)) {
      constant *= *value;
      continue;
    }
    Value v = getValueOrCreateConstantIndexOp(b, b.getLoc(), size);
    product = product ? arith::MulIOp::create(b, product, v).getResult() : v;
  }
  Value factor = arith::ConstantIndexOp::create(b, constant);
  if (!product || constant == 1)
    return product ? product : factor;
  return arith::MulIOp::create(b, product, factor);
}

Value linnet::indexToFloat(ImplicitLocOpBuilder &b, Value index, Type type) {
  if (auto constant = getConstantIntValue(index))
    return number(b, type, *constant);
  return arith::SIToFPOp::create(b, type, arith::IndexCastOp::create(b, b.getI64Type(), index));
}

SmallVector<ReassociationIndices> linnet::groupUnitDims(ArrayRef<bool> unit) {
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices leading;
  for (auto [i, isUnit] : llvm::enumerate(unit)) {
    if (!isUnit)
      groups.push_back(std::exchange(leading, {}));
    (groups.empty() ? leading : groups.back()).push_back(i);
  }
  return groups;
}
