//===- LinearAttentionGradRows.cpp - gradients of rows of channels --------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Gradients of queries, keys and the rows of an erase term, and what follows from them: those of
// decays, of the rates of the delta rule and of the bonus.
//
//===----------------------------------------------------------------------===//
#include "LinearAttentionGrad.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace linnet::codegen;

static constexpr int64_t kBlock = LinearAttentionGradFacts::kBlock;

//===----------------------------------------------------------------------===//
// Gradients of rows
//===----------------------------------------------------------------------===//

/// Z S^T in the columns of a slice. A team has a column: a number of the state is loaded once for
/// many rows, whose sums the lanes share out among them.
void GPULinearAttentionGrad::readState(Value from) {
  int64_t together = s.wide == 1 ? 2 : s.kDeep, height = s.wide == 1 ? s.team : kBlock;
  if (s.wide > 1 && s.readers() % 2 == 0)
    height *= 2;
  forTeams(e.index(s.sliceColumns()), [&](Value column, Value lane, Value there) {
    e.forLoop(e.index(0), e.index(s.rows()), e.index(height), [&](Value row) {
      Values sums(height, e.f(0));
      sums = e.forLoop(e.mul(lane, together), e.index(s.paddedD), e.index(together * s.team), sums,
                       [&](Value d, ValueRange in) {
                         Values state = get(stateBefore, e.add(from, column), d, together), out(in);
                         for (auto [m, x] : llvm::enumerate(out))
                           for (auto [a, b] :
                                llvm::zip_equal(get(z, e.add(row, m), d, together), state))
                             x = e.fma(a, b, x);
                         return out;
                       });
      shareSums(sums, lane);
      Value first = e.add(row, e.mul(lane, sums.size()));
      e.ifThen(there, [&] {
        for (auto [m, x] : llvm::enumerate(sums))
          put(seen, e.add(first, m), column, x);
      });
    });
  });
}

/// dX = (Z S^T) decayed + B W, but for what a reader sees of its own position. The column is that
/// of the slice, which begins at `from`.
Values GPULinearAttentionGrad::readerRows(Value set, bool inclusive, int64_t height, Value i,
                                          Value from, Value column) {
  Value row = e.add(e.mul(set, kBlock), i), c = e.add(from, column);
  Values sums;
  for (int64_t m = 0; m < height; ++m)
    sums.append(get(seen, e.add(row, m), column, s.wide));
  if (s.decays())
    for (int64_t m = 0; m < height; ++m)
      for (auto [n, gate] : llvm::enumerate(gatesOf(prefix, e.add(i, m + inclusive), c, s.wide)))
        sums[s.wide * m + n] = e.mulf(sums[s.wide * m + n], gate);
  if (!s.vectorDecay)
    return sum(
        {e.index(0), e.index(s.columns()), true, false, rowsOf(b), rowsOf(x, e.index(s.keyRow()))},
        height, row, c, sums);
  for (auto [v, inside] : llvm::zip_equal(sums, channelReads(set, inclusive, height, i, c)))
    v = e.addf(v, inside);
  return sums;
}

/// dW = (U G^T) decayed + B^T X, but for what a reader sees of its own position.
Values GPULinearAttentionGrad::writerRows(Value writer, int64_t height, Value j, Value c) {
  Value column = e.add(e.mul(writer, kBlock), j);
  Values sums =
      sum({e.index(0), e.index(s.paddedD), true, true, rowsOf(u), rowsOf(held)}, height, column, c);
  if (s.decays())
    for (int64_t m = 0; m < height; ++m)
      for (auto [n, gate] : llvm::enumerate(gatesOf(suffix, e.add(j, m), c, s.wide)))
        sums[s.wide * m + n] = e.mulf(sums[s.wide * m + n], gate);
  if (!s.vectorDecay) {
    Access scores = [&](Value r, Value, int64_t n) { return get(b, r, column, n); };
    return sum({e.index(0), e.index(s.rows()), false, false, scores, rowsOf(x)}, height, column, c,
               sums);
  }
  for (auto [v, inside] : llvm::zip_equal(sums, channelWrites(writer, height, j, c)))
    v = e.addf(v, inside);
  return sums;
}

/// A row of a table, times the bonus where the op has one.
Values GPULinearAttentionGrad::ownRow(Value row, Value c) {
  Values out = get(x, row, c, s.wide);
  if (s.bonus)
    for (auto [v, factor] : llvm::zip_equal(out, get(bonuses, e.index(0), c, s.wide)))
      v = e.mulf(v, factor);
  return out;
}

void GPULinearAttentionGrad::addOwnReads(Values &sums, Value set, int64_t height, Value i,
                                         Value c) {
  for (int64_t m = 0; keepsOwn() && m < height; ++m)
    for (int64_t writer = 0; writer < (s.bonus ? 1 : s.writers()); ++writer) {
      Value position = e.add(i, m);
      Value score = get(own, e.add(e.mul(set, kBlock), position), e.index(writer));
      Values w = ownRow(e.add(position, s.keyRow() + writer * kBlock), c);
      for (int64_t n = 0; n < s.wide; ++n)
        sums[s.wide * m + n] = e.fma(score, w[n], sums[s.wide * m + n]);
    }
}

void GPULinearAttentionGrad::addOwnWrites(Values &sums, Value writer, int64_t height, Value j,
                                          Value c) {
  if (!keepsOwn())
    return;
  sums = overSets(s.group, sums, [&](Value set, ValueRange in) {
    Values out(in);
    for (int64_t m = 0; m < height; ++m) {
      Value row = e.add(e.mul(set, kBlock), e.add(j, m)), score = get(own, row, writer);
      if (s.bonus) // what the keys write, nothing else
        score = e.select(e.eq(writer, e.index(0)), score, e.f(0));
      for (auto [n, v] : llvm::enumerate(ownRow(row, c)))
        out[s.wide * m + n] = e.fma(score, v, out[s.wide * m + n]);
    }
    return out;
  });
}

void GPULinearAttentionGrad::storeRows(const std::optional<View> &to, Value h, Value i, Value c,
                                       ArrayRef<Value> sums) {
  for (int64_t m = 0; m < int64_t(sums.size()) / s.wide; ++m)
    storeRow(to, h, e.add(i, m), c, sums.slice(s.wide * m, s.wide), s.K);
}

/// Adds products of the rows of x from one on and their gradients, which cross a decay.
void GPULinearAttentionGrad::addCrossing(Values &crossing, Value row, Value c, const Values &sums) {
  for (int64_t m = 0; s.decays() && m < int64_t(sums.size()) / s.wide; ++m)
    for (auto [n, v] : llvm::enumerate(get(x, e.add(row, m), c, s.wide)))
      crossing[s.wide * m + n] = e.fma(v, sums[s.wide * m + n], crossing[s.wide * m + n]);
}

/// Numbers of a position, four side by side added up for a scalar decay.
void GPULinearAttentionGrad::putCrossing(const Table &to, Value i, Value c,
                                         ArrayRef<Value> numbers) {
  for (int64_t m = 0; m < int64_t(numbers.size()) / s.wide; ++m) {
    ArrayRef<Value> row = numbers.slice(s.wide * m, s.wide);
    if (s.vectorDecay) {
      put(to, e.add(i, m), c, row);
      continue;
    }
    Value total = row[0];
    for (Value v : row.drop_front())
      total = e.addf(total, v);
    put(to, e.add(i, m), e.div(c, s.wide), total);
  }
}

/// Everything that has rows of channels; a thread has all readers and writers of its positions, in
/// this order, and what crosses their decays.
void GPULinearAttentionGrad::rowGradsOf(Value from) {
  // sums of several kinds are alive at once here
  int64_t columns = s.sliceColumns();
  int64_t height = heightOf(kBlock, columns, s.vectorDecay || s.solves() ? 1 : 2);
  Values zeros(s.wide * height, e.f(0)), none;
  tiles(e.index(0), e.index(kBlock), height, columns, [&](Value i, Value column) {
    Value c = e.add(from, column);
    bool queriesInclusive = s.inclusive(0), erasedInclusive = s.inclusive(s.group);
    Values reads[2] = {zeros, zeros}; // before the decay of their position, behind it
    auto carried = s.decays() ? zeros : none;
    carried = overSets(s.group, carried, [&](Value set, ValueRange in) {
      Values sums = readerRows(set, queriesInclusive, height, i, from, column), out(in);
      addCrossing(out, e.add(e.mul(set, kBlock), i), c, sums);
      addOwnReads(sums, set, height, i, c);
      storeRows(dq, e.add(e.mul(head, s.group), set), i, c, sums);
      return out;
    });
    if (s.decays())
      reads[queriesInclusive] = carried;
    Values erased;
    if (s.solves()) {
      erased = readerRows(e.index(s.group), erasedInclusive, height, i, from, column);
      addCrossing(reads[erasedInclusive], e.add(i, s.eraseRow()), c, erased);
      storeRows(deraseA, head, i, c, erased);
    }
    carried = s.decays() ? zeros : none;
    carried = overSets(s.writers(), carried, [&](Value writer, ValueRange in) {
      Values sums = writerRows(writer, height, i, c), out(in);
      addCrossing(out, e.add(e.add(e.mul(writer, kBlock), s.keyRow()), i), c, sums);
      addOwnWrites(sums, writer, height, i, c);
      for (auto [n, v] : llvm::enumerate(s.delta ? erased : none))
        sums[n] = e.addf(sums[n], v);
      e.ifThen(
          e.eq(writer, e.index(0)), [&] { storeRows(dk, head, i, c, sums); },
          [&] { storeRows(deraseB, head, i, c, sums); });
      return out;
    });
    if (!s.decays())
      return;
    for (auto [v, written] : llvm::zip_equal(reads[1], carried))
      v = e.subf(v, written);
    putCrossing(crossing, i, c, reads[1]);
    if (s.anyExclusive())
      putCrossing(before, i, c, reads[0]);
  });
}

void GPULinearAttentionGrad::rowGrads() {
  auto slice = [&](Value from) {
    readState(from);
    meet();
    rowGradsOf(from);
  };
  if (s.slices == 1)
    return slice(e.index(0));
  e.forLoop(e.index(s.slices), [&](Value n) {
    llvm::SaveAndRestore thread(e.thread);
    slice(e.mul(n, s.sliceColumns()));
    meet();
  });
}

//===----------------------------------------------------------------------===//
// Decays, bonus
//===----------------------------------------------------------------------===//

/// rowsum(G . S) at the block's end.
void GPULinearAttentionGrad::crossState() {
  int64_t span = s.paddedK / s.gateWidth();
  forTeams(e.index(s.gateWidth()), [&](Value item, Value lane, Value there) {
    Value total = e.forLoop(
        e.index(0), e.index(span), e.index(1), Values{e.f(0)}, [&](Value n, ValueRange outer) {
          Value k = e.add(e.mul(item, span), n);
          return e.forLoop(e.mul(lane, s.kDeep), e.index(s.paddedD), e.index(s.kDeep * s.team),
                           outer, [&](Value d, ValueRange in) {
                             Value x = in[0];
                             for (auto [g, v] : llvm::zip_equal(get(held, k, d, s.kDeep),
                                                                get(stateAfter, k, d, s.kDeep)))
                               x = e.fma(g, v, x);
                             return Values{x};
                           });
        })[0];
    total = sumOfTeam(total);
    e.ifThen(e.both(there, e.eq(lane, e.index(0))),
             [&] { put(crossing, e.index(kBlock), item, total); });
  });
}

/// Sums over what lies side by side: of a scalar decay's gradient, and beta's.
void GPULinearAttentionGrad::sumOverRows() {
  auto sumOf = [&](const Table &t, Value row, int64_t n) {
    int64_t step = n % s.kDeep == 0 ? s.kDeep : 1;
    return e.forLoop(e.index(0), e.index(n), e.index(step), Values{e.f(0)},
                     [&](Value c, ValueRange in) {
                       Value total = in[0];
                       for (Value v : get(t, row, c, step))
                         total = e.addf(total, v);
                       return Values{total};
                     })[0];
  };
  if (dbeta)
    e.forThreads(count, [&](Value i) {
      Value x = sumOf(rates, i, s.paddedD / s.wide);
      f.store(e.convert(x, dbeta->element), *dbeta,
              f.position(*dbeta, {batch, head, e.add(first, i)}));
    });
  if (!s.scalarDecay)
    return;
  e.forThreads(e.index(kBlock + 1),
               [&](Value i) { put(totals, e.index(0), i, sumOf(crossing, i, s.gateWidth())); });
  if (s.anyExclusive())
    e.forThreads(e.index(kBlock),
                 [&](Value i) { put(totals, e.index(1), i, sumOf(before, i, s.gateWidth())); });
}

/// From the last position on: what is read at or behind a position less what is written there.
void GPULinearAttentionGrad::decayGrads() {
  auto walkBack = [&](Value c, llvm::function_ref<Value(const Table &, bool, Value)> at) {
    Value start = at(crossing, false, e.index(kBlock));
    e.forLoop(e.index(0), e.index(kBlock), e.index(1), Values{start},
              [&](Value step, ValueRange in) {
                Value t = e.sub(e.index(kBlock - 1), step);
                Value x = e.addf(in[0], at(crossing, false, t));
                Values where = {batch, head, e.add(first, t)};
                Value inside = e.lt(t, count);
                if (c) {
                  where.push_back(c);
                  inside = e.both(inside, e.lt(c, e.index(s.K)));
                }
                e.ifThen(inside, [&] {
                  f.store(e.convert(x, ddecay->element), *ddecay, f.position(*ddecay, where));
                });
                return Values{s.anyExclusive() ? e.addf(x, at(before, true, t)) : x};
              });
  };
  if (s.vectorDecay)
    e.forThreads(e.index(s.paddedK), [&](Value c) {
      walkBack(c, [&](const Table &t, bool, Value i) { return get(t, i, c); });
    });
  else
    e.forThreads(e.index(1), [&](Value) {
      walkBack(
          {}, [&](const Table &, bool second, Value i) { return get(totals, e.index(second), i); });
    });
}

void GPULinearAttentionGrad::bonusGrads() {
  e.forThreads(e.index(s.paddedK), [&](Value c) {
    Value total = get(dbonuses, e.index(0), c);
    total = e.forLoop(e.index(0), e.index(s.eraseRow()), e.index(1), Values{total},
                      [&](Value row, ValueRange in) {
                        Value w = get(x, e.add(e.rem(row, kBlock), s.keyRow()), c);
                        Value read = e.mulf(get(own, row, e.index(0)), get(x, row, c));
                        return Values{e.fma(read, w, in[0])};
                      })[0];
    put(dbonuses, e.index(0), c, total);
  });
}
