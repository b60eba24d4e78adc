//===- LinearAttentionGradProducts.cpp - products with a state ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LinearAttentionGrad.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet::codegen;

static constexpr int64_t kBlock = LinearAttentionGradFacts::kBlock;

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

// Threads side by side read rows that are four apart, or one: where a row is whole turns of the
// banks, its groups of four are exchanged by the row's number, so that those lie in other banks.
Value GPULinearAttentionGrad::place(const Table &t, Value row, Value column) {
  if (s.wide > 1 && t.pitch % 32 == 0) {
    Value turn = e.mul(e.rem(e.div(row, 4), 8), 4);
    if (CodeBuilder::constantOf(turn) != 0)
      column = arith::XOrIOp::create(e, column, turn);
  }
  return e.add(e.add(t.base, e.mul(row, t.pitch)), column);
}

Values GPULinearAttentionGrad::get(const Table &t, Value row, Value column, int64_t n) {
  Value at = place(t, row, column);
  if (n == 1)
    return {e.load(t.memory, at)};
  Value x = e.vload(t.memory, at, n);
  Values out;
  for (int64_t i = 0; i < n; ++i)
    out.push_back(e.extract(x, i));
  return out;
}

void GPULinearAttentionGrad::put(const Table &t, Value row, Value column, ValueRange x) {
  Value at = place(t, row, column);
  if (x.size() == 1)
    return e.store(x[0], t.memory, at);
  e.vstore(e.pack(x), t.memory, at);
}

GPULinearAttentionGrad::Access GPULinearAttentionGrad::rowsOf(const Table &t, Value first) {
  return [=](Value row, Value column, int64_t n) {
    return get(t, first ? e.add(first, row) : row, column, n);
  };
}

GPULinearAttentionGrad::Access GPULinearAttentionGrad::columnsOf(const Table &t, Value first) {
  return [=](Value row, Value column, int64_t n) { return get(t, row, e.add(first, column), n); };
}

/// Decays of a position in columns from one on: one number where they are not by channel.
Values GPULinearAttentionGrad::gatesOf(const Table &t, Value position, Value column, int64_t n) {
  if (s.vectorDecay)
    return get(t, position, column, n);
  return Values(n, s.scalarDecay ? get(t, e.index(0), position) : e.f(1));
}

static void scale(CodeBuilder &e, Values &x, ArrayRef<Value> by) {
  for (auto [v, factor] : llvm::zip_equal(x, by))
    v = e.mulf(v, factor);
}

/// x': with the decays from the block's start to where the set reads.
GPULinearAttentionGrad::Access GPULinearAttentionGrad::decayedReaders() {
  return [=](Value row, Value column, int64_t n) {
    Values out = get(x, row, column, n);
    if (!s.decays())
      return out;
    Value position = e.rem(row, kBlock), inclusive = isInclusive(e.div(row, kBlock));
    position = e.select(inclusive, e.add(position, 1), position);
    scale(e, out, gatesOf(prefix, position, column, n));
    return out;
  };
}

/// w' with the decays to the block's end, rows from `first` on.
GPULinearAttentionGrad::Access GPULinearAttentionGrad::decayedWriters(Value first) {
  return [=](Value row, Value column, int64_t n) {
    Values out = get(x, e.add(e.add(first, s.keyRow()), row), column, n);
    if (s.decays())
      scale(e, out, gatesOf(suffix, e.rem(row, kBlock), column, n));
    return out;
  };
}

//===----------------------------------------------------------------------===//
// Register tiles
//===----------------------------------------------------------------------===//

/// The highest tile that leaves every thread one.
int64_t GPULinearAttentionGrad::heightOf(int64_t rows, int64_t columns, int64_t most) const {
  int64_t height = s.wide == 1 ? 1 : most;
  while (height > 1 && rows / height * (columns / s.wide) < e.threads)
    height /= 2;
  return height;
}

void GPULinearAttentionGrad::tiles(Value firstRow, Value rows, int64_t height, int64_t columns,
                                   llvm::function_ref<void(Value, Value)> body) {
  int64_t across = columns / s.wide;
  Value count = e.mul(e.div(rows, height), across);
  auto known = CodeBuilder::constantOf(count);
  e.forThreads(known && *known <= e.threads ? count : hidden(count), [&](Value tile) {
    body(e.add(firstRow, e.mul(e.div(tile, across), height)), e.mul(e.rem(tile, across), s.wide));
  });
}

/// A number of turns that compilers do not know: others they unroll until no registers are left.
Value GPULinearAttentionGrad::hidden(Value n) {
  return e.add(n, numbers ? e.toIndex(e.load(numbers, e.index(0))) : e.min(f.group, e.index(0)));
}

/// Adds to the sums of a tile, row by row.
Values GPULinearAttentionGrad::sum(const Term &term, int64_t height, Value row, Value column,
                                   Values sums) {
  if (sums.empty())
    sums.assign(s.wide * height, e.f(0));
  int64_t n = term.aAlong || term.bAlong ? s.deep : s.wide == 1 ? s.kDeep : 1;
  return e.forLoop(term.from, hidden(term.to), e.index(n), sums, [&](Value i, ValueRange carried) {
    SmallVector<Values> a, b;
    for (int64_t m = 0; m < (term.aAlong ? height : n); ++m)
      a.push_back(term.aAlong ? term.a(e.add(row, m), i, n) : term.a(e.add(i, m), row, height));
    for (int64_t m = 0; m < (term.bAlong ? s.wide : n); ++m)
      b.push_back(term.bAlong ? term.b(e.add(column, m), i, n)
                              : term.b(e.add(i, m), column, s.wide));
    Values out(carried);
    for (int64_t t = 0; t < s.wide * height; ++t)
      for (int64_t k = 0; k < n; ++k)
        out[t] = e.fma(term.aAlong ? a[t / s.wide][k] : a[k][t / s.wide],
                       term.bAlong ? b[t % s.wide][k] : b[k][t % s.wide], out[t]);
    return out;
  });
}

Values GPULinearAttentionGrad::overSets(int64_t sets, Values init,
                                        llvm::function_ref<Values(Value, ValueRange)> body) {
  if (sets == 1)
    return body(e.index(0), init);
  return e.forLoop(e.index(0), e.index(sets), e.index(1), init, body);
}

//===----------------------------------------------------------------------===//
// The state and its gradient over a block
//===----------------------------------------------------------------------===//

/// Decays the state, or its gradient, and adds products of rows to it.
void GPULinearAttentionGrad::advance(const Term &term,
                                     llvm::function_ref<void(Value, Value, ValueRange)> also) {
  int64_t height = s.wide == 1 ? s.kDeep : heightOf(s.paddedK, s.paddedD);
  tiles(e.index(0), e.index(s.paddedK), height, s.paddedD, [&](Value k, Value d) {
    Values sums;
    for (int64_t m = 0; m < height; ++m)
      sums.append(get(held, e.add(k, m), d, s.wide));
    if (s.decays()) {
      Values keep = gatesOf(prefix, e.index(kBlock), k, height);
      for (auto [i, x] : llvm::enumerate(sums))
        x = e.mulf(x, keep[i / s.wide]);
    }
    sums = sum(term, height, k, d, sums);
    for (int64_t m = 0; m < height; ++m) {
      ValueRange row = ValueRange(sums).slice(s.wide * m, s.wide);
      put(held, e.add(k, m), d, row);
      if (also)
        also(e.add(k, m), d, row);
    }
  });
}

void GPULinearAttentionGrad::advanceState() {
  Term writes{e.index(0), e.index(s.columns()),       false,
              false,      decayedWriters(e.index(0)), rowsOf(u)};
  advance(writes, [&](Value k, Value d, ValueRange row) { put(stateAfter, k, d, row); });
}

void GPULinearAttentionGrad::advanceGrad() {
  advance({e.index(0), e.index(s.rows()), false, false, decayedReaders(), rowsOf(z)});
}

/// dU = W' G + A^T Z, of the values.
void GPULinearAttentionGrad::valueGrads() {
  int64_t height = heightOf(kBlock, s.paddedD, 2);
  tiles(e.index(0), e.index(kBlock), height, s.paddedD, [&](Value j, Value d) {
    Values sums =
        sum({e.index(0), e.index(s.paddedK), true, false, decayedWriters(e.index(0)), rowsOf(held)},
            height, j, d);
    sums = sum({e.index(0), e.index(s.rows()), false, false, rowsOf(a), rowsOf(z)}, height, j, d,
               sums);
    for (int64_t m = 0; m < height; ++m) {
      Value i = e.add(j, m);
      Values row(ArrayRef(sums).slice(s.wide * m, s.wide));
      if (s.delta) {
        Value rate = get(betas, e.index(0), i), total = e.f(0);
        for (auto [x, y] : llvm::zip_equal(row, get(found, i, d, s.wide))) {
          total = e.fma(x, y, total);
          x = e.mulf(x, rate);
        }
        put(rates, i, e.div(d, s.wide), total);
      }
      storeRow(dv, head, i, d, row, s.D);
    }
  });
}

//===----------------------------------------------------------------------===//
// The erase term
//===----------------------------------------------------------------------===//

/// What the keys of the erase term find in the state, less what is not known yet: the right-hand
/// sides of (I - A_ab) Y = a' S + A_ak V, or of (I + A beta) (V - Y) = V - k' S.
void GPULinearAttentionGrad::findErased() {
  int64_t height = heightOf(kBlock, s.paddedD);
  Value last = e.index((s.writers() - 1) * kBlock);
  tiles(e.index(s.eraseRow()), e.index(kBlock), height, s.paddedD, [&](Value r, Value d) {
    Values sums = sum({e.index(0), e.index(s.paddedK), true, false, decayedReaders(), rowsOf(held)},
                      height, r, d);
    if (s.erase)
      sums =
          sum({e.index(0), e.index(kBlock), true, false, rowsOf(a), rowsOf(u)}, height, r, d, sums);
    for (int64_t m = 0; m < height; ++m) {
      Value to = e.add(last, e.add(e.sub(r, s.eraseRow()), m));
      Values row(ArrayRef(sums).slice(s.wide * m, s.wide));
      if (s.delta)
        for (auto [x, value] : llvm::zip_equal(row, get(u, to, d, s.wide)))
          x = e.subf(value, x);
      put(u, to, d, row);
    }
  });
}

/// Solves a unit triangular system whose coefficients are the scores of the erase keys, in place: a
/// thread has a column. `finish` takes (value, position, column) and gives what later equations
/// use.
void GPULinearAttentionGrad::solve(bool turned, const Access &read,
                                   llvm::function_ref<void(Value, Value, Value)> write, double sign,
                                   llvm::function_ref<Value(Value, Value, Value)> finish) {
  int64_t n = s.kDeep;
  Value parts = e.ceilDiv(count, n); // what is behind them is zero
  int64_t last = (s.writers() - 1) * kBlock;
  // the coefficients in row n * i + m of part (i, j); turned: in column m
  auto coefficients = [&](Value i, Value j) {
    SmallVector<Values> rows;
    for (int64_t m = 0; m < n; ++m)
      rows.push_back(get(a, e.add(e.mul(turned ? j : i, n), s.eraseRow() + m),
                         e.add(e.mul(turned ? i : j, n), last), n));
    return rows;
  };
  auto subtract = [&](Value x, const SmallVector<Values> &c, int64_t m, int64_t k, Value y) {
    Value by = turned ? c[k][m] : c[m][k];
    return e.fma(sign < 0 ? e.negf(by) : by, y, x);
  };
  e.forThreads(e.index(s.paddedD), [&](Value d) {
    e.forLoop(parts, [&](Value number) {
      Value i = turned ? e.sub(e.sub(parts, 1), number) : number, at = e.mul(i, n);
      Values rows;
      for (int64_t m = 0; m < n; ++m)
        rows.push_back(read(e.add(at, m), d, 1)[0]);
      Value from = turned ? e.add(i, 1) : e.index(0), to = turned ? parts : i;
      rows = e.forLoop(from, to, e.index(1), rows, [&](Value j, ValueRange carried) {
        SmallVector<Values> c = coefficients(i, j);
        Values out(carried);
        for (int64_t k = 0; k < n; ++k) {
          Value y = read(e.add(e.mul(j, n), k), d, 1)[0];
          for (int64_t m = 0; m < n; ++m)
            out[m] = subtract(out[m], c, m, k, y);
        }
        return out;
      });
      SmallVector<Values> c = coefficients(i, i);
      for (int64_t t = 0; t < n; ++t) {
        int64_t m = turned ? n - 1 - t : t;
        for (int64_t k = turned ? n - 1 : 0; k != m; k += turned ? -1 : 1)
          rows[m] = subtract(rows[m], c, m, k, rows[k]);
        Value position = e.add(at, m);
        rows[m] = finish(rows[m], position, d);
        write(position, d, rows[m]);
      }
    });
  });
}

void GPULinearAttentionGrad::solveForward() {
  Value last = e.index((s.writers() - 1) * kBlock);
  solve(
      /*turned=*/false, rowsOf(u, last),
      [&](Value i, Value d, Value x) { put(u, e.add(last, i), d, x); }, s.delta ? -1 : 1,
      [&](Value x, Value i, Value d) {
        put(found, i, d, x);
        return s.delta ? e.mulf(x, get(betas, e.index(0), i)) : x;
      });
}

/// The right-hand sides of the transposed system: gradients of what was written for the erase term,
/// from later positions and the queries.
void GPULinearAttentionGrad::erasedGrads() {
  int64_t height = heightOf(kBlock, s.paddedD);
  Value last = e.index((s.writers() - 1) * kBlock);
  tiles(e.index(0), e.index(kBlock), height, s.paddedD, [&](Value j, Value d) {
    Values sums =
        sum({e.index(0), e.index(s.paddedK), true, false, decayedWriters(last), rowsOf(held)},
            height, j, d);
    sums = sum({e.index(0), e.index(s.eraseRow()), false, false, columnsOf(a, last), rowsOf(z)},
               height, j, d, sums);
    for (int64_t m = 0; m < height; ++m)
      put(z, e.add(j, s.eraseRow() + m), d, ValueRange(sums).slice(s.wide * m, s.wide));
  });
}

void GPULinearAttentionGrad::solveBack() {
  Value erased = e.index(s.eraseRow());
  solve(
      /*turned=*/true, rowsOf(z, erased),
      [&](Value i, Value d, Value x) { put(z, e.add(erased, i), d, x); }, 1,
      [&](Value x, Value i, Value) {
        return s.delta ? e.mulf(e.negf(get(betas, e.index(0), i)), x) : x;
      });
}
