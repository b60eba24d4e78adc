//===- ControlFlow.cpp - derivatives of scf, calls and regions ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../ReverseMode.h"
#include "../Rules.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

/// The captured values that get gradients.
static SmallVector<Value> wantedCaptures(Operation *op, Adjoints &a) {
  return llvm::filter_to_vector(findCaptures(op), [&](Value v) { return a.wants(v); });
}

/// The gradients of results; null where none flows.
static SmallVector<Value> gradientsOf(ValueRange results, Adjoints &a) {
  return llvm::map_to_vector(results, [&](Value v) { return a.of(v); });
}

//===----------------------------------------------------------------------===//
// scf.if: the taken branch is computed again
//===----------------------------------------------------------------------===//

static LogicalResult differentiateIf(scf::IfOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  SmallVector<Value> sources = wantedCaptures(op, a);
  if (sources.empty())
    return success();
  SmallVector<Value> seeds = gradientsOf(op.getResults(), a);
  auto reverse = scf::IfOp::create(b, ValueRange(sources).getTypes(), op.getCondition(),
                                   /*addThenBlock=*/true, /*addElseBlock=*/true);
  for (auto [region, target] : llvm::zip_equal(op->getRegions(), reverse->getRegions())) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&target.front());
    IRMapping mapping;
    ClonedBody body = cloneBody(b, region.front(), mapping);
    auto gradients = differentiateBody(b, body, seeds, sources);
    if (failed(gradients))
      return failure();
    scf::YieldOp::create(b, *gradients);
  }
  for (auto [source, gradient] : llvm::zip_equal(sources, reverse.getResults()))
    a.add(source, gradient);
  return success();
}

//===----------------------------------------------------------------------===//
// scf.for: a tape of what the iterations start from; their bodies are computed again
//===----------------------------------------------------------------------===//

namespace {
class LoopRule {
public:
  LoopRule(scf::ForOp op, Adjoints &a) : op(op), a(a), b(a.builder()) {}
  LogicalResult run();

private:
  void record();
  Value emptyTape(ImplicitLocOpBuilder &at, Value init, Value trips);
  Value store(ImplicitLocOpBuilder &at, Value value, Value tape, Value trip);
  Value fetch(Value tape, Type type, Value trip);
  LogicalResult reverse();
  FailureOr<SmallVector<Value>> reverseBody(Value trip, ValueRange gradients);

  scf::ForOp op; ///< after record(): the loop with tapes
  Adjoints &a;
  ImplicitLocOpBuilder &b;
  unsigned carried = 0;         ///< how many values the loop of the model carries
  SmallVector<unsigned> active; ///< carried values that get gradients
  SmallVector<Value> captured;  ///< captured values that get gradients
  SmallVector<Value> tapes;
  Value trips;
};
} // namespace

Value LoopRule::emptyTape(ImplicitLocOpBuilder &at, Value init, Value trips) {
  SmallVector<OpFoldResult> sizes = {trips};
  if (auto tensor = dyn_cast<RankedTensorType>(init.getType()))
    llvm::append_range(sizes, tensor::getMixedSizes(at, at.getLoc(), init));
  Type element = getElementTypeOrSelf(init.getType());
  return tensor::EmptyOp::create(at, sizes, element.isIndex() ? at.getI64Type() : element);
}

Value LoopRule::store(ImplicitLocOpBuilder &at, Value value, Value tape, Value trip) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  if (!tensor) {
    if (value.getType().isIndex())
      value = arith::IndexCastOp::create(at, at.getI64Type(), value);
    return tensor::InsertOp::create(at, value, tape, trip);
  }
  SmallVector<OpFoldResult> offsets(tensor.getRank() + 1, at.getIndexAttr(0)),
      strides(tensor.getRank() + 1, at.getIndexAttr(1)), sizes = {at.getIndexAttr(1)};
  offsets[0] = trip;
  llvm::append_range(sizes, tensor::getMixedSizes(at, at.getLoc(), value));
  return tensor::InsertSliceOp::create(at, value, tape, offsets, sizes, strides);
}

Value LoopRule::fetch(Value tape, Type type, Value trip) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor) {
    Value value = tensor::ExtractOp::create(b, tape, trip);
    return type.isIndex() ? arith::IndexCastOp::create(b, type, value).getResult() : value;
  }
  SmallVector<OpFoldResult> offsets(tensor.getRank() + 1, b.getIndexAttr(0)),
      strides(tensor.getRank() + 1, b.getIndexAttr(1)), sizes = {b.getIndexAttr(1)};
  offsets[0] = trip;
  SmallVector<OpFoldResult> all = tensor::getMixedSizes(b, b.getLoc(), tape);
  sizes.append(all.begin() + 1, all.end());
  return tensor::ExtractSliceOp::create(b, tensor, tape, offsets, sizes, strides);
}

/// Replaces the loop by one that also stores what every iteration starts from.
void LoopRule::record() {
  carried = op.getInitArgs().size();
  ImplicitLocOpBuilder at(op.getLoc(), op);
  Value zero = arith::ConstantIndexOp::create(at, 0);
  auto index = [&](Value v) -> Value {
    return v.getType().isIndex() ? v
                                 : arith::IndexCastOp::create(at, at.getIndexType(), v).getResult();
  };
  Value lower = index(op.getLowerBound()), step = index(op.getStep());
  Value span = arith::SubIOp::create(at, index(op.getUpperBound()), lower);
  trips = arith::MaxSIOp::create(at, arith::CeilDivSIOp::create(at, span, step), zero);
  SmallVector<Value> inits;
  for (Value init : op.getInitArgs())
    inits.push_back(emptyTape(at, init, trips));
  IRRewriter rewriter(at);
  auto tape = [&](OpBuilder &builder, Location loc, ArrayRef<BlockArgument> args) {
    ImplicitLocOpBuilder in(loc, builder);
    in.setInsertionPointToStart(args.front().getOwner());
    Value iv = cast<scf::ForOp>(args.front().getOwner()->getParentOp()).getInductionVar();
    if (!iv.getType().isIndex())
      iv = arith::IndexCastOp::create(in, in.getIndexType(), iv);
    Value trip = arith::DivUIOp::create(in, arith::SubIOp::create(in, iv, lower), step);
    SmallVector<Value> stored;
    Block *body = args.front().getOwner();
    for (auto [i, argument] : llvm::enumerate(args))
      stored.push_back(store(in, body->getArgument(1 + i), argument, trip));
    return stored;
  };
  SmallVector<Value> before(op.getResults());
  auto recorded = cast<scf::ForOp>(*op.replaceWithAdditionalYields(
      rewriter, inits, /*replaceInitOperandUsesInLoop=*/false, tape));
  for (unsigned i = 0; i < carried; ++i)
    a.replaced(before[i], recorded.getResult(i));
  tapes.assign(recorded.getResults().begin() + carried, recorded.getResults().end());
  op = recorded;
}

/// One iteration backwards: the gradients of the carried and of the captured values.
FailureOr<SmallVector<Value>> LoopRule::reverseBody(Value trip, ValueRange gradients) {
  IRMapping mapping;
  Value iv = op.getInductionVar();
  auto cast = [&](Value v) -> Value {
    return v.getType() == iv.getType() ? v
                                       : arith::IndexCastOp::create(b, iv.getType(), v).getResult();
  };
  Value offset = arith::MulIOp::create(b, cast(trip), op.getStep());
  mapping.map(iv, arith::AddIOp::create(b, op.getLowerBound(), offset));
  auto args = op.getRegionIterArgs();
  for (unsigned i = 0; i < carried; ++i)
    mapping.map(args[i], fetch(tapes[i], args[i].getType(), trip));
  // the stores to the tapes, which the clone does not need, have no further uses
  for (unsigned i = 0; i < carried; ++i)
    mapping.map(args[carried + i], tapes[i]);
  ClonedBody body = cloneBody(b, *op.getBody(), mapping);
  body.yielded.truncate(carried);
  SmallVector<Value> seeds(carried), sources;
  for (auto [i, gradient] : llvm::zip_equal(active, gradients)) {
    seeds[i] = gradient;
    sources.push_back(mapping.lookup(args[i]));
  }
  llvm::append_range(sources, captured);
  return differentiateBody(b, body, seeds, sources);
}

LogicalResult LoopRule::reverse() {
  SmallVector<Value> inits;
  for (unsigned i : active)
    inits.push_back(a.ofOrZero(op.getResult(i)));
  for (Value v : captured)
    inits.push_back(zerosLike(b, v));
  Value zero = arith::ConstantIndexOp::create(b, 0), one = arith::ConstantIndexOp::create(b, 1);
  auto loop = scf::ForOp::create(b, zero, trips, one, inits);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value last = arith::SubIOp::create(b, trips, one);
    Value trip = arith::SubIOp::create(b, last, loop.getInductionVar());
    auto args = loop.getRegionIterArgs();
    auto gradients = reverseBody(trip, SmallVector<Value>(args.take_front(active.size())));
    if (failed(gradients))
      return failure();
    for (auto [i, sum] : llvm::enumerate(args.drop_front(active.size()))) {
      Value &gradient = (*gradients)[active.size() + i];
      gradient = arith::AddFOp::create(b, sum, gradient);
    }
    scf::YieldOp::create(b, *gradients);
  }
  for (auto [k, i] : llvm::enumerate(active))
    a.add(op.getInitArgs()[i], loop.getResult(k));
  for (auto [k, v] : llvm::enumerate(captured))
    a.add(v, loop.getResult(active.size() + k));
  return success();
}

LogicalResult LoopRule::run() {
  captured = wantedCaptures(op, a);
  auto isActive = [&](Value v) { return a.wants(v); };
  for (auto [i, carried] : llvm::enumerate(findActiveCarried(op, isActive)))
    if (carried)
      active.push_back(i);
  if (active.empty())
    return success();
  record();
  return reverse();
}

static LogicalResult differentiateFor(scf::ForOp op, Adjoints &a) { return LoopRule(op, a).run(); }

//===----------------------------------------------------------------------===//
// checkpoint, custom_vjp
//===----------------------------------------------------------------------===//

/// The region once more, from values that no other pass knows to be the ones of before.
static LogicalResult differentiateCheckpoint(CheckpointOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  SmallVector<Value> seeds = gradientsOf(op.getResults(), a), sources;
  Value after = *llvm::find_if(seeds, [](Value v) { return bool(v); });
  IRMapping mapping;
  SmallVector<Value> wanted = wantedCaptures(op, a);
  for (Value v : findCaptures(op))
    if (isa<RankedTensorType>(v.getType()))
      mapping.map(v, BarrierOp::create(b, v.getType(), v, after));
  for (Value v : wanted)
    sources.push_back(mapping.lookupOrDefault(v));
  ClonedBody body = cloneBody(b, op.getBody().front(), mapping);
  // in the order in which the sums would be formed without the region: the same bits
  auto gradients = differentiateBody(b, body, seeds, sources, gradientsOf(wanted, a));
  if (failed(gradients))
    return failure();
  for (auto [v, gradient] : llvm::zip_equal(wanted, *gradients))
    a.set(v, gradient);
  return success();
}

static LogicalResult differentiateCustomVjp(CustomVjpOp op, Adjoints &a) {
  SmallVector<Value> operands(op.getOperands()), taken;
  llvm::append_range(operands, op.getResults());
  for (Value result : op.getResults())
    if (isDifferentiableType(result.getType()))
      operands.push_back(a.ofOrZero(result));
  for (Value operand : op.getOperands())
    if (isDifferentiableType(operand.getType()))
      taken.push_back(operand);
  auto call =
      func::CallOp::create(a.builder(), op.getBackward(), ValueRange(taken).getTypes(), operands);
  for (auto [operand, gradient] : llvm::zip_equal(taken, call.getResults()))
    a.add(operand, gradient);
  return success();
}

void linnet::registerControlFlowRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, scf::SCFDialect *) {
    attachRule<scf::IfOp, differentiateIf>(context);
    attachRule<scf::ForOp, differentiateFor>(context);
  });
  registry.addExtension(+[](MLIRContext *context, LinnetDialect *) {
    attachRule<CheckpointOp, differentiateCheckpoint>(context);
    attachRule<CustomVjpOp, differentiateCustomVjp>(context);
  });
}
