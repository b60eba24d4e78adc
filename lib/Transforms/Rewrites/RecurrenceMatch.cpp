//===- RecurrenceMatch.cpp - a linear recurrence found in a loop ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// From a result that a loop inserts one row a step into, to the row, to the sum in it that reads
// what the loop carries, to what the step makes of that.
//
//===----------------------------------------------------------------------===//
#include "RecurrenceMatch.h"
#include "linnet/Analysis/SizeOrigin.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

bool linnet::rewrites::remove(Elements &g, ArrayRef<Factor> some, Factors &all) {
  for (const Factor &f : some) {
    Factor *found = llvm::find_if(all, [&](const Factor &other) {
      return other.inverse == f.inverse && g.same(other.element, f.element);
    });
    if (found == all.end())
      return false;
    all.erase(found);
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

static bool startsAtZero(scf::ForOp loop) {
  return getConstantIntValue(loop.getLowerBound()) == 0 && getConstantIntValue(loop.getStep()) == 1;
}

/// What is inserted into what the loop carries, and nothing else is done with that.
static tensor::InsertSliceOp insertion(OpResult result) {
  auto loop = cast<scf::ForOp>(result.getOwner());
  BlockArgument arg = loop.getRegionIterArg(result.getResultNumber());
  auto insert =
      loop.getYieldedValues()[result.getResultNumber()].getDefiningOp<tensor::InsertSliceOp>();
  return insert && insert.getDest() == arg && arg.hasOneUse() ? insert : tensor::InsertSliceOp();
}

/// The one dimension in which an insertion is not the whole, but the slice at a number that
/// changes.
static std::optional<unsigned> insertedAt(tensor::InsertSliceOp insert, OpResult result) {
  std::optional<unsigned> at;
  // which has the sizes of what is inserted into at every step
  Value whole = cast<scf::ForOp>(result.getOwner()).getInits()[result.getResultNumber()];
  for (auto [d, offset, size, stride] : llvm::enumerate(
           insert.getMixedOffsets(), insert.getMixedSizes(), insert.getMixedStrides())) {
    if (getConstantIntValue(stride) != 1)
      return std::nullopt;
    if (getConstantIntValue(offset) == 0 && sizeOrigin(size) == sizeOrigin(whole, int64_t(d)))
      continue;
    if (at || isa<Attribute>(offset) || getConstantIntValue(size) != 1)
      return std::nullopt;
    at = d;
  }
  return at;
}

/// A counter beside that of the loop: a number that grows by the same at every step.
void RecurrenceMatcher::bindCounters(scf::ForOp loop, AffineExpr at) {
  g.bind(loop.getInductionVar(), at);
  for (auto [arg, init, next] :
       llvm::zip_equal(loop.getRegionIterArgs(), loop.getInits(), loop.getYieldedValues())) {
    if (!isa<IntegerType, IndexType>(getElementTypeOrSelf(arg)))
      continue;
    auto shaped = dyn_cast<RankedTensorType>(arg.getType());
    if (shaped && shaped.getRank())
      continue;
    AffineExpr start = g.index({init, {}});
    Element sum = g.source({next, {}});
    if (!start || !g.op<arith::AddIOp>(sum))
      continue;
    for (unsigned i = 0; i < 2; ++i) {
      auto by = g.constant(g.operand(sum, i));
      if (by && g.source(g.operand(sum, 1 - i)).value == arg)
        g.bind(arg, g.simplify(start + at * int64_t(*by)));
    }
  }
}

/// Into the loops, as long as what is inserted is the result of a loop within.
bool RecurrenceMatcher::descend(OpResult result, Element root, Recurrence &r, std::string &why) {
  auto loop = cast<scf::ForOp>(result.getOwner());
  auto insert = insertion(result);
  auto at = insert ? insertedAt(insert, result) : std::nullopt;
  if (!at)
    return false;
  if (!startsAtZero(loop)) {
    why = "the loop does not count from 0 by 1";
    return false;
  }
  bool complete = sizeOrigin(loop.getUpperBound()) ==
                  sizeOrigin(loop.getInits()[result.getResultNumber()], *at);
  if (!complete && !r.nest.loops.empty()) {
    why = "an inner loop is not known to make all that its result holds";
    return false;
  }
  r.nest.complete &= complete;
  bindCounters(loop, root.at[*at]);
  r.nest.loops.push_back({loop, root.at[*at]});
  Value offset = cast<Value>(insert.getMixedOffsets()[*at]);
  if (g.index({offset, {}}) != root.at[*at]) {
    why = "a row is inserted at another place than its own";
    return false;
  }
  llvm::SmallBitVector dropped = insert.getDroppedDims();
  Element row{insert.getSource(), {}};
  for (unsigned d = 0; d < root.at.size(); ++d)
    if (!dropped[d])
      row.at.push_back(d == *at ? getAffineConstantExpr(0, loop.getContext()) : root.at[d]);
  // a loop within
  for (const Element &e : g.way(row)) {
    auto inner = dyn_cast<OpResult>(e.value);
    if (inner && isa<scf::ForOp>(inner.getOwner()) && g.isWithin(inner))
      return descend(inner, e, r, why);
  }
  r.nest.time = loop;
  r.row = row;
  if (auto d = dyn_cast<AffineDimExpr>(root.at[*at]))
    r.time = d.getPosition();
  else
    r.time = g.addVariable(1);
  return true;
}

std::optional<unsigned> RecurrenceMatcher::carried(Elements &g, OpResult result,
                                                   const Recurrence &r,
                                                   SmallVectorImpl<AffineExpr> &at) {
  auto loop = cast<scf::ForOp>(result.getOwner());
  unsigned number = result.getResultNumber();
  if (loop == r.nest.time) {
    at.assign(r.at.begin(), r.at.end());
    return number == r.state ? std::optional(number) : std::nullopt;
  }
  auto insert = insertion(result);
  auto where = insert ? insertedAt(insert, result) : std::nullopt;
  auto inner = where ? dyn_cast<OpResult>(insert.getSource()) : OpResult();
  AffineExpr counter = g.boundTo(loop.getInductionVar());
  if (!inner || !isa<scf::ForOp>(inner.getOwner()) || !counter ||
      g.index({cast<Value>(insert.getMixedOffsets()[*where]), {}}) != g.simplify(counter))
    return std::nullopt;
  SmallVector<AffineExpr> within;
  auto found = carried(g, inner, r, within);
  llvm::SmallBitVector dropped = insert.getDroppedDims();
  if (!found || within.size() != dropped.size() - dropped.count())
    return std::nullopt;
  ArrayRef<AffineExpr> rest = within;
  for (unsigned d = 0; d < dropped.size(); ++d) {
    at.push_back(d == *where  ? g.simplify(counter)
                 : dropped[d] ? getAffineConstantExpr(0, loop.getContext())
                              : rest.front());
    if (!dropped[d])
      rest = rest.drop_front();
  }
  return found;
}

//===----------------------------------------------------------------------===//
// The row
//===----------------------------------------------------------------------===//

/// The free term besides the state before the step: sum of query * bonus * key, times the value.
bool RecurrenceMatcher::readBonus(TermReader &reader, const Term &free, Recurrence &r,
                                  std::string &why) {
  Product rest{{}, free.coefficient};
  SmallVector<unsigned> summed = free.summed;
  for (const Factor &f : reader.takenApart(free.factors, rest.coefficient)) {
    auto sum = f.inverse ? std::nullopt : g.factorSum(f.element);
    if (!sum || sum->start) {
      rest.factors.push_back(f);
      continue;
    }
    llvm::append_range(summed, sum->variables);
    SmallVector<Factor> inside;
    for (const Element &e : sum->factors)
      inside.push_back({e});
    llvm::append_range(rest.factors, reader.takenApart(inside, rest.coefficient));
  }
  if (summed.size() != 1 || r.inner.size() != 1) {
    why = "what is added to the state that is read is no sum over the same keys";
    return false;
  }
  for (Factor &f : rest.factors)
    f.element = g.replace(f.element, summed[0], g.variable(r.inner[0]));
  double known = 1;
  for (const Product *p : {&r.query, &r.update}) {
    Factors parts = reader.takenApart(p->factors, known);
    known *= p->coefficient;
    if (!remove(g, parts, rest.factors)) {
      why = "what is added to the state that is read is not the update of the step";
      return false;
    }
  }
  rest.coefficient /= known;
  for (const Factor &f : rest.factors)
    if (g.dependsOn(f.element, r.time)) {
      why = "the bonus of the current position changes with the position";
      return false;
    }
  r.bonus = rest;
  return true;
}

/// Whether an element reads the state by a sum over some of its coordinates; `found`: something is
/// read so, at least.
bool RecurrenceMatcher::readOut(TermReader &reader, const Element &e, Recurrence &r,
                                std::string &why, bool &found) {
  Terms terms;
  std::string reason;
  if (!reader.read(e, /*after=*/true, terms, reason)) {
    why = why.empty() ? reason : why;
    return false;
  }
  Terms free, reading;
  for (const Term &t : terms)
    (t.state ? reading : free).push_back(t);
  found |= llvm::any_of(reading, [](const Term &t) { return !t.summed.empty(); });
  if (reading.size() != 1 || free.size() > 1 || reading[0].summed.empty() ||
      !reading[0].equal.empty()) {
    why = "the row is not read out of the state by one sum of products";
    return false;
  }
  const Term &t = reading[0];
  r.core = e;
  r.state = t.state->number;
  r.after = t.state->after;
  r.at = t.state->at;
  r.inner.assign(t.summed.begin(), t.summed.end());
  r.query = {t.factors, t.coefficient};
  for (unsigned v : r.inner)
    if (!llvm::any_of(r.at, [&](AffineExpr x) { return x.isFunctionOfDim(v); })) {
      why = "queries are summed over what is no dimension of the state";
      return false;
    }
  if (!readUpdate(reader, r, why))
    return false;
  if (free.empty())
    return true;
  if (r.after) {
    why = "something is added to the state that is read";
    return false;
  }
  return readBonus(reader, free[0], r, why);
}

//===----------------------------------------------------------------------===//
// The step
//===----------------------------------------------------------------------===//

/// left * sum of right * state: the state at other keys, each in its own place.
bool RecurrenceMatcher::readErased(const Term &term, Recurrence &r, std::string &why) {
  auto fail = [&](StringRef text) {
    why = text.str();
    return false;
  };
  if (r.left)
    return fail("the state is multiplied with more than one matrix");
  SmallVector<std::pair<unsigned, AffineExpr>> renamed;
  for (auto [own, x] : llvm::zip_equal(term.state->at, r.at)) {
    if (own == x)
      continue;
    auto d = dyn_cast<AffineDimExpr>(own);
    auto key = dyn_cast<AffineDimExpr>(x);
    if (!d || !key || !llvm::is_contained(term.summed, d.getPosition()) ||
        !llvm::is_contained(r.inner, key.getPosition()))
      return fail("the state is read at another place than the one that is computed");
    renamed.push_back({d.getPosition(), x});
  }
  if (renamed.size() != term.summed.size())
    return fail("the state is summed over more than its keys");
  r.left = Product{{}, term.coefficient};
  r.right = Product();
  for (Factor f : term.factors) {
    bool right = llvm::any_of(term.summed, [&](unsigned v) { return g.dependsOn(f.element, v); });
    if (right && llvm::any_of(r.inner, [&](unsigned v) { return g.dependsOn(f.element, v); }))
      return fail("the matrix that the state is multiplied with is no product of two vectors");
    for (auto [v, x] : renamed)
      f.element = right ? g.replace(f.element, v, x) : f.element;
    (right ? r.right : r.left)->factors.push_back(f);
  }
  return true;
}

bool RecurrenceMatcher::readUpdate(TermReader &reader, Recurrence &r, std::string &why) {
  Terms terms;
  const Element &whole = reader.whole(r.state);
  if (!reader.read(whole, /*after=*/false, terms, why))
    return false;
  // in the variables of the row
  for (auto [own, x] : llvm::zip_equal(whole.at, r.at))
    if (auto d = dyn_cast<AffineDimExpr>(own))
      for (Term &t : terms) {
        for (Factor &f : t.factors)
          f.element = g.replace(f.element, d.getPosition(), x);
        if (t.state)
          for (AffineExpr &e : t.state->at)
            e = g.simplify(e.replace(own, x));
      }
  unsigned decays = 0, updates = 0;
  for (const Term &t : terms) {
    if (!t.equal.empty() || (t.state && t.state->number != r.state)) {
      why = t.equal.empty() ? "the update reads something else that the loop carries"
                            : "the state is multiplied with a matrix that is none of a vector";
      return false;
    }
    if (t.state && t.summed.empty() && t.state->at == r.at) {
      r.decay = {t.factors, t.coefficient};
      ++decays;
    } else if (t.state) {
      if (!readErased(t, r, why))
        return false;
    } else {
      r.update = {t.factors, t.coefficient};
      updates += 1 + t.summed.size();
    }
  }
  if (decays == 1 && updates == 1)
    return true;
  why = decays == 0   ? "the state before the step is not kept"
        : decays > 1  ? "the state before the step is kept in more than one part"
        : updates > 1 ? "more than one product is added to the state"
                      : "nothing is added to the state";
  return false;
}

//===----------------------------------------------------------------------===//
// The match
//===----------------------------------------------------------------------===//

std::optional<Recurrence> RecurrenceMatcher::match(OpResult result, std::string &why) {
  Recurrence r;
  r.root = {result, {}};
  // as many rows as the loop makes, which may be fewer than the result has
  auto loop = cast<scf::ForOp>(result.getOwner());
  auto insert = insertion(result);
  auto at = insert ? insertedAt(insert, result) : std::nullopt;
  auto type = dyn_cast<RankedTensorType>(result.getType());
  if (!at || !isa<FloatType>(type.getElementType()))
    return std::nullopt;
  for (int64_t d = 0; d < type.getRank(); ++d) {
    auto count = getConstantIntValue(loop.getUpperBound());
    bool isCounted = d == *at && count && *count <= type.getDimSize(d) && *count > 0;
    unsigned v = isCounted ? g.addVariable(*count) : g.addVariable(result, d);
    r.root.at.push_back(g.simplify(g.variable(v)));
  }
  std::string reason;
  if (!descend(result, r.root, r, reason))
    return std::nullopt;
  TermReader reader(g, r.nest.time);
  bool found = false;
  Element e = r.row;
  std::optional<Recurrence> scaled;
  while (reader.isCarried(e.value)) {
    Recurrence attempt = r;
    if (readOut(reader, e, attempt, reason, found)) {
      // a factor of all keys may be one that the row is multiplied with
      if (llvm::all_of(attempt.query.factors, [&](const Factor &f) {
            return llvm::any_of(attempt.inner,
                                [&](unsigned v) { return g.dependsOn(f.element, v); });
          }))
        return attempt;
      scaled = std::move(attempt);
    }
    // what is done to it, beside other operands that the state does not change
    Element source = g.source(e, /*throughCasts=*/false);
    Operation *op = g.op(source);
    std::optional<unsigned> only;
    for (unsigned i = 0; op && i < op->getNumOperands(); ++i)
      if (reader.isCarried(op->getOperand(i))) {
        only = only ? op->getNumOperands() : i;
      }
    if (!only || *only == op->getNumOperands())
      break;
    e = g.operand(source, *only);
  }
  if (found && !scaled)
    why = reason;
  return scaled;
}
