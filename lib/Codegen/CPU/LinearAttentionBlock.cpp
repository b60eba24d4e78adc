//===- LinearAttentionBlock.cpp - sixteen positions as products -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Without an erase term a block of positions is O = Q' S + A V and S' = keep * S + K'^T V, where
// Q', K' and A hold the decays between their positions and the block's ends. These are running
// products of decays, each at most 1: nothing is ever divided by a decay.
//
//===----------------------------------------------------------------------===//
#include "LinearAttention.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

/// Lanes c of the decay of position t; null without decays.
Value LinearAttentionKernel::gateLanes(Value t, int64_t c) {
  if (s.vectorDecay)
    return rowLanes(decays, t, c);
  return s.scalarDecay ? e.splat(scalarAt(at.scalarDecay, t)) : Value();
}

void LinearAttentionKernel::prepareBlocks(Value count) {
  Value whole = e.mul(e.div(count, kBlockPositions), kBlockPositions);
  e.forLoop(e.index(0), whole, e.index(kBlockPositions), [&](Value first) {
    decayQueries(first);
    // a position's scores of later keys stay zero
    for (int64_t g = 0; g < s.group; ++g)
      for (int64_t i = 0; i < kBlockPositions; ++i)
        e.vstore(e.vf(0), floats,
                 e.add(e.mul(e.add(first, i), kBlockPositions),
                       at.scores + g * kPanel * kBlockPositions));
    e.forLoop(e.index(kBlockPositions), [&](Value j) { decayKey(first, j); });
  });
}

// Row i of Q' has the decays from the block's start to where position i reads; `keep` all of them.
void LinearAttentionKernel::decayQueries(Value first) {
  int64_t columns = s.paddedK() / kLanes;
  Values products(columns, e.vf(1));
  products = e.forLoop(
      e.index(0), e.index(kBlockPositions), e.index(1), products, [&](Value i, ValueRange in) {
        Values kept(in);
        Value t = e.add(first, i), row = e.mul(t, s.paddedK());
        for (int64_t x = 0; x < columns; ++x) {
          Value before = kept[x], gate = gateLanes(t, x * kLanes);
          if (gate)
            kept[x] = e.mulf(kept[x], gate);
          for (int64_t g = 0; g < s.group; ++g) {
            Value query = e.mulf(rowLanes(queries[g], t, x * kLanes), s.pre ? before : kept[x]);
            e.vstore(query, floats,
                     e.add(row, at.decayedQ + g * kPanel * s.paddedK() + x * kLanes));
          }
        }
        return kept;
      });
  Value keep = e.add(e.mul(e.div(first, kBlockPositions), s.paddedK()), at.keep);
  for (int64_t x = 0; x < columns; ++x)
    e.vstore(products[x], floats, e.add(keep, x * kLanes));
}

// Key j decays on its way to the block's end; every position that it passes scores it.
void LinearAttentionKernel::decayKey(Value first, Value j) {
  int64_t columns = s.paddedK() / kLanes;
  Value own = e.add(first, j);
  auto score = [&](Value i, const Values &key) {
    Value t = e.add(first, i);
    for (int64_t g = 0; g < s.group; ++g) {
      Value sum = e.vf(0);
      for (int64_t x = 0; x < columns; ++x)
        sum = e.fma(rowLanes(queries[g], t, x * kLanes), key[x], sum);
      Value place =
          e.add(e.add(e.mul(t, kBlockPositions), j), at.scores + g * kPanel * kBlockPositions);
      e.store(e.sumLanes(sum), floats, place);
    }
  };
  Values key;
  for (int64_t x = 0; x < columns; ++x)
    key.push_back(rowLanes(keys, own, x * kLanes));
  if (!s.pre)
    score(j, key);
  key = e.forLoop(e.add(j, 1), e.index(kBlockPositions), e.index(1), key,
                  [&](Value i, ValueRange in) {
                    Values k(in);
                    if (s.pre)
                      score(i, k);
                    for (int64_t x = 0; x < columns; ++x)
                      if (Value gate = gateLanes(e.add(first, i), x * kLanes))
                        k[x] = e.mulf(k[x], gate);
                    if (!s.pre)
                      score(i, k);
                    return k;
                  });
  Value row = e.add(e.mul(own, s.paddedK()), at.decayedK);
  for (int64_t x = 0; x < columns; ++x)
    e.vstore(key[x], floats, e.add(row, x * kLanes));
}

Value LinearAttentionKernel::blockValue(Value t, int64_t n) {
  Value where =
      frame.position(v, {batch, headOf(v, 1), e.add(firstPosition, t), e.add(column, n * kLanes)});
  return loadLanes(e, v, where, 3, lanes[n]);
}

// Rows of outputs at once: two products into the same accumulators.
void LinearAttentionKernel::blockOutputs(Value first, int64_t g) {
  int64_t rows = e.target.avx512 ? 8 : 4;
  for (int64_t r = 0; r < kBlockPositions; r += rows) {
    Value t = e.add(first, r);
    auto scratchElement = [&](int64_t place, int64_t step, int64_t m, Value c) {
      return e.splat(e.load(floats, e.add(e.add(e.mul(e.add(t, m), step), c), place)));
    };
    Values acc = e.tile(
        rows, vectors, e.index(s.K), Values(rows * vectors, e.vf(0)),
        [&](int64_t m, Value c) {
          return scratchElement(at.decayedQ + g * kPanel * s.paddedK(), s.paddedK(), m, c);
        },
        [&](Value c, int64_t n) { return e.vload(floats, stateAddress(c, n)); });
    acc = e.tile(
        rows, vectors, e.index(r + rows), acc,
        [&](int64_t m, Value j) {
          return scratchElement(at.scores + g * kPanel * kBlockPositions, kBlockPositions, m, j);
        },
        [&](Value j, int64_t n) { return blockValue(e.add(first, j), n); });
    for (int64_t m = 0; m < rows; ++m) {
      Values o(ArrayRef<Value>(acc).slice(m * vectors, vectors));
      storeOutputs(e.add(t, m), g, o, s.bonus ? loadValues(e.add(t, m)) : Values());
    }
  }
}

void LinearAttentionKernel::blockState(Value first, Value c, int64_t rows) {
  Value keep = e.add(e.mul(e.div(first, kBlockPositions), s.paddedK()), at.keep);
  Values acc;
  for (int64_t m = 0; m < rows; ++m) {
    Value row = e.add(c, m);
    Value gate = s.decays() ? e.splat(e.load(floats, e.add(keep, row))) : Value();
    for (int64_t n = 0; n < vectors; ++n) {
      Value x = e.vload(floats, stateAddress(row, n));
      acc.push_back(gate ? e.mulf(x, gate) : x);
    }
  }
  acc = e.tile(
      rows, vectors, e.index(kBlockPositions), acc,
      [&](int64_t m, Value j) {
        Value row = e.mul(e.add(first, j), s.paddedK());
        return e.splat(e.load(floats, e.add(e.add(row, e.add(c, m)), at.decayedK)));
      },
      [&](Value j, int64_t n) { return blockValue(e.add(first, j), n); });
  for (int64_t m = 0; m < rows; ++m)
    for (int64_t n = 0; n < vectors; ++n)
      e.vstore(acc[m * vectors + n], floats, stateAddress(e.add(c, m), n));
}

void LinearAttentionKernel::blockPositions(Value first) {
  for (int64_t g = 0; g < s.group; ++g)
    blockOutputs(first, g);
  int64_t rows = e.target.avx512 ? 8 : 4, whole = s.K / rows * rows;
  e.forLoop(e.index(0), e.index(whole), e.index(rows),
            [&](Value c) { blockState(first, c, rows); });
  e.forLoop(e.index(whole), e.index(s.K), e.index(1), [&](Value c) { blockState(first, c, 1); });
}
