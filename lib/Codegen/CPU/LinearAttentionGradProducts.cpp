//===- LinearAttentionGradProducts.cpp - products with a state ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LinearAttentionGrad.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Register tiles
//===----------------------------------------------------------------------===//

/// Rows are rounded up to those of a tile. `start` gives an accumulator (row, column) or null,
/// `finish` takes (sum, row, column).
void LinearAttentionGradKernel::product(int64_t rows, int64_t width, ArrayRef<Term> terms,
                                        llvm::function_ref<Value(Value, Value)> start,
                                        llvm::function_ref<void(Value, Value, Value)> finish) {
  int64_t total = width / kLanes, most = e.target.avx512 ? 4 : 1;
  int64_t vectors = llvm::divideCeil(total, llvm::divideCeil(total, most));
  for (int64_t from = 0; from < total; from += vectors) {
    int64_t n = std::min(vectors, total - from);
    int64_t tileRows = !e.target.avx512 || n > 2 ? 4 : n == 2 ? 8 : 16;
    e.forLoop(e.index(0), e.index(rows), e.index(tileRows), [&](Value i) {
      Values row, column, acc;
      for (int64_t m = 0; m < tileRows; ++m)
        row.push_back(e.add(i, m));
      for (int64_t c = 0; c < n; ++c)
        column.push_back(e.index((from + c) * kLanes));
      for (int64_t m = 0; m < tileRows * n; ++m) {
        Value x = start ? start(row[m / n], column[m % n]) : Value();
        acc.push_back(x ? x : e.vf(0));
      }
      for (const Term &term : terms) {
        Value from = term.part == Part::upper ? i : e.index(0);
        Value to = term.part == Part::lower ? e.add(i, tileRows) : e.index(term.count);
        acc = e.tile(
            tileRows, n, e.sub(to, from), acc,
            [&](int64_t m, Value k) { return splatOf(term.a(row[m], e.add(k, from))); },
            [&](Value k, int64_t c) { return lanesOf(term.b(e.add(k, from), column[c])); });
        if (term.scale)
          for (int64_t m = 0; m < tileRows * n; ++m)
            acc[m] = term.scale(acc[m], row[m / n], column[m % n]);
      }
      for (int64_t m = 0; m < tileRows * n; ++m)
        finish(acc[m], row[m / n], column[m % n]);
    });
  }
}

LinearAttentionGradKernel::Index LinearAttentionGradKernel::scalarAt(Value base, int64_t rowStride,
                                                                     int64_t stride) {
  return [=](Value row, Value i) { return place(base, row, rowStride, e.mul(i, stride)); };
}

LinearAttentionGradKernel::Index LinearAttentionGradKernel::lanesAt(Value base, int64_t stride) {
  return [=](Value i, Value column) { return place(base, i, stride, column); };
}

/// A sum over the channels of the gradients of a set of readers, one per row.
LinearAttentionGradKernel::Term LinearAttentionGradKernel::outputs(int64_t set,
                                                                   const Index &lanes) {
  if (set == s.group)
    return {s.D, scalarAt(at(s.zErase), 1, kLanes), lanes, {}};
  return {s.D, scalarAt(at(s.z + set * kLanes * s.paddedD), s.paddedD, 1), lanes, {}};
}

/// A sum over readers of their gradients, times row r of a table: of the first `sets` sets.
void LinearAttentionGradKernel::addReads(SmallVectorImpl<Term> &terms, int64_t sets, int64_t table,
                                         int64_t stride) {
  int64_t queries = s.group * kLanes;
  terms.push_back({queries, scalarAt(at(s.z), 1, s.paddedD), lanesAt(at(table), stride), {}});
  if (sets > s.group)
    terms.push_back({kLanes,
                     scalarAt(at(s.zErase), kLanes, 1),
                     lanesAt(at(table + queries * stride), stride),
                     {}});
}

//===----------------------------------------------------------------------===//
// The state and its gradient over a block
//===----------------------------------------------------------------------===//

void LinearAttentionGradKernel::advanceState() {
  Term writes{
      s.columns(), scalarAt(at(s.u), s.columns(), 1), lanesAt(at(s.wDecayed), s.paddedK), {}};
  product(
      s.D, s.paddedK, {writes},
      [&](Value d, Value c) {
        Value old = lanesOf(place(stateIn, d, s.paddedK, c));
        return s.decays() ? e.mulf(old, gateAt(s.prefix, e.index(kLanes), c)) : old;
      },
      [&](Value sum, Value d, Value c) { put(sum, place(stateOut, d, s.paddedK, c)); });
}

void LinearAttentionGradKernel::advanceGrad() {
  SmallVector<Term> reads;
  addReads(reads, s.readers(), s.xDecayed, s.paddedK);
  Value grad = at(s.grad);
  product(
      s.D, s.paddedK, reads,
      [&](Value d, Value c) {
        Value old = lanesOf(place(grad, d, s.paddedK, c));
        return s.decays() ? e.mulf(old, gateAt(s.prefix, e.index(kLanes), c)) : old;
      },
      [&](Value sum, Value d, Value c) { put(sum, place(grad, d, s.paddedK, c)); });
}

/// dX = (Z S^T) decayed + B W, the latter here unless decays differ by channel.
void LinearAttentionGradKernel::readerGrads(int64_t set) {
  int64_t row = set * kLanes;
  Value own = e.index(s.inclusive(set) ? 1 : 0);
  SmallVector<Term> terms = {outputs(set, lanesAt(stateIn, s.paddedK))};
  if (s.decays())
    terms[0].scale = [=](Value x, Value i, Value c) {
      return e.mulf(x, gateAt(s.prefix, e.add(i, own), c));
    };
  // with one set of writers those behind a tile's readers are not read
  if (!s.vectorDecay)
    terms.push_back({s.columns(),
                     scalarAt(at(s.b + row * s.columns()), s.columns(), 1),
                     lanesAt(at(s.w), s.paddedK),
                     {},
                     s.erase ? Part::all : Part::lower});
  product(kLanes, s.paddedK, terms, nullptr, [&](Value sum, Value i, Value c) {
    put(sum, place(at(s.dx + row * s.paddedK), i, s.paddedK, c));
  });
  if (s.vectorDecay)
    addChannelReads(set);
}

/// dW = (U G^T) decayed + B^T X.
void LinearAttentionGradKernel::writerGrads() {
  for (int64_t writer = 0; writer < s.writers(); ++writer) {
    int64_t row = writer * kLanes;
    SmallVector<Term> terms = {
        {s.D, scalarAt(at(s.u + row), 1, s.columns()), lanesAt(at(s.grad), s.paddedK), {}}};
    if (s.decays())
      terms[0].scale = [=](Value x, Value j, Value c) { return e.mulf(x, gateAt(s.suffix, j, c)); };
    if (!s.vectorDecay)
      terms.push_back({s.rows(),
                       scalarAt(at(s.b + row), 1, s.columns()),
                       lanesAt(at(s.x), s.paddedK),
                       {},
                       Part::upper});
    product(kLanes, s.paddedK, terms, nullptr, [&](Value sum, Value j, Value c) {
      put(sum, place(at(s.dw + row * s.paddedK), j, s.paddedK, c));
    });
  }
  if (s.vectorDecay)
    addChannelWrites();
}

/// dU = W' G + A^T Z.
void LinearAttentionGradKernel::valueGrads() {
  SmallVector<Term> terms = {
      {s.K, scalarAt(at(s.grad), s.paddedK, 1), lanesAt(at(s.wDecayedTurned), s.columns()), {}}};
  addReads(terms, s.readers(), s.a, s.columns());
  product(s.D, s.columns(), terms, nullptr,
          [&](Value sum, Value d, Value j) { put(sum, place(at(s.du), d, s.columns(), j)); });
}

//===----------------------------------------------------------------------===//
// The erase term
//===----------------------------------------------------------------------===//

/// What the keys of the erase term find in the state, less what is not known yet, solved:
/// erase: (I - A_ab) Y = a' S + A_ak V; delta: (I + A beta) (V - Y) = V - k' S, where beta (V - Y)
/// is written.
void LinearAttentionGradKernel::findErased() {
  SmallVector<Term> terms = {
      {s.K, scalarAt(stateIn, s.paddedK, 1), lanesAt(at(s.xTurned), kLanes), {}}};
  if (s.erase) {
    turnRows(at(s.a + s.group * kLanes * s.columns()), s.columns(), kLanes, at(s.aTurned), kLanes);
    terms.push_back(
        {kLanes, scalarAt(at(s.u), s.columns(), 1), lanesAt(at(s.aTurned), kLanes), {}});
  }
  product(s.D, kLanes, terms, nullptr, [&](Value sum, Value d, Value i) {
    if (s.delta)
      sum = e.subf(lanesOf(place(at(s.u), d, s.columns(), i)), sum);
    put(sum, place(at(s.right), d, kLanes, i));
  });
  Term solve{kLanes, scalarAt(at(s.right), kLanes, 1), lanesAt(at(s.inverseTurned), kLanes), {}};
  Value rate = s.delta ? lanesOf(at(s.beta)) : Value();
  product(s.D, kLanes, {solve}, nullptr, [&](Value sum, Value d, Value i) {
    put(sum, place(foundAt, d, kLanes, i));
    put(rate ? e.mulf(rate, sum) : sum,
        place(at(s.u + (s.writers() - 1) * kLanes), d, s.columns(), i));
  });
}

/// The gradients of what the keys of the erase term found, from those of what was written for it by
/// later positions and the queries: the transposed system.
void LinearAttentionGradKernel::solveBack() {
  int64_t writer = (s.writers() - 1) * kLanes;
  SmallVector<Term> terms = {{s.K,
                              scalarAt(at(s.grad), s.paddedK, 1),
                              lanesAt(at(s.wDecayedTurned + writer), s.columns()),
                              {}}};
  addReads(terms, s.group, s.a + writer, s.columns());
  Value rate = s.delta ? e.negf(lanesOf(at(s.beta))) : Value();
  product(s.D, kLanes, terms, nullptr, [&](Value sum, Value d, Value j) {
    put(rate ? e.mulf(rate, sum) : sum, place(at(s.right), d, kLanes, j));
  });
  Term solve{kLanes, scalarAt(at(s.right), kLanes, 1), lanesAt(at(s.inverse), kLanes), {}};
  product(s.D, kLanes, {solve}, nullptr,
          [&](Value sum, Value d, Value i) { put(sum, place(at(s.zErase), d, kLanes, i)); });
}

//===----------------------------------------------------------------------===//
// Decays
//===----------------------------------------------------------------------===//

/// rowsum(G . S) at the block's end.
void LinearAttentionGradKernel::crossingState(Value endState) {
  int64_t vectors = s.paddedK / kLanes;
  Values sums = e.forLoop(
      e.index(0), e.index(s.D), e.index(1), Values(vectors, e.vf(0)), [&](Value d, ValueRange in) {
        Values out;
        for (int64_t n = 0; n < vectors; ++n) {
          Value c = e.index(n * kLanes);
          out.push_back(e.fma(lanesOf(place(at(s.grad), d, s.paddedK, c)),
                              lanesOf(place(endState, d, s.paddedK, c)), in[n]));
        }
        return out;
      });
  if (!s.vectorDecay)
    for (int64_t n = 1; n < vectors; ++n)
      sums[0] = e.addf(sums[0], sums[n]);
  for (int64_t n = 0; n < s.gateWidth() / kLanes; ++n)
    put(sums[n], at(s.crossing + n * kLanes));
}
