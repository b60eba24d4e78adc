//===- LoopsReduce.cpp - reductions of a loops kernel -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The order of a reduction is fixed: 16 lanes or one, four running values that take turns along
// the innermost reduced loop, a halving tree over the four, another over the lanes, and the value
// that was there before last.
//
//===----------------------------------------------------------------------===//
#include "LoopsEmitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Maxima and minima
//===----------------------------------------------------------------------===//

// maximumf takes six instructions on x86: a NaN wins, and +0 is above -0. A running maximum needs
// neither while it runs: beside it, the last NaN and the signs of all elements are kept, and put in
// once at its end. For maxnumf that may take either zero (nsz), the running maximum is all.
namespace {
enum class Running {
  Plain,    ///< combined by the region itself
  Ignoring, ///< a maximum without NaN
  Exact     ///< three values: the maximum without NaN, the last NaN, the signs' bits
};
} // namespace

static bool isMax(Operation *combiner) {
  return isa<arith::MaximumFOp, arith::MaxNumFOp>(combiner);
}

static Running runningOf(Operation *combiner, int64_t n) {
  if (!combiner || n == 0 || combiner->getNumOperands() != 2)
    return Running::Plain;
  Type t = combiner->getResult(0).getType();
  if (!t.isF32() && !t.isF64())
    return Running::Plain;
  if (isa<arith::MaximumFOp, arith::MinimumFOp>(combiner))
    return Running::Exact;
  auto math = dyn_cast<arith::ArithFastMathInterface>(combiner);
  bool anyZero =
      math && bitEnumContainsAll(math.getFastMathFlagsAttr().getValue(), arith::FastMathFlags::nsz);
  return anyZero && isa<arith::MaxNumFOp, arith::MinNumFOp>(combiner) ? Running::Ignoring
                                                                      : Running::Plain;
}

/// Two running values that have ended. None of those that pass NaN over is one.
static Value combineRunning(Emitter &e, Operation *combiner, Running kind, Value a, Value b) {
  if (kind != Running::Ignoring)
    return combine(e, combiner, a, b);
  return isMax(combiner) ? e.select(e.gtf(a, b), a, b) : e.select(e.gtf(b, a), a, b);
}

static unsigned partsOf(Running r) { return r == Running::Exact ? 3 : 1; }

static Type bitsOf(Type floats) {
  auto vector = cast<VectorType>(floats);
  return vector.clone(IntegerType::get(floats.getContext(), vector.getElementTypeBitWidth()));
}

/// `acc`, with its parts, after the element x, which is the first operand: NaN is passed over.
static Values extend(Emitter &e, Operation *combiner, ArrayRef<Value> acc, Value x) {
  Value better = isMax(combiner) ? e.gtf(x, acc[0]) : e.gtf(acc[0], x);
  Values next = {e.select(better, x, acc[0])};
  if (acc.size() == 1)
    return next;
  Value isNaN = arith::CmpFOp::create(e, arith::CmpFPredicate::UNO, x, x);
  next.push_back(e.select(isNaN, x, acc[1]));
  Value bits = arith::BitcastOp::create(e, acc[2].getType(), x);
  next.push_back(isMax(combiner) ? Value(arith::AndIOp::create(e, acc[2], bits))
                                 : Value(arith::OrIOp::create(e, acc[2], bits)));
  return next;
}

/// What the region's combiner would have made of all elements.
static Value finish(Emitter &e, ArrayRef<Value> acc) {
  if (acc.size() == 1)
    return acc[0];
  Type type = acc[0].getType();
  Value zero = arith::CmpFOp::create(e, arith::CmpFPredicate::OEQ, acc[0], e.fconst(type, 0.0));
  Value negative =
      arith::CmpIOp::create(e, arith::CmpIPredicate::slt, acc[2], e.iconst(acc[2].getType(), 0));
  Value signedZero = e.select(negative, e.fconst(type, -0.0), e.fconst(type, 0.0));
  Value isNaN = arith::CmpFOp::create(e, arith::CmpFPredicate::UNO, acc[1], acc[1]);
  return e.select(isNaN, acc[1], e.select(zero, signedZero, acc[0]));
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

namespace linnet::codegen {
/// One reduction at one result coordinate.
class ReductionEmitter {
public:
  ReductionEmitter(LoopsEmitter &l, Operation *op, const OpLoops &loops, int lane, const Scope &s)
      : l(l), e(l.e), op(cast<linalg::LinalgOp>(op)), loops(loops), scope(s) {
    for (unsigned r = 0; r < op->getNumResults(); ++r)
      combiners.push_back(findCombiner(op, r));
    known = !llvm::is_contained(combiners, nullptr);
    lanesReduce = lane >= 0 && loops.reduction[lane];
    order = l.innerLoops(loops, /*reduction=*/true, lane);
    if (lanesReduce)
      scope = {kLanes, s.mask, s.guard};
    for (Operation *combiner : combiners) {
      running.push_back(known ? runningOf(combiner, scope.n) : Running::Plain);
      width += partsOf(running.back());
    }
    joinLoops();
  }
  FailureOr<Lanes> run(Lanes coords, ArrayRef<Lane> initial);
  /// Over the first vector alone.
  Lanes runFirst(Lanes coords, ArrayRef<Lane> initial);
  /// Another reduction runs along over the same elements, with as many turns.
  void take(ReductionEmitter &other, Lanes initial) { along = {&other, std::move(initial), {}}; }
  const Lanes &ofOther() const { return along.values; }

private:
  void joinLoops();
  /// Iterations of a loop, and of those that are one with it.
  Value extent(unsigned loop);
  Values reduce(ArrayRef<unsigned> rest, Lanes coords, Values accs);
  Values reduceInnermost(unsigned loop, Lanes coords, Values accs);
  /// The accumulators of turn `turn` after the element at coords.
  void update(MutableArrayRef<Value> accs, ArrayRef<Lane> coords, const Scope &s, Value tail);
  Values mergeTurns(Values accs);
  Value mergeLanes(Value v, unsigned result);
  Values mergeArgLanes(Values accs);
  /// Coordinates of joined loops, and the turns.
  void begin(Lanes &coords);
  Values start(ArrayRef<Lane> initial);
  Lanes end(ArrayRef<Value> accs, ArrayRef<Lane> initial);
  /// Elements at `at`, which are turn `turn`, here and in what runs along.
  void updateAll(MutableArrayRef<Value> accs, unsigned turn, ArrayRef<Lane> at, const Scope &s,
                 Value tail);
  /// One value per result and turn, of all parts.
  Values finishTurns(ArrayRef<Value> accs);
  unsigned count() const { return combiners.size(); }

  LoopsEmitter &l;
  Emitter &e;
  linalg::LinalgOp op;
  const OpLoops &loops;
  Scope scope;
  SmallVector<Operation *> combiners;
  SmallVector<Running> running;
  SmallVector<unsigned> order;
  llvm::DenseMap<unsigned, SmallVector<unsigned>>
      joined; ///< loops that stay 0, by the one that runs
  bool known, lanesReduce;
  unsigned turns = 1;
  unsigned width = 0; ///< accumulators of one turn
  struct Along {
    ReductionEmitter *reduction = nullptr;
    Lanes initial, values;
  };
  Along along; ///< its accumulators lie behind the own ones
};
} // namespace linnet::codegen

/// Reduced loops over memory without a gap run as one: images of 7 x 7 are 49 elements, not 7 rows
/// that fill no vector.
void ReductionEmitter::joinLoops() {
  if (!known || !llvm::all_of(op.getDpsInputs(), [](Value v) {
        return isa<RankedTensorType>(v.getType()) && KernelFrame::isView(v);
      }))
    return;
  for (int i = int(order.size()) - 1; i > 0; --i) {
    unsigned inner = order[i], first = inner;
    for (; i > 0 && order[i - 1] + 1 == first && runsThrough(op, order[i - 1]); --i) {
      first = order[i - 1];
      joined[inner].push_back(first);
      order.erase(order.begin() + i - 1);
    }
  }
}

Value ReductionEmitter::extent(unsigned loop) {
  Value n = l.sizeOf(loops.sizes[loop]);
  for (unsigned other : joined.lookup(loop))
    n = e.mul(n, l.sizeOf(loops.sizes[other]));
  return n;
}

void ReductionEmitter::update(MutableArrayRef<Value> accs, ArrayRef<Lane> coords, const Scope &s,
                              Value tail) {
  Lanes now;
  for (unsigned r = 0, at = 0; r < count(); at += partsOf(running[r++])) {
    now.push_back({accs[at], 0, s.n != 0});
    if (running[r] != Running::Plain)
      l.passedBy.insert(combiners[r]);
  }
  auto next = l.evaluateRegion(op, coords, s, now);
  l.passedBy.clear();
  if (failed(next))
    return l.fail();
  for (unsigned r = 0, at = 0; r < count(); at += partsOf(running[r++])) {
    auto own = accs.slice(at, partsOf(running[r]));
    Values values = {l.vector((*next)[r], s.n)};
    if (running[r] != Running::Plain)
      values = extend(e, combiners[r], own, values[0]);
    for (auto [acc, v] : llvm::zip(own, values))
      acc = tail ? e.select(tail, v, acc) : v;
  }
  l.flush();
  if (l.trailed && op == l.plan.host)
    l.emitTrailing(coords.back(), s);
}

void ReductionEmitter::updateAll(MutableArrayRef<Value> accs, unsigned turn, ArrayRef<Lane> at,
                                 const Scope &s, Value tail) {
  update(accs.slice(size_t(turn) * width, width), at, s, tail);
  if (ReductionEmitter *other = along.reduction)
    other->update(accs.slice(size_t(turns) * width + size_t(turn) * other->width, other->width), at,
                  s, tail);
}

Values ReductionEmitter::reduceInnermost(unsigned loop, Lanes coords, Values accs) {
  Value size = extent(loop);
  int64_t width = lanesReduce ? kLanes : 1;
  auto at = [&](Value i, int64_t turn) {
    coords[loop] = {e.add(i, turn * width), lanesReduce ? 1 : 0, false};
    return ArrayRef<Lane>(coords);
  };
  auto block = [&](Value from, Value to, unsigned some) {
    if (auto n = Emitter::constantOf(e.sub(to, from)); n && *n == 0)
      return accs;
    return e.forLoop(from, to, e.index(some * width), accs, [&](Value i, ValueRange carried) {
      auto outside = l.memos;
      Values next(carried);
      {
        llvm::SaveAndRestore hold(l.holding, bool(l.trailed));
        for (unsigned t = 0; t < some; ++t)
          updateAll(next, t, at(i, t), scope, {});
      }
      l.flush();
      l.memos = std::move(outside);
      return next;
    });
  };
  Value whole = e.mul(e.div(size, turns * width), turns * width);
  accs = block(e.index(0), whole, turns);
  Value full = e.mul(e.div(size, width), width);
  if (turns > 1)
    accs = block(whole, full, 1);
  auto known = Emitter::constantOf(size);
  if (!lanesReduce || (known && *known % kLanes == 0))
    return accs;
  Scope masked = scope;
  masked.mask = e.mask(e.sub(size, full));
  return e.ifElse(
      e.lt(full, size), TypeRange(ValueRange(accs)),
      [&] {
        auto outside = l.memos;
        Values next = accs;
        updateAll(next, 0, at(full, 0), masked, masked.mask);
        l.memos = std::move(outside);
        return next;
      },
      [&] { return accs; });
}

Values ReductionEmitter::reduce(ArrayRef<unsigned> rest, Lanes coords, Values accs) {
  if (rest.size() == 1)
    return reduceInnermost(rest.front(), coords, std::move(accs));
  Value size = extent(rest.front());
  return e.forLoop(e.index(0), size, e.index(1), accs, [&](Value i, ValueRange carried) {
    auto outside = l.memos;
    coords[rest.front()] = {i};
    Values next = reduce(rest.drop_front(), coords, Values(carried));
    l.memos = std::move(outside);
    return next;
  });
}

Values ReductionEmitter::mergeTurns(Values accs) {
  for (unsigned half = turns / 2; half >= 1; half /= 2)
    for (unsigned t = 0; t < half; ++t)
      for (unsigned r = 0; r < count(); ++r)
        accs[t * count() + r] = combineRunning(e, combiners[r], running[r], accs[t * count() + r],
                                               accs[(t + half) * count() + r]);
  accs.resize(count());
  return accs;
}

Value ReductionEmitter::mergeLanes(Value v, unsigned r) {
  return e.reduceLanes(
      v, [&](Value a, Value b) { return combineRunning(e, combiners[r], running[r], a, b); });
}

Values ReductionEmitter::mergeArgLanes(Values accs) {
  for (int64_t n = kLanes / 2; n >= 1; n /= 2) {
    auto half = [&](Value v, int64_t from) -> Value {
      return vector::ShuffleOp::create(e, v, v, llvm::to_vector(llvm::seq(from, from + n)));
    };
    accs = l.chooseArg(op, {half(accs[0], 0), half(accs[1], 0)},
                       {half(accs[0], n), half(accs[1], n)}, n);
  }
  return {vector::ExtractOp::create(e, accs[0], 0), vector::ExtractOp::create(e, accs[1], 0)};
}

/// The accumulators of all turns.
Values ReductionEmitter::start(ArrayRef<Lane> initial) {
  int64_t n = scope.n;
  Values accs;
  for (unsigned t = 0; t < turns; ++t)
    for (unsigned r = 0; r < count(); ++r) {
      if (!known) {
        accs.push_back(l.vector(initial[r], n));
        continue;
      }
      Type element = getElementTypeOrSelf(op->getResult(r).getType());
      Value one = arith::ConstantOp::create(e, identityOf(combiners[r], element));
      accs.push_back(n ? e.splat(one, n) : one);
      if (running[r] == Running::Exact) {
        Type floats = accs.back().getType();
        accs.push_back(e.fconst(floats, 0.0));
        accs.push_back(e.iconst(bitsOf(floats), isMax(combiners[r]) ? -1 : 0));
      }
    }
  return accs;
}

Values ReductionEmitter::finishTurns(ArrayRef<Value> accs) {
  Values out;
  for (unsigned t = 0; t < turns; ++t)
    for (Running kind : running) {
      out.push_back(finish(e, accs.take_front(partsOf(kind))));
      accs = accs.drop_front(partsOf(kind));
    }
  return out;
}

void ReductionEmitter::begin(Lanes &coords) {
  Value innermost = extent(order.back());
  for (auto &[loop, others] : joined)
    for (unsigned other : others)
      coords[other] = {e.index(0)};
  int64_t step = lanesReduce ? kLanes : 1;
  if (known && Emitter::constantOf(innermost).value_or(INT64_MAX) >= 4 * step)
    // a maximum has no order: half the turns take the registers of one with three values
    turns = llvm::all_of(running, [](Running r) { return r == Running::Exact; }) ? 2 : 4;
}

Lanes ReductionEmitter::end(ArrayRef<Value> all, ArrayRef<Lane> initial) {
  int64_t n = scope.n;
  Values accs = mergeTurns(finishTurns(all));
  if (lanesReduce && known)
    for (unsigned r = 0; r < count(); ++r)
      accs[r] = mergeLanes(accs[r], r);
  else if (lanesReduce)
    accs = mergeArgLanes(accs);
  Lanes out;
  bool vectors = n && !lanesReduce;
  for (unsigned r = 0; r < count(); ++r) {
    Value v = accs[r];
    if (known)
      v = combineRunning(e, combiners[r], running[r], l.vector(initial[r], vectors ? n : 0), v);
    out.push_back({v, 0, vectors});
  }
  return out;
}

FailureOr<Lanes> ReductionEmitter::run(Lanes coords, ArrayRef<Lane> initial) {
  begin(coords);
  Values accs = start(initial);
  unsigned own = accs.size();
  if (along.reduction) {
    along.reduction->begin(coords);
    accs.append(along.reduction->start(along.initial));
  }
  accs = reduce(order, coords, accs);
  if (along.reduction)
    along.values = along.reduction->end(ArrayRef(accs).drop_front(own), along.initial);
  return end(ArrayRef(accs).take_front(own), initial);
}

Lanes ReductionEmitter::runFirst(Lanes coords, ArrayRef<Lane> initial) {
  Values accs = start(initial);
  Value size = extent(order.back());
  Scope s = scope;
  if (Emitter::constantOf(size).value_or(0) < kLanes)
    s.mask = e.mask(size);
  coords[order.back()] = {e.index(0), 1, false};
  update(accs, coords, s, s.mask);
  return end(accs, initial);
}

void LoopsEmitter::emitReduction(Operation *op, const OpLoops &loops, int lane, const Lanes &coords,
                                 const Scope &s) {
  auto parallel = innerLoops(loops, /*reduction=*/false, lane);
  storing.clear();
  auto linalgOp = cast<linalg::LinalgOp>(op);
  nest(loops, parallel, lane, coords, s, [&](ArrayRef<Lane> at, const Scope &inner) {
    Result initial = initialValues(linalgOp, loops, at, inner);
    if (failed(initial))
      return fail();
    ReductionEmitter reduction(*this, op, loops, lane, inner);
    std::optional<OpLoops> otherLoops;
    std::optional<ReductionEmitter> other;
    if (reference && op == reference->host) {
      otherLoops.emplace(reference->op);
      other.emplace(*this, reference->op, *otherLoops, lane, inner);
      Result first = initialValues(reference->op, *otherLoops, at, inner);
      if (failed(first))
        return fail();
      reduction.take(*other, *first);
    }
    FailureOr<Lanes> values = reduction.run(Lanes(at), *initial);
    if (failed(values))
      return fail();
    if (other)
      reference->exact = reduction.ofOther()[0];
    keep(op, loops, *values, at, inner);
  });
}

/// Of a point's first vector; of a sum, in proportion.
Lane LoopsEmitter::guess(linalg::LinalgOp op, ArrayRef<Lane> point, const Scope &s) {
  OpLoops loops(op);
  Lanes coords(point);
  coords.resize(loops.rank());
  Result initial = initialValues(op, loops, coords, s);
  if (failed(initial))
    return fail(), Lane{e.f(0)};
  ahead.clear();
  Lane first =
      ReductionEmitter(*this, op, loops, laneLoop(plan, loops), s).runFirst(coords, *initial)[0];
  if (reference->mean)
    first.v = e.mulf(first.v, e.f(double(reference->count) / kLanes));
  return first;
}
