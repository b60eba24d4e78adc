//===- LinearAttentionGradPack.cpp - operands in, results out -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Every operand of a block goes to scratch as f32, padded with zeros to 16 positions, which then
// add nothing anywhere, and to whole vectors of channels.
//
//===----------------------------------------------------------------------===//
#include "LinearAttentionGrad.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

void LinearAttentionGradKernel::copy(Value from, Value to, int64_t size) {
  e.forLoop(e.index(0), e.index(size), e.index(kLanes),
            [&](Value i) { put(lanesOf(e.add(from, i)), e.add(to, i)); });
}

void LinearAttentionGradKernel::clear(Value to, int64_t size) {
  e.forLoop(e.index(0), e.index(size), e.index(kLanes),
            [&](Value i) { put(e.vf(0), e.add(to, i)); });
}

//===----------------------------------------------------------------------===//
// Rows and columns
//===----------------------------------------------------------------------===//

/// The row of the next block that has the place of the one at `from`.
void LinearAttentionGradKernel::fetchAhead(const View &source, Value from, int64_t depth) {
  if (Emitter::constantOf(source.strides[3]) != 1)
    return;
  Value there = e.add(from, e.mul(e.index(ahead), source.strides[2]));
  int64_t line = 64 / ((source.element.getIntOrFloatBitWidth() + 7) / 8);
  for (int64_t c = 0; c < depth; c += line)
    e.prefetch(source.memory, e.add(there, c), /*write=*/false);
}

void LinearAttentionGradKernel::packRows(const View &source, Value h, Value to, int64_t depth,
                                         double factor) {
  int64_t stride = llvm::alignTo(depth, kLanes);
  e.forLoop(e.index(kLanes), [&](Value i) {
    Value row = e.min(i, e.sub(count, 1)), there = e.lt(i, count);
    Value from = frame.position(source, {batch, h, e.add(first, row), e.index(0)});
    for (int64_t n = 0; n < depth; n += kLanes) {
      Value c = e.index(n);
      Value x = loadLanes(e, source, e.add(from, e.mul(c, source.strides[3])), 3,
                          Lanes::of(e, e.index(depth), c));
      x = e.select(there, x, e.vf(0));
      put(factor == 1 ? x : e.mulf(x, e.vf(factor)), place(to, i, stride, c));
    }
    fetchAhead(source, from, depth);
  });
}

/// Channels of the values become rows of 16 positions.
void LinearAttentionGradKernel::packTurned(const View &source, Value h, Value to, int64_t stride) {
  Value from = frame.position(source, {batch, h, first, e.index(0)});
  e.forLoop(e.index(kLanes),
            [&](Value i) { fetchAhead(source, e.add(from, e.mul(i, source.strides[2])), s.D); });
  auto turn = [&](Value d, int64_t columns) {
    Values x = loadTurned(e, source, e.add(from, e.mul(d, source.strides[3])), 2, {count, mask}, 3,
                          columns);
    for (auto [i, row] : llvm::enumerate(x)) {
      row = e.select(mask, row, e.vf(0));
      put(row, place(to, e.add(d, i), stride, e.index(0)));
    }
  };
  int64_t whole = s.D / kLanes * kLanes;
  e.forLoop(e.index(0), e.index(whole), e.index(kLanes), [&](Value d) { turn(d, kLanes); });
  if (s.D > whole)
    turn(e.index(whole), s.D - whole);
}

/// 16 rows in scratch become columns.
void LinearAttentionGradKernel::turnRows(Value from, int64_t fromStride, int64_t columns, Value to,
                                         int64_t toStride) {
  View rows{floats,
            e.f32(),
            from,
            {e.index(fromStride), e.index(1)},
            {e.index(kLanes), e.index(columns)}};
  e.forLoop(e.index(0), e.index(columns), e.index(kLanes), [&](Value c) {
    Values x = loadTurned(e, rows, e.add(from, c), 0, {}, 1, kLanes);
    for (auto [i, column] : llvm::enumerate(x))
      put(column, place(to, e.add(c, i), toStride, e.index(0)));
  });
}

//===----------------------------------------------------------------------===//
// Operands of a block
//===----------------------------------------------------------------------===//

void LinearAttentionGradKernel::packQueries() {
  for (int64_t g = 0; g < s.group; ++g) {
    Value own = e.add(e.mul(head, s.group), g);
    packRows(q, s.queryHead(e, head, g, q), at(s.x + g * kLanes * s.paddedK), s.K);
    packRows(dout, own, at(s.z + g * kLanes * s.paddedD), s.D, s.scale);
  }
}

/// The delta rule's keys are also what it erases by, decayed by their own position.
void LinearAttentionGradKernel::packErase() {
  const View &source = s.delta ? k : eraseA;
  packRows(source, headOf(source, 1), at(s.x + s.group * kLanes * s.paddedK), s.K);
  if (!s.delta)
    return;
  Value from = frame.position(beta, {batch, headOf(beta, 1), first});
  put(loadLanes(e, beta, from, 2, {count, mask}), at(s.beta));
}

void LinearAttentionGradKernel::packWriters() {
  packRows(k, headOf(k, 1), at(s.w), s.K);
  if (s.erase)
    packRows(eraseB, headOf(eraseB, 1), at(s.w + kLanes * s.paddedK), s.K);
}

void LinearAttentionGradKernel::turnWriters() {
  for (int64_t m = 0; m < s.columns(); m += kLanes)
    turnRows(at(s.w + m * s.paddedK), s.paddedK, s.paddedK, at(s.wTurned + m), s.columns());
}

void LinearAttentionGradKernel::packValues() { packTurned(v, headOf(v, 1), at(s.u), s.columns()); }

//===----------------------------------------------------------------------===//
// Decays
//===----------------------------------------------------------------------===//

/// Products of the decays before a position (`prefix`, 17 rows, so that those up to it are one row
/// on) and behind it (`suffix`).
void LinearAttentionGradKernel::prepareGates() {
  if (s.scalarDecay)
    prepareScalarGates();
  else if (s.vectorDecay)
    prepareChannelGates();
}

/// Row i of `between` has the products of the decays of the positions between those before i and
/// it, `within` that with the decay of i itself; once more with a 1 at i.
void LinearAttentionGradKernel::prepareScalarGates() {
  if (s.scalarDecay) {
    Value from = frame.position(decay, {batch, headOf(decay, 1), first});
    put(math::ExpOp::create(e, loadLanes(e, decay, from, 2, {count, mask})), at(s.gates));
  }
  Value running = e.vf(0), product = e.f(1);
  for (int64_t i = 0; i < kLanes; ++i) {
    put(running, at(s.between + i * kLanes));
    if (s.scalarDecay) {
      e.store(product, floats, at(s.prefix + i));
      Value gate = e.load(floats, at(s.gates + i));
      running = e.mulf(running, e.splat(gate));
      product = e.mulf(product, gate);
    }
    put(running, at(s.within + i * kLanes));
    running = e.addf(running, oneLane(i));
    put(running, at(s.within + (kLanes + i) * kLanes));
  }
  if (!s.scalarDecay)
    return;
  e.store(product, floats, at(s.prefix + kLanes));
  put(running, at(s.suffix));
}

void LinearAttentionGradKernel::prepareChannelGates() {
  packRows(decay, headOf(decay, 1), at(s.gates), s.K);
  overChannels([&](Value c) {
    Values product = e.forLoop(e.index(0), e.index(kLanes), e.index(1), Values{e.vf(1)},
                               [&](Value i, ValueRange in) {
                                 put(in[0], place(at(s.prefix), i, s.paddedK, c));
                                 Value where = place(at(s.gates), i, s.paddedK, c);
                                 Value gate = math::ExpOp::create(e, lanesOf(where));
                                 put(gate, where);
                                 return Values{e.mulf(in[0], gate)};
                               });
    put(product[0], place(at(s.prefix), e.index(kLanes), s.paddedK, c));
    e.forLoop(e.index(0), e.index(kLanes), e.index(1), Values{e.vf(1)},
              [&](Value step, ValueRange in) {
                Value i = e.sub(e.index(kLanes - 1), step);
                put(in[0], place(at(s.suffix), i, s.paddedK, c));
                return Values{e.mulf(in[0], gateAt(s.gates, i, c))};
              });
  });
}

/// x' of the sets: with the decays from the block's start to where the set reads.
void LinearAttentionGradKernel::decayReaders(int64_t from, int64_t to) {
  if (!s.decays())
    return;
  for (int64_t set = from; set < to; ++set)
    e.forLoop(e.index(kLanes), [&](Value i) {
      overChannels([&](Value c) {
        int64_t row = set * kLanes * s.paddedK;
        Value gate = gateAt(s.prefix, e.add(i, s.inclusive(set) ? 1 : 0), c);
        put(e.mulf(lanesOf(place(at(s.x + row), i, s.paddedK, c)), gate),
            place(at(s.xDecayed + row), i, s.paddedK, c));
      });
    });
}

/// w' with the decays to the block's end.
void LinearAttentionGradKernel::decayWriters() {
  if (!s.decays())
    return;
  for (int64_t m = 0; m < s.columns(); m += kLanes)
    e.forLoop(e.index(kLanes), [&](Value j) {
      overChannels([&](Value c) {
        int64_t row = m * s.paddedK;
        put(e.mulf(lanesOf(place(at(s.w + row), j, s.paddedK, c)), gateAt(s.suffix, j, c)),
            place(at(s.wDecayed + row), j, s.paddedK, c));
      });
    });
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

/// [K,D] in memory, zeros if absent, [D,K] in scratch with zeros where it is padded.
void LinearAttentionGradKernel::loadState(const View *from, Value to) {
  clear(to, s.stateSize());
  if (!from)
    return;
  e.forLoop(e.index(0), e.index(s.K), e.index(kLanes), [&](Value c) {
    Lanes rows = Lanes::of(e, e.index(s.K), c);
    for (int64_t d = 0; d < s.D; d += kLanes) {
      Value where = frame.position(*from, {batch, head, c, e.index(d)});
      Values x = loadTurned(e, *from, where, 2, rows, 3, std::min(kLanes, s.D - d));
      for (auto [i, row] : llvm::enumerate(x))
        put(rows.mask ? e.select(rows.mask, row, e.vf(0)) : row,
            place(to, e.index(d + i), s.paddedK, c));
    }
  });
}

void LinearAttentionGradKernel::storeState() {
  if (!dstate)
    return;
  e.forLoop(e.index(0), e.index(s.K), e.index(kLanes), [&](Value c) {
    for (int64_t d = 0; d < s.D; d += kLanes) {
      int64_t columns = std::min(kLanes, s.D - d);
      Values x;
      for (int64_t i = 0; i < columns; ++i)
        x.push_back(lanesOf(place(at(s.grad), e.index(d + i), s.paddedK, c)));
      storeTurned(e, x, *dstate, frame.position(*dstate, {batch, head, c, e.index(d)}), 2,
                  Lanes::of(e, e.index(s.K), c), 3, columns);
    }
  });
}

//===----------------------------------------------------------------------===//
// Results of a block
//===----------------------------------------------------------------------===//

/// Rows of K numbers, the sum of two if `more` is given.
void LinearAttentionGradKernel::storeRows(const std::optional<View> &to, Value h, Value from,
                                          Value more) {
  if (!to)
    return;
  e.forLoop(count, [&](Value i) {
    Value row = frame.position(*to, {batch, h, e.add(first, i), e.index(0)});
    for (int64_t n = 0; n < s.K; n += kLanes) {
      Value c = e.index(n), x = lanesOf(place(from, i, s.paddedK, c));
      if (more)
        x = e.addf(x, lanesOf(place(more, i, s.paddedK, c)));
      storeLanes(e, x, *to, e.add(row, e.mul(c, to->strides[3])), 3, Lanes::of(e, e.index(s.K), c));
    }
  });
}

/// The values' gradients, and those of beta, which scales them.
void LinearAttentionGradKernel::storeTurnedValues() {
  Value rate = s.delta ? lanesOf(at(s.beta)) : Value();
  auto row = [&](Value d) { return lanesOf(place(at(s.du), d, s.columns(), e.index(0))); };
  if (dbeta) {
    Values sum = e.forLoop(e.index(0), e.index(s.D), e.index(1), Values{e.vf(0)},
                           [&](Value d, ValueRange in) {
                             Value found = lanesOf(place(foundAt, d, kLanes, e.index(0)));
                             return Values{e.fma(row(d), found, in[0])};
                           });
    storeLanes(e, sum[0], *dbeta, frame.position(*dbeta, {batch, head, first}), 2, {count, mask});
  }
  if (!dv)
    return;
  Value to = frame.position(*dv, {batch, head, first, e.index(0)});
  auto turn = [&](Value d, int64_t columns) {
    Values x;
    for (int64_t i = 0; i < columns; ++i)
      x.push_back(rate ? e.mulf(rate, row(e.add(d, i))) : row(e.add(d, i)));
    storeTurned(e, x, *dv, e.add(to, e.mul(d, dv->strides[3])), 2, {count, mask}, 3, columns);
  };
  int64_t whole = s.D / kLanes * kLanes;
  e.forLoop(e.index(0), e.index(whole), e.index(kLanes), [&](Value d) { turn(d, kLanes); });
  if (s.D > whole)
    turn(e.index(whole), s.D - whole);
}

void LinearAttentionGradKernel::storeGates() {
  if (!ddecay)
    return;
  if (s.vectorDecay)
    return storeRows(ddecay, head, at(s.dgate));
  turnRows(at(s.dgate), kLanes, kLanes, at(s.right), kLanes);
  Value sum = e.vf(0);
  for (int64_t i = 0; i < kLanes; ++i)
    sum = e.addf(sum, lanesOf(at(s.right + i * kLanes)));
  storeLanes(e, sum, *ddecay, frame.position(*ddecay, {batch, head, first}), 2, {count, mask});
}

void LinearAttentionGradKernel::storeBonus() {
  if (!dbonus)
    return;
  Value to = frame.position(*dbonus, {batch, head, e.index(0)});
  for (int64_t c = 0; c < s.K; c += kLanes)
    storeLanes(e, lanesOf(at(s.dbonus + c)), *dbonus,
               e.add(to, e.mul(e.index(c), dbonus->strides[2])), 2,
               Lanes::of(e, e.index(s.K), e.index(c)));
}
