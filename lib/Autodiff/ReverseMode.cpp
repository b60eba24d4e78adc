//===- ReverseMode.cpp - the walk over the ops, backwards -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ReverseMode.h"
#include "linnet/IR/LinnetOps.h"
#include "linnet/Interfaces/Differentiable.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace linnet;

//===----------------------------------------------------------------------===//
// Adjoints
//===----------------------------------------------------------------------===//

Value linnet::zerosLike(ImplicitLocOpBuilder &b, Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  Type element = tensor ? tensor.getElementType() : value.getType();
  auto zero = b.getFloatAttr(element, 0.0);
  if (!tensor)
    return arith::ConstantOp::create(b, zero);
  if (tensor.hasStaticShape())
    return arith::ConstantOp::create(b, DenseElementsAttr::get(tensor, zero.getValue()));
  Value scalar = arith::ConstantOp::create(b, zero);
  return BroadcastOp::create(b, tensor, scalar, value, ValueRange(), DenseI64ArrayAttr());
}

Value Adjoints::ofOrZero(Value value) {
  if (Value gradient = of(value))
    return gradient;
  return zerosLike(b, value);
}

void Adjoints::add(Value value, Value gradient) {
  if (!wants(value))
    return;
  if (gradient.getType() != value.getType())
    gradient = tensor::CastOp::create(b, value.getType(), gradient);
  Value &sum = gradients[value];
  sum = sum ? arith::AddFOp::create(b, sum, gradient).getResult() : gradient;
}

void Adjoints::replaced(Value from, Value to) {
  if (active.erase(from))
    active.insert(to);
  if (Value gradient = gradients.lookup(from))
    gradients[to] = gradient;
  gradients.erase(from);
  replacements[from] = to;
}

Value Adjoints::current(Value value) const {
  while (Value next = replacements.lookup(value))
    value = next;
  return value;
}

//===----------------------------------------------------------------------===//
// Activity
//===----------------------------------------------------------------------===//

SmallVector<Value> linnet::findCaptures(Operation *op) {
  llvm::SetVector<Value> captured;
  getUsedValuesDefinedAbove(op->getRegions(), captured);
  return captured.takeVector();
}

/// Operands that a derivative rule follows, and captured values.
static bool anyInfluence(Operation *op, llvm::function_ref<bool(Value)> isActive) {
  auto rule = dyn_cast<DifferentiableOpInterface>(op);
  for (OpOperand &operand : op->getOpOperands())
    if (isActive(operand.get()) && (rule ? rule.isDifferentiableOperand(operand.getOperandNumber())
                                         : isDifferentiableType(operand.get().getType())))
      return true;
  return op->getNumRegions() && llvm::any_of(findCaptures(op), isActive);
}

llvm::DenseSet<Value> linnet::findDependents(ArrayRef<Operation *> ops, ValueRange sources) {
  llvm::DenseSet<Value> dependents(sources.begin(), sources.end());
  auto depends = [&](Value v) { return dependents.contains(v); };
  for (Operation *op : ops)
    if (!isa<StopGradientOp>(op) && anyInfluence(op, depends))
      for (Value result : op->getResults())
        if (isDifferentiableType(result.getType()))
          dependents.insert(result);
  return dependents;
}

SmallVector<bool> linnet::findActiveCarried(LoopLikeOpInterface loop,
                                            llvm::function_ref<bool(Value)> isActive) {
  SmallVector<Value> captured = llvm::filter_to_vector(findCaptures(loop), isActive);
  auto ops = llvm::map_to_vector(loop.getLoopRegions().front()->front().without_terminator(),
                                 [](Operation &nested) { return &nested; });
  SmallVector<bool> carried =
      llvm::map_to_vector(loop.getInits(), [&](Value init) { return isActive(init); });
  for (bool changed = true; changed;) {
    changed = false;
    SmallVector<Value> sources(captured);
    for (auto [i, arg] : llvm::enumerate(loop.getRegionIterArgs()))
      if (carried[i])
        sources.push_back(arg);
    llvm::DenseSet<Value> dependents = findDependents(ops, sources);
    for (auto [i, next] : llvm::enumerate(loop.getYieldedValues()))
      if (!carried[i] && isDifferentiableType(next.getType()) && dependents.contains(next))
        carried[i] = changed = true;
  }
  return carried;
}

llvm::DenseSet<Value> linnet::findActiveValues(ArrayRef<Operation *> ops, ValueRange sources,
                                               ValueRange targets) {
  llvm::DenseSet<Value> dependents = findDependents(ops, sources);
  llvm::DenseSet<Value> needed(targets.begin(), targets.end());
  for (Operation *op : llvm::reverse(ops)) {
    if (!llvm::any_of(op->getResults(), [&](Value v) { return needed.contains(v); }))
      continue;
    needed.insert(op->operand_begin(), op->operand_end());
    for (Value captured : findCaptures(op))
      needed.insert(captured);
  }
  llvm::DenseSet<Value> active;
  for (Value v : dependents)
    if (needed.contains(v))
      active.insert(v);
  return active;
}

//===----------------------------------------------------------------------===//
// The walk
//===----------------------------------------------------------------------===//

/// The ops through which gradients have to pass.
static SmallVector<Operation *> findWay(ArrayRef<Operation *> ops,
                                        llvm::function_ref<bool(Value)> isActive) {
  return llvm::filter_to_vector(ops, [&](Operation *op) {
    return llvm::any_of(op->getResults(), isActive) && anyInfluence(op, isActive);
  });
}

using MissingRules = llvm::MapVector<OperationName, SmallVector<Operation *>>;

static void findMissing(ArrayRef<Operation *> way, llvm::function_ref<bool(Value)> isActive,
                        MissingRules &missing);

/// Between `sources` and the yielded values that are `seeded`.
static void findMissingInside(Block &block, ArrayRef<Value> sources, ArrayRef<bool> seeded,
                              MissingRules &missing) {
  auto ops = llvm::map_to_vector(block.without_terminator(), [](Operation &op) { return &op; });
  SmallVector<Value> targets;
  for (auto [value, wanted] : llvm::zip_equal(block.getTerminator()->getOperands(), seeded))
    if (wanted)
      targets.push_back(value);
  auto active = findActiveValues(ops, sources, targets);
  auto isActive = [&](Value v) { return active.contains(v); };
  findMissing(findWay(ops, isActive), isActive, missing);
}

/// What lies on the way and has no rule, also in regions that their op's rule would go through.
static void findMissing(ArrayRef<Operation *> way, llvm::function_ref<bool(Value)> isActive,
                        MissingRules &missing) {
  for (Operation *op : way) {
    if (!isa<DifferentiableOpInterface>(op)) {
      missing[op->getName()].push_back(op);
      continue;
    }
    if (!isa<RegionBranchOpInterface, CheckpointOp>(op))
      continue;
    SmallVector<Value> sources = llvm::filter_to_vector(findCaptures(op), isActive);
    auto loop = dyn_cast<LoopLikeOpInterface>(op);
    SmallVector<bool> seeded = llvm::map_to_vector(op->getResults(), isActive);
    if (loop) {
      seeded = findActiveCarried(loop, isActive);
      for (auto [arg, active] : llvm::zip_equal(loop.getRegionIterArgs(), seeded))
        if (active)
          sources.push_back(arg);
    }
    for (Region &region : op->getRegions())
      if (!region.empty())
        findMissingInside(region.front(), sources, seeded, missing);
  }
}

/// Reports all of them at once.
static LogicalResult refuseWithoutRule(ArrayRef<Operation *> way,
                                       llvm::function_ref<bool(Value)> isActive) {
  MissingRules missing;
  findMissing(way, isActive, missing);
  for (auto &[name, where] : missing) {
    InFlightDiagnostic diag = where.front()->emitError()
                              << "no derivative rule for " << where.size() << " x '" << name
                              << "' between the loss and what it is differentiated by";
    for (Operation *op : ArrayRef(where).drop_front().take_front(7))
      diag.attachNote(op->getLoc()) << "another '" << name << "' here";
  }
  return success(missing.empty());
}

LogicalResult linnet::differentiateOps(ArrayRef<Operation *> ops, Adjoints &adjoints) {
  auto isActive = [&](Value v) { return adjoints.wants(v); };
  SmallVector<Operation *> way = findWay(ops, isActive);
  if (failed(refuseWithoutRule(way, isActive)))
    return failure();
  Location outer = adjoints.builder().getLoc();
  LogicalResult result = success();
  for (Operation *op : llvm::reverse(way)) {
    if (llvm::none_of(op->getResults(), [&](Value v) { return bool(adjoints.of(v)); }))
      continue;
    adjoints.builder().setLoc(op->getLoc());
    if (failed(cast<DifferentiableOpInterface>(op).differentiate(adjoints)))
      result = failure();
  }
  adjoints.builder().setLoc(outer);
  return result;
}

//===----------------------------------------------------------------------===//
// Bodies
//===----------------------------------------------------------------------===//

ClonedBody linnet::cloneBody(ImplicitLocOpBuilder &b, Block &block, IRMapping &mapping) {
  ClonedBody body;
  for (Operation &op : block.without_terminator())
    body.ops.push_back(b.clone(op, mapping));
  for (Value v : block.getTerminator()->getOperands())
    body.yielded.push_back(mapping.lookupOrDefault(v));
  return body;
}

FailureOr<SmallVector<Value>> linnet::differentiateBody(ImplicitLocOpBuilder &b, ClonedBody &body,
                                                        ValueRange seeds, ValueRange sources,
                                                        ValueRange sums) {
  SmallVector<Value> targets;
  for (auto [value, seed] : llvm::zip_equal(body.yielded, seeds))
    if (seed)
      targets.push_back(value);
  Adjoints adjoints(b, findActiveValues(body.ops, sources, targets));
  for (auto [source, sum] : llvm::zip(sources, sums))
    if (sum)
      adjoints.set(source, sum);
  for (auto [value, seed] : llvm::zip_equal(body.yielded, seeds))
    if (seed)
      adjoints.add(value, seed);
  if (failed(differentiateOps(body.ops, adjoints)))
    return failure();
  for (Value &value : body.yielded)
    value = adjoints.current(value);
  SmallVector<Value> gradients;
  for (Value source : sources)
    gradients.push_back(adjoints.ofOrZero(source));
  return gradients;
}
