//===- LoopsPlan.cpp - how a loops kernel is cut into stages ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LoopsPlan.h"
#include "LoopsSizes.h"
#include "linnet/Codegen/KernelViews.h"
#include "linnet/Program/KernelContract.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Loops of an op
//===----------------------------------------------------------------------===//

static SizeOf findSize(linalg::LinalgOp op, unsigned loop) {
  auto scan = [&](OpOperand &operand) -> SizeOf {
    if (!isa<RankedTensorType>(operand.get().getType()))
      return {};
    AffineMap map = op.getMatchingIndexingMap(&operand);
    for (auto [r, expr] : llvm::enumerate(map.getResults()))
      if (expr == getAffineDimExpr(loop, op.getContext()))
        return {operand.get(), unsigned(r)};
    return {};
  };
  for (OpOperand &operand : op->getOpOperands())
    if (SizeOf s = scan(operand); s.tensor)
      return s;
  return {};
}

OpLoops::OpLoops(Operation *op) : op(op) {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    for (auto [i, kind] : llvm::enumerate(linalgOp.getIteratorTypesArray())) {
      reduction.push_back(kind == utils::IteratorType::reduction);
      sizes.push_back(findSize(linalgOp, i));
    }
    for (OpResult r : op->getResults())
      results.push_back(
          linalgOp.getMatchingIndexingMap(linalgOp.getDpsInitOperand(r.getResultNumber())));
    return;
  }
  *this = OpLoops(op->getResult(0));
  this->op = op;
}

OpLoops::OpLoops(Value tensor) {
  unsigned rank = cast<RankedTensorType>(tensor.getType()).getRank();
  reduction.assign(rank, false);
  for (unsigned i = 0; i < rank; ++i)
    sizes.push_back({tensor, i});
  results.push_back(AffineMap::getMultiDimIdentityMap(rank, tensor.getContext()));
}

AffineMap OpLoops::map(OpOperand &operand) const {
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return linalgOp.getMatchingIndexingMap(&operand);
  return {};
}

static unsigned identityPrefix(AffineMap map) {
  unsigned n = 0;
  while (n < map.getNumResults() && n < map.getNumDims() &&
         map.getResult(n) == getAffineDimExpr(n, map.getContext()))
    ++n;
  return n;
}

static unsigned leadingParallel(const OpLoops &loops) {
  unsigned n = 0;
  while (n < loops.rank() && !loops.reduction[n])
    ++n;
  return n;
}

//===----------------------------------------------------------------------===//
// What can be emitted
//===----------------------------------------------------------------------===//

static bool isTensor(Value v) { return isa<RankedTensorType>(v.getType()); }

/// Ops whose elements are computed where they are read. Views of arguments are not asked here.
static bool isComputed(Operation *op) {
  return isa<linalg::LinalgOp, tensor::PadOp, tensor::ConcatOp, tensor::InsertSliceOp,
             tensor::ExtractSliceOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp,
             tensor::GenerateOp, tensor::SplatOp>(op);
}

static bool hasVectorForm(Region &region) {
  for (Operation &op : region.front().without_terminator()) {
    if (isa<arith::ConstantOp, linalg::IndexOp, tensor::ExtractOp, tensor::DimOp, cf::AssertOp>(op))
      continue;
    if (op.getNumRegions() || !op.hasTrait<OpTrait::Elementwise>())
      return false;
  }
  return true;
}

static bool canEmit(Operation &op) {
  if (llvm::none_of(op.getResultTypes(), [](Type t) { return isa<TensorType>(t); }))
    return op.getNumRegions() == 0 && (isPure(&op) || isa<tensor::ExtractOp>(op));
  if (isa<tensor::EmptyOp>(op))
    return true;
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return isa<SplatElementsAttr>(constant.getValue());
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return pad.getConstantPaddingValue() != nullptr;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op)) {
    if (!linalgOp.hasPureTensorSemantics() || op.getNumRegions() != 1)
      return false;
    OpLoops loops(&op);
    return hasVectorForm(op.getRegion(0)) &&
           llvm::all_of(loops.sizes, [](SizeOf s) { return bool(s.tensor); }) &&
           llvm::all_of(loops.results, [](AffineMap m) { return m.isProjectedPermutation(); });
  }
  if (auto generate = dyn_cast<tensor::GenerateOp>(op))
    return hasVectorForm(generate.getBody());
  return isComputed(&op);
}

bool linnet::codegen::canEmitLoops(exec::KernelOp kernel) {
  for (Type t : kernel.getArgumentTypes())
    if (isa<TensorType>(t) && !isa<RankedTensorType>(t))
      return false;
  return llvm::all_of(kernel.getBody().front().without_terminator(), canEmit);
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

Operation *linnet::codegen::findCombiner(Operation *op, unsigned result) {
  auto linalgOp = cast<linalg::LinalgOp>(op);
  BlockArgument acc = linalgOp.getRegionOutputArgs()[result];
  Value yielded = linalgOp.getBlock()->getTerminator()->getOperand(result);
  Operation *combiner = yielded.getDefiningOp();
  if (!combiner || !acc.hasOneUse() || *acc.user_begin() != combiner || !yielded.hasOneUse())
    return nullptr;
  if (isa<math::FmaOp>(combiner))
    return combiner->getOperand(2) == acc ? combiner : nullptr;
  if (isa<arith::AddFOp, arith::MulFOp, arith::MaximumFOp, arith::MinimumFOp, arith::MaxNumFOp,
          arith::MinNumFOp, arith::AddIOp, arith::MulIOp, arith::MaxSIOp, arith::MinSIOp,
          arith::MaxUIOp, arith::MinUIOp, arith::AndIOp, arith::OrIOp, arith::XOrIOp>(combiner))
    return combiner;
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

namespace {
class Planner {
public:
  explicit Planner(exec::KernelOp kernel) : kernel(kernel), body(kernel.getBody().front()) {}
  LoopsPlan plan();

private:
  void findStored();
  bool isStored(Value v) { return llvm::is_contained(result.stored, v); }
  bool isRead(Value v);
  bool mustBeStage(Operation *op);
  void findStages();
  void findOuter();
  unsigned sharedWithStages(Operation *op);
  void defer();
  void chooseLanes();
  void mergeOuter();
  void placeResults();
  void findTrailing();
  bool readsLater(unsigned stage, unsigned resultNumber);
  bool reads(Operation *op, Value argument);
  void numberSites();

  exec::KernelOp kernel;
  Block &body;
  LoopsPlan result;
  SmallVector<Operation *> computed;
  llvm::DenseSet<Operation *> stages;
  llvm::DenseSet<Operation *> updates; ///< insert_slices that only say where a result goes
};
} // namespace

static bool isExpensive(Operation *op) {
  if (!isa<linalg::LinalgOp>(op))
    return isa<tensor::PadOp, tensor::ConcatOp, tensor::InsertSliceOp, tensor::GenerateOp>(op);
  unsigned cost = 0;
  for (Operation &o : op->getRegion(0).front()) {
    if (isa<math::MathDialect>(o.getDialect()) && !isa<math::FmaOp, math::AbsFOp>(o))
      return true;
    if (isa<arith::DivFOp, arith::RemFOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
            arith::RemUIOp, tensor::ExtractOp>(o))
      return true;
    ++cost;
  }
  return cost > 12;
}

/// Views of arguments are memory; everything else is computed.
static bool isMemory(Value v) { return KernelViews::isView(v); }

/// As KernelViews::output: an insert_slice into the argument that a result is tied to stores its
/// source.
void Planner::findStored() {
  for (auto [i, v] : llvm::enumerate(kernel.getYield().getValues())) {
    int64_t tied = kernel.getTiedInput(i);
    auto insert = v.getDefiningOp<tensor::InsertSliceOp>();
    if (tied >= 0 && v == kernel.getArguments()[tied]) {
      result.stored.push_back({});
    } else if (insert && tied >= 0 && insert.getDest() == kernel.getArguments()[tied]) {
      updates.insert(insert);
      result.stored.push_back(insert.getSource());
    } else {
      result.stored.push_back(v);
    }
  }
}

bool Planner::isRead(Value v) {
  return llvm::any_of(v.getUsers(), [&](Operation *u) {
    return u != body.getTerminator() && !updates.contains(u) && !isa<tensor::DimOp>(u);
  });
}

bool Planner::mustBeStage(Operation *op) {
  if (llvm::any_of(op->getResults(), [&](Value r) { return isStored(r); }))
    return true;
  if (!isa<linalg::LinalgOp>(op))
    return isExpensive(op) && !op->hasOneUse();
  OpLoops loops(op);
  if (!loops.isParallel() || op->getNumResults() > 1)
    return true;
  if (!isExpensive(op))
    return false;
  // An expensive value is computed once per element of its own.
  for (OpOperand &use : op->getUses()) {
    if (!isComputed(use.getOwner()))
      continue;
    AffineMap map = OpLoops(use.getOwner()).map(use);
    if (!map || map.getNumDims() > map.getNumResults() || !map.isProjectedPermutation())
      return true;
  }
  return !op->hasOneUse();
}

void Planner::findStages() {
  for (Operation &op : body.without_terminator())
    if (isComputed(&op) && !isMemory(op.getResult(0)) && !updates.contains(&op) && !op.use_empty())
      computed.push_back(&op);
  for (Operation *op : computed)
    if (mustBeStage(op)) {
      stages.insert(op);
      result.stages.push_back({op, {}});
    }
  for (Value v : result.stored)
    if (v && !(v.getDefiningOp() && stages.contains(v.getDefiningOp())))
      result.stages.push_back({nullptr, v});
}

/// How many outer loops op can share with the stages that it reads, through inlined ops too.
unsigned Planner::sharedWithStages(Operation *op) {
  OpLoops loops(op);
  unsigned shared = ~0u;
  for (OpOperand &operand : op->getOpOperands()) {
    Operation *producer = operand.get().getDefiningOp();
    if (!producer || !llvm::is_contained(computed, producer))
      continue;
    bool stage = stages.contains(producer);
    unsigned behind = stage ? OpLoops(producer).rank() : sharedWithStages(producer);
    if (behind == ~0u)
      continue;
    unsigned prefix = 0;
    if (AffineMap map = loops.map(operand))
      prefix = identityPrefix(map);
    else if (isa<tensor::PadOp, tensor::ConcatOp>(op))
      prefix = getIdentityPrefix(operand);
    shared = std::min({shared, behind, prefix});
  }
  return shared;
}

void Planner::findOuter() {
  unsigned outer = ~0u;
  for (Stage &s : result.stages) {
    OpLoops loops = s.op ? OpLoops(s.op) : OpLoops(s.copied);
    outer = std::min(outer, leadingParallel(loops));
    if (!s.op)
      continue;
    outer = std::min(outer, sharedWithStages(s.op));
    for (OpResult r : s.op->getResults())
      if (isRead(r))
        outer = std::min(outer, identityPrefix(loops.results[r.getResultNumber()]));
  }
  result.outer = outer == ~0u ? 0 : countEqualLoops(body, result.stages, outer);
  if (result.stages.empty())
    return;
  const Stage &first = result.stages.front();
  OpLoops loops = first.op ? OpLoops(first.op) : OpLoops(first.copied);
  for (unsigned i = 0; i < result.outer; ++i)
    result.outerSizes.push_back(loops.sizes[i]);
}

/// The first op that computes with what `op` gives.
static Operation *firstReader(Operation *op, ArrayRef<Operation *> computed) {
  Operation *first = nullptr;
  for (Operation *user : op->getUsers())
    if (llvm::is_contained(computed, user) && (!first || user->isBeforeInBlock(first)))
      first = user;
  return first;
}

/// An elementwise stage whose first reader among the stages runs over just its elements is
/// stored along the way.
void Planner::defer() {
  for (Stage &s : result.stages) {
    if (!isa_and_nonnull<linalg::LinalgOp>(s.op) || s.op->getNumResults() != 1)
      continue;
    OpLoops loops(s.op);
    if (!loops.isParallel() || !loops.results[0].isIdentity() || loops.rank() == result.outer)
      continue;
    Operation *first = firstReader(s.op, computed);
    if (!first || !stages.contains(first) || !isa<linalg::LinalgOp>(first))
      continue;
    OpLoops reader(first);
    s.deferred = reader.rank() == loops.rank();
    for (OpOperand &use : s.op->getUses())
      if (use.getOwner() == first)
        s.deferred &= reader.map(use).isIdentity() &&
                      !cast<linalg::LinalgOp>(first).getMatchingBlockArgument(&use).use_empty();
  }
}

//===----------------------------------------------------------------------===//
// Lanes
//===----------------------------------------------------------------------===//

/// A loop too short for a vector is no place for lanes.
static bool isShort(SizeOf s, int64_t limit) {
  int64_t n = cast<RankedTensorType>(s.tensor.getType()).getDimSize(s.dim);
  return !ShapedType::isDynamic(n) && n < limit;
}

/// Counts, per loop, the accesses whose last coordinate moves with it. Beside inner loops, only
/// what moves with one of them counts: the rest is read once per point.
static SmallVector<unsigned> contiguity(const OpLoops &loops, unsigned outer) {
  SmallVector<unsigned> votes(loops.rank());
  auto isInner = [&](AffineMap map) {
    for (unsigned d = outer; d < loops.rank(); ++d)
      if (map.isFunctionOfDim(d))
        return true;
    return loops.rank() <= outer;
  };
  auto vote = [&](AffineMap map, int64_t weight) {
    if (!map || map.getNumResults() == 0 || !isInner(map))
      return;
    for (unsigned d = 0; d < loops.rank(); ++d)
      if (map.getResults().back().isFunctionOfDim(d))
        votes[d] += weight;
  };
  for (OpOperand &operand : loops.op ? loops.op->getOpOperands() : MutableArrayRef<OpOperand>())
    if (isTensor(operand.get()) && !operand.get().getDefiningOp<tensor::EmptyOp>())
      vote(loops.map(operand), isMemory(operand.get()) ? 2 : 1);
  for (AffineMap map : loops.results)
    vote(map, 2);
  return votes;
}

int linnet::codegen::laneLoop(const LoopsPlan &plan, const OpLoops &loops) {
  if (plan.lanesAreOuter || loops.rank() <= plan.outer)
    return -1;
  bool known = true;
  if (!loops.isParallel())
    for (unsigned r = 0; r < loops.op->getNumResults(); ++r)
      known &= findCombiner(loops.op, r) != nullptr;
  known |= !loops.isParallel() && isArgReduction(loops.op);
  SmallVector<unsigned> votes = contiguity(loops, plan.outer);
  int best = -1;
  for (int d = loops.rank() - 1; d >= int(plan.outer); --d) {
    if (loops.reduction[d] && !known)
      continue;
    if (best < 0 || votes[d] > votes[best] ||
        (votes[d] == votes[best] && isShort(loops.sizes[best], 16) && !isShort(loops.sizes[d], 16)))
      best = d;
  }
  return best;
}

void Planner::chooseLanes() {
  if (result.outer == 0)
    return;
  unsigned last = result.outer - 1, forOuter = 0, forInner = 0;
  bool anyInner = false;
  for (const Stage &s : result.stages) {
    OpLoops loops = s.op ? OpLoops(s.op) : OpLoops(s.copied);
    SmallVector<unsigned> votes = contiguity(loops, result.outer);
    forOuter += loops.rank() > result.outer ? votes[last] : 0;
    for (unsigned d = result.outer; d < loops.rank(); ++d) {
      anyInner = true;
      if (!isShort(loops.sizes[d], 16))
        forInner += votes[d];
    }
  }
  result.lanesAreOuter = !anyInner || forOuter > forInner;
  if (anyInner && isShort(result.outerSizes[last], 8) && forInner)
    result.lanesAreOuter = false;
}

bool linnet::codegen::runsThrough(Operation *op, unsigned loop) {
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return false;
  for (Operation &o : op->getRegion(0).front())
    if (isa<linalg::IndexOp, tensor::ExtractOp, cf::AssertOp>(o))
      return false;
  OpLoops loops(op);
  if (loops.rank() < loop + 2)
    return loops.rank() <= loop;
  auto through = [&](AffineMap map) {
    MLIRContext *ctx = op->getContext();
    AffineExpr a = getAffineDimExpr(loop, ctx), b = getAffineDimExpr(loop + 1, ctx);
    if (!map.isFunctionOfDim(loop) && !map.isFunctionOfDim(loop + 1))
      return true;
    if (!map.isProjectedPermutation())
      return false;
    for (unsigned r = 0; r + 1 < map.getNumResults(); ++r)
      if (map.getResult(r) == a && map.getResult(r + 1) == b)
        return true;
    return false;
  };
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isTensor(operand.get()))
      continue;
    // Slices and transposes leave gaps.
    for (Value v = operand.get(); isMemory(v) && v.getDefiningOp();
         v = v.getDefiningOp()->getOperand(0))
      if (!isa<tensor::CastOp, tensor::ExpandShapeOp, tensor::CollapseShapeOp>(v.getDefiningOp()))
        return false;
    if (!through(loops.map(operand)))
      return false;
  }
  return llvm::all_of(loops.results, through);
}

void Planner::mergeOuter() {
  result.merged.assign(result.outer, false);
  // A result that updates part of an argument has gaps too.
  if (!updates.empty() || llvm::any_of(result.stages, [](const Stage &s) { return !s.op; }))
    return;
  for (unsigned i = 0; i + 1 < result.outer; ++i)
    result.merged[i] = llvm::all_of(computed, [&](Operation *op) { return runsThrough(op, i); });
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

/// Whether op reads the argument, itself or through the ops that it inlines.
bool Planner::reads(Operation *op, Value argument) {
  return llvm::any_of(op->getOperands(), [&](Value v) {
    while (isTensor(v) && isMemory(v) && v.getDefiningOp())
      v = v.getDefiningOp()->getOperand(0);
    if (v == argument)
      return true;
    Operation *producer = v.getDefiningOp();
    return producer && llvm::is_contained(computed, producer) && !stages.contains(producer) &&
           reads(producer, argument);
  });
}

bool Planner::readsLater(unsigned stage, unsigned resultNumber) {
  Value v = result.stored[resultNumber];
  for (auto [i, argument] : llvm::enumerate(kernel.getArguments())) {
    if (argument.getType() != v.getType() && kernel.getTiedInput(resultNumber) != int64_t(i))
      continue;
    for (const Stage &later : ArrayRef(result.stages).drop_front(stage + 1))
      if (later.op ? reads(later.op, argument) : later.copied == argument)
        return true;
  }
  return false;
}

void Planner::placeResults() {
  for (auto [i, s] : llvm::enumerate(result.stages)) {
    if (!s.op)
      continue;
    OpLoops loops(s.op);
    for (OpResult r : s.op->getResults()) {
      bool point = loops.results[r.getResultNumber()].getNumResults() == result.outer;
      bool late = false;
      for (auto [n, stored] : llvm::enumerate(result.stored))
        late |= stored == r && !result.lanesAreOuter && readsLater(i, n);
      Place place = isStored(r) && !late ? Place::Output : Place::Scratch;
      if (place == Place::Scratch && point)
        place = Place::Register;
      if (late)
        result.late.push_back(r);
      result.places[r] = place;
      if (place == Place::Scratch)
        result.scratch.push_back(r);
    }
  }
}

/// The stage that ends a softmax: it reads, element by element, exponentials that a reduction over
/// just them has put into scratch.
void Planner::findTrailing() {
  if (result.lanesAreOuter || result.outer == 0 || result.stages.empty() || !result.late.empty())
    return;
  auto last = dyn_cast_or_null<linalg::LinalgOp>(result.stages.back().op);
  if (!last || result.stages.back().deferred || !OpLoops(last).isParallel() ||
      last->getNumResults() != 1 || result.places.lookup(last->getResult(0)) != Place::Output)
    return;
  OpLoops loops(last);
  if (loops.rank() != result.outer + 1 || !loops.results[0].isIdentity())
    return;
  for (const Stage &s : result.stages) {
    if (!s.deferred)
      continue;
    Operation *host = firstReader(s.op, computed);
    if (host == last) // would be written along the way, too late
      return result.host = nullptr, void();
    bool ends = llvm::any_of(last->getOpOperands(), [&](OpOperand &operand) {
      return operand.get() == s.op->getResult(0) && loops.map(operand).isIdentity();
    });
    OpLoops reader(host);
    if (ends && isExpensive(s.op) && reader.rank() == loops.rank() && !reader.isParallel() &&
        result.places.lookup(s.op->getResult(0)) == Place::Scratch)
      result.host = host;
  }
  result.trailing = result.host ? last.getOperation() : nullptr;
}

void Planner::numberSites() {
  for (Operation *op : computed)
    op->walk([&](Operation *inner) {
      if (isa<tensor::ExtractOp, cf::AssertOp>(inner))
        result.sites.try_emplace(inner, result.sites.size());
    });
  for (Operation &op : body.without_terminator())
    if (isa<tensor::ExtractOp>(op))
      result.sites.try_emplace(&op, result.sites.size());
}

LoopsPlan Planner::plan() {
  findStored();
  findStages();
  findOuter();
  defer();
  chooseLanes();
  mergeOuter();
  placeResults();
  findTrailing();
  numberSites();
  return result;
}

LoopsPlan linnet::codegen::planLoops(exec::KernelOp kernel) { return Planner(kernel).plan(); }
