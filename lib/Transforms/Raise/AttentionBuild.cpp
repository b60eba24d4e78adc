//===- AttentionBuild.cpp - the attention op in place of primitive ops ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A match speaks of elements; the op wants [B,H,N,D]. Every variable of the result gets its place
// there by who reads it: queries, keys and values (batch, heads), queries alone (rows; all but one
// of them are heads that share keys), values alone (channels).
//
//===----------------------------------------------------------------------===//
#include "AttentionMatch.h"
#include "OperandBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::raise;

namespace {
class AttentionBuilder {
public:
  AttentionBuilder(OpBuilder &b, Location loc, Elements &g, const AttentionMatch &match,
                   std::string &why)
      : b(b), loc(loc), g(g), m(match), why(why), operands(b, loc, g) {}
  FailureOr<Value> run();

private:
  void splitVariables();
  LogicalResult chooseSources();
  LogicalResult classify();
  bool rowsMatter(unsigned v);
  LogicalResult readMasks();
  LogicalResult readCondition(const Condition &condition);
  bool readAtom(Element atom, bool negated);
  bool readInequality(AffineExpr difference);
  bool readPattern(const Element &atom, bool negated);
  bool everyRowSees();
  LogicalResult makeBias();
  void explicitMask(const Condition &condition);
  Value result(Value o);
  llvm::LogicalResult fail(const Twine &text) {
    why = text.str();
    return failure();
  }

  OpBuilder &b;
  Location loc;
  Elements &g;
  AttentionMatch m;
  std::string &why;
  OperandBuilder operands;
  Source q, k, v;
  Variables batch, heads, keyHeads, channels;
  SmallVector<Variables> root; ///< per dimension
  std::optional<unsigned> row;
  bool causal = false;
  std::optional<int64_t> left, offset;
  SmallVector<Condition> explicitConditions, biasConditions;
  Value bias, mask;
};
} // namespace

/// The first floordiv or mod of a single variable by a constant that divides its size.
static std::optional<std::pair<unsigned, int64_t>> findPart(Elements &g, AffineExpr e) {
  auto binary = dyn_cast<AffineBinaryOpExpr>(e);
  if (!binary)
    return std::nullopt;
  auto d = dyn_cast<AffineDimExpr>(binary.getLHS());
  auto c = dyn_cast<AffineConstantExpr>(binary.getRHS());
  if (d && c && (e.getKind() == AffineExprKind::FloorDiv || e.getKind() == AffineExprKind::Mod)) {
    int64_t size = g.extent(d.getPosition()).size;
    if (!ShapedType::isDynamic(size) && c.getValue() > 1 && size % c.getValue() == 0)
      return std::pair(d.getPosition(), c.getValue());
  }
  auto found = findPart(g, binary.getLHS());
  return found ? found : findPart(g, binary.getRHS());
}

/// Where one dimension is read in two parts, say heads of batches or groups of heads, the parts
/// become variables.
void AttentionBuilder::splitVariables() {
  auto findAny = [&]() -> std::optional<std::pair<unsigned, int64_t>> {
    for (const Element &operand : {m.q, m.k, m.v})
      for (const Element &e : g.way(operand, /*throughCasts=*/true))
        for (AffineExpr x : e.at)
          if (auto part = findPart(g, x))
            return part;
    return std::nullopt;
  };
  while (auto part = findAny()) {
    auto [v, by] = *part;
    unsigned whole = g.addVariable(g.extent(v).size / by), rest = g.addVariable(by);
    AffineExpr sum = g.simplify(g.variable(whole) * by + g.variable(rest));
    for (Element *e : {&m.root, &m.q, &m.k, &m.v})
      *e = g.replace(*e, v, sum);
    for (Bias &bias : m.biases)
      bias.element = g.replace(bias.element, v, sum);
    for (Condition &condition : m.conditions)
      condition.condition = g.replace(condition.condition, v, sum);
    if (llvm::is_contained(m.inner, v)) {
      llvm::erase(m.inner, v);
      m.inner.append({whole, rest});
    }
  }
}

/// Where q, k and v are read from, and the variables that they change with.
LogicalResult AttentionBuilder::chooseSources() {
  for (auto [source, element] : {std::pair(&q, &m.q), {&k, &m.k}, {&v, &m.v}}) {
    auto all = operands.sources(*element);
    if (all.empty())
      return fail("queries, keys or values are read in an order that reshapes cannot give");
    *source = all.back();
  }
  for (auto [x, size] :
       llvm::zip_equal(m.root.at, cast<RankedTensorType>(m.root.value.getType()).getShape())) {
    auto variables = operands.readDim(x, size);
    if (!variables)
      return fail("the result is written in an order that reshapes cannot give");
    root.push_back(*variables);
  }
  return success();
}

/// Whether masks or biases change with a variable.
bool AttentionBuilder::rowsMatter(unsigned x) {
  return llvm::any_of(m.conditions,
                      [&](const Condition &c) { return g.dependsOn(c.condition, x); }) ||
         llvm::any_of(m.biases, [&](const Bias &c) { return g.dependsOn(c.element, x); });
}

LogicalResult AttentionBuilder::classify() {
  if (!k.uses(m.key) || !v.uses(m.key) || q.uses(m.key))
    return fail("keys and values do not both change with the key, or queries do");
  for (unsigned c : m.inner)
    if (g.extent(c).size != 1 && (!q.uses(c) || !k.uses(c) || v.uses(c)))
      return fail("queries and keys are not summed over their channels");
  Variables rows, shared;
  SmallVector<unsigned> variables;
  for (const Variables &d : root)
    llvm::append_range(variables, d);
  for (unsigned x : variables) {
    bool inQ = q.uses(x), inK = k.uses(x), inV = v.uses(x);
    if (!inQ && !inK && !inV)
      return fail("the result repeats itself");
    if (!inQ && !inK)
      channels.push_back(x);
    else if (!inK && !inV)
      rows.push_back(x);
    else
      shared.push_back(x);
  }
  // Masks tell rows from heads; else a part of a dimension is a head.
  auto rank = [&](unsigned x) { return 2 * rowsMatter(x) + (g.extent(x).tensor != nullptr); };
  for (unsigned x : rows)
    if (!row || rank(x) >= rank(*row))
      row = x;
  if (shared.size() > 1) {
    batch.push_back(shared.front());
    shared.erase(shared.begin());
  }
  heads = keyHeads = shared;
  for (unsigned x : rows)
    if (x != *row)
      heads.push_back(x);
  auto read = [&](const Source &s) {
    return llvm::any_of(keyHeads, [&](unsigned x) { return s.uses(x); });
  };
  if (!read(k) && !read(v))
    keyHeads.clear();
  return success();
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// A condition of the form difference >= 0.
bool AttentionBuilder::readInequality(AffineExpr difference) {
  if (!row)
    return false;
  AffineExpr i = g.variable(*row), j = g.variable(m.key);
  auto constantOf = [&](AffineExpr e) -> std::optional<int64_t> {
    auto c = dyn_cast<AffineConstantExpr>(g.simplify(e));
    return c ? std::optional(c.getValue()) : std::nullopt;
  };
  if (auto c = constantOf(difference - i + j); c && (!offset || *offset == *c)) { // j <= i + c
    if (causal && *offset != *c)
      return false;
    causal = true;
    offset = *c;
    return true;
  }
  auto c = constantOf(difference + i - j); // i - c <= j
  if (!c || left)
    return false;
  left = *c;
  return true;
}

/// A constant whose elements say j <= i + c for all rows i and keys j.
bool AttentionBuilder::readPattern(const Element &atom, bool negated) {
  auto op = atom.value.getDefiningOp<arith::ConstantOp>();
  auto values = op ? dyn_cast<DenseIntElementsAttr>(op.getValue()) : DenseIntElementsAttr();
  if (!values || !row || !values.getElementType().isInteger(1) || causal)
    return false;
  int64_t rowDim = -1, keyDim = -1;
  for (auto [d, x] : llvm::enumerate(atom.at)) {
    if (x == g.variable(*row))
      rowDim = d;
    else if (x == g.variable(m.key))
      keyDim = d;
    else if (values.getType().getDimSize(d) != 1)
      return false;
  }
  if (rowDim < 0 || keyDim < 0)
    return false;
  int64_t rows = values.getType().getDimSize(rowDim), keys = values.getType().getDimSize(keyDim);
  auto all = llvm::to_vector(values.getValues<bool>());
  auto visible = [&](int64_t i, int64_t j) {
    return all[rowDim < keyDim ? i * keys + j : j * rows + i] != negated;
  };
  int64_t shift = -1; // of the first row's last visible key
  while (shift + 1 < keys && visible(0, shift + 1))
    ++shift;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < keys; ++j)
      if (visible(i, j) != (j <= i + shift))
        return false;
  causal = true;
  offset = shift;
  return true;
}

bool AttentionBuilder::readAtom(Element atom, bool negated) {
  atom = g.source(atom);
  if (auto c = g.constant(atom); c && (*c != 0) != negated)
    return true;
  if (auto invert = g.op<arith::XOrIOp>(atom))
    for (unsigned i = 0; i < 2; ++i)
      if (auto c = g.constant(g.operand(atom, i)); c && *c != 0)
        return readAtom(g.operand(atom, 1 - i), !negated);
  bool both = negated ? g.op<arith::OrIOp>(atom) != nullptr : g.op<arith::AndIOp>(atom) != nullptr;
  if (both)
    return readAtom(g.operand(atom, 0), negated) && readAtom(g.operand(atom, 1), negated);
  auto compare = g.op<arith::CmpIOp>(atom);
  if (!compare)
    return readPattern(atom, negated);
  AffineExpr l = g.index(g.operand(atom, 0)), r = g.index(g.operand(atom, 1));
  if (!l || !r)
    return false;
  auto p = compare.getPredicate();
  if (negated)
    p = arith::invertPredicate(p);
  switch (p) {
  case arith::CmpIPredicate::sge:
  case arith::CmpIPredicate::uge:
    return readInequality(g.simplify(l - r));
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::ugt:
    return readInequality(g.simplify(l - r - 1));
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::ule:
    return readInequality(g.simplify(r - l));
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::ult:
    return readInequality(g.simplify(r - l - 1));
  default:
    return false;
  }
}

/// Whether every query certainly has a visible key among those that causal and window leave.
bool AttentionBuilder::everyRowSees() {
  if (!row || !causal || *offset < 0)
    return false;
  int64_t rows = g.extent(*row).size, keys = g.extent(m.key).size;
  if (!left || ShapedType::isDynamic(rows) || ShapedType::isDynamic(keys))
    return !left;
  for (int64_t i = 0; i < rows; ++i)
    if (i - *left > std::min(i + *offset, keys - 1))
      return false;
  return true;
}

LogicalResult AttentionBuilder::readCondition(const Condition &condition) {
  auto before = std::tuple(causal, left, offset);
  if (readAtom(condition.condition, condition.negated))
    return success();
  std::tie(causal, left, offset) = before;
  explicitConditions.push_back(condition);
  return success();
}

LogicalResult AttentionBuilder::readMasks() {
  double highest = -INFINITY;
  for (const Condition &c : m.conditions) {
    highest = std::max(highest, c.hidden);
    if (failed(readCondition(c)))
      return failure();
  }
  // A row without a key: -inf hides all of it, a finite score shows all of it.
  bool finite = std::isfinite(highest);
  if (finite && !explicitConditions.empty()) {
    if (causal || left)
      return fail("a mask of finite scores beside another mask, and a row may have no key");
    for (const Condition &c : explicitConditions)
      if (c.hidden > -1e30)
        return fail("a mask of finite scores above -1e30 is no mask");
    std::swap(explicitConditions, biasConditions);
  }
  if (finite && (causal || left) && !everyRowSees())
    return fail("a mask of finite scores, and a row may have no key");
  if (explicitConditions.size() > 1)
    return fail("more than one mask that is no pattern");
  if (biasConditions.size() > 1)
    return fail("more than one finite mask that is no pattern");
  if (left && !causal)
    offset = 0;
  return success();
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

LogicalResult AttentionBuilder::makeBias() {
  Variables rows, keys = {m.key};
  if (row)
    rows.push_back(*row);
  SmallVector<Variables> axes = {batch, heads, rows, keys};
  auto add = [&](Value x) { bias = bias ? operands.addBroadcast(bias, x) : x; };
  for (const Bias &c : m.biases) {
    Value x = operands.get(c.element, axes, /*stretch=*/false);
    if (!x)
      return fail("the bias is read in an order that reshapes cannot give");
    add(c.factor == 1 ? x : operands.scaled(x, c.factor));
  }
  for (const Condition &c : biasConditions) {
    Value x = operands.get(c.condition, axes, /*stretch=*/false);
    if (!x)
      return fail("the mask is read in an order that reshapes cannot give");
    add(operands.choose(x, c.negated, c.hidden));
  }
  for (const Condition &c : explicitConditions) {
    mask = operands.get(c.condition, axes, /*stretch=*/false);
    if (!mask)
      return fail("the mask is read in an order that reshapes cannot give");
    if (c.negated)
      mask = operands.inverted(mask);
  }
  return success();
}

FailureOr<Value> AttentionBuilder::run() {
  splitVariables();
  if (failed(chooseSources()) || failed(classify()) || failed(readMasks()) || failed(makeBias()))
    return failure();
  Variables rows, keys = {m.key}, inner;
  if (row)
    rows.push_back(*row);
  for (unsigned c : m.inner)
    if (g.extent(c).size != 1)
      inner.push_back(c);
  auto type = cast<FloatType>(m.root.type());
  auto at = [&](const Source &s, const Variables &h, const Variables &n, const Variables &d) {
    return operands.widened(operands.get(s, {batch, h, n, d}, /*stretch=*/true), type);
  };
  Value qs = at(q, heads, rows, inner), ks = at(k, keyHeads, keys, inner),
        vs = at(v, keyHeads, keys, channels);
  if (!qs || !ks || !vs)
    return fail("queries, keys and values have wider element types than the result");
  MaskAttr masks = MaskAttr::get(b.getContext(), causal, left.has_value(), mask != nullptr, false,
                                 false, std::nullopt, std::nullopt);
  auto alignment = MaskAlignment::bottom_right;
  Value position;
  if (causal || left) {
    int64_t rowCount = g.extent(*row).size, keyCount = g.extent(m.key).size;
    bool known = !ShapedType::isDynamic(rowCount) && !ShapedType::isDynamic(keyCount);
    if (!known || *offset != keyCount - rowCount) {
      alignment = MaskAlignment::top_left;
      if (*offset != 0)
        position = arith::ConstantOp::create(
            b, loc, DenseElementsAttr::get(RankedTensorType::get({}, b.getI64Type()), *offset));
    }
    if (position)
      alignment = MaskAlignment::bottom_right;
  }
  if (left && *left + *offset < 0)
    return fail("a window without the query's own position");
  if (left)
    masks = masks.withWindow(*left + *offset, std::nullopt);
  auto qt = cast<RankedTensorType>(qs.getType()), vt = cast<RankedTensorType>(vs.getType());
  auto number = [&](std::optional<double> x) { return x ? b.getF64FloatAttr(*x) : FloatAttr(); };
  bool any = masks.getCausal() || masks.getWindow() || masks.getIsExplicit();
  auto op = AttentionOp::create(
      b, loc, TypeRange{AttentionOp::inferOutputType(qt, vt)}, qs, ks, vs, bias, mask,
      /*kv_lengths=*/Value(), position, /*q_segments=*/Value(), /*kv_segments=*/Value(),
      /*dropout_key=*/Value(), /*dropout_counter=*/Value(), any ? masks : MaskAttr(), alignment,
      number(m.scale), number(m.softcap), FloatAttr());
  return operands.back(op.getO(), {batch, heads, rows, channels}, root,
                       cast<RankedTensorType>(m.root.value.getType()));
}

FailureOr<Value> linnet::raise::buildAttention(OpBuilder &b, Location loc, Elements &g,
                                               const AttentionMatch &match, std::string &why) {
  return AttentionBuilder(b, loc, g, match, why).run();
}
