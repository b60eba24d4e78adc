//===- AttentionSoftmax.cpp - running softmax and sums of values ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AttentionKernel.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static constexpr double kLog2e = llvm::numbers::log2e;
static constexpr int64_t kUnroll = 4; ///< vectors that a panel has

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

/// exp of a difference to the maximum. Scores are in units of ln 2 unless there is a bias:
/// scaling a bias of finfo.min would overflow.
Value AttentionKernel::exponential(Value difference) {
  if (op.getBias())
    difference = e.mulf(difference, e.fconst(difference.getType(), kLog2e));
  return powerOfTwo(difference);
}

static Value maximum(Emitter &e, ValueRange top) {
  return e.maxf(e.maxf(top[0], top[1]), e.maxf(top[2], top[3]));
}

/// Of the keys from place `from` to `end`, 64 at a time; a block may have no more.
Values AttentionKernel::overPanels(Value from, Value end, const Values &init,
                                   llvm::function_ref<Values(Value, ValueRange)> body) {
  if (geo.keys == kPanel)
    return body(e.index(0), init);
  return e.forLoop(from, end, e.index(kPanel), init, body);
}

/// Lane by lane: of the scores of row `r` at `s`, and those before.
Value AttentionKernel::rowMaxima(Value r, Value s, Value from, Value end) {
  Values top(kUnroll, e.splat(e.load(maxima, r)));
  top = overPanels(from, end, top, [&](Value c, ValueRange in) {
    Values next;
    for (int64_t u = 0; u < kUnroll; ++u)
      next.push_back(e.maxf(e.vload(scores, e.add(e.add(s, c), u * kLanes)), in[u]));
    return next;
  });
  return maximum(e, top);
}

/// The same of the scores with the bias of ALiBi, which are stored. Distances to the keys grow by
/// whole numbers, so that none of their sums is rounded.
Value AttentionKernel::biasedRowMaxima(Value r, Value s, Value key, Value from, Value end) {
  Row row = rowAt(r);
  Value slope = alibiSlope(row);
  if (!op.getBias())
    slope = e.mulf(slope, e.f(kLog2e));
  slope = e.splat(slope);
  Values state(kUnroll, e.splat(e.load(maxima, r)));
  state.push_back(countFrom(e, e.sub(e.add(key, from), e.add(position, row.query))));
  state = overPanels(from, end, state, [&](Value c, ValueRange in) {
    Values next;
    Value distance = in.back();
    for (int64_t u = 0; u < kUnroll; ++u) {
      Value at = e.add(e.add(s, c), u * kLanes);
      Value score = e.fma(slope, distance, e.vload(scores, at));
      e.vstore(score, scores, at);
      next.push_back(e.maxf(score, in[u]));
      distance = e.addf(distance, e.vf(kLanes));
    }
    next.push_back(distance);
    return next;
  });
  return maximum(e, state);
}

/// The running maximum of a row sees the block's scores.
void AttentionKernel::seeScores(Value r, Value s, Value key, Value from, Value to) {
  Value end = e.roundUp(to, kPanel);
  Value top =
      op.getAlibiSlopes() ? biasedRowMaxima(r, s, key, from, end) : rowMaxima(r, s, from, end);
  raiseMaximum(r, e.maxLanes(top));
}

/// The same of all rows. A maximum rises rarely after the first blocks: whether any does takes one
/// branch, and no row waits until its lanes have met.
void AttentionKernel::seeAllScores(Value from, Value to) {
  Value end = e.roundUp(to, kPanel);
  Value none = arith::ConstantOp::create(e, DenseElementsAttr::get(e.vec(e.getI1Type()), false));
  Value rise = none;
  for (int64_t i = 0; i < geo.blockRows; ++i) {
    Value r = e.index(i), top = rowMaxima(r, scoreRow(r), from, end);
    rise = e.either(rise, e.gtf(top, e.splat(e.load(maxima, r))));
  }
  e.ifThen(vector::ReductionOp::create(e, vector::CombiningKind::OR, rise), [&] {
    e.forLoop(rows,
              [&](Value r) { raiseMaximum(r, e.maxLanes(rowMaxima(r, scoreRow(r), from, end))); });
  });
}

/// Where `now` is above the running maximum, that is the maximum from here on; sum and output so
/// far follow.
void AttentionKernel::raiseMaximum(Value r, Value now) {
  Value old = e.load(maxima, r);
  e.ifThen(e.gtf(now, old), [&] {
    Value factor = exponential(e.subf(e.splat(old), e.splat(now)));
    Value sum = e.mul(r, kLanes);
    e.store(now, maxima, r);
    e.vstore(e.mulf(e.vload(sums, sum), factor), sums, sum);
    rescale(r, factor);
  });
}

/// Scores of row `r` at `s` become weights. Sums stay 16 lanes wide to the end.
void AttentionKernel::weighRow(Value r, Value s, Value from, Value to) {
  Value end = e.roundUp(to, kPanel), shift = e.splat(e.load(maxima, r));
  Values sum(kUnroll, e.vf(0));
  sum = overPanels(from, end, sum, [&](Value c, ValueRange in) {
    Values next;
    for (int64_t u = 0; u < kUnroll; ++u) {
      Value at = e.add(e.add(s, c), u * kLanes);
      Value weight = exponential(e.subf(e.vload(scores, at), shift));
      e.vstore(weight, scores, at);
      next.push_back(e.addf(in[u], weight));
    }
    return next;
  });
  Value added = e.addf(e.addf(sum[0], sum[1]), e.addf(sum[2], sum[3]));
  Value at = e.mul(r, kLanes);
  e.vstore(e.addf(e.vload(sums, at), added), sums, at);
}

void AttentionKernel::rescale(Value r, Value factor) {
  for (int64_t d = 0; d < geo.valueStride; d += kLanes) {
    Value at = e.add(e.mul(r, geo.valueStride), d);
    e.vstore(e.mulf(factor, e.vload(outputs, at)), outputs, at);
  }
}

/// Weights of the row that are dropped become zero; the sum has seen them already.
void AttentionKernel::dropRow(Value r, Value s, Value key, Value from, Value to) {
  Value skipped = fillDropout(kept, rowAt(r), e.add(key, from), e.sub(to, from));
  e.forLoop(from, e.roundUp(to, kLanes), e.index(kLanes), [&](Value c) {
    Value at = e.add(s, c), factor = e.vload(kept, e.add(skipped, e.sub(c, from)));
    e.vstore(e.mulf(e.vload(scores, at), factor), scores, at);
  });
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// 16 values of key `i` of the block.
Value AttentionKernel::valueLanes(Value i, Value key, int64_t column, bool prefetches) {
  if (geo.packsValues)
    return e.vload(values, e.add(e.mul(i, geo.valueStride), column));
  Value row = e.add(valueBase, e.mul(e.add(key, i), v.strides[2]));
  Value at = e.add(row, e.mul(e.index(column), v.strides[3]));
  if (prefetches)
    prefetchAhead(v, at, column, rowsAhead(v, geo.valueDepth));
  int64_t left = std::min(geo.valueDepth - column, kLanes);
  return loadLanes(e, v, at, 3, Lanes::of(e, e.index(left), e.index(0)));
}

void AttentionKernel::accumulate(Value firstRow, Value rows, Value key, Value from, Value to) {
  int64_t most = e.target.avx512 ? 4 : 1;
  int64_t total = geo.valueStride / kLanes;
  for (int64_t first = 0; first < total; first += most)
    e.forLoop(e.index(0), rows, e.index(geo.tileRows), [&](Value i) {
      accumulateTile({e.add(firstRow, i), e.mul(i, geo.keys), first, std::min(most, total - first),
                      geo.tileRows, /*prefetches=*/false},
                     key, from, to);
    });
}

void AttentionKernel::accumulateTile(const ValueTile &tile, Value key, Value from, Value to) {
  Values output, weight, sum;
  for (int64_t m = 0; m < tile.rows; ++m) {
    output.push_back(e.add(e.mul(e.add(tile.row, m), geo.valueStride), tile.first * kLanes));
    weight.push_back(e.add(e.add(tile.scores, m * geo.keys), from));
    for (int64_t n = 0; n < tile.vectors; ++n)
      sum.push_back(e.vload(outputs, e.add(output[m], n * kLanes)));
  }
  sum = e.tile(
      tile.rows, tile.vectors, e.sub(to, from), sum,
      [&](int64_t m, Value i) { return e.splat(e.load(scores, e.add(weight[m], i))); },
      [&](Value i, int64_t n) {
        return valueLanes(e.add(from, i), key, (tile.first + n) * kLanes, tile.prefetches);
      });
  for (int64_t m = 0; m < tile.rows; ++m)
    for (int64_t n = 0; n < tile.vectors; ++n)
      e.vstore(sum[m * tile.vectors + n], outputs, e.add(output[m], n * kLanes));
}
