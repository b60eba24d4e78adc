//===- AttentionDecode.cpp - attention of a handful of rows on GPUs ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// With few rows the time goes into reading keys and values. A team has some keys of each step that
// follow each other; its threads share a row of keys or values, four elements of every 32 each, and
// ask for several rows before they need the first.
//
//===----------------------------------------------------------------------===//
#include "Attention.h"
#include <cfloat>

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static constexpr int64_t kUnroll = 4;     ///< keys that a team reads at once
static constexpr int64_t kValueLoads = 8; ///< loads of values that a thread has under way

void GPUAttention::fewRows() {
  ownRow = e.index(0);
  ownKey = e.add(e.mul(team, form.teamKeys()), lane);
  spreadQueries();
  e.barrier();
  Values none(form.vectors, number(0));
  State start{Values(form.vectors, number(-FLT_MAX)), none,
              Values(form.vectors * form.threadColumns(), number(0))};
  Values state = e.forLoop(firstRowKeys.first, lastRowKeys.last, e.index(form.keys), flatten(start),
                           [&](Value key, ValueRange in) {
                             rowScores(key);
                             e.barrier();
                             adjust(key);
                             State s = soften(unflatten(in));
                             if (dropout)
                               drop(key);
                             e.barrier();
                             s = rowValues(key, s);
                             e.barrier();
                             return flatten(s);
                           });
  joinTeams(unflatten(state));
}

/// Queries as `rowScores` reads them: what the threads of a team read at once lies together.
void GPUAttention::spreadQueries() {
  Value factor = e.f(queryFactor());
  e.forThreads(e.index(form.rows * form.depth), [&](Value n) {
    Value d = e.rem(n, form.depth), r = e.div(n, form.depth);
    Row row = rowAt(r);
    Value x = e.ifElse(
        form.keyDepth == form.depth ? e.boolean(true) : e.lt(d, e.index(form.keyDepth)),
        TypeRange{e.f32()},
        [&] {
          Value at = frame.position(q, {batch, row.head, row.query, d});
          return Values{e.mulf(e.convert(frame.load(q, at), e.f32()), factor)};
        },
        [&] { return Values{e.f(0)}; })[0];
    Value group = e.add(e.mul(e.div(d, kColumns), 4), e.rem(d, 4));
    Value place = e.add(e.mul(group, kTeam), e.div(e.rem(d, kColumns), 4));
    e.store(x, queries, e.add(e.mul(place, form.rows), r));
  });
}

/// Where this thread's first four elements are of the key at a place of its team. Keys past the
/// last repeat it: their scores are hidden.
Value GPUAttention::rowPosition(const View &view, Value key, Value place) {
  Value number = e.add(key, e.add(e.mul(team, form.teamKeys()), place));
  number = e.min(number, e.sub(lastRowKeys.last, 1));
  return frame.position(view, {batch, keyHead, number, e.mul(lane, 4)});
}

void GPUAttention::rowScores(Value key) {
  int64_t perKey = form.vectors;
  e.forLoop(e.index(0), e.index(form.teamKeys()), e.index(kUnroll), [&](Value first) {
    Values positions, sums(kUnroll * perKey, number(0));
    for (int64_t u = 0; u < kUnroll; ++u)
      positions.push_back(rowPosition(k, key, e.add(first, u)));
    sums = e.forLoop(
        e.index(0), e.index(form.depth), e.index(kColumns), sums, [&](Value d, ValueRange in) {
          Values x, out(in);
          Value column = e.add(d, e.mul(lane, 4));
          for (Value position : positions)
            x.push_back(load4(k, e.add(position, e.mul(d, k.strides[3])), column, form.keyDepth,
                              kColumns, alignedK, e.boolean(true)));
          for (int64_t i = 0; i < 4; ++i) {
            Value place = e.add(e.add(e.mul(e.div(d, kColumns), 4 * kTeam), i * kTeam), lane);
            for (int64_t v = 0; v < perKey; ++v) {
              Value query = loadRows(queries, e.add(e.mul(place, form.rows), v * form.wide));
              for (int64_t u = 0; u < kUnroll; ++u) {
                Value &sum = out[u * perKey + v];
                sum = e.fma(query, each(e.extract(x[u], i)), sum);
              }
            }
          }
          return out;
        });
    Value start = e.mul(e.add(e.mul(team, form.teamKeys()), first), form.pitch);
    storeSums(sums, start);
  });
}

/// Sums of a team's numbers, which lie one behind the other from a place of `work` on. The threads
/// halve them among themselves until each has sums of its own.
void GPUAttention::storeSums(ValueRange vectors, Value start) {
  Values x;
  for (Value v : vectors)
    for (int64_t i = 0; i < form.wide; ++i)
      x.push_back(pick(v, i));
  bool exchanges = e.subgroup() >= kTeam;
  if (!exchanges)
    for (Value &sum : x)
      sum = e.reduceTeam(sum, kTeam, [&](Value a, Value b) { return e.addf(a, b); });
  Value first = start;
  for (int64_t mask = kTeam / 2; mask >= 1; mask /= 2) {
    Value upper = e.ge(e.rem(lane, 2 * mask), e.index(mask));
    size_t half = x.size() / 2;
    for (size_t i = 0; i < std::max<size_t>(half, 1); ++i) {
      Value other = half ? x[i + half] : x[i];
      Value kept = half ? e.select(upper, other, x[i]) : x[i];
      Value given = half ? e.select(upper, x[i], other) : x[i];
      x[i] = exchanges ? e.addf(kept, e.shuffleXor(given, mask)) : kept;
    }
    if (!half)
      continue;
    x.resize(half);
    first = e.add(first, e.select(upper, e.index(half), e.index(0)));
  }
  for (auto [i, sum] : llvm::enumerate(x))
    e.store(sum, work, e.add(first, i));
}

GPUAttention::State GPUAttention::rowValues(Value key, State s) {
  int64_t groups = form.columns / kColumns;
  int64_t unroll = std::clamp<int64_t>(kValueLoads / groups, 1, kUnroll);
  s.output = e.forLoop(
      e.index(0), e.index(form.teamKeys()), e.index(unroll), s.output,
      [&](Value first, ValueRange in) {
        Values x, out(in);
        for (int64_t u = 0; u < unroll; ++u) {
          Value position =
              e.add(rowPosition(v, key, e.add(first, u)), e.mul(firstColumn, v.strides[3]));
          for (int64_t g = 0; g < groups; ++g) {
            Value column = e.add(firstColumn, e.add(e.mul(lane, 4), g * kColumns));
            x.push_back(load4(v, e.add(position, e.mul(v.strides[3], g * kColumns)), column,
                              form.valueDepth, form.columns, alignedV, e.boolean(true)));
          }
        }
        for (int64_t u = 0; u < unroll; ++u) {
          Value place = e.add(e.mul(team, form.teamKeys()), e.add(first, u));
          for (int64_t r = 0; r < form.vectors; ++r) {
            Value weight = loadRows(work, e.add(e.mul(place, form.pitch), r * form.wide));
            for (int64_t c = 0; c < form.threadColumns(); ++c) {
              Value &sum = out[r * form.threadColumns() + c];
              sum = e.fma(weight, each(e.extract(x[u * groups + c / 4], c % 4)), sum);
            }
          }
        }
        return out;
      });
  return s;
}

//===----------------------------------------------------------------------===//
// The teams' results together
//===----------------------------------------------------------------------===//

/// Maxima and sums of the teams are in `stats`, [2][teams][rows]; those of all are in `values`.
void GPUAttention::joinSums() {
  int64_t half = form.teams() * form.rows;
  e.forThreads(e.index(form.rows), [&](Value r) {
    auto over = [&](Value start, llvm::function_ref<Value(Value, Value)> next) {
      return e.forLoop(e.index(0), e.index(form.teams()), e.index(1), {start},
                       [&](Value t, ValueRange in) {
                         return Values{next(in[0], e.add(e.mul(t, form.rows), r))};
                       })[0];
    };
    Value top =
        over(e.f(-FLT_MAX), [&](Value best, Value at) { return e.maxf(e.load(stats, at), best); });
    Value sum = over(e.f(0), [&](Value sum, Value at) {
      Value factor = e.expNonPositive(e.subf(e.load(stats, at), top));
      return e.fma(e.load(stats, e.add(at, half)), factor, sum);
    });
    e.store(top, values, r);
    e.store(inverse(sum), values, e.add(r, form.rows));
    if (!lse)
      return;
    Row row = rowAt(r);
    Value once = e.both(e.lt(e.add(chunkStart, r), total), e.eq(firstColumn, e.index(0)));
    e.ifThen(once, [&] {
      frame.store(logOfSum(top, sum), *lse, outputAt(*lse, {batch, row.head, row.query}));
    });
  });
}

void GPUAttention::joinTeams(State s) {
  int64_t half = form.teams() * form.rows;
  stats = e.shared(e.f32(), 2 * half);
  values = e.shared(e.f32(), 2 * form.rows);
  s.sum = reduceRows(s.sum, [&](Value a, Value b) { return e.addf(a, b); });
  e.ifThen(e.eq(lane, e.index(0)), [&] {
    for (int64_t v = 0; v < form.vectors; ++v) {
      Value at = e.add(e.mul(team, form.rows), v * form.wide);
      storeRows(s.top[v], stats, at);
      storeRows(s.sum[v], stats, e.add(at, half));
    }
  });
  e.barrier();
  joinSums();
  e.barrier();
  if (!out)
    return;
  for (int64_t v = 0; v < form.vectors; ++v)
    s.top[v] = e.expNonPositive(e.subf(s.top[v], loadRows(values, e.index(v * form.wide))));
  for (int64_t g = 0; g < form.columns / kColumns; ++g) {
    for (int64_t v = 0; v < form.vectors; ++v)
      for (int64_t i = 0; i < 4; ++i) {
        Value x = e.mulf(s.output[v * form.threadColumns() + g * 4 + i], s.top[v]);
        Value column = e.add(e.mul(team, kColumns), e.add(e.mul(lane, 4), i));
        storeRows(x, work, e.add(e.mul(column, form.rows), v * form.wide));
      }
    e.barrier();
    storeColumns(g);
    e.barrier();
  }
}

/// Sums of 32 columns over the teams, in their order.
void GPUAttention::storeColumns(int64_t g) {
  e.forThreads(e.index(form.rows * kColumns), [&](Value n) {
    Value c = e.rem(n, kColumns), r = e.div(n, kColumns);
    Value column = e.add(firstColumn, e.add(c, g * kColumns));
    Value exists = e.lt(e.add(chunkStart, r), total);
    if (form.valueDepth % form.columns != 0)
      exists = e.both(exists, e.lt(column, e.index(form.valueDepth)));
    e.ifThen(exists, [&] {
      Row row = rowAt(r);
      Value sum = e.forLoop(e.index(0), e.index(form.teams()), e.index(1), {e.f(0)},
                            [&](Value t, ValueRange in) {
                              Value at = e.add(e.mul(t, kColumns), c);
                              at = e.add(e.mul(at, form.rows), r);
                              return Values{e.addf(in[0], e.load(work, at))};
                            })[0];
      Value x = e.mulf(sum, e.load(values, e.add(r, form.rows)));
      frame.store(e.convert(x, out->element), *out,
                  outputAt(*out, {batch, row.head, row.query, column}));
    });
  });
}
