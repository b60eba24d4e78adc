//===- LoopsEvaluate.cpp - evaluates tensors element by element -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LoopsEvaluator.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Scalars of the body
//===----------------------------------------------------------------------===//

/// A scalar from outside of the ops: a size, a constant, an argument, one element of a tensor.
Value LoopsEvaluator::scalar(Value v) {
  Operation *op = v.getDefiningOp();
  if (!op || isa<arith::ConstantOp, tensor::DimOp>(op))
    return f.scalar(v);
  if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
    Lanes indices;
    for (Value i : extract.getIndices())
      indices.push_back({scalar(i)});
    FailureOr<Lane> x = this->extract(extract, indices, {}, {});
    if (succeeded(x))
      return x->v;
    failedInside = true;
    return e.zero(v.getType());
  }
  IRMapping map;
  for (Value operand : op->getOperands())
    map.map(operand, scalar(operand));
  return e.clone(*op, map)->getResult(cast<OpResult>(v).getResultNumber());
}

Lane LoopsEvaluator::lookup(Value v, llvm::DenseMap<Value, Lane> &map) {
  if (auto it = map.find(v); it != map.end())
    return it->second;
  return {scalar(v)};
}

//===----------------------------------------------------------------------===//
// Tensors
//===----------------------------------------------------------------------===//

FailureOr<Lane> LoopsEvaluator::evaluate(Value tensor, ArrayRef<Lane> coords, const Scope &s) {
  if (auto it = registers.find(tensor); it != registers.end())
    return it->second;
  if (auto it = memos.find(tensor); it != memos.end())
    if (ArrayRef(it->second.coords) == coords && it->second.scope == s)
      return it->second.value;
  auto place = places.find(tensor);
  bool waiting = place != places.end() && waitingStages.contains(tensor);
  FailureOr<Lane> x = failure();
  if (place != places.end() && !waiting) {
    x = read(tensor, place->second.front(), coords, s);
  } else if (KernelViews::isView(tensor)) {
    FailureOr<View> view = f.view(tensor);
    if (failed(view))
      return failure();
    x = read(tensor, *view, coords, s);
  } else {
    x = evaluateOp(tensor.getDefiningOp(), coords, s);
    if (succeeded(x) && waiting) {
      pending.push_back({*x, tensor, Lanes(coords), s});
      writtenAlong.insert(tensor);
    }
  }
  if (succeeded(x))
    memos[tensor] = {Lanes(coords), s, *x};
  return x;
}

FailureOr<Lane> LoopsEvaluator::evaluateOp(Operation *op, ArrayRef<Lane> coords, const Scope &s) {
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    auto splat = cast<SplatElementsAttr>(constant.getValue());
    auto element = cast<TypedAttr>(splat.getSplatValue<Attribute>());
    return Lane{arith::ConstantOp::create(e, element)};
  }
  if (isa<tensor::EmptyOp>(op))
    return Lane{e.zero(getElementTypeOrSelf(op->getResult(0).getType()))};
  if (auto splat = dyn_cast<tensor::SplatOp>(op))
    return Lane{scalar(splat.getInput())};
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return evaluate(cast.getSource(), coords, s);
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return evaluate(slice.getSource(), sliceCoordinates(slice, coords, s.n), s);
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return evaluate(expand.getSrc(), expandCoordinates(expand, coords, s.n), s);
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return evaluate(collapse.getSrc(), collapseCoordinates(collapse, coords, s.n), s);
  if (auto pad = dyn_cast<tensor::PadOp>(op))
    return evaluatePad(pad, coords, s);
  if (auto concat = dyn_cast<tensor::ConcatOp>(op))
    return evaluateConcat(concat, coords, s);
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return evaluateInsert(insert, coords, s);
  if (auto generate = dyn_cast<tensor::GenerateOp>(op)) {
    llvm::DenseMap<Value, Lane> map;
    for (auto [arg, c] : llvm::zip(generate.getBody().getArguments(), coords))
      map[arg] = c;
    Result r = evaluateBlock(generate.getBody().front(), map, coords, s);
    return failed(r) ? FailureOr<Lane>(failure()) : FailureOr<Lane>(r->front());
  }
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp)
    return op->emitOpError("has no form in a fused kernel");
  // The result's map is a permutation here: only parallel ops are inlined.
  OpLoops loops(op);
  Lanes dims(loops.rank(), Lane{});
  for (auto [c, expr] : llvm::zip(coords, loops.results[0].getResults()))
    dims[cast<AffineDimExpr>(expr).getPosition()] = c;
  Result r = evaluateRegion(linalgOp, dims, s);
  return failed(r) ? FailureOr<Lane>(failure()) : FailureOr<Lane>(r->front());
}

static Value ofFold(CodeBuilder &e, OpFoldResult r, llvm::function_ref<Value(Value)> scalar) {
  if (auto attr = dyn_cast<Attribute>(r))
    return e.index(cast<IntegerAttr>(attr).getInt());
  return scalar(cast<Value>(r));
}

Lanes LoopsEvaluator::sliceCoordinates(tensor::ExtractSliceOp op, ArrayRef<Lane> coords,
                                       int64_t n) {
  auto value = [&](OpFoldResult r) { return ofFold(e, r, [&](Value v) { return scalar(v); }); };
  llvm::SmallBitVector dropped = op.getDroppedDims();
  Lanes out;
  unsigned next = 0;
  for (auto [d, pair] : llvm::enumerate(llvm::zip(op.getMixedOffsets(), op.getMixedStrides()))) {
    Lane at{value(std::get<0>(pair))};
    if (!dropped.test(d))
      at = addIndex(mulIndex(coords[next++], value(std::get<1>(pair)), n), at, n);
    out.push_back(at);
  }
  return out;
}

Lanes LoopsEvaluator::expandCoordinates(tensor::ExpandShapeOp op, ArrayRef<Lane> coords,
                                        int64_t n) {
  SmallVector<OpFoldResult> shape = op.getMixedOutputShape();
  Lanes out;
  for (auto &group : op.getReassociationIndices()) {
    Lane at{e.index(0)};
    for (int64_t d : group) {
      Value size = ofFold(e, shape[d], [&](Value v) { return scalar(v); });
      at = addIndex(mulIndex(at, size, n), coords[d], n);
    }
    out.push_back(at);
  }
  return out;
}

Lanes LoopsEvaluator::collapseCoordinates(tensor::CollapseShapeOp op, ArrayRef<Lane> coords,
                                          int64_t n) {
  Lanes out(op.getSrcType().getRank());
  for (auto [g, group] : llvm::enumerate(op.getReassociationIndices())) {
    Lane rest = coords[g];
    for (int64_t d : llvm::reverse(group)) {
      if (d == group.front()) {
        out[d] = rest;
        break;
      }
      Value size = f.size(op.getSrc(), d);
      if (CodeBuilder::constantOf(size) == 1) {
        out[d] = {e.index(0)};
      } else if (rest.isUniform()) {
        out[d] = {e.rem(rest.v, size)};
        rest = {e.div(rest.v, size)};
      } else {
        Value all = vector(rest, n), by = e.splat(size, n);
        out[d] = {arith::RemUIOp::create(e, all, by), 0, true};
        rest = {arith::DivUIOp::create(e, all, by), 0, true};
      }
    }
  }
  for (Lane &c : out)
    if (!c.v)
      c = {e.index(0)};
  return out;
}

//===----------------------------------------------------------------------===//
// Ops that put tensors together
//===----------------------------------------------------------------------===//

Lane LoopsEvaluator::select(const Lane &condition, const Lane &a, const Lane &b, int64_t n) {
  if (condition.isUniform()) {
    if (auto k = CodeBuilder::constantOf(condition.v))
      return *k ? a : b;
    if (a.isUniform() && b.isUniform())
      return {e.select(condition.v, a.v, b.v)};
  }
  return {arith::SelectOp::create(e, condition.v, vector(a, n), vector(b, n)), 0, true};
}

FailureOr<Lane> LoopsEvaluator::evaluatePad(tensor::PadOp op, ArrayRef<Lane> coords,
                                            const Scope &s) {
  Lane inside{e.boolean(true)};
  Lanes source;
  for (auto [d, low] : llvm::enumerate(op.getMixedLowPad())) {
    if (isConstantIntValue(low, 0) && isConstantIntValue(op.getMixedHighPad()[d], 0)) {
      source.push_back(coords[d]);
      continue;
    }
    Value by = ofFold(e, low, [&](Value v) { return scalar(v); });
    Lane c = coords[d];
    c.v = c.isVector ? Value(arith::SubIOp::create(e, c.v, e.splat(by, s.n))) : e.sub(c.v, by);
    source.push_back(c);
    inside = both(inside, inRange(c, f.size(op.getSource(), d), s.n), s.n);
  }
  FailureOr<Lane> x = evaluate(op.getSource(), source, restrict(s, inside));
  if (failed(x))
    return failure();
  return select(inside, *x, {scalar(op.getConstantPaddingValue())}, s.n);
}

FailureOr<Lane> LoopsEvaluator::evaluateConcat(tensor::ConcatOp op, ArrayRef<Lane> coords,
                                               const Scope &s) {
  uint64_t dim = op.getDim();
  Lane out{e.zero(op.getResultType().getElementType())};
  Value offset = e.index(0);
  for (Value input : op.getInputs()) {
    Lanes source(coords);
    Lane &c = source[dim];
    c.v = c.isVector ? Value(arith::SubIOp::create(e, c.v, e.splat(offset, s.n)))
                     : e.sub(c.v, offset);
    Value size = f.size(input, dim);
    Lane inside = inRange(c, size, s.n);
    FailureOr<Lane> x = evaluate(input, source, restrict(s, inside));
    if (failed(x))
      return failure();
    out = select(inside, *x, out, s.n);
    offset = e.add(offset, size);
  }
  return out;
}

FailureOr<Lane> LoopsEvaluator::evaluateInsert(tensor::InsertSliceOp op, ArrayRef<Lane> coords,
                                               const Scope &s) {
  Lane inside{e.boolean(true)};
  Lanes source;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  auto value = [&](OpFoldResult r) { return ofFold(e, r, [&](Value v) { return scalar(v); }); };
  for (unsigned d = 0, rank = op.getDestType().getRank(); d < rank; ++d) {
    Lane c = coords[d];
    Value offset = value(op.getMixedOffsets()[d]), stride = value(op.getMixedStrides()[d]);
    Value size = value(op.getMixedSizes()[d]);
    c.v = c.isVector ? Value(arith::SubIOp::create(e, c.v, e.splat(offset, s.n)))
                     : e.sub(c.v, offset);
    if (CodeBuilder::constantOf(stride) != 1) {
      Value all = vector(c, s.n), by = s.n ? e.splat(stride, s.n) : stride;
      Value rest = arith::RemUIOp::create(e, all, by);
      Value hit = arith::CmpIOp::create(e, arith::CmpIPredicate::eq, rest, e.zero(rest.getType()));
      inside = both(inside, {hit, 0, s.n != 0}, s.n);
      c = {arith::DivUIOp::create(e, all, by), 0, s.n != 0};
    }
    inside = both(inside, inRange(c, size, s.n), s.n);
    if (!dropped.test(d))
      source.push_back(c);
  }
  FailureOr<Lane> x = evaluate(op.getSource(), source, restrict(s, inside));
  FailureOr<Lane> old = evaluate(op.getDest(), coords, s);
  if (failed(x) || failed(old))
    return failure();
  return select(inside, *x, *old, s.n);
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

LoopsEvaluator::Result LoopsEvaluator::evaluateRegion(linalg::LinalgOp op, ArrayRef<Lane> loops,
                                                      const Scope &s, ArrayRef<Lane> accs) {
  llvm::DenseMap<Value, Lane> map;
  for (OpOperand &operand : op->getOpOperands()) {
    BlockArgument arg = op.getMatchingBlockArgument(&operand);
    if (arg.use_empty())
      continue;
    if (op.isDpsInit(&operand) && !accs.empty()) {
      map[arg] = accs[operand.getOperandNumber() - op.getNumDpsInputs()];
    } else if (!isa<TensorType>(operand.get().getType())) {
      map[arg] = {scalar(operand.get())};
    } else {
      Lanes coords = evaluate(op.getMatchingIndexingMap(&operand), loops, s.n);
      FailureOr<Lane> x = evaluate(operand.get(), coords, s);
      if (failed(x))
        return failure();
      map[arg] = *x;
    }
  }
  return evaluateBlock(*op.getBlock(), map, loops, s);
}

LoopsEvaluator::Result LoopsEvaluator::evaluateBlock(Block &block, llvm::DenseMap<Value, Lane> &map,
                                                     ArrayRef<Lane> loops, const Scope &s) {
  for (Operation &op : block.without_terminator()) {
    if (auto index = dyn_cast<linalg::IndexOp>(op)) {
      map[index] = loops[index.getDim()];
    } else if (isa<tensor::DimOp, arith::ConstantOp>(op)) {
      map[op.getResult(0)] = {f.scalar(op.getResult(0))};
    } else if (auto extract = dyn_cast<tensor::ExtractOp>(op)) {
      Lanes indices;
      for (Value i : extract.getIndices())
        indices.push_back(lookup(i, map));
      FailureOr<Lane> x = this->extract(extract, indices, loops, s);
      if (failed(x))
        return failure();
      map[extract] = *x;
    } else if (auto assertion = dyn_cast<cf::AssertOp>(op)) {
      reportFault(assertion, lookup(assertion.getArg(), map), loops, s);
    } else if (failed(evaluateElementwise(op, map, s))) {
      return failure();
    }
  }
  Lanes out;
  for (Value v : block.getTerminator()->getOperands())
    out.push_back(lookup(v, map));
  return out;
}

/// Sums of lane indices stay lane indices: contiguous accesses are found by them.
static std::optional<Lane> linear(CodeBuilder &e, Operation &op, ArrayRef<Lane> in) {
  auto create = [&](Value a, Value b) {
    OperationState state(op.getLoc(), op.getName(), ValueRange{a, b}, op.getResultTypes(), {});
    return e.create(state)->getResult(0);
  };
  if (llvm::any_of(in, [](const Lane &x) { return x.isVector; }))
    return std::nullopt;
  if (auto cast = dyn_cast<arith::IndexCastOp>(op); cast && in[0].step)
    return Lane{arith::IndexCastOp::create(e, cast.getType(), in[0].v), in[0].step, false};
  if (isa<arith::AddIOp>(op) && in[0].step + in[1].step)
    return Lane{create(in[0].v, in[1].v), in[0].step + in[1].step, false};
  if (isa<arith::SubIOp>(op) && in[0].step && !in[1].step)
    return Lane{create(in[0].v, in[1].v), in[0].step, false};
  return std::nullopt;
}

LogicalResult LoopsEvaluator::evaluateElementwise(Operation &op, llvm::DenseMap<Value, Lane> &map,
                                                  const Scope &s) {
  Lanes in;
  for (Value v : op.getOperands())
    in.push_back(lookup(v, map));
  if (passedBy.contains(&op)) {
    auto acc = dyn_cast<BlockArgument>(op.getOperand(0));
    auto owner = cast<linalg::LinalgOp>(op.getParentOp());
    map[op.getResult(0)] = in[acc && llvm::is_contained(owner.getRegionOutputArgs(), acc)];
    return success();
  }
  if (auto x = linear(e, op, in)) {
    map[op.getResult(0)] = *x;
    return success();
  }
  bool uniform = llvm::all_of(in, [](const Lane &x) { return x.isUniform(); });
  IRMapping values;
  for (auto [v, x] : llvm::zip(op.getOperands(), in))
    values.map(v, uniform ? x.v : vector(x, s.n));
  if (failed(e.inlineOp(op, values, uniform ? 0 : s.n)))
    return failure();
  for (Value r : op.getResults())
    map[r] = {values.lookup(r), 0, !uniform};
  return success();
}

//===----------------------------------------------------------------------===//
// Checked reads
//===----------------------------------------------------------------------===//

/// An element of a constant that lies in panels because another kernel wants it so:
/// [n / panel][k][n % panel].
Lane LoopsEvaluator::loadFromPanels(View view, const PanelLayout &layout, ArrayRef<Lane> indices,
                                    const Scope &s) {
  bool rowsAreN = layout.kStride == 1;
  Lane n = indices[rowsAreN ? 0 : 1], k = indices[rowsAreN ? 1 : 0];
  int64_t lanes = n.isUniform() ? 0 : s.n;
  Value all = lanes ? vector(n, lanes) : n.v, panel = e.index(layout.panel);
  Value by = lanes ? e.splat(panel, lanes) : panel;
  Lane block = {arith::DivUIOp::create(e, all, by), 0, lanes != 0};
  Lane rest = {arith::RemUIOp::create(e, all, by), 0, lanes != 0};
  view.strides = {e.index(layout.panel * layout.k), panel, e.index(1)};
  return load(view, {block, k, rest}, s);
}

/// tensor.extract: an index out of range reads zero and is reported.
FailureOr<Lane> LoopsEvaluator::extract(tensor::ExtractOp op, ArrayRef<Lane> indices,
                                        ArrayRef<Lane> loops, const Scope &s) {
  Lane ok{e.boolean(true)};
  auto checked = op->getAttrOfType<DenseI64ArrayAttr>("linnet.checked");
  for (auto [d, i] : llvm::enumerate(indices))
    if (!checked || llvm::is_contained(checked.asArrayRef(), int64_t(d)))
      ok = both(ok, inRange(i, f.size(op.getTensor(), d), s.n), s.n);
  reportFault(op, ok, loops, s);
  Lane zero = {e.zero(op.getType())};
  auto arg = dyn_cast<BlockArgument>(op.getTensor());
  bool isArgument = arg && arg.getOwner() == &f.kernel.getBody().front();
  if (auto layout = isArgument ? f.layout(arg.getArgNumber()) : std::nullopt) {
    FailureOr<View> view = f.view(arg);
    if (failed(view))
      return failure();
    return select(ok, loadFromPanels(*view, *layout, indices, restrict(s, ok)), zero, s.n);
  }
  FailureOr<Lane> x = evaluate(op.getTensor(), indices, restrict(s, ok));
  if (failed(x))
    return failure();
  return select(ok, *x, zero, s.n);
}

void LoopsEvaluator::reportFault(Operation *op, const Lane &ok, ArrayRef<Lane> loops,
                                 const Scope &s) {
  if (ok.isUniform() && CodeBuilder::constantOf(ok.v).value_or(0))
    return;
  unsigned site = plan.sites.lookup(op);
  Operation *owner = op->getParentOp();
  auto at = [&](Value lane) {
    Value position = e.index(0);
    if (loops.empty())
      return position;
    OpLoops sizes(owner);
    for (auto [c, size] : llvm::zip(loops, sizes.sizes)) {
      Value x = c.isVector ? Value(vector::ExtractOp::create(e, c.v, lane))
                           : e.add(c.v, e.mul(lane, c.step));
      position = e.add(e.mul(position, f.size(size.tensor, size.dim)), x);
    }
    return position;
  };
  if (ok.isUniform()) {
    Value bad = arith::XOrIOp::create(e, ok.v, e.boolean(true));
    if (s.guard)
      bad = e.both(bad, s.guard);
    if (s.mask)
      bad = e.both(bad, vector::ReductionOp::create(e, vector::CombiningKind::OR, s.mask));
    e.ifThen(bad, [&] { f.fault(site, at(e.index(0))); });
    return;
  }
  Value bad = arith::XOrIOp::create(e, ok.v, e.iconst(ok.v.getType(), 1));
  if (Value mask = effectiveMask(s))
    bad = arith::AndIOp::create(e, bad, mask);
  Value any = vector::ReductionOp::create(e, vector::CombiningKind::OR, bad);
  e.ifThen(any, [&] {
    e.forLoop(e.index(s.n), [&](Value lane) {
      Value here = vector::ExtractOp::create(e, bad, lane);
      e.ifThen(here, [&] { f.fault(site, at(lane)); });
    });
  });
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

LogicalResult LoopsEvaluator::placeOutputs() {
  for (auto [i, stored] : llvm::enumerate(plan.stored)) {
    if (!stored)
      continue;
    FailureOr<KernelViews::Output> out = f.output(i);
    if (failed(out))
      return failure();
    auto place = plan.places.find(stored);
    bool direct = place != plan.places.end() && !llvm::is_contained(plan.late, stored);
    (direct ? places : copies)[stored].push_back(out->view);
  }
  return success();
}

void LoopsEvaluator::forStages(llvm::function_ref<void(const Stage &)> emit) {
  for (const Stage &stage : plan.stages)
    if (stage.deferred)
      waitingStages.insert(stage.op->getResult(0));
  for (const Stage &stage : plan.stages)
    if (!stage.deferred)
      emit(stage);
  for (const Stage &stage : plan.stages)
    if (stage.deferred && waitingStages.erase(stage.op->getResult(0)))
      emit(stage);
}

void LoopsEvaluator::settleDeferred() {
  for (Value v : writtenAlong)
    waitingStages.erase(v);
  writtenAlong.clear();
}

void LoopsEvaluator::copyElement(Value from, ArrayRef<Lane> at, const Scope &s) {
  FailureOr<Lane> x = evaluate(from, at, s);
  if (failed(x))
    return fail();
  for (const View &view : copies.find(from)->second)
    store(*x, view, at, s);
  flush();
}

LoopsEvaluator::Result LoopsEvaluator::initialValues(linalg::LinalgOp op, const OpLoops &loops,
                                                     ArrayRef<Lane> at, const Scope &s) {
  Lanes initial;
  for (OpResult r : op->getResults()) {
    Value init = op.getDpsInitOperand(r.getResultNumber())->get();
    FailureOr<Lane> x = evaluate(init, evaluate(loops.results[r.getResultNumber()], at, s.n), s);
    if (failed(x))
      return failure();
    initial.push_back(*x);
  }
  return initial;
}
