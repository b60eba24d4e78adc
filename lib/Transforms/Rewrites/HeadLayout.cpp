//===- HeadLayout.cpp - who reads which variable ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "HeadLayout.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

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

void linnet::rewrites::splitVariables(Elements &g, ArrayRef<Element *> elements,
                                      ArrayRef<Element *> read, SmallVectorImpl<unsigned> &inner) {
  auto findAny = [&]() -> std::optional<std::pair<unsigned, int64_t>> {
    for (const Element *operand : read)
      for (const Element &e : g.way(*operand, /*throughCasts=*/true))
        for (AffineExpr x : e.at)
          if (auto part = findPart(g, x))
            return part;
    return std::nullopt;
  };
  while (auto part = findAny()) {
    auto [v, by] = *part;
    unsigned whole = g.addVariable(g.extent(v).size / by), rest = g.addVariable(by);
    AffineExpr sum = g.simplify(g.variable(whole) * by + g.variable(rest));
    for (Element *e : elements)
      *e = g.replace(*e, v, sum);
    g.rebind(v, sum);
    if (llvm::is_contained(inner, v)) {
      inner.erase(llvm::find(inner, v));
      inner.append({whole, rest});
    }
  }
}

/// Which of the queries' own variables is the row, and which of those that keys and values share
/// is the batch; the rest are heads.
static void chooseHeads(HeadLayout &l, Elements &g, const Variables &rows, Variables shared,
                        llvm::function_ref<unsigned(unsigned)> matters) {
  // Masks tell rows from heads; else a part of a dimension is a head.
  auto rank = [&](unsigned x) { return 2 * matters(x) + (g.extent(x).tensor != nullptr); };
  for (unsigned x : rows)
    if (!l.row || rank(x) >= rank(*l.row))
      l.row = x;
  if (shared.size() > 1) {
    l.batch.push_back(shared.front());
    shared.erase(shared.begin());
  }
  l.heads = l.keyHeads = shared;
  for (unsigned x : rows)
    if (x != *l.row)
      l.heads.push_back(x);
  auto read = [&](const Source &s) {
    return llvm::any_of(l.keyHeads, [&](unsigned x) { return s.uses(x); });
  };
  if (!read(l.k) && !read(l.v))
    l.keyHeads.clear();
}

FailureOr<HeadLayout> linnet::rewrites::layOut(Elements &g, OperandBuilder &operands,
                                               const Element &root, const Element &q,
                                               const Element &k, const Element &v, unsigned key,
                                               ArrayRef<unsigned> inner,
                                               llvm::function_ref<unsigned(unsigned)> matters,
                                               std::string &why) {
  auto fail = [&](StringRef text) {
    why = text.str();
    return failure();
  };
  HeadLayout l;
  for (auto [source, element] : {std::pair(&l.q, &q), {&l.k, &k}, {&l.v, &v}}) {
    auto all = operands.sources(*element);
    if (all.empty())
      return fail("queries, keys or values are read in an order that reshapes cannot give");
    *source = all.back();
  }
  SmallVector<unsigned> variables;
  for (auto [x, size] :
       llvm::zip_equal(root.at, cast<RankedTensorType>(root.value.getType()).getShape())) {
    auto read = operands.readDim(x, size);
    if (!read)
      return fail("the result is written in an order that reshapes cannot give");
    l.root.push_back(*read);
    llvm::append_range(variables, *read);
  }
  if (!operands.knowsSizes(variables))
    return fail("a size of the result is none of queries, keys or values");
  if (!l.k.uses(key) || !l.v.uses(key) || l.q.uses(key))
    return fail("keys and values do not both change with the key, or queries do");
  for (unsigned c : inner) {
    if (g.extent(c).size == 1)
      continue;
    if (!l.q.uses(c) || !l.k.uses(c) || l.v.uses(c))
      return fail("queries and keys are not summed over their channels");
    l.inner.push_back(c);
  }
  Variables rows, shared;
  for (unsigned x : variables) {
    bool inQ = l.q.uses(x), inK = l.k.uses(x), inV = l.v.uses(x);
    if (!inQ && !inK && !inV)
      return fail("the result repeats itself");
    (!inQ && !inK ? l.channels : !inK && !inV ? rows : shared).push_back(x);
  }
  chooseHeads(l, g, rows, shared, matters);
  return l;
}

HeadOperands linnet::rewrites::readOperands(OperandBuilder &operands, const HeadLayout &l,
                                            unsigned key, FloatType type) {
  auto at = [&](const Source &s, const Variables &h, const Variables &n, const Variables &d) {
    return operands.widened(operands.get(s, {l.batch, h, n, d}, /*stretch=*/true), type);
  };
  return {at(l.q, l.heads, l.rows(), l.inner), at(l.k, l.keyHeads, {key}, l.inner),
          at(l.v, l.keyHeads, {key}, l.channels)};
}
