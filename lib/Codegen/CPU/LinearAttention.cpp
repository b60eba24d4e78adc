//===- LinearAttention.cpp - linear attention: strategy, chunks, state ----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LinearAttention.h"
#include "Emitters.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Static facts
//===----------------------------------------------------------------------===//

/// Columns of a chunk of the block form, whose scores are paid once per chunk: as many as leave
/// four chunks for the threads; 0: too few to pay for the scores.
static int64_t blockColumns(const LinearAttentionShape &s, int64_t unit) {
  int64_t best = 0;
  for (int64_t c = std::min<int64_t>(s.paddedD(), 128); c >= 48; c -= kLanes) {
    if (s.paddedD() % c || c % unit)
      continue;
    best = c;
    if (s.stateHeads * (s.paddedD() / c) >= 4)
      break;
  }
  return best;
}

// Measured on one Zen 4 core at K = D = 64 / 128, a position and head: without decay the recurrence
// runs at 90% of the FMA peak and the block form at 63% (its scores are extra work). A decay is a
// third operation per element to the recurrence and nearly free to the block form, which then
// takes 0.89 / 0.78 of the time. An erase term keeps the recurrence at three operations, fewer
// than the triangular solve costs.
LinearAttentionStrategy LinearAttentionStrategy::choose(const LinearAttentionShape &s, Type element,
                                                        int64_t length) {
  LinearAttentionStrategy out;
  int64_t vectors = s.paddedD() / kLanes;
  out.vectors = s.K > 256 ? 1 : vectors % 2 == 0 ? 2 : vectors % 3 == 0 ? 3 : 1;
  out.columns = out.vectors * kLanes;
  // preparing a panel is paid once per chunk: take twice the columns where it is dear, and
  // whole rows where one position only streams the state
  bool dear = s.vectorDecay || !element.isF32() || length == 1;
  if (dear && s.K <= 128 && vectors % (2 * out.vectors) == 0)
    out.columns *= 2;
  int64_t wide = blockColumns(s, out.vectors * kLanes);
  bool room = ShapedType::isDynamic(length) || length >= 2 * kBlockPositions;
  out.blocked = s.decays() && !s.delta && !s.erase && s.K >= 48 && s.K <= 256 && wide && room;
  if (out.blocked)
    out.columns = wide;
  // the chunk that updates the normaliser is the one that reads it
  if (s.normalise)
    out.columns = s.paddedD();
  return out;
}

LinearAttentionScratch::LinearAttentionScratch(const LinearAttentionShape &s,
                                               const LinearAttentionStrategy &strategy) {
  int64_t next = 0;
  auto take = [&](int64_t floats) {
    int64_t at = next;
    next += llvm::alignTo(floats, kLanes);
    return at;
  };
  int64_t rows = kPanel * s.paddedK();
  state = take(s.K * strategy.columns);
  q = take(s.group * rows);
  k = take(rows);
  decay = take(s.vectorDecay ? rows : 0);
  a = take(s.erase ? rows : 0);
  b = take(s.erase ? rows : 0);
  scalarDecay = take(kPanel);
  beta = take(kPanel);
  bonusDot = take(s.group * kPanel);
  inverse = take(s.group * kPanel);
  z = take(s.paddedK());
  decayedQ = take(strategy.blocked ? s.group * rows : 0);
  decayedK = take(strategy.blocked ? rows : 0);
  keep = take(strategy.blocked ? kPanel / kBlockPositions * s.paddedK() : 0);
  scores = take(strategy.blocked ? s.group * kPanel * kBlockPositions : 0);
  total = next;
}

//===----------------------------------------------------------------------===//
// Kernel
//===----------------------------------------------------------------------===//

static LinearAttentionStrategy chosenFor(KernelFrame &frame) {
  LinearAttentionStrategy strategy;
  strategy.columns = frame.strategyInt("columns");
  strategy.vectors = frame.strategyInt("vectors");
  strategy.blocked = frame.strategyInt("blocked") != 0;
  return strategy;
}

LinearAttentionKernel::LinearAttentionKernel(LinearAttentionOp op, KernelFrame &frame)
    : e(frame.e), frame(frame), op(op), s(op), strategy(chosenFor(frame)), at(s, strategy),
      vectors(e.target.avx512 ? strategy.vectors : 1) {}

LogicalResult LinearAttentionKernel::bind() {
  if (failed(bindOperandsOf(op, frame, inOrder())))
    return failure();
  return bindResults(frame, {{op.getO(), &out}, {op.getFinalState(), &finalState}});
}

LogicalResult LinearAttentionKernel::emit() {
  if (failed(bind()))
    return failure();
  floats = frame.scratch(0, e.f32());
  e.forLoop(frame.begin, frame.end, e.index(1), [&](Value chunk) { emitChunk(chunk); });
  return success();
}

void LinearAttentionKernel::emitChunk(Value chunk) {
  int64_t blocks = llvm::divideCeil(s.paddedD(), strategy.columns);
  column = e.mul(e.rem(chunk, blocks), strategy.columns);
  Value rest = e.div(chunk, blocks);
  head = e.rem(rest, s.stateHeads);
  batch = e.div(rest, s.stateHeads);
  Value length = q.sizes[2];
  e.ifThen(e.eq(length, e.index(1)), [&] { emitSingle(); }, [&] { emitPanels(length); });
}

void LinearAttentionKernel::emitPanels(Value length) {
  moveNormaliser(/*in=*/true);
  moveState(/*in=*/true);
  e.forLoop(e.index(0), length, e.index(kPanel), [&](Value first) {
    Value count = e.min(e.index(kPanel), e.sub(length, first));
    preparePanel(first, count);
    if (strategy.blocked)
      prepareBlocks(count);
    forBlocks([&] { recurrentPanel(count); });
  });
  moveState(/*in=*/false);
  moveNormaliser(/*in=*/false);
}

// One position streams the state: rows go from its argument to its result, past the scratch.
void LinearAttentionKernel::emitSingle() {
  moveNormaliser(/*in=*/true);
  preparePanel(e.index(0), e.index(1));
  forBlocks([&] {
    auto where = [&](const View &view, Value c, int64_t n) {
      return frame.position(view, {batch, head, c, e.add(column, n * kLanes)});
    };
    auto load = [&](Value c, int64_t n) {
      return op.getState() ? loadLanes(e, state, where(state, c, n), 3, lanes[n]) : e.vf(0);
    };
    auto store = [&](Value x, Value c, int64_t n) {
      if (finalState)
        storeLanes(e, x, *finalState, where(*finalState, c, n), 3, lanes[n]);
    };
    StateAccess access{load, store, /*decayedInPlace=*/false};
    if (s.delta || s.erase)
      erasingPositions(e.index(1), access);
    else
      plainPositions(1, e.index(0), access);
  });
  moveNormaliser(/*in=*/false);
}

// Blocks of columns that are in registers at once; `column` is the block's first.
void LinearAttentionKernel::forBlocks(llvm::function_ref<void()> body) {
  int64_t width = vectors * kLanes;
  Value chunkColumn = column;
  auto block = [&](Value i) {
    column = e.add(chunkColumn, e.mul(i, width));
    stateBase = e.add(e.mul(i, s.K * width), at.state);
    lanes.clear();
    for (int64_t n = 0; n < vectors; ++n)
      lanes.push_back(Lanes::of(e, e.index(s.D), e.add(column, n * kLanes)));
    body();
  };
  if (strategy.columns == width)
    block(e.index(0));
  else
    e.forLoop(e.index(strategy.columns / width), block);
  column = chunkColumn;
}

/// Position of vector n of row c of the block's state in scratch.
Value LinearAttentionKernel::stateAddress(Value c, int64_t n) {
  return e.add(e.add(stateBase, e.mul(c, vectors * kLanes)), n * kLanes);
}

void LinearAttentionKernel::moveState(bool in) {
  if (!in && !finalState)
    return;
  forBlocks([&] {
    e.forLoop(e.index(s.K), [&](Value c) {
      for (int64_t n = 0; n < vectors; ++n) {
        Value d = e.add(column, n * kLanes), here = stateAddress(c, n);
        if (!in) {
          storeLanes(e, e.vload(floats, here), *finalState,
                     frame.position(*finalState, {batch, head, c, d}), 3, lanes[n]);
          continue;
        }
        Value x = op.getState()
                      ? loadLanes(e, state, frame.position(state, {batch, head, c, d}), 3, lanes[n])
                      : e.vf(0);
        e.vstore(x, floats, here);
      }
    });
  });
}

// The last column of the state, a vector over K in scratch.
void LinearAttentionKernel::moveNormaliser(bool in) {
  if (!s.normalise || (!in && !finalState))
    return;
  if (in)
    for (int64_t c = 0; c < s.paddedK(); c += kLanes)
      e.vstore(e.vf(0), floats, e.index(at.z + c));
  if (in && !op.getState())
    return;
  const View &view = in ? state : *finalState;
  e.forLoop(e.index(s.K), [&](Value c) {
    Value where = frame.position(view, {batch, head, c, e.index(s.D)});
    if (in)
      e.store(e.load(view.memory, where), floats, e.add(c, at.z));
    else
      e.store(e.load(floats, e.add(c, at.z)), view.memory, where);
  });
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static LogicalResult select(LinearAttentionOp op, exec::KernelOp kernel) {
  LinearAttentionShape s(op);
  auto strategy = LinearAttentionStrategy::choose(s, op.getQ().getType().getElementType(),
                                                  op.getQ().getType().getDimSize(2));
  setStrategy(kernel, {{"columns", strategy.columns},
                       {"vectors", strategy.vectors},
                       {"blocked", strategy.blocked}});
  LaunchBuilder b(kernel);
  int64_t blocks = llvm::divideCeil(s.paddedD(), strategy.columns);
  auto sizes = launchSizes(b, op, {{op.getQ(), 0}, {op.getQ(), 2}});
  if (failed(sizes))
    return failure();
  auto [batch, length] = *sizes;
  Value flops = b.mul({batch, length, b.constant(2 * s.cost() * s.stateHeads * s.K * s.D)});
  b.finish(b.mul(batch, b.constant(s.stateHeads * blocks)),
           b.constant(4 * LinearAttentionScratch(s, strategy).total), flops,
           bytesTouched(b, kernel));
  return success();
}

const KernelEmitter *linnet::codegen::getLinearAttentionEmitter() {
  static const OpEmitter<LinearAttentionOp, LinearAttentionKernel> emitter(select);
  return &emitter;
}
