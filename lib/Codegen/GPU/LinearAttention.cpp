//===- LinearAttention.cpp - linear attention on GPUs: form and state -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LinearAttention.h"
#include "Emitters.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Form
//===----------------------------------------------------------------------===//

/// So many workgroups keep a device busy.
static constexpr int64_t kManyGroups = 96;
static constexpr int64_t kMostColumns = 64, kFewColumns = 16;

void GPULinearAttentionForm::lay() {
  int64_t next = 0;
  auto take = [&](int64_t floats) {
    int64_t at = next;
    next += llvm::alignTo(floats, 4);
    return at;
  };
  int64_t rows = positions * depth(), square = positions * positions;
  state = take(onChip ? stateSize() : 0);
  // the two forms never meet
  partial = next;
  int64_t recurrence = partial + rowTeams() * width();
  readers = take(rows);
  keys = take(rows);
  erasers = take(erase ? rows : 0);
  gates = take(vectorDecay ? rows : positions);
  values = take(positions * width());
  found = erase ? take(positions * width()) : values;
  scores = take(square);
  eraserScores = take(erase ? square : 0);
  system = take(solves() ? square : 0);
  between = take(scalarDecay ? square : 0);
  rates = take(delta ? positions : 0);
  divisors = take(normalise ? positions : 0);
  keep = take(vectorDecay && positions ? depth() : 0);
  bonusAt = take(bonus && positions ? depth() : 0);
  total = std::max(next, recurrence);
}

bool GPULinearAttentionForm::fits(const GPUTarget &target) {
  lay();
  return 4 * total <= target.workgroupMemory;
}

/// Slices of equal width, in whole groups of four columns.
static int64_t columnsOf(int64_t D, int64_t slices) {
  return llvm::alignTo(std::max<int64_t>(1, llvm::divideCeil(D, slices)), 4);
}

// Every slice scores the block anew: few columns only where there are few heads, or no room.
void GPULinearAttentionForm::choose(LinearAttentionOp op, const GPUTarget &target) {
  int64_t batch = op.getQ().getType().getDimSize(0), length = op.getQ().getType().getDimSize(2);
  int64_t heads = stateHeads * (ShapedType::isDynamic(batch) ? 1 : std::max<int64_t>(1, batch));
  int64_t wanted = llvm::divideCeil(D, kMostColumns);
  while (columnsOf(D, wanted) > kFewColumns && heads * wanted < kManyGroups)
    wanted *= 2;
  int64_t hint = op.getChunk().value_or(16), most = hint >= 32 ? 32 : hint >= 16 ? 16 : 8;
  auto tryForm = [&](int64_t n, int64_t least) {
    positions = n;
    for (int64_t slices = wanted;; slices *= 2) {
      columns = columnsOf(D, slices);
      if (columns < least && slices > wanted)
        return false;
      if (positions / 4 * (width() / 4) <= kThreads && fits(target))
        return true;
      if (columns == 4)
        return false;
    }
  };
  auto blocks = [&](int64_t n, int64_t least) {
    return (ShapedType::isDynamic(length) || length >= n) && n <= most && tryForm(n, least);
  };
  bool found =
      blocks(32, kFewColumns) || blocks(16, kFewColumns) || blocks(8, 8) || tryForm(0, kFewColumns);
  if (!found) {
    onChip = false;
    columns = columnsOf(D, wanted);
    lay();
  }
  inTurn = normalise && slices() > 1 && op.getState() && op.getFinalState();
}

void GPULinearAttentionForm::read(const KernelViews &frame) {
  columns = frame.strategyInt("columns");
  positions = frame.strategyInt("positions");
  onChip = frame.strategyInt("on_chip");
  inTurn = frame.strategyInt("in_turn");
}

//===----------------------------------------------------------------------===//
// Access
//===----------------------------------------------------------------------===//

/// Whether `wide` elements of a row lie where one access reaches them.
Value GPULinearAttention::isAligned(const View &x) {
  return s.wide == 1 ? e.boolean(false) : f.isAligned(x, s.wide);
}

/// `wide` elements along the last dimension, as f32; `left` of them exist, if any, others are 0.
Values GPULinearAttention::loadRow(const View &x, Value position, Value aligned, Value left) {
  auto single = [&] {
    Values values;
    for (int64_t i = 0; i < s.wide; ++i) {
      Value at = e.add(position, e.mul(e.index(i), x.strides.back()));
      values.push_back(e.ifElse(
          e.lt(e.index(i), left), TypeRange{e.f32()}, [&] { return Values{loadFloat(e, x, at)}; },
          [&] { return Values{e.f(0)}; })[0]);
    }
    return values;
  };
  auto together = [&] {
    Value found = e.convert(e.vload(x.memory, position, s.wide), e.f32());
    Values values;
    for (int64_t i = 0; i < s.wide; ++i)
      values.push_back(e.extract(found, i));
    return values;
  };
  SmallVector<Type> types(s.wide, e.f32());
  return e.ifElse(e.both(aligned, e.le(e.index(s.wide), left)), types, together, single);
}

/// The first `left` of some neighbours, up to four. Four lie together where a view is aligned.
void GPULinearAttention::storeRow(ValueRange values, const View &x, Value position, Value aligned,
                                  Value left) {
  int64_t n = values.size();
  auto single = [&] {
    for (int64_t i = 0; i < n; ++i)
      e.ifThen(e.lt(e.index(i), left), [&] {
        Value at = e.add(position, e.mul(e.index(i), x.strides.back()));
        e.store(e.convert(values[i], x.element), x.memory, at);
      });
  };
  if (n == 1)
    return single();
  e.ifThen(
      e.both(aligned, e.le(e.index(n), left)),
      [&] { e.vstore(e.convert(e.pack(values), x.element), x.memory, position); }, single);
}

// Lanes that share a product read rows that are four apart: where a row is whole turns of the
// banks, its groups of four columns are exchanged by the row's number.
Value GPULinearAttention::statePlace(Value row, Value column) {
  if (!s.onChip)
    return e.add(e.add(e.mul(f.group, s.stateSize()), f.scratchStart),
                 e.add(e.mul(row, s.width()), column));
  int64_t turns = std::min<int64_t>(8, s.width() / 4);
  if (llvm::isPowerOf2_64(s.width()) && turns > 1)
    column = arith::XOrIOp::create(e, column, e.mul(e.rem(e.div(row, 4), turns), 4));
  return place(s.state, row, s.width(), column);
}

Values GPULinearAttention::get(Value memory, Value at, int64_t n) {
  if (n == 1)
    return {e.load(memory, at)};
  Value found = e.vload(memory, at, n);
  Values values;
  for (int64_t i = 0; i < n; ++i)
    values.push_back(e.extract(found, i));
  return values;
}

void GPULinearAttention::put(ValueRange values, Value memory, Value at) {
  if (values.size() == 1)
    return e.store(values[0], memory, at);
  e.vstore(e.pack(values), memory, at);
}

Values GPULinearAttention::stateAt(Value row, Value column, int64_t n) {
  Value at = statePlace(row, column);
  if (s.onChip)
    return get(floats, at, n);
  Values values;
  for (int64_t i = 0; i < n; ++i)
    values.push_back(e.load(f.scratchMemory, e.add(at, i)));
  return values;
}

void GPULinearAttention::setState(Value row, Value column, ValueRange values) {
  Value at = statePlace(row, column);
  if (s.onChip)
    return put(values, floats, at);
  for (auto [i, x] : llvm::enumerate(values))
    e.store(x, f.scratchMemory, e.add(at, i));
}

Value GPULinearAttention::gateOf(Value logarithm) { return math::ExpOp::create(e, logarithm); }

//===----------------------------------------------------------------------===//
// Kernel
//===----------------------------------------------------------------------===//

/// Copies of a long body cost registers, most of which hold sums.
static void keepLongLoops(GPUEmitter &e) {
  constexpr unsigned kLong = 32;
  auto unroll =
      LLVM::LoopUnrollAttr::get(e.getContext(), e.getBoolAttr(true), {}, {}, {}, {}, {}, {});
  auto rolled = LLVM::LoopAnnotationAttr::get(e.getContext(), {}, {}, {}, unroll, {}, {}, {}, {},
                                              {}, {}, {}, {}, {}, {}, {});
  e.getInsertionBlock()->getParentOp()->walk([&](scf::ForOp loop) {
    unsigned ops = 0;
    loop.getBody()->walk([&](Operation *) { ++ops; });
    if (ops > kLong)
      loop->setAttr("loop_annotation", rolled);
  });
}

LogicalResult GPULinearAttention::emit() {
  if (failed(bindOperandsOf(op, f, inOrder())) ||
      failed(bindResults(f, {{op.getO(), &out}, {op.getFinalState(), &finalState}})))
    return failure();
  e.keepInRegisters();
  floats = e.shared(e.f32(), s.total);
  team = e.div(e.thread, s.width() / s.wide);
  teamColumn = e.mul(e.rem(e.thread, s.width() / s.wide), s.wide);
  Value perHead = e.index(s.groupsPerHead()), rest = e.div(f.group, perHead);
  head = e.rem(rest, e.index(s.stateHeads));
  batch = e.div(rest, s.stateHeads);
  if (s.inTurn)
    e.forLoop(e.index(s.slices()), [&](Value slice) { emitSlice(slice); });
  else
    emitSlice(e.rem(f.group, perHead));
  if (e.target.isCUDA())
    keepLongLoops(e);
  return success();
}

void GPULinearAttention::emitSlice(Value slice) {
  column = e.mul(slice, s.columns);
  width = e.min(e.index(s.columns), e.sub(e.index(s.D), column));
  ownsNormaliser = e.eq(slice, e.index(s.inTurn ? s.slices() - 1 : 0));
  Value length = q.sizes[2];
  moveState(/*in=*/true);
  auto steps = [&] { e.forLoop(length, [&](Value t) { step(t); }); };
  auto blocks = [&] {
    if (s.bonus)
      e.forThreads(e.index(s.depth()), [&](Value c) {
        Value x = e.ifElse(
            e.lt(c, e.index(s.K)), TypeRange{e.f32()},
            [&] { return Values{loadFloat(e, bonus, f.position(bonus, {headOf(bonus, 0), c}))}; },
            [&] { return Values{e.f(0)}; })[0];
        e.store(x, floats, e.add(c, s.bonusAt));
      });
    e.forLoop(e.index(0), length, e.index(s.positions), [&](Value from) {
      first = from;
      count = e.min(e.index(s.positions), e.sub(length, from));
      block();
    });
  };
  if (s.positions)
    e.ifThen(e.lt(length, e.index(s.positions)), steps, blocks);
  else
    steps();
  e.barrier();
  if (finalState)
    moveState(/*in=*/false);
  if (s.inTurn)
    e.barrier();
}

/// Between the state and its place in the kernel, as the recurrence spreads it over threads.
void GPULinearAttention::moveState(bool in) {
  const View &view = in ? state : *finalState;
  bool given = !in || op.getState();
  Value isNormaliser = s.normalise ? e.eq(teamColumn, e.index(s.columns)) : e.boolean(false);
  Value from = e.select(isNormaliser, e.index(s.D), e.add(column, teamColumn));
  Value one = in ? e.index(1) : e.select(ownsNormaliser, e.index(1), e.index(0));
  Value left = e.select(isNormaliser, one, e.sub(width, teamColumn));
  Value aligned = given ? isAligned(view) : Value();
  Value begin = e.select(e.lt(team, e.index(s.rowTeams())), team, e.index(s.depth()));
  e.forLoop(begin, e.index(in ? s.depth() : s.K), e.index(s.rowTeams()), [&](Value row) {
    Value position = given ? f.position(view, {batch, head, row, from}) : Value();
    if (!in)
      return storeRow(stateAt(row, teamColumn, s.wide), view, position, aligned, left);
    Value exists = e.lt(row, e.index(s.K));
    Values x(s.wide, e.f(0));
    if (given)
      x = loadRow(view, position, aligned, e.select(exists, left, e.index(0)));
    setState(row, teamColumn, x);
  });
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static LogicalResult select(LinearAttentionOp op, exec::KernelOp kernel, const GPUTarget &target) {
  GPULinearAttentionForm s(op, target);
  s.choose(op, target);
  setStrategy(kernel, {{kThreads, s.kThreads},
                       {"columns", s.columns},
                       {"positions", s.positions},
                       {"on_chip", s.onChip},
                       {"in_turn", s.inTurn}});
  LaunchBuilder b(kernel);
  auto sizes = launchSizes(b, op, {{op.getQ(), 0}, {op.getQ(), 2}});
  if (failed(sizes))
    return failure();
  auto [batch, length] = *sizes;
  Value flops = b.mul({batch, length, b.constant(2 * s.cost() * s.stateHeads * s.K * s.D)});
  Value chunks = b.mul(batch, b.constant(s.stateHeads * s.groupsPerHead()));
  Value scratch = s.onChip ? b.constant(0) : b.mul(chunks, b.constant(4 * s.stateSize()));
  b.finish(chunks, scratch, flops, bytesTouched(b, kernel));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPULinearAttentionEmitter() {
  static const GPUOpEmitter<LinearAttentionOp, GPULinearAttention> emitter(select);
  return &emitter;
}
