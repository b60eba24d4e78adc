//===- OperandElements.cpp - tensors computed from elements -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "OperandBuilder.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

static RankedTensorType typeOf(Value x) { return cast<RankedTensorType>(x.getType()); }

//===----------------------------------------------------------------------===//
// Steps done again
//===----------------------------------------------------------------------===//

Value OperandBuilder::compute(const Element &element, ArrayRef<Variables> axes, int depth) {
  for (unsigned v = 0; v < g.size(); ++v)
    if (!llvm::any_of(axes, [&](const Variables &axis) { return llvm::is_contained(axis, v); }) &&
        g.dependsOn(element, v))
      return {};
  (void)sources(element); // which may be all that knows a size
  bool sized = llvm::all_of(axes, [&](const Variables &axis) { return knowsSizes(axis); });
  auto ofItsType = [&](Value x) {
    auto type = dyn_cast<FloatType>(element.type());
    return type ? converted(x, type) : x;
  };
  if (sized)
    if (Value x = get(element, axes, /*stretch=*/true))
      return ofItsType(x);
  Element e = g.source(element, /*throughCasts=*/false);
  Operation *op = g.op(e);
  if (!op && sized)
    if (auto slice = sliced(e))
      return ofItsType(get(*slice, axes, /*stretch=*/true));
  if (!op && depth)
    return computeSum(e, axes, depth - 1);
  if (!op || depth == 0 || !isPure(op) || op->getNumResults() != 1)
    return {};
  SmallVector<Value> values;
  Value like;
  for (unsigned i = 0; i < op->getNumOperands(); ++i) {
    bool same = g.constant(g.operand(e, i)).has_value();
    values.push_back(same ? Value() : compute(g.operand(e, i), axes, depth - 1));
    if (!same && !values.back())
      return {};
    like = same ? like : values.back();
  }
  if (!like)
    return {};
  for (unsigned i = 0; i < values.size(); ++i) {
    if (values[i])
      continue;
    Element operand = g.operand(e, i);
    double number = *g.constant(operand);
    TypedAttr attr =
        isa<FloatType>(operand.type())
            ? TypedAttr(b.getFloatAttr(operand.type(), number))
            : TypedAttr(b.getIntegerAttr(operand.type(), static_cast<int64_t>(number)));
    Value c = arith::ConstantOp::create(b, loc, attr);
    values[i] = BroadcastOp::create(b, loc, typeOf(like).clone(operand.type()), c, like,
                                    ValueRange(), DenseI64ArrayAttr());
  }
  return b
      .create(loc, op->getName().getIdentifier(), values, typeOf(like).clone(e.type()),
              op->getAttrs())
      ->getResult(0);
}

/// Sums that the elements of a step need, for all steps at once.
Value OperandBuilder::computeSum(const Element &e, ArrayRef<Variables> axes, int depth) {
  auto sum = g.isWithin(e.value) ? g.factorSum(e) : std::nullopt;
  if (!sum || sum->start || axes.size() + sum->variables.size() > 26)
    return {};
  SmallVector<Variables> all(axes);
  for (unsigned v : sum->variables)
    all.push_back({v});
  auto type = cast<FloatType>(e.type());
  SmallVector<Value> factors;
  SmallVector<std::optional<int64_t>> sizes(all.size());
  std::string equation;
  for (const Element &factor : sum->factors) {
    SmallVector<Variables> own;
    SmallVector<unsigned> read;
    for (auto [i, axis] : llvm::enumerate(all))
      if (llvm::any_of(axis, [&](unsigned v) { return g.dependsOn(factor, v); })) {
        own.push_back(axis);
        read.push_back(i);
      }
    Value x = converted(compute(factor, own, depth), type);
    if (!x)
      return {};
    equation += factors.empty() ? "" : ",";
    for (auto [i, size] : llvm::zip_equal(read, typeOf(x).getShape())) {
      equation += char('a' + i);
      sizes[i] = size;
    }
    factors.push_back(x);
  }
  Source out;
  SmallVector<int64_t> shape;
  equation += "->";
  for (unsigned i = 0; i < axes.size(); ++i)
    if (sizes[i]) {
      equation += char('a' + i);
      shape.push_back(*sizes[i]);
      out.dims.push_back(axes[i]);
    }
  out.tensor = EinsumOp::create(b, loc, RankedTensorType::get(shape, type), equation, factors);
  return get(out, axes, /*stretch=*/true);
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value OperandBuilder::widened(Value x, FloatType type) {
  if (!x || typeOf(x).getElementType() == type)
    return x;
  auto own = dyn_cast<FloatType>(typeOf(x).getElementType());
  if (!own || own.getWidth() >= type.getWidth())
    return {};
  return arith::ExtFOp::create(b, loc, typeOf(x).clone(type), x);
}

Value OperandBuilder::converted(Value x, FloatType type) {
  Value wide = widened(x, type);
  return wide || !x ? wide : Value(arith::TruncFOp::create(b, loc, typeOf(x).clone(type), x));
}

Value OperandBuilder::filled(double number, ArrayRef<Variables> axes, FloatType type) {
  Value c = arith::ConstantOp::create(b, loc, b.getFloatAttr(type, number));
  SmallVector<int64_t> shape;
  SmallVector<Value> sizes;
  for (const Variables &axis : axes) {
    int64_t known = 1;
    Value size;
    for (unsigned v : axis) {
      if (int64_t n = g.extent(v).size; !ShapedType::isDynamic(n)) {
        known *= n;
        continue;
      }
      Value n = cast<Value>(sizeOf(v));
      size = size ? arith::MulIOp::create(b, loc, size, n) : n;
    }
    if (size && known != 1)
      size = arith::MulIOp::create(b, loc, size, arith::ConstantIndexOp::create(b, loc, known));
    shape.push_back(size ? ShapedType::kDynamic : known);
    if (size)
      sizes.push_back(size);
  }
  return BroadcastOp::create(b, loc, RankedTensorType::get(shape, type), c, /*like=*/Value(), sizes,
                             DenseI64ArrayAttr());
}

Value OperandBuilder::splat(double number, Value x) {
  Value c = arith::ConstantOp::create(b, loc, b.getFloatAttr(typeOf(x).getElementType(), number));
  return BroadcastOp::create(b, loc, x.getType(), c, x, ValueRange(), DenseI64ArrayAttr());
}

Value OperandBuilder::scaled(Value x, double by) {
  return arith::MulFOp::create(b, loc, x, splat(by, x));
}

Value OperandBuilder::inverted(Value condition) {
  Value c = arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  return arith::XOrIOp::create(b, loc, condition,
                               BroadcastOp::create(b, loc, condition.getType(), c, condition,
                                                   ValueRange(), DenseI64ArrayAttr()));
}

static SmallVector<Value> dynamicSizes(OpBuilder &b, Location loc, Value x) {
  SmallVector<Value> sizes;
  for (int64_t d = 0; d < typeOf(x).getRank(); ++d)
    if (typeOf(x).isDynamicDim(d))
      sizes.push_back(tensor::DimOp::create(b, loc, x, d));
  return sizes;
}

Value OperandBuilder::choose(Value condition, bool negated, double hidden) {
  Type f32 = b.getF32Type();
  auto type = typeOf(condition).clone(f32);
  SmallVector<Value> sizes = dynamicSizes(b, loc, condition);
  auto constant = [&](double v) -> Value {
    Value c = arith::ConstantOp::create(b, loc, b.getFloatAttr(f32, v));
    return BroadcastOp::create(b, loc, type, c, Value(), sizes, DenseI64ArrayAttr());
  };
  Value visible = constant(0), other = constant(hidden);
  if (negated)
    std::swap(visible, other);
  return arith::SelectOp::create(b, loc, condition, visible, other);
}

Value OperandBuilder::stretched(Value x, Value like) {
  if (typeOf(x).getShape() == typeOf(like).getShape())
    return x;
  auto type = typeOf(like).clone(typeOf(x).getElementType());
  SmallVector<Value> sizes = dynamicSizes(b, loc, like);
  return BroadcastOp::create(b, loc, type, x, /*like=*/Value(), sizes, DenseI64ArrayAttr());
}

Value OperandBuilder::addBroadcast(Value x, Value y) {
  SmallVector<int64_t> shape;
  SmallVector<Value> sizes;
  for (int64_t d = 0; d < typeOf(x).getRank(); ++d) {
    Value larger = typeOf(x).getDimSize(d) == 1 ? y : x;
    shape.push_back(typeOf(larger).getDimSize(d));
    if (ShapedType::isDynamic(shape.back()))
      sizes.push_back(tensor::DimOp::create(b, loc, larger, d));
  }
  auto element = cast<FloatType>(typeOf(x).getElementType());
  auto other = cast<FloatType>(typeOf(y).getElementType());
  if (other.getWidth() > element.getWidth())
    element = other;
  auto type = RankedTensorType::get(shape, element);
  auto stretched = [&](Value v) -> Value {
    v = widened(v, element);
    if (v.getType() == type)
      return v;
    return BroadcastOp::create(b, loc, type, v, Value(), sizes, DenseI64ArrayAttr());
  };
  return arith::AddFOp::create(b, loc, stretched(x), stretched(y));
}
