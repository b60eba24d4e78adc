//===- LoopsReference.cpp - softmax and variances in one pass over a row ----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A softmax's exponentials are taken relative to the row's maximum, so that none overflows; the
// sum divides the reference out again. Any reference serves that is not far below the maximum. So
// the maximum of a row's first vector is taken, the row's own found in the pass that computes the
// exponentials, and only where it lies too far above is that pass made again, relative to it.
//
// In terms of rounding nothing is lost: x - reference is rounded once, whatever the reference, and
// is no larger than kReach where it is positive. What underflows would relative to the maximum,
// too.
//
// A variance is the mean of squares relative to the mean. The squares may be summed relative to
// another value: each of n is then larger by the square of that value's distance from the mean, on
// the average. So they are taken relative to the mean of the row's first vector, the sum of all is
// found along with them, and n times the square of the distance is subtracted. Only where that
// is most of what was summed, so that digits would be lost, are the squares summed again, relative
// to the mean. The sum is that of a pass of its own, to the bit.
//
//===----------------------------------------------------------------------===//
#include "LoopsEmitter.h"
#include "linnet/IR/Reference.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/SaveAndRestore.h"
#include <limits>

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

/// How far an element may be above the reference: e^40 times the longest row is far from overflow.
static constexpr double kReach = 40;

/// How much of what is summed relative to a guessed mean its distance from the mean may be, as a
/// multiple of the rest.
static constexpr double kShare = 4;
/// Shorter rows are in registers or nearly so.
static constexpr int64_t kShortest = 64;

//===----------------------------------------------------------------------===//
// Squares relative to a mean
//===----------------------------------------------------------------------===//

/// The operand that the region reads as v, or as what v was before it was widened.
static OpOperand *readAs(linalg::LinalgOp op, Value v) {
  if (auto wide = v.getDefiningOp<arith::ExtFOp>())
    v = wide.getIn();
  auto arg = dyn_cast<BlockArgument>(v);
  return arg && arg.getOwner() == op.getBlock() ? op.getMatchingOpOperand(arg) : nullptr;
}

/// What the only result of a reduction sums; null: it is none.
static Value summand(linalg::LinalgOp op) {
  Operation *add = op->getNumResults() == 1 ? findCombiner(op, 0) : nullptr;
  if (!isa_and_nonnull<arith::AddFOp>(add))
    return {};
  Value running = op.getRegionOutputArgs()[0];
  return add->getOperand(add->getOperand(0) == running ? 1 : 0);
}

/// The mean of what `sum` adds up, where `host` sums the squares of the same elements relative to
/// it; null: no.
static Value findMean(linalg::LinalgOp sum, linalg::LinalgOp host, int64_t n) {
  Value element = summand(sum), square = summand(host);
  auto product = square ? square.getDefiningOp<arith::MulFOp>() : arith::MulFOp();
  if (!element || !product || product.getLhs() != product.getRhs())
    return {};
  auto start = sum.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
  if (!start || !matchPattern(start.getInputs()[0], m_AnyZeroFloat()))
    return {};
  auto difference = product.getLhs().getDefiningOp<arith::SubFOp>();
  if (!difference)
    return {};
  OpOperand *x = readAs(sum, element), *same = readAs(host, difference.getLhs()),
            *mean = readAs(host, difference.getRhs());
  // What the kernel itself computes is in memory only once its first reader, the sum, has run.
  if (!x || !same || !mean || x->get() != same->get() || !isa<BlockArgument>(x->get()) ||
      sum.getMatchingIndexingMap(x) != host.getMatchingIndexingMap(same))
    return {};
  auto op = mean->get().getDefiningOp<linalg::LinalgOp>();
  auto quotient = op && op.getNumDpsInits() == 1 && op->getNumResults() == 1
                      ? op.getBlock()->getTerminator()->getOperand(0).getDefiningOp<arith::DivFOp>()
                      : arith::DivFOp();
  if (!quotient)
    return {};
  OpOperand *dividend = readAs(op, quotient.getLhs());
  FloatAttr count;
  bool divides = dividend && dividend->get() == sum->getResult(0) &&
                 matchPattern(quotient.getRhs(), m_Constant(&count)) &&
                 count.getValueAsDouble() == double(n);
  return divides ? mean->get() : Value();
}

/// A marked maximum, or a sum, of the points' rows, and the next pass over rows behind it. What
/// else lies between is one value a point.
std::optional<LoopsEmitter::Reference> LoopsEmitter::findPasses() {
  auto isRowwise = [&](const OpLoops &loops) {
    return !loops.isParallel() && loops.rank() == plan.outer + 1;
  };
  std::optional<Reference> found;
  for (const Stage &stage : plan.stages) {
    auto op = dyn_cast_or_null<linalg::LinalgOp>(stage.op);
    if (!op)
      return std::nullopt;
    if (stage.deferred)
      continue;
    OpLoops loops(op);
    if (!found) {
      Operation *combiner = isRowwise(loops) ? findCombiner(op, 0) : nullptr;
      if (!combiner || !(combiner->hasAttr(kReferenceAttr) || isa<arith::AddFOp>(combiner)))
        return std::nullopt;
      found.emplace();
      found->op = op;
    } else {
      found->made.push_back(op);
      if (isRowwise(loops)) {
        found->host = op;
        return found;
      }
      if (loops.rank() != plan.outer)
        return std::nullopt;
    }
  }
  return std::nullopt;
}

/// Finds what a pass over the same columns sums relative to it.
void LoopsEmitter::findReference() {
  if (plan.lanesAreOuter || plan.outer == 0)
    return;
  std::optional<Reference> found = findPasses();
  if (!found)
    return;
  SmallVector<Operation *> inRegisters = found->made;
  inRegisters.push_back(found->op);
  for (Operation *op : inRegisters)
    for (Value v : op->getResults())
      if (!getElementTypeOrSelf(v.getType()).isF32() || plan.places.lookup(v) != Place::Register)
        return;
  auto columns = [&](Operation *op) { return sizeOf(OpLoops(op).sizes.back()); };
  auto known = Emitter::constantOf(columns(found->op));
  if (columns(found->op) != columns(found->host) &&
      !(known && known == Emitter::constantOf(columns(found->host))))
    return;
  if (!findCombiner(found->op, 0)->hasAttr(kReferenceAttr)) {
    found->count = known.value_or(0);
    if (found->count < kShortest)
      return;
    found->mean = findMean(found->op, cast<linalg::LinalgOp>(found->host), found->count);
    if (!found->mean)
      return;
  }
  reference = std::move(found);
}

/// Puts in what the sum of the row says of the mean and of the squares.
Value LoopsEmitter::centre(ArrayRef<Lane> point, const Scope &s) {
  Value squares = reference->host->getResult(0);
  auto mean = [&]() -> Value {
    memos.clear();
    FailureOr<Lane> m = evaluate(reference->mean, point, s);
    if (failed(m))
      return fail(), e.f(0);
    return m->v;
  };
  Value guessed = mean();
  registers[reference->op->getResult(0)] = reference->exact;
  for (Operation *op : ArrayRef(reference->made).drop_back())
    emitStage({op, {}}, point, s);
  Value distance = e.subf(mean(), guessed);
  Value extra = e.mulf(e.mulf(distance, distance), e.f(double(reference->count)));
  Value rest = e.subf(registers.lookup(squares).v, extra);
  registers[squares] = {rest};
  memos.clear();
  Value share = e.mulf(rest, e.f(kShare)); // infinite where squares overflow: others might not
  Value finite = arith::CmpFOp::create(e, arith::CmpFPredicate::OLT, share,
                                       e.f(std::numeric_limits<double>::infinity()));
  return e.both(finite, arith::CmpFOp::create(e, arith::CmpFPredicate::OLE, extra, share));
}

Value LoopsEmitter::referenceServes(ArrayRef<Lane> point, const Scope &s) {
  if (reference->mean)
    return centre(point, s);
  Value most = e.addf(reference->guessed.v, e.f(kReach));
  return arith::CmpFOp::create(e, arith::CmpFPredicate::OLE, reference->exact.v, most);
}

/// Behind the host: makes the stages since the reference again where it was too low.
void LoopsEmitter::checkReference(ArrayRef<Lane> point, const Scope &s,
                                  const llvm::DenseSet<Value> &waiting) {
  Value serves = referenceServes(point, s);
  Values results;
  for (Operation *op : reference->made)
    for (Value v : op->getResults())
      results.push_back(registers.lookup(v).v);
  auto again = [&]() -> Values {
    llvm::SaveAndRestore ownMemos(memos);
    llvm::SaveAndRestore ownRegisters(registers);
    llvm::SaveAndRestore ownWaiting(waitingStages, waiting);
    llvm::SaveAndRestore noneTrails(trailed);
    llvm::SaveAndRestore exact(reference);
    Value top = reference->op->getResult(0);
    SmallVector<Operation *> made = reference->made;
    registers[top] = reference->exact;
    trailed.reset();
    reference.reset();
    memos.clear();
    Values values;
    for (Operation *op : made) {
      emitStage({op, {}}, point, s);
      for (Value v : op->getResults())
        values.push_back(registers.lookup(v).v);
    }
    return values;
  };
  Values kept = e.ifElse(serves, TypeRange(ValueRange(results)), [&] { return results; }, again);
  Value *next = kept.begin();
  for (Operation *op : reference->made)
    for (Value v : op->getResults())
      registers[v] = {*next++};
}
