//===- AttentionTiles.cpp - attention of many rows on GPUs ------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A thread has four rows, side by side in vectors, every eighth key of a step, and of each 32
// columns of the values four. Queries lie in workgroup memory as [depth][rows], keys as they are,
// scores as [keys][rows]: what a team reads or writes at once lies in different banks.
//
//===----------------------------------------------------------------------===//
#include "Attention.h"
#include <cfloat>

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

void GPUAttention::tiles() {
  values = e.shared(e.f32(), form.valueKeys * form.columns);
  ownRow = e.mul(team, form.wide);
  ownKey = lane;
  if (form.keepsQueries)
    fillQueries(e.index(0), form.depth);
  State start{{number(-FLT_MAX)}, {number(0)}, Values(form.threadColumns(), number(0))};
  Values state = e.forLoop(firstRowKeys.first, lastRowKeys.last, e.index(form.keys), flatten(start),
                           [&](Value key, ValueRange in) {
                             Values scores = tileScores(key);
                             e.barrier(); // the keys have been read
                             for (auto [j, x] : llvm::enumerate(scores)) {
                               Value place = e.add(ownKey, j * kTeam);
                               storeRows(x, work, e.add(e.mul(place, form.pitch), ownRow));
                             }
                             adjust(key);
                             State s = soften(unflatten(in));
                             if (dropout)
                               drop(key);
                             return flatten(tileValues(key, s));
                           });
  finishTile(unflatten(state));
}

//===----------------------------------------------------------------------===//
// Into workgroup memory
//===----------------------------------------------------------------------===//

/// `depth` numbers of every query from d on, with what scores are multiplied by in them.
void GPUAttention::fillQueries(Value d, int64_t depth) {
  Value factor = e.f(queryFactor());
  e.forThreads(e.index(form.rows * depth / 4), [&](Value n) {
    Value along = e.mul(e.rem(n, depth / 4), 4), r = e.div(n, depth / 4);
    Row row = rowAt(r);
    Value column = e.add(d, along);
    Value from = frame.position(q, {batch, row.head, row.query, column});
    Value x = load4(q, from, column, form.keyDepth, form.depthStep, alignedQ, e.boolean(true));
    x = e.mulf(x, e.splat(factor, 4));
    for (int64_t i = 0; i < 4; ++i)
      e.store(e.extract(x, i), queries, e.add(e.mul(e.add(along, i), form.rows + 4), r));
  });
}

/// Rows from `key` on, with their columns from `column` on.
void GPUAttention::fill(const Slab &to, Value key, Value column) {
  int64_t line = to.width / 4;
  e.forThreads(e.index(to.rows * line), [&](Value n) {
    Value along = e.mul(e.rem(n, line), 4), place = e.div(n, line);
    Value number = e.add(key, place), at = e.add(column, along);
    Value from = frame.position(to.rowsOf, {batch, keyHead, number, at});
    Value x =
        load4(to.rowsOf, from, at, to.depth, to.width, to.aligned, e.lt(number, lastRowKeys.last));
    e.vstore(x, to.memory, e.add(e.mul(place, to.pitch), along));
  });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

Values GPUAttention::tileScores(Value key) {
  Values sums(form.threadKeys, number(0));
  return e.forLoop(
      e.index(0), e.index(form.depth), e.index(form.depthStep), sums, [&](Value d, ValueRange in) {
        e.barrier(); // the step before has been read
        fill({k, alignedK, form.keyDepth, work, form.keys, form.depthStep, form.depthStep + 4}, key,
             d);
        if (!form.keepsQueries)
          fillQueries(d, form.depthStep);
        e.barrier();
        return tileProducts(form.keepsQueries ? d : e.index(0), in);
      });
}

/// Of the keys that lie in workgroup memory, with queries from depth d of theirs on.
Values GPUAttention::tileProducts(Value d, ValueRange sums) {
  return e.forLoop(e.index(0), e.index(form.depthStep), e.index(4), sums,
                   [&](Value step, ValueRange in) {
                     Values query, out;
                     for (int64_t i = 0; i < 4; ++i) {
                       Value at = e.mul(e.add(e.add(d, step), i), form.rows + 4);
                       query.push_back(loadRows(queries, e.add(at, ownRow)));
                     }
                     for (int64_t j = 0; j < form.threadKeys; ++j) {
                       Value place = e.add(ownKey, j * kTeam), sum = in[j];
                       Value x = e.vload(work, e.add(e.mul(place, form.depthStep + 4), step), 4);
                       for (int64_t i = 0; i < 4; ++i)
                         sum = e.fma(query[i], each(e.extract(x, i)), sum);
                       out.push_back(sum);
                     }
                     return out;
                   });
}

GPUAttention::State GPUAttention::tileValues(Value key, State s) {
  Value count = e.min(e.index(form.keys), e.sub(lastRowKeys.last, key));
  auto step = [&](Value first, ValueRange in) {
    e.barrier(); // the step before has been read, and weights are there
    fill({v, alignedV, form.valueDepth, values, form.valueKeys, form.columns, form.columns},
         e.add(key, first), firstColumn);
    e.barrier();
    return e.forLoop(
        e.index(0), e.index(form.valueKeys), e.index(1), in, [&](Value i, ValueRange sums) {
          Value weight = loadRows(work, e.add(e.mul(e.add(first, i), form.pitch), ownRow));
          Values out(sums);
          for (int64_t c = 0; c < form.threadColumns(); c += 4) {
            Value at = e.add(e.mul(i, form.columns), e.add(e.mul(lane, 4), c * kTeam));
            Value x = e.vload(values, at, 4);
            for (int64_t n = 0; n < 4; ++n)
              out[c + n] = e.fma(weight, each(e.extract(x, n)), out[c + n]);
          }
          return out;
        });
  };
  s.output = e.forLoop(e.index(0), count, e.index(form.valueKeys), s.output, step);
  return s;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// Four columns of a row of the result, of those that there are.
void GPUAttention::store4(Value x, Value position, Value column) {
  Value depth = e.index(form.valueDepth);
  bool whole = form.valueDepth % form.columns == 0;
  x = e.convert(x, out->element);
  Value together = whole ? alignedOut : e.both(alignedOut, e.le(e.add(column, 4), depth));
  e.ifThen(
      together, [&] { e.vstore(x, out->memory, position); },
      [&] {
        for (int64_t i = 0; i < 4; ++i)
          e.ifThen(whole ? e.boolean(true) : e.lt(e.add(column, i), depth), [&] {
            frame.store(e.extract(x, i), *out, e.add(position, e.mul(out->strides.back(), i)));
          });
      });
}

void GPUAttention::finishTile(State s) {
  Value sum = reduceRows(s.sum, [&](Value a, Value b) { return e.addf(a, b); })[0];
  Value factor = inverse(sum), logs = lse ? logOfSum(s.top[0], sum) : Value();
  for (int64_t i = 0; i < form.wide; ++i) {
    Value r = e.add(ownRow, i);
    Row row = rowAt(r);
    e.ifThen(e.lt(e.add(chunkStart, r), total), [&] {
      for (int64_t c = 0; out && c < form.threadColumns(); c += 4) {
        Values x;
        for (int64_t n = 0; n < 4; ++n)
          x.push_back(e.mulf(pick(s.output[c + n], i), pick(factor, i)));
        Value column = e.add(firstColumn, e.add(e.mul(lane, 4), c * kTeam));
        store4(e.pack(x), outputAt(*out, {batch, row.head, row.query, column}), column);
      }
      if (!lse)
        return;
      Value once = e.both(e.eq(lane, e.index(0)), e.eq(firstColumn, e.index(0)));
      e.ifThen(once, [&] {
        frame.store(pick(logs, i), *lse, outputAt(*lse, {batch, row.head, row.query}));
      });
    });
  }
}
