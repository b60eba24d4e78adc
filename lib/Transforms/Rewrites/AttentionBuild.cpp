//===- AttentionBuild.cpp - the attention op in place of primitive ops ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A match speaks of elements; the op wants [B,H,N,D], and its own words for masks.
//
//===----------------------------------------------------------------------===//
#include "AlibiReader.h"
#include "AttentionMatch.h"
#include "HeadLayout.h"
#include "MaskReader.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

namespace {
class AttentionBuilder {
public:
  AttentionBuilder(OpBuilder &b, Location loc, Elements &g, const AttentionMatch &match,
                   std::string &why)
      : b(b), loc(loc), g(g), m(match), why(why), operands(b, loc, g) {}
  FailureOr<Value> run();

private:
  void split();
  /// 2 where masks change with a variable, 1 more where biases do.
  unsigned matters(unsigned v);
  LogicalResult readMasks(MaskReader &masks);
  void readSlopes(const MaskReader &masks);
  LogicalResult makeBias();
  LogicalResult placeWindow(const MaskReader &masks);
  LogicalResult fail(const Twine &text) {
    why = text.str();
    return failure();
  }

  OpBuilder &b;
  Location loc;
  Elements &g;
  AttentionMatch m;
  std::string &why;
  OperandBuilder operands;
  HeadLayout l;
  SmallVector<Condition> explicitConditions, biasConditions;
  Value bias, slopes, mask, position;
  MaskAttr masks;
  MaskAlignment alignment = MaskAlignment::bottom_right;
};
} // namespace

void AttentionBuilder::split() {
  SmallVector<Element *> all = {&m.root, &m.q, &m.k, &m.v};
  for (Bias &bias : m.biases)
    all.push_back(&bias.element);
  for (Condition &condition : m.conditions)
    all.push_back(&condition.condition);
  splitVariables(g, all, {&m.q, &m.k, &m.v}, m.inner);
}

unsigned AttentionBuilder::matters(unsigned x) {
  return 2 * llvm::any_of(m.conditions,
                          [&](const Condition &c) { return g.dependsOn(c.condition, x); }) +
         llvm::any_of(m.biases, [&](const Bias &c) { return g.dependsOn(c.element, x); });
}

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

LogicalResult AttentionBuilder::readMasks(MaskReader &masks) {
  double highest = -INFINITY;
  for (const Condition &c : m.conditions) {
    highest = std::max(highest, c.hidden);
    if (!masks.read(c.condition, c.negated))
      explicitConditions.push_back(c);
  }
  // A row without a key: -inf hides all of it, a finite score shows all of it.
  bool finite = std::isfinite(highest);
  if (finite && !explicitConditions.empty()) {
    if (masks.causal || masks.left)
      return fail("a mask of finite scores beside another mask, and a row may have no key");
    for (const Condition &c : explicitConditions)
      if (c.hidden > -1e30)
        return fail("a mask of finite scores above -1e30 is no mask");
    std::swap(explicitConditions, biasConditions);
  }
  if (finite && (masks.causal || masks.left) && !masks.everyRowSees())
    return fail("a mask of finite scores, and a row may have no key");
  if (explicitConditions.size() > 1)
    return fail("more than one mask that is no pattern");
  if (biasConditions.size() > 1)
    return fail("more than one finite mask that is no pattern");
  if (masks.left && !masks.causal)
    masks.offset = 0;
  return success();
}

//===----------------------------------------------------------------------===//
// The op
//===----------------------------------------------------------------------===//

/// A bias per head and distance is an operand of its own: as a tensor it has the size of the
/// scores. Of two such, one stays a bias.
void AttentionBuilder::readSlopes(const MaskReader &masks) {
  AlibiReader reader(g, masks, l.row, m.key);
  for (const Bias &c : m.biases) {
    auto linear = reader.read(c.element);
    if (!linear)
      continue;
    Value x = operands.get(linear->slope, {l.heads}, /*stretch=*/true);
    x = operands.widened(x, b.getF32Type());
    if (!x || cast<RankedTensorType>(x.getType()).getElementType() != b.getF32Type())
      continue;
    double factor = linear->factor * c.factor;
    slopes = factor == 1 ? x : operands.scaled(x, factor);
    m.biases.erase(&c);
    return;
  }
}

LogicalResult AttentionBuilder::makeBias() {
  SmallVector<Variables> axes = {l.batch, l.heads, l.rows(), {m.key}};
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

/// The mask attribute, and where positions start.
LogicalResult AttentionBuilder::placeWindow(const MaskReader &read) {
  masks = MaskAttr::get(b.getContext(), read.causal, read.left.has_value(), mask != nullptr, false,
                        false, std::nullopt, std::nullopt);
  if (!read.causal && !read.left)
    return success();
  int64_t offset = *read.offset, rows = g.extent(*l.row).size, keys = g.extent(m.key).size;
  bool known = !ShapedType::isDynamic(rows) && !ShapedType::isDynamic(keys);
  if (known && offset == keys - rows)
    alignment = MaskAlignment::bottom_right;
  else if (offset == 0)
    alignment = MaskAlignment::top_left;
  else
    position = arith::ConstantOp::create(
        b, loc, DenseElementsAttr::get(RankedTensorType::get({}, b.getI64Type()), offset));
  if (read.left && *read.left + offset < 0)
    return fail("a window without the query's own position");
  if (read.left)
    masks = masks.withWindow(*read.left + offset, std::nullopt);
  return success();
}

FailureOr<Value> AttentionBuilder::run() {
  split();
  auto layout = layOut(
      g, operands, m.root, m.q, m.k, m.v, m.key, m.inner, [&](unsigned x) { return matters(x); },
      why);
  if (failed(layout))
    return failure();
  l = *layout;
  MaskReader read(g, l.row, m.key);
  if (failed(readMasks(read)))
    return failure();
  readSlopes(read);
  if (failed(makeBias()) || failed(placeWindow(read)))
    return failure();
  auto [q, k, v] = readOperands(operands, l, m.key, cast<FloatType>(m.root.type()));
  if (!q || !k || !v)
    return fail("queries, keys and values have wider element types than the result");
  auto isDynamic = [](Value x, unsigned dim) {
    return cast<RankedTensorType>(x.getType()).isDynamicDim(dim);
  };
  if (isDynamic(q, 1) || isDynamic(k, 1) || isDynamic(q, 3) || isDynamic(v, 3))
    return fail("the number of heads or a vector's size is known when running only");
  auto number = [&](std::optional<double> x) { return x ? b.getF64FloatAttr(*x) : FloatAttr(); };
  bool any = masks.getCausal() || masks.getWindow() || masks.getIsExplicit();
  Type o = AttentionOp::inferOutputType(cast<RankedTensorType>(q.getType()),
                                        cast<RankedTensorType>(v.getType()));
  auto op = AttentionOp::create(
      b, loc, TypeRange{o}, q, k, v, bias, slopes, mask, /*kv_lengths=*/Value(), position,
      /*q_segments=*/Value(), /*kv_segments=*/Value(), /*dropout_key=*/Value(),
      /*dropout_counter=*/Value(), any ? masks : MaskAttr(), alignment, number(m.scale),
      number(m.softcap), FloatAttr(), IntegerAttr());
  return operands.back(op.getO(), {l.batch, l.heads, l.rows(), l.channels}, l.root,
                       cast<RankedTensorType>(m.root.value.getType()));
}

FailureOr<Value> linnet::rewrites::buildAttention(OpBuilder &b, Location loc, Elements &g,
                                                  const AttentionMatch &match, std::string &why) {
  return AttentionBuilder(b, loc, g, match, why).run();
}
