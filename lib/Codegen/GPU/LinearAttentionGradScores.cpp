//===- LinearAttentionGradScores.cpp - pairs of positions in a block ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Scores A of readers and writers, gradients of scores, and what decays per channel make of them:
// there each pair has products of its own, which run along with the positions.
//
//===----------------------------------------------------------------------===//
#include "LinearAttentionGrad.h"

using namespace mlir;
using namespace linnet::codegen;

static constexpr int64_t kBlock = LinearAttentionGradFacts::kBlock;

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

Value GPULinearAttentionGrad::isInclusive(Value set) {
  bool queries = s.inclusive(0), erased = s.solves() ? s.inclusive(s.group) : queries;
  if (queries == erased)
    return e.boolean(queries);
  Value isErase = e.eq(set, e.index(s.group));
  return erased ? isErase : e.lt(set, e.index(s.group));
}

Value GPULinearAttentionGrad::seesOwn(Value set) {
  return s.pre ? e.boolean(false) : s.solves() ? e.lt(set, e.index(s.group)) : e.boolean(true);
}

/// What a reader sees of four writers before it: the decays between them, 0 of all others.
Values GPULinearAttentionGrad::between(Value row, Value column) {
  Value i = e.rem(row, kBlock), j = e.rem(column, kBlock);
  Values out;
  if (!s.scalarDecay) {
    for (int64_t n = 0; n < s.wide; ++n)
      out.push_back(e.select(e.lt(e.add(j, n), i), e.f(1), e.f(0)));
    return out;
  }
  Value gate = e.select(isInclusive(e.div(row, kBlock)), get(gates, e.index(0), i), e.f(1));
  for (Value x : get(pairs, i, j, s.wide))
    out.push_back(e.mulf(x, gate));
  return out;
}

/// A of the rows from one on, with the reader's own position if it sees that.
void GPULinearAttentionGrad::scores(Value from) {
  if (s.vectorDecay || s.bonus)
    return channelScores(from);
  int64_t height = heightOf(s.rows(), s.columns());
  tiles(from, e.sub(e.index(s.rows()), from), height, s.columns(), [&](Value row, Value column) {
    Values sums =
        sum({e.index(0), e.index(s.paddedK), true, true, rowsOf(x), rowsOf(x, e.index(s.keyRow()))},
            height, row, column);
    for (int64_t m = 0; m < height; ++m) {
      Value r = e.add(row, m), i = e.rem(r, kBlock), j = e.rem(column, kBlock);
      Value own = seesOwn(e.div(r, kBlock));
      Values factors = between(r, column), out;
      for (int64_t n = 0; n < s.wide; ++n) {
        Value self = e.both(own, e.eq(i, e.add(j, n)));
        out.push_back(e.mulf(sums[s.wide * m + n], e.select(self, e.f(1), factors[n])));
      }
      put(a, r, column, out);
    }
  });
}

Value GPULinearAttentionGrad::sumOfTeam(Value v) {
  return e.reduceLanesOf(v, s.team, [&](Value x, Value y) { return e.addf(x, y); });
}

/// Sums over a team of several numbers, of which a lane is left with those from its place on.
void GPULinearAttentionGrad::shareSums(Values &sums, Value lane) {
  for (int64_t mask = s.team / 2; mask >= 1; mask /= 2) {
    size_t half = sums.size() / 2;
    Value upper = e.ge(e.rem(lane, 2 * mask), e.index(mask));
    for (size_t i = 0; i < half; ++i) {
      Value kept = e.select(upper, sums[i + half], sums[i]);
      Value given = e.select(upper, sums[i], sums[i + half]);
      sums[i] = e.addf(kept, e.shuffleXor(given, mask));
    }
    sums.resize(half);
  }
}

/// Body for every one of `count` items and the lane of its team, for all threads alike; `there`
/// says whether the item exists.
void GPULinearAttentionGrad::forTeams(Value count,
                                      llvm::function_ref<void(Value, Value, Value)> body) {
  Value total = e.mul(count, s.team);
  e.forLoop(e.index(0), e.roundUp(total, e.threads), e.index(e.threads), [&](Value from) {
    Value number = e.add(from, e.thread), lane = e.rem(number, s.team);
    body(e.div(e.min(number, e.sub(total, 1)), s.team), lane, e.lt(number, total));
  });
}

/// A team has a writer, which decays on as the readers come; a reader finds it from the next
/// position on. With a bonus a query sees what its own position writes, times that. A thread has
/// `parts` times `wide` channels at once.
void GPULinearAttentionGrad::channelScores(Value from) {
  int64_t all = s.paddedK / s.wide, parts = std::min<int64_t>(4, llvm::divideCeil(all, s.team));
  Value firstSet = e.div(from, kBlock), sets = e.sub(e.index(s.readers()), firstSet);
  forTeams(e.mul(sets, s.columns()), [&](Value item, Value lane, Value there) {
    Value column = e.rem(item, s.columns());
    Value set = e.add(firstSet, e.div(item, s.columns()));
    e.forLoop(e.index(0), e.index(all), e.index(parts * s.team), [&](Value start) {
      Values at, keys;
      for (int64_t p = 0; p < parts; ++p) {
        Value number = e.add(e.add(start, lane), p * s.team);
        at.push_back(e.mul(e.min(number, e.index(all - 1)), s.wide));
        for (Value v : get(x, e.add(column, s.keyRow()), at.back(), s.wide))
          keys.push_back(e.select(e.lt(number, e.index(all)), v, e.f(0)));
      }
      runWriter(set, column, at, keys, [&](Value row, Value sum) {
        sum = sumOfTeam(sum);
        e.ifThen(e.both(there, e.eq(lane, e.index(0))), [&] {
          Value isFirst = e.eq(start, e.index(0));
          put(a, row, column, e.addf(sum, e.select(isFirst, e.f(0), get(a, row, column))));
        });
      });
    });
  });
}

/// What each reader of a set sees of a writer in some channels.
void GPULinearAttentionGrad::runWriter(Value set, Value column, ArrayRef<Value> at,
                                       ArrayRef<Value> keys,
                                       llvm::function_ref<void(Value, Value)> finish) {
  Value inclusive = isInclusive(set), own = seesOwn(set), j = e.rem(column, kBlock);
  Value byBonus = e.both(e.lt(set, e.index(s.group)), e.lt(column, e.index(kBlock)));
  Values zeros(keys.size(), e.f(0));
  e.forLoop(e.index(0), e.index(kBlock), e.index(1), zeros, [&](Value i, ValueRange in) {
    Value row = e.add(e.mul(set, kBlock), i), self = e.eq(i, j), total = e.f(0);
    Values out;
    for (Value c : at) {
      Values readers = get(x, row, c, s.wide), gate = gatesOf(gates, i, c, s.wide), extra;
      if (s.bonus)
        extra = get(bonuses, e.index(0), c, s.wide);
      for (int64_t n = 0; n < s.wide; ++n) {
        Value before = in[out.size()], w = keys[out.size()];
        Value decayed = s.decays() ? e.mulf(before, gate[n]) : before;
        Value after = e.addf(decayed, e.select(self, w, e.f(0)));
        Value seen = e.select(own, after, e.select(inclusive, decayed, before));
        if (s.bonus)
          seen = e.fma(e.select(e.both(self, byBonus), extra[n], e.f(0)), w, seen);
        total = e.fma(readers[n], seen, total);
        out.push_back(after);
      }
    }
    finish(row, total);
    return out;
  });
}

/// Gradients of the scores of rows, with the decays between the positions if those are not by
/// channel; those of a reader's own position apart.
void GPULinearAttentionGrad::outputScores(int64_t from, int64_t rows) {
  int64_t height = heightOf(rows, s.columns());
  tiles(e.index(from), e.index(rows), height, s.columns(), [&](Value row, Value column) {
    Values sums = sum({e.index(0), e.index(s.paddedD), true, true, rowsOf(z), rowsOf(u)}, height,
                      row, column);
    for (int64_t m = 0; m < height; ++m) {
      Value r = e.add(row, m), i = e.rem(r, kBlock), j = e.rem(column, kBlock);
      Values out(ArrayRef(sums).slice(s.wide * m, s.wide));
      if (from == 0 && keepsOwn()) {
        Value self = out[0];
        for (int64_t n = 1; n < s.wide; ++n)
          self = e.select(e.eq(i, e.add(j, n)), out[n], self);
        e.ifThen(e.eq(e.div(i, s.wide), e.div(j, s.wide)),
                 [&] { put(own, r, e.div(column, kBlock), self); });
      }
      if (!s.vectorDecay)
        for (auto [v, factor] : llvm::zip_equal(out, between(r, column)))
          v = e.mulf(v, factor);
      put(b, r, column, out);
    }
  });
}

//===----------------------------------------------------------------------===//
// Decays per channel
//===----------------------------------------------------------------------===//

/// Sum of dA_ij w_j under the decays between, by Horner's rule over j.
Values GPULinearAttentionGrad::channelReads(Value set, bool inclusive, int64_t height, Value i,
                                            Value c) {
  Value row = e.add(e.mul(set, kBlock), i), last = e.add(i, height - 1);
  Values sums = e.forLoop(e.index(0), last, e.index(1), Values(s.wide * height, e.f(0)),
                          [&](Value j, ValueRange in) {
                            Values gate = get(gates, j, c, s.wide), out(in);
                            for (int64_t t = 0; t < s.wide * height; ++t)
                              out[t] = e.mulf(out[t], gate[t % s.wide]);
                            for (int64_t writer = 0; writer < s.writers(); ++writer) {
                              Value column = e.add(j, writer * kBlock);
                              Values w = get(x, e.add(column, s.keyRow()), c, s.wide);
                              for (int64_t m = 0; m < height; ++m) {
                                Value score = get(b, e.add(row, m), column);
                                for (int64_t n = 0; n < s.wide; ++n)
                                  out[s.wide * m + n] = e.fma(score, w[n], out[s.wide * m + n]);
                              }
                            }
                            for (int64_t t = 0; t < s.wide * height; ++t)
                              out[t] = e.select(e.lt(j, e.add(i, t / s.wide)), out[t], in[t]);
                            return out;
                          });
  if (inclusive)
    for (int64_t m = 0; m < height; ++m)
      for (auto [n, gate] : llvm::enumerate(get(gates, e.add(i, m), c, s.wide)))
        sums[s.wide * m + n] = e.mulf(sums[s.wide * m + n], gate);
  return sums;
}

/// Sum of dA_ij x_i under the decays between, by Horner's rule from the last i down.
Values GPULinearAttentionGrad::channelWrites(Value writer, int64_t height, Value j, Value c) {
  Value column = e.add(e.mul(writer, kBlock), j);
  auto addReads = [&](Value i, bool inclusive, Values &sums) {
    for (int64_t set = 0; set < s.readers(); ++set) {
      if (s.inclusive(set) != inclusive)
        continue;
      Value row = e.add(i, set * kBlock);
      Values reader = get(x, row, c, s.wide), scores = get(b, row, column, height);
      for (int64_t t = 0; t < s.wide * height; ++t)
        sums[t] = e.fma(scores[t / s.wide], reader[t % s.wide], sums[t]);
    }
  };
  Value steps = e.sub(e.index(kBlock - 1), j);
  return e.forLoop(e.index(0), steps, e.index(1), Values(s.wide * height, e.f(0)),
                   [&](Value step, ValueRange in) {
                     Value i = e.sub(e.index(kBlock - 1), step);
                     Values gate = get(gates, i, c, s.wide), out(in);
                     addReads(i, true, out);
                     for (int64_t t = 0; t < s.wide * height; ++t)
                       out[t] = e.mulf(out[t], gate[t % s.wide]);
                     addReads(i, false, out);
                     for (int64_t t = 0; t < s.wide * height; ++t)
                       out[t] = e.select(e.lt(e.add(j, t / s.wide), i), out[t], in[t]);
                     return out;
                   });
}
