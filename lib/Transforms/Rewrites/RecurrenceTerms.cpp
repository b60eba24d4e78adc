//===- RecurrenceTerms.cpp - what a loop makes of its state -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Sums and products are multiplied out as far as the state goes and no farther: what does not
// change with it stays a factor as it is.
//
//===----------------------------------------------------------------------===//
#include "RecurrenceTerms.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

//===----------------------------------------------------------------------===//
// What the loop carries
//===----------------------------------------------------------------------===//

bool TermReader::isCarried(Value v) {
  if (!loop.getRegion().isAncestor(v.getParentRegion()) || g.boundTo(v))
    return false;
  auto known = carried.try_emplace(v, false);
  if (!known.second)
    return known.first->second;
  bool found = false;
  if (auto arg = dyn_cast<BlockArgument>(v)) {
    auto op = dyn_cast<linalg::LinalgOp>(arg.getOwner()->getParentOp());
    found = op && arg.getOwner() == op.getBlock()
                ? isCarried(op->getOperand(arg.getArgNumber()))
                : true; // of the loop, or of a region about which nothing is known
  } else {
    Operation *op = v.getDefiningOp();
    llvm::SetVector<Value> captured;
    getUsedValuesDefinedAbove(op->getRegions(), captured);
    found = llvm::any_of(op->getOperands(), [&](Value x) { return isCarried(x); }) ||
            llvm::any_of(captured, [&](Value x) { return isCarried(x); });
  }
  return carried[v] = found;
}

const Element &TermReader::whole(unsigned number) {
  auto [at, isNew] = wholes.try_emplace(number);
  if (isNew)
    at->second = g.all(loop.getYieldedValues()[number]);
  return at->second;
}

/// The coordinates of `whole` where an element that it is seen as has the coordinates `at`.
static std::optional<SmallVector<AffineExpr>>
inverted(Elements &g, const Element &whole, const Element &seen, ArrayRef<AffineExpr> at) {
  SmallVector<AffineExpr> out(whole.at);
  for (auto [x, value] : llvm::zip_equal(seen.at, at)) {
    SmallVector<AffineExpr> parts; // a * n + b, the last moves fastest
    AffineExpr rest = x;
    while (auto sum = dyn_cast<AffineBinaryOpExpr>(rest)) {
      if (sum.getKind() != AffineExprKind::Add)
        return std::nullopt;
      parts.push_back(sum.getRHS());
      rest = sum.getLHS();
    }
    parts.push_back(rest);
    SmallVector<std::pair<int64_t, unsigned>> terms;
    for (AffineExpr part : parts) {
      int64_t factor = 1;
      if (auto product = dyn_cast<AffineBinaryOpExpr>(part)) {
        auto c = dyn_cast<AffineConstantExpr>(product.getRHS());
        if (product.getKind() != AffineExprKind::Mul || !c)
          return std::nullopt;
        factor = c.getValue();
        part = product.getLHS();
      }
      if (auto d = dyn_cast<AffineDimExpr>(part))
        terms.push_back({factor, d.getPosition()});
      else if (part != getAffineConstantExpr(0, part.getContext()))
        return std::nullopt;
    }
    for (auto [factor, v] : terms) {
      AffineExpr own = value.floorDiv(factor);
      if (terms.size() > 1)
        own = own % g.extent(v).size;
      own = g.simplify(own);
      for (AffineExpr &e : out)
        e = e == g.variable(v) ? own : e;
    }
  }
  return out;
}

std::optional<StateElement> TermReader::state(const Element &e, bool after) {
  auto args = loop.getRegionIterArgs();
  if (auto arg = dyn_cast<BlockArgument>(e.value))
    if (const auto *found = llvm::find(args, arg); found != args.end())
      return StateElement{unsigned(found - args.begin()), false, e.at};
  if (!after)
    return std::nullopt;
  for (unsigned i = 0; i < args.size(); ++i) {
    if (!isa<RankedTensorType>(args[i].getType()) || g.boundTo(args[i]))
      continue;
    auto [seen, isNew] = yielded.try_emplace(i);
    if (isNew)
      seen->second = g.way(whole(i), /*throughCasts=*/true);
    for (const Element &same : seen->second)
      if (same.value == e.value && same.value != args[i])
        if (auto at = inverted(g, whole(i), same, e.at))
          return StateElement{i, true, *at};
  }
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Factors
//===----------------------------------------------------------------------===//

void TermReader::factorize(const Element &element, bool inverse, bool outside, Term &out) {
  Element e = element;
  if (auto c = g.constant(e); c && *c != 0) {
    out.coefficient *= inverse ? 1 / *c : *c;
    return;
  }
  auto mayGo = [&] { return outside || g.isWithin(e.value); };
  while (mayGo()) {
    auto next = g.step(e, /*throughCasts=*/true);
    if (!next)
      break;
    e = *next;
  }
  if (mayGo() && g.op<arith::MulFOp>(e)) {
    factorize(g.operand(e, 0), inverse, outside, out);
    return factorize(g.operand(e, 1), inverse, outside, out);
  }
  if (mayGo() && g.op<arith::DivFOp>(e)) {
    factorize(g.operand(e, 0), inverse, outside, out);
    return factorize(g.operand(e, 1), !inverse, outside, out);
  }
  if (mayGo() && g.op<arith::NegFOp>(e)) {
    out.coefficient = -out.coefficient;
    return factorize(g.operand(e, 0), inverse, outside, out);
  }
  unsigned before = g.size();
  auto sum = mayGo() && !g.op(e) ? g.factorSum(e) : std::nullopt;
  if (sum && !sum->start &&
      llvm::all_of(sum->variables, [&](unsigned v) { return g.extent(v).size == 1; })) {
    for (const Element &factor : sum->factors)
      factorize(factor, inverse, outside, out);
    return;
  }
  g.restore(before);
  out.factors.push_back({element, inverse});
}

Factors TermReader::takenApart(ArrayRef<Factor> factors, double &coefficient) {
  Term out;
  for (const Factor &f : factors)
    factorize(f.element, f.inverse, /*outside=*/true, out);
  coefficient *= out.coefficient;
  return out.factors;
}

/// A constant matrix of ones, or a condition on two positions.
bool TermReader::isOneWhereEqual(const Element &element, Term &out) {
  Element e = g.source(element);
  if (auto op = e.value.getDefiningOp<arith::ConstantOp>()) {
    auto dense = dyn_cast<DenseFPElementsAttr>(op.getValue());
    if (!dense || dense.isSplat() || dense.getType().getRank() != 2)
      return false;
    int64_t columns = dense.getType().getDimSize(1);
    for (auto [i, x] : llvm::enumerate(dense.getValues<APFloat>()))
      if (!x.isExactlyValue(int64_t(i) / columns == int64_t(i) % columns ? 1.0 : 0.0))
        return false;
    out.equal.push_back({e.at[0], e.at[1]});
    return true;
  }
  Element condition;
  if (g.op<arith::UIToFPOp>(e))
    condition = g.operand(e, 0);
  else if (g.op<arith::SelectOp>(e) && g.constant(g.operand(e, 1)) == 1.0 &&
           g.constant(g.operand(e, 2)) == 0.0)
    condition = g.operand(e, 0);
  condition = condition ? g.source(condition) : condition;
  auto compare = condition ? g.op<arith::CmpIOp>(condition) : arith::CmpIOp();
  if (!compare || compare.getPredicate() != arith::CmpIPredicate::eq)
    return false;
  AffineExpr a = g.index(g.operand(condition, 0)), b = g.index(g.operand(condition, 1));
  if (a && b)
    out.equal.push_back({a, b});
  return a && b;
}

/// What does not change with the state: one product, or a matrix of ones and something else.
bool TermReader::readFree(const Element &element, Terms &out) {
  Term ones;
  if (isOneWhereEqual(element, ones)) {
    out.push_back(ones);
    return true;
  }
  Element e = g.source(element);
  bool minus = g.op<arith::SubFOp>(e) != nullptr;
  Term probe;
  if ((minus || g.op<arith::AddFOp>(e)) &&
      (isOneWhereEqual(g.operand(e, 0), probe) || isOneWhereEqual(g.operand(e, 1), probe))) {
    unsigned first = out.size();
    (void)readFree(g.operand(e, 0), out);
    first = out.size();
    (void)readFree(g.operand(e, 1), out);
    for (Term &t : MutableArrayRef(out).drop_front(first))
      t.coefficient = minus ? -t.coefficient : t.coefficient;
    return true;
  }
  Term product;
  factorize(element, /*inverse=*/false, /*outside=*/false, product);
  out.push_back(product);
  return true;
}

//===----------------------------------------------------------------------===//
// Terms
//===----------------------------------------------------------------------===//

/// A sum over a variable of what is 0 unless that equals x: the summand at x.
void TermReader::resolve(Term &term) {
  for (unsigned i = 0; i < term.equal.size();) {
    AffineExpr a = term.equal[i].first, b = term.equal[i].second;
    unsigned *found = llvm::find_if(
        term.summed, [&](unsigned v) { return a == g.variable(v) || b == g.variable(v); });
    if (found == term.summed.end()) {
      ++i;
      continue;
    }
    unsigned v = *found;
    AffineExpr x = a == g.variable(v) ? b : a;
    term.summed.erase(found);
    term.equal.erase(term.equal.begin() + i);
    for (Factor &f : term.factors)
      f.element = g.replace(f.element, v, x);
    if (term.state)
      for (AffineExpr &e : term.state->at)
        e = g.simplify(e.replace(g.variable(v), x));
    for (auto &pair : term.equal)
      pair = {pair.first.replace(g.variable(v), x), pair.second.replace(g.variable(v), x)};
  }
}

bool TermReader::product(ArrayRef<Element> factors, ArrayRef<unsigned> variables, bool after,
                         Terms &out, std::string &why) {
  Terms all = {Term()};
  for (const Element &factor : factors) {
    Terms own, next;
    if (!read(factor, after, own, why))
      return false;
    for (const Term &a : all)
      for (const Term &b : own) {
        if (a.state && b.state) {
          why = "the state is multiplied with itself";
          return false;
        }
        Term &t = next.emplace_back(a);
        t.coefficient *= b.coefficient;
        llvm::append_range(t.factors, b.factors);
        llvm::append_range(t.summed, b.summed);
        llvm::append_range(t.equal, b.equal);
        t.state = b.state ? b.state : a.state;
      }
    if (next.size() > 8) {
      why = "the state is part of too many terms";
      return false;
    }
    all = std::move(next);
  }
  for (Term &t : all) {
    for (unsigned v : variables)
      if (g.extent(v).size != 1)
        t.summed.push_back(v);
    resolve(t);
  }
  llvm::append_range(out, all);
  return true;
}

/// What an op makes of operands of which one at least is carried.
bool TermReader::compute(const Element &e, bool after, Terms &out, std::string &why) {
  Operation *op = g.op(e);
  auto scaled = [&](const Element &x, double by) {
    unsigned first = out.size();
    if (!read(x, after, out, why))
      return false;
    for (Term &t : MutableArrayRef(out).drop_front(first))
      t.coefficient *= by;
    return true;
  };
  if (isa_and_nonnull<arith::MulFOp>(op))
    return product({g.operand(e, 0), g.operand(e, 1)}, {}, after, out, why);
  if (isa_and_nonnull<math::FmaOp>(op))
    return product({g.operand(e, 0), g.operand(e, 1)}, {}, after, out, why) &&
           scaled(g.operand(e, 2), 1);
  if (isa_and_nonnull<arith::AddFOp, arith::SubFOp>(op))
    return scaled(g.operand(e, 0), 1) && scaled(g.operand(e, 1), isa<arith::SubFOp>(op) ? -1 : 1);
  if (isa_and_nonnull<arith::NegFOp>(op))
    return scaled(g.operand(e, 0), -1);
  if (isa_and_nonnull<arith::DivFOp>(op) && !isCarried(op->getOperand(1))) {
    unsigned first = out.size();
    if (!read(g.operand(e, 0), after, out, why))
      return false;
    for (Term &t : MutableArrayRef(out).drop_front(first))
      factorize(g.operand(e, 1), /*inverse=*/true, /*outside=*/false, t);
    return true;
  }
  auto sum = op ? std::nullopt : g.factorSum(e);
  if (!sum) {
    Operation *by = e.value.getDefiningOp();
    why = "the state goes through " + (by ? by->getName().getStringRef().str() : "an inner loop");
    return false;
  }
  return product(sum->factors, sum->variables, after, out, why) &&
         (!sum->start || read(sum->start, after, out, why));
}

bool TermReader::read(const Element &element, bool after, Terms &out, std::string &why) {
  Element e = element;
  while (true) {
    if (auto found = state(e, after)) {
      out.emplace_back().state = std::move(found);
      return true;
    }
    if (!isCarried(e.value))
      return readFree(e, out);
    auto next = g.step(e, /*throughCasts=*/true);
    if (!next)
      return compute(e, after, out, why);
    e = *next;
  }
}
