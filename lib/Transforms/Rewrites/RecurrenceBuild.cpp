//===- RecurrenceBuild.cpp - an op in place of a loop -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Who reads a variable of the state says what it is: values alone, channel; others, batch or head.
//
//===----------------------------------------------------------------------===//
#include "HeadLayout.h"
#include "RecurrenceMatch.h"
#include "linnet/Analysis/SizeOrigin.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

//===----------------------------------------------------------------------===//
// Variables
//===----------------------------------------------------------------------===//

bool RecurrenceBuilder::dependsOnAny(ArrayRef<Factor> factors, ArrayRef<unsigned> variables) {
  return llvm::any_of(factors, [&](const Factor &f) {
    return llvm::any_of(variables, [&](unsigned v) { return g.dependsOn(f.element, v); });
  });
}

static SmallVector<Product *> productsOf(Recurrence &m) {
  SmallVector<Product *> all = {&m.decay, &m.update, &m.query};
  for (auto *p : {&m.left, &m.right, &m.bonus})
    if (*p)
      all.push_back(&**p);
  return all;
}

LogicalResult RecurrenceBuilder::checkTypes() {
  auto wide = [](Type t) {
    auto type = dyn_cast<FloatType>(getElementTypeOrSelf(t));
    return !type || type.getWidth() > 32;
  };
  bool any = wide(m.root.value.getType()) || wide(m.nest.time.getRegionIterArg(m.state).getType());
  for (Product *p : productsOf(m))
    for (const Factor &f : p->factors)
      any |= wide(f.element.type());
  return any ? fail("an element type that the op does not have") : success();
}

void RecurrenceBuilder::split() {
  Element state{m.nest.time.getRegionIterArg(m.state), m.at};
  SmallVector<Element *> all = {&m.root, &m.row, &m.core, &state}, read = {&state};
  for (Product *p : productsOf(m))
    for (Factor &f : p->factors) {
      all.push_back(&f.element);
      read.push_back(&f.element);
    }
  splitVariables(g, all, read, m.inner);
  m.at = state.at;
}

/// Positions, and what outer loops count, may be fewer than the tensors hold.
void RecurrenceBuilder::limitSizes() {
  for (auto &[loop, unused] : m.nest.loops) {
    auto d = dyn_cast<AffineDimExpr>(g.boundTo(loop.getInductionVar()));
    if (!d)
      continue;
    Value count = loop.getUpperBound();
    if (auto number = getConstantIntValue(count)) {
      operands.limit(d.getPosition(), b.getIndexAttr(*number));
      continue;
    }
    if (!count.getType().isIndex())
      count = arith::IndexCastOp::create(b, loc, b.getIndexType(), count);
    if (sizeOrigin(count).dim < 0) // which may be negative
      count = arith::MaxSIOp::create(b, loc, count, arith::ConstantIndexOp::create(b, loc, 0));
    operands.limit(d.getPosition(), count);
  }
}

std::optional<SmallVector<Variables>> RecurrenceBuilder::dims(ArrayRef<AffineExpr> at, Type type) {
  SmallVector<Variables> out;
  for (auto [x, size] : llvm::zip_equal(at, cast<RankedTensorType>(type).getShape())) {
    auto read = operands.readDim(x, size);
    if (!read || llvm::any_of(*read, [&](unsigned v) {
          return llvm::any_of(out, [&](const Variables &d) { return llvm::is_contained(d, v); });
        }))
      return std::nullopt;
    out.push_back(*read);
  }
  return out;
}

LogicalResult RecurrenceBuilder::layOut() {
  auto state = dims(m.at, m.nest.time.getRegionIterArg(m.state).getType());
  auto root = dims(m.root.at, m.root.value.getType());
  if (!state || !root)
    return fail("the state is not read once, in order and as a whole");
  rootDims = *root;
  Variables all;
  for (const Variables &d : rootDims)
    llvm::append_range(all, d);
  if (g.extent(m.time).size != 1) {
    if (!llvm::is_contained(all, m.time))
      return fail("positions are read in parts");
    positions = {m.time};
  }
  Variables own;
  for (const Variables &d : *state)
    llvm::append_range(own, d);
  // one state each for what outer loops count
  for (auto [loop, unused] : ArrayRef(m.nest.loops).drop_back())
    g.boundTo(loop.getInductionVar()).walk([&](AffineExpr x) {
      if (auto d = dyn_cast<AffineDimExpr>(x))
        own.push_back(d.getPosition());
    });
  for (unsigned v : all)
    if (llvm::is_contained(own, v))
      kept.push_back(v);
    else if (v != m.time)
      queried.push_back(v);
  for (unsigned v : own)
    if (llvm::is_contained(m.inner, v))
      inner.push_back(v);
  if (kept.size() + inner.size() != own.size())
    return fail("queries are not summed over the keys of the state alone");
  for (unsigned v : inner)
    if (ShapedType::isDynamic(g.extent(v).size))
      return fail("the number of channels of keys is not known");
  return success();
}

/// The variables that values alone read, where the update is a product of these factors.
bool RecurrenceBuilder::findChannels(ArrayRef<Factor> factors) {
  key = value = Product();
  for (const Factor &f : factors)
    (dependsOnAny({f}, inner) ? key : value).factors.push_back(f);
  value.coefficient = m.update.coefficient;
  channels.clear();
  bool all = true;
  for (unsigned v : kept) {
    bool other = dependsOnAny(key.factors, {v});
    for (Product *p : productsOf(m))
      other |= p != &m.update && dependsOnAny(p->factors, {v});
    if (!other)
      channels.push_back(v);
    all &= dependsOnAny(m.query.factors, {v});
  }
  return !channels.empty() || all;
}

LogicalResult RecurrenceBuilder::layOutHeads() {
  if (!findChannels(m.update.factors)) {
    Product parts = apart(m.update);
    m.update = parts;
    if (!findChannels(parts.factors))
      return fail(dependsOnAny(key.factors, kept) && dependsOnAny(m.decay.factors, kept)
                      ? "the decay changes with keys and with channels of values"
                      : "the update is no product of a key and a value");
  }
  SmallVector<unsigned> unknown;
  for (unsigned v : kept)
    if (!llvm::is_contained(channels, v)) {
      heads.push_back(v);
      if (ShapedType::isDynamic(g.extent(v).size))
        unknown.push_back(v);
    }
  for (unsigned v : llvm::concat<unsigned>(channels, queried))
    if (ShapedType::isDynamic(g.extent(v).size))
      return fail("the number of heads or channels is not known");
  if (unknown.size() > 1)
    return fail("the number of heads is not known");
  if (unknown.empty() && heads.size() > 1)
    unknown.push_back(heads.front());
  if (!unknown.empty()) {
    batch = {unknown[0]};
    heads.erase(llvm::find(heads, unknown[0]));
  }
  return success();
}

Product RecurrenceBuilder::apart(const Product &p) {
  Product out{{}, p.coefficient};
  out.factors = TermReader(g, m.nest.time).takenApart(p.factors, out.coefficient);
  return out;
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

/// A product as a tensor; of one factor in its own element type, else in f32.
Value RecurrenceBuilder::product(const Product &p, ArrayRef<Variables> axes) {
  auto f32 = b.getF32Type();
  Value out;
  bool plain = p.factors.size() == 1 && p.coefficient == 1 && !p.factors[0].inverse;
  for (const Factor &f : p.factors) {
    Value x = operands.compute(f.element, axes);
    if (!x) {
      why = "something of the step is computed in a way that cannot be done for all steps at once";
      return {};
    }
    if (plain)
      return x;
    x = operands.converted(x, f32);
    if (!out && f.inverse)
      out = operands.filled(1, axes, f32);
    out = !out        ? x
          : f.inverse ? Value(arith::DivFOp::create(b, loc, out, x))
                      : Value(arith::MulFOp::create(b, loc, out, x));
  }
  if (!out)
    return operands.filled(p.coefficient, axes, f32);
  return p.coefficient == 1 ? out : operands.scaled(out, p.coefficient);
}

Variables RecurrenceBuilder::headsOf(ArrayRef<Factor> factors) {
  return dependsOnAny(factors, heads) ? heads : Variables();
}

Type RecurrenceBuilder::widest(ArrayRef<Value> values) {
  auto type = cast<FloatType>(m.core.type());
  for (Value v : values)
    if (auto own = cast<FloatType>(getElementTypeOrSelf(v)); own.getWidth() > type.getWidth())
      type = own;
    else if (own.getWidth() == type.getWidth() && own != type)
      type = b.getF32Type(); // f16 and bf16
  return type;
}

/// Null where the state starts as zeros.
FailureOr<Value> RecurrenceBuilder::initialState() {
  Element start{m.nest.time.getInits()[m.state], m.at};
  if (g.constant(start) == 0.0)
    return Value();
  Value x = operands.compute(start, stateAxes);
  if (!x)
    return fail("the state before the first step is read in an order that reshapes cannot give");
  return operands.converted(x, b.getF32Type());
}

//===----------------------------------------------------------------------===//
// selective_scan
//===----------------------------------------------------------------------===//

/// exp(delta * rate) of a rate that positions do not change, and delta in the update, too.
bool RecurrenceBuilder::isScan(Product &delta, Product &rate, Product &input, Product &u) {
  if (m.left || m.bonus || !m.after || m.decay.factors.size() != 1 || m.decay.coefficient != 1 ||
      !queried.empty() || positions.empty())
    return false;
  Element exp = g.source(m.decay.factors[0].element);
  bool base2 = g.op<math::Exp2Op>(exp) != nullptr;
  if (m.decay.factors[0].inverse || (!base2 && !g.op<math::ExpOp>(exp)))
    return false;
  Product exponent = apart({{{g.operand(exp, 0)}}, base2 ? std::log(2.0) : 1});
  rate.coefficient = exponent.coefficient;
  for (const Factor &f : exponent.factors)
    (dependsOnAny({f}, positions) ? delta : rate).factors.push_back(f);
  Product update = apart(m.update);
  if (!dependsOnAny(rate.factors, inner) || dependsOnAny(delta.factors, inner) ||
      !remove(g, delta.factors, update.factors))
    return false;
  for (const Factor &f : update.factors)
    (dependsOnAny({f}, inner) ? input : u).factors.push_back(f);
  input.coefficient = update.coefficient;
  for (unsigned v : kept)
    (dependsOnAny(rate.factors, {v}) ? channels : batch).push_back(v);
  bool fits = !channels.empty() && !dependsOnAny(input.factors, channels) &&
              !dependsOnAny(m.query.factors, channels);
  if (!fits) {
    channels.clear();
    batch.clear();
  }
  return fits;
}

LogicalResult RecurrenceBuilder::makeScan(bool withState, const Product &delta, const Product &rate,
                                          const Product &input, const Product &u) {
  stateAxes = {batch, channels, inner};
  resultAxes = {batch, positions, channels};
  SmallVector<Variables> perKey = {batch, positions, inner};
  Value x = product(u, resultAxes), d = x ? product(delta, resultAxes) : Value();
  Value a = d ? product(rate, {channels, inner}) : Value();
  Value in = a ? product(input, perKey) : Value();
  Value out = in ? product(m.query, perKey) : Value();
  auto state = out ? initialState() : FailureOr<Value>(failure());
  if (failed(state))
    return failure();
  auto type = cast<FloatType>(widest({x, d}));
  x = operands.converted(x, type);
  d = operands.converted(d, type);
  SmallVector<Type> types = {x.getType()};
  if (withState) {
    auto shape = cast<RankedTensorType>(x.getType()).getShape();
    auto rates = cast<RankedTensorType>(a.getType()).getShape();
    types.push_back(RankedTensorType::get({shape[0], shape[2], rates[1]}, b.getF32Type()));
  }
  Value none;
  auto op = SelectiveScanOp::create(b, loc, types, x, d, a, in, out, none, none, none, *state,
                                    UnitAttr());
  made = op.getY();
  final = op.getFinalState();
  name = op->getName().getStringRef();
  return success();
}

//===----------------------------------------------------------------------===//
// linear_attention
//===----------------------------------------------------------------------===//

/// decay, then k and -beta * k: the erased part in the form of the delta rule.
bool RecurrenceBuilder::findBeta(bool takeApart, Product &beta) {
  auto parts = [&](const Product &p) { return takeApart ? apart(p) : p; };
  Product left = parts(*m.left), right = parts(*m.right), decayed = parts(m.decay);
  Product update = parts(m.update);
  Factors rest; // factors of one number per head, with those of the erased part twice
  auto isKey = [&](const Factor &f) { return dependsOnAny({f}, inner); };
  for (const Factor &f : decayed.factors)
    if (!remove(g, {f}, right.factors) && (isKey(f) || !remove(g, {f}, left.factors)))
      return false;
  auto divide = [&](ArrayRef<Factor> factors, Factors &keys, Factors &others) {
    for (const Factor &f : factors)
      (isKey(f) ? keys : others).push_back(f);
  };
  Factors leftKeys, rightKeys, keys, values;
  divide(left.factors, leftKeys, rest);
  divide(right.factors, rightKeys, rest);
  divide(update.factors, keys, values);
  if (keys.empty() || leftKeys.size() != keys.size() || rightKeys.size() != keys.size() ||
      !remove(g, keys, leftKeys) || !remove(g, keys, rightKeys))
    return false;
  // a number that both keys are multiplied with, as that of a norm, is the key's
  Factors single;
  for (const Factor &f : rest) {
    Factors twice = single;
    if (remove(g, {f}, twice)) {
      single = twice;
      keys.push_back(f);
    } else {
      single.push_back(f);
    }
  }
  Factors own;
  for (const Factor &f : keys)
    if (!isKey(f))
      own.push_back(f);
  if (!remove(g, own, values) || !remove(g, single, values))
    return false;
  key = {keys, 1};
  beta = {single, -left.coefficient * right.coefficient / decayed.coefficient};
  value = {values, update.coefficient / beta.coefficient};
  return true;
}

LogicalResult RecurrenceBuilder::makeErased() {
  if (!m.left)
    return success();
  Product rate;
  if (findBeta(false, rate) || findBeta(true, rate)) {
    beta = product(rate, {batch, headsOf(rate.factors), positions});
    return success(beta != nullptr);
  }
  for (Product *p : {&*m.left, &*m.right})
    if (dependsOnAny(p->factors, channels))
      return fail("what is erased changes with channels of values");
  eraseA = product(*m.right, {batch, headsOf(m.right->factors), positions, inner});
  eraseB = eraseA ? product(*m.left, {batch, headsOf(m.left->factors), positions, inner}) : Value();
  return success(eraseB != nullptr);
}

LogicalResult RecurrenceBuilder::makeAttention(bool withState) {
  Variables all(heads);
  llvm::append_range(all, queried);
  bool perHead = !queried.empty() || dependsOnAny(m.query.factors, heads);
  stateAxes = {batch, heads, inner, channels};
  resultAxes = {batch, all, positions, channels};
  Value decay, bonus;
  if (!m.decay.factors.empty() || m.decay.coefficient != 1) {
    SmallVector<Variables> axes = {batch, headsOf(m.decay.factors), positions};
    if (dependsOnAny(m.decay.factors, inner))
      axes.push_back(inner);
    if (!(decay = buildLogarithm(operands, g, m.decay, axes, why)))
      return failure();
  }
  if (failed(makeErased()))
    return failure();
  Product reading{m.query.factors, 1};
  Value q = product(reading, {batch, perHead ? all : Variables(), positions, inner});
  // the largest count of heads is that of the state
  Value k = q ? product(key, {batch, heads, positions, inner}) : Value();
  Value v = k ? product(value, {batch, headsOf(value.factors), positions, channels}) : Value();
  if (v && m.bonus && !(bonus = product(*m.bonus, {headsOf(m.bonus->factors), inner})))
    return failure();
  auto state = v ? initialState() : FailureOr<Value>(failure());
  if (failed(state))
    return failure();
  auto type = cast<FloatType>(widest({q, k, v}));
  for (Value *x : {&q, &k, &v})
    *x = operands.converted(*x, type);
  auto count = [](Value x, unsigned d) {
    return cast<RankedTensorType>(x.getType()).getDimSize(d);
  };
  SmallVector<Type> types = {RankedTensorType::get(
      {count(q, 0), std::max(count(q, 1), count(k, 1)), count(q, 2), count(v, 3)}, type)};
  if (withState)
    types.push_back(RankedTensorType::get({count(k, 0), count(k, 1), count(k, 3), count(v, 3)},
                                          b.getF32Type()));
  auto op = LinearAttentionOp::create(
      b, loc, types, q, k, v, decay, eraseA, eraseB, beta, bonus, *state,
      m.after ? StateRead::post : StateRead::pre,
      m.query.coefficient == 1 ? FloatAttr() : b.getF64FloatAttr(m.query.coefficient), FloatAttr(),
      IntegerAttr());
  made = op.getO();
  final = op.getFinalState();
  name = op->getName().getStringRef();
  return success();
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

LogicalResult RecurrenceBuilder::makeOp(bool withState) {
  if (failed(checkTypes()))
    return failure();
  split();
  limitSizes();
  if (failed(layOut()))
    return failure();
  Product delta, rate, input, u;
  if (isScan(delta, rate, input, u))
    return makeScan(withState, delta, rate, input, u);
  if (failed(layOutHeads()))
    return failure();
  return makeAttention(withState);
}

Value RecurrenceBuilder::rows() {
  operands.know(m.core, Source{made, resultAxes});
  auto type = cast<RankedTensorType>(m.root.value.getType());
  Value x = operands.compute(m.row, rootDims);
  if (!x) {
    why = "what is done to the row cannot be done to all rows at once";
    return {};
  }
  x = operands.converted(x, cast<FloatType>(type.getElementType()));
  if (!m.nest.complete) {
    auto result = cast<OpResult>(m.root.value);
    Value init = cast<scf::ForOp>(result.getOwner()).getInits()[result.getResultNumber()];
    SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, x),
                              zeros(sizes.size(), b.getIndexAttr(0)),
                              ones(sizes.size(), b.getIndexAttr(1));
    return tensor::InsertSliceOp::create(b, loc, x, init, zeros, sizes, ones);
  }
  return x.getType() == type ? x : Value(tensor::CastOp::create(b, loc, type, x));
}

Value RecurrenceBuilder::finalState(OpResult result) {
  SmallVector<AffineExpr> at;
  auto type = dyn_cast<RankedTensorType>(result.getType());
  if (!final || !type || !RecurrenceMatcher::carried(g, result, m, at))
    return {};
  auto to = dims(at, type);
  if (!to)
    return {};
  Value x = operands.converted(final, cast<FloatType>(type.getElementType()));
  return operands.back(x, stateAxes, *to, type);
}
