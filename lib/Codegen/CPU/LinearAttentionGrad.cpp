//===- LinearAttentionGrad.cpp - emitter of linear attention's gradients --===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LinearAttentionGrad.h"
#include "Emitters.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static constexpr int64_t kSpan = LinearAttentionGradGeometry::kSpan;

//===----------------------------------------------------------------------===//
// Geometry
//===----------------------------------------------------------------------===//

LinearAttentionGradGeometry::LinearAttentionGradGeometry(LinearAttentionGradOp op)
    : LinearAttentionGradFacts(op), paddedK(llvm::alignTo(K, kLanes)),
      paddedD(llvm::alignTo(D, kLanes)) {
  int64_t next = 0;
  auto take = [&](int64_t floats) {
    int64_t at = next;
    next += llvm::alignTo(floats, kLanes);
    return at;
  };
  int64_t square = kLanes * kLanes, gated = (kLanes + 1) * (vectorDecay ? paddedK : 1);
  state = take(stateSize() * (solves() ? kSpan + 1 : 1));
  grad = take(stateSize());
  found = take(solves() ? kSpan * paddedD * kLanes : 0);
  x = take(rows() * paddedK);
  xDecayed = decays() ? take(rows() * paddedK) : x;
  w = take(columns() * paddedK);
  wDecayed = decays() ? take(columns() * paddedK) : w;
  xTurned = take(solves() ? paddedK * kLanes : 0);
  wTurned = take(paddedK * columns());
  wDecayedTurned = decays() ? take(paddedK * columns()) : wTurned;
  z = take(group * kLanes * paddedD);
  zErase = take(solves() ? paddedD * kLanes : 0);
  u = take(paddedD * columns());
  a = take(rows() * columns());
  da = take(rows() * columns());
  b = take(rows() * columns());
  lower = take(solves() ? square : 0);
  inverse = take(solves() ? square : 0);
  inverseTurned = take(solves() ? square : 0);
  aTurned = take(solves() ? square : 0);
  right = take(std::max(paddedD, kLanes) * kLanes);
  gates = take(gated);
  prefix = take(gated);
  suffix = take(std::max(gated, kLanes));
  within = take(2 * square);
  between = take(square);
  beta = take(kLanes);
  bonusAt = take(paddedK);
  dx = take(rows() * paddedK);
  dw = take(columns() * paddedK);
  du = take(paddedD * columns());
  read = take(kLanes * gateWidth());
  readBefore = take(kLanes * gateWidth());
  written = take(kLanes * gateWidth());
  crossing = take(gateWidth());
  dgate = take(kLanes * gateWidth());
  dbonus = take(paddedK);
  total = next;
}

//===----------------------------------------------------------------------===//
// Chunks
//===----------------------------------------------------------------------===//

LogicalResult LinearAttentionGradKernel::emit() {
  if (failed(bind(op, frame)))
    return failure();
  floats = frame.scratch(0, e.f32());
  // what is padded stays zero
  if (s.solves())
    clear(at(s.zErase), s.paddedD * kLanes);
  clear(at(s.u), s.paddedD * s.columns());
  if (!s.decays())
    prepareScalarGates();
  blocks = e.ceilDiv(q.sizes[2], kLanes);
  keptStates = e.index(s.total);
  keptReads = e.add(keptStates, e.mul(e.ceilDiv(blocks, kSpan), s.stateSize()));
  e.forLoop(frame.begin, frame.end, e.index(1), [&](Value chunk) { emitChunk(chunk); });
  return success();
}

void LinearAttentionGradKernel::emitChunk(Value chunk) {
  head = e.rem(chunk, s.stateHeads);
  batch = e.div(chunk, s.stateHeads);
  stateIn = stateOut = at(s.state);
  loadState(op.getState() ? &state : nullptr, stateIn);
  if (s.bonus) {
    Value from = frame.position(bonus, {headOf(bonus, 0), e.index(0)});
    for (int64_t c = 0; c < s.K; c += kLanes)
      put(loadLanes(e, bonus, e.add(from, e.mul(e.index(c), bonus.strides[1])), 1,
                    Lanes::of(e, e.index(s.K), e.index(c))),
          at(s.bonusAt + c));
    clear(at(s.dbonus), s.paddedK);
  }
  if (s.solves())
    sweepSolving();
  else
    sweepReading();
  storeState();
  storeBonus();
}

void LinearAttentionGradKernel::enterBlock(Value block) {
  first = e.mul(block, kLanes);
  count = e.min(e.index(kLanes), e.sub(q.sizes[2], first));
  mask = e.mask(count);
}

//===----------------------------------------------------------------------===//
// Without an erase term: queries forward, the rest backward
//===----------------------------------------------------------------------===//

void LinearAttentionGradKernel::sweepReading() {
  auto keptAt = [&](Value block) {
    return e.add(keptStates, e.mul(e.div(block, kSpan), s.stateSize()));
  };
  auto isKept = [&](Value block) {
    return e.either(e.eq(e.rem(block, kSpan), e.index(kSpan - 1)), e.eq(block, e.sub(blocks, 1)));
  };
  auto enter = [&](Value block) {
    enterBlock(block);
    reads = e.add(keptReads, e.mul(block, kLanes * s.gateWidth()));
    packQueries();
    packWriters();
    packValues();
    prepareGates();
    decayWriters();
  };
  ahead = kLanes;
  e.forLoop(blocks, [&](Value block) {
    enter(block);
    gradeReaders();
    advanceState();
    if (s.decays())
      e.ifThen(isKept(block), [&] { copy(stateOut, keptAt(block), s.stateSize()); });
  });
  loadState(op.getDfinal() ? &dfinal : nullptr, at(s.grad));
  ahead = -kLanes;
  e.forLoop(blocks, [&](Value i) {
    Value block = e.sub(e.sub(blocks, 1), i);
    enter(block);
    turnWriters();
    for (int64_t set = 0; set < s.group; ++set) {
      scores(set, 0);
      outputScores(set);
    }
    backward(isKept(block), keptAt(block));
  });
}

/// Gradients of all readers, from the state at the block's start.
void LinearAttentionGradKernel::gradeReaders() {
  bool started[2] = {};
  for (int64_t set = 0; set < s.readers(); ++set) {
    if (!s.solves())
      outputScores(set);
    readerGrads(set);
    bool inclusive = s.inclusive(set);
    Value to = s.solves() && !inclusive ? at(s.readBefore) : reads;
    finishReaders(set, to, !started[inclusive]);
    started[inclusive] = true;
    Value from = at(s.dx + set * kLanes * s.paddedK);
    if (set < s.group)
      storeRows(dq, e.add(e.mul(head, s.group), set), from);
    else if (s.erase)
      storeRows(deraseA, head, from);
  }
}

//===----------------------------------------------------------------------===//
// With an erase term: states of a span once more, then backward
//===----------------------------------------------------------------------===//

void LinearAttentionGradKernel::sweepSolving() {
  Value spans = e.ceilDiv(blocks, kSpan);
  auto keptAt = [&](Value span) { return e.add(keptStates, e.mul(span, s.stateSize())); };
  auto stateOf = [&](Value j) { return e.add(e.mul(j, s.stateSize()), s.state); };
  reads = at(s.read);
  foundAt = at(s.found);
  e.forLoop(spans, [&](Value span) {
    copy(stateIn, keptAt(span), s.stateSize());
    e.ifThen(e.lt(span, e.sub(spans, 1)), [&] {
      e.forLoop(e.index(kSpan), [&](Value j) {
        enterBlock(e.add(e.mul(span, kSpan), j));
        forwardSolving();
      });
    });
  });
  loadState(op.getDfinal() ? &dfinal : nullptr, at(s.grad));
  e.forLoop(spans, [&](Value i) {
    Value span = e.sub(e.sub(spans, 1), i), from = e.mul(span, kSpan);
    Value many = e.min(e.index(kSpan), e.sub(blocks, from));
    copy(keptAt(span), at(s.state), s.stateSize());
    auto enter = [&](Value j) {
      stateIn = stateOf(j), stateOut = stateOf(e.add(j, 1));
      foundAt = e.add(e.mul(j, s.paddedD * kLanes), s.found);
      enterBlock(e.add(from, j));
    };
    e.forLoop(many, [&](Value j) {
      enter(j);
      forwardSolving();
    });
    e.forLoop(many, [&](Value step) {
      enter(e.sub(e.sub(many, 1), step));
      backwardSolving();
    });
  });
}

void LinearAttentionGradKernel::enterSolving() {
  packErase();
  packWriters();
  turnWriters();
  packValues();
  prepareGates();
  decayWriters();
}

void LinearAttentionGradKernel::forwardSolving() {
  enterSolving();
  decayReaders(s.group, s.readers());
  int64_t row = s.group * kLanes;
  turnRows(at(s.xDecayed + row * s.paddedK), s.paddedK, s.paddedK, at(s.xTurned), kLanes);
  for (int64_t writer = 0; writer < s.writers(); ++writer)
    scores(s.group, writer);
  invert();
  findErased();
  advanceState();
}

void LinearAttentionGradKernel::backwardSolving() {
  enterSolving();
  packQueries();
  // what the block wrote for the erase term
  Value rate = s.delta ? lanesOf(at(s.beta)) : Value();
  e.forLoop(e.index(s.D), [&](Value d) {
    Value x = lanesOf(place(foundAt, d, kLanes, e.index(0)));
    put(rate ? e.mulf(rate, x) : x,
        place(at(s.u + (s.writers() - 1) * kLanes), d, s.columns(), e.index(0)));
  });
  for (int64_t set = 0; set < s.readers(); ++set)
    for (int64_t writer = 0; writer < s.writers(); ++writer)
      scores(set, writer);
  invert();
  turnDecayedWriters();
  solveBack();
  for (int64_t set = 0; set < s.readers(); ++set)
    outputScores(set);
  gradeReaders();
  backward(e.boolean(true), stateOut);
}

//===----------------------------------------------------------------------===//
// Backward over a block
//===----------------------------------------------------------------------===//

/// What the gradient of the state gives, which then goes to the block's start.
void LinearAttentionGradKernel::backward(Value stateKnown, Value endState) {
  if (!s.solves())
    turnDecayedWriters();
  if (s.bonus)
    ownScores();
  decayReaders(0, s.readers());
  writerGrads();
  valueGrads();
  finishWriters();
  if (s.decays())
    decayGrads(stateKnown, endState);
  int64_t erased = s.group * kLanes * s.paddedK;
  storeRows(dk, head, at(s.dw), s.delta ? at(s.dx + erased) : Value());
  if (s.erase)
    storeRows(deraseB, head, at(s.dw + kLanes * s.paddedK));
  storeTurnedValues();
  storeGates();
  advanceGrad();
}

void LinearAttentionGradKernel::turnDecayedWriters() {
  if (!s.decays())
    return;
  for (int64_t m = 0; m < s.columns(); m += kLanes)
    turnRows(at(s.wDecayed + m * s.paddedK), s.paddedK, s.paddedK, at(s.wDecayedTurned + m),
             s.columns());
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static LogicalResult select(LinearAttentionGradOp op, exec::KernelOp kernel) {
  if (failed(expectGradientsPerHead(op)))
    return failure();
  LinearAttentionGradGeometry s(op);
  setStrategy(kernel, {{"block", kLanes}, {"span", kSpan}});
  LaunchBuilder b(kernel);
  auto sizes = launchSizes(b, op, {{op.getQ(), 0}, {op.getQ(), 2}});
  if (failed(sizes))
    return failure();
  auto [batch, length] = *sizes;
  Value blocks = b.ceilDiv(length, b.constant(kLanes)), floats = b.constant(s.total);
  if (s.keepsStates())
    floats = b.add(floats, b.mul(b.ceilDiv(blocks, b.constant(kSpan)), b.constant(s.stateSize())));
  if (s.keepsReads())
    floats = b.add(floats, b.mul(blocks, b.constant(kLanes * s.gateWidth())));
  Value flops = b.mul({batch, length, b.constant(2 * s.gradCost() * s.stateHeads * s.K * s.D)});
  b.finish(b.mul(batch, b.constant(s.stateHeads)), b.mul(floats, b.constant(4)), flops,
           bytesTouched(b, kernel));
  return success();
}

const KernelEmitter *linnet::codegen::getLinearAttentionGradEmitter() {
  static const OpEmitter<LinearAttentionGradOp, LinearAttentionGradKernel> emitter(select);
  return &emitter;
}
