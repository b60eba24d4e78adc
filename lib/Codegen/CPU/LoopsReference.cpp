//===- LoopsReference.cpp - softmax in one pass over a row ------------------===//
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
//===----------------------------------------------------------------------===//
#include "LoopsEmitter.h"
#include "linnet/IR/Reference.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

/// How far an element may be above the reference: e^40 times the longest row is far from overflow.
static constexpr double kReach = 40;

/// A marked reduction of the points' rows with a pass behind it over the same columns that sums
/// what is relative to it. What else reads it is one value a point.
void LoopsEmitter::findReference() {
  if (plan.lanesAreOuter || plan.outer == 0)
    return;
  auto isRowwise = [&](const OpLoops &loops) {
    return !loops.isParallel() && loops.rank() == plan.outer + 1;
  };
  std::optional<Reference> found;
  for (const Stage &stage : plan.stages) {
    auto op = dyn_cast_or_null<linalg::LinalgOp>(stage.op);
    if (!op || stage.deferred) {
      if (!op)
        return;
      continue;
    }
    OpLoops loops(op);
    if (!found) {
      Operation *combiner = isRowwise(loops) ? findCombiner(op, 0) : nullptr;
      if (!combiner || !combiner->hasAttr(kReferenceAttr))
        return;
      found.emplace();
      found->op = op;
    } else {
      found->made.push_back(op);
      if (isRowwise(loops)) {
        found->host = op;
        break;
      }
      if (loops.rank() != plan.outer)
        return;
    }
  }
  if (!found || !found->host)
    return;
  SmallVector<Operation *> inRegisters = found->made;
  inRegisters.push_back(found->op);
  for (Operation *op : inRegisters)
    for (Value v : op->getResults())
      if (!getElementTypeOrSelf(v.getType()).isF32() || plan.places.lookup(v) != Place::Register)
        return;
  auto columns = [&](Operation *op) { return sizeOf(OpLoops(op).sizes.back()); };
  auto known = Emitter::constantOf(columns(found->op));
  if (columns(found->op) == columns(found->host) ||
      (known && known == Emitter::constantOf(columns(found->host))))
    reference = std::move(found);
}

/// Behind the host: makes the stages since the reference again where it was too low.
void LoopsEmitter::checkReference(ArrayRef<Lane> point, const Scope &s,
                                  const llvm::DenseSet<Value> &waiting) {
  Values results;
  for (Operation *op : reference->made)
    for (Value v : op->getResults())
      results.push_back(registers.lookup(v).v);
  Value most = e.addf(reference->guessed.v, e.f(kReach));
  Value serves = arith::CmpFOp::create(e, arith::CmpFPredicate::OLE, reference->exact.v, most);
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
