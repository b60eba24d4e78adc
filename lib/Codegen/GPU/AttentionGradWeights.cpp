//===- AttentionGradWeights.cpp - weights, the gradient of the bias ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../OneOp.h"
#include "AttentionGrad.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static Value whole(GPUEmitter &e, Value x) {
  return arith::SIToFPOp::create(e, e.f32(), e.toInt(x, e.getI32Type()));
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// lse and totals of a tile's rows, whose output gradients are in workgroup memory. An lse of -inf
/// becomes +inf, under which every weight is zero.
void GPUAttentionGrad::packRows(const Tile &rows, int64_t outAt) {
  int64_t team = std::min<int64_t>(8, GPUAttentionGradForm::kThreads / rows.size);
  int64_t pitch = form.pitch(form.valueDepth);
  Value lane = e.rem(e.thread, team);
  Value i = e.min(e.div(e.thread, team), e.index(rows.size - 1)), number = e.add(rows.first, i);
  Row row = rowAt(number);
  Value atOut = positionOf(o, rows, number), staged = e.add(e.mul(i, pitch), outAt);
  Values sum =
      e.forLoop(e.mul(lane, 4), e.index(form.valueDepth), e.index(4 * team), ValueRange{e.f(0)},
                [&](Value d, ValueRange in) {
                  Values x = fetch(o, alignedO, atOut, e.boolean(true), d, form.valueDepth),
                         out(in);
                  Value y = e.vload(memory, e.add(staged, d), 4);
                  for (int64_t n = 0; n < 4; ++n)
                    out[0] = e.fma(x[n], e.extract(y, n), out[0]);
                  return out;
                });
  Value total = e.reduceTeam(sum[0], team, [&](Value a, Value b) { return e.addf(a, b); });
  if (op.getDlse())
    total = e.subf(total, f.load(dlse, f.position(dlse, {batch, row.head, row.query})));
  Value top = f.load(lse, f.position(lse, {batch, row.head, row.query}));
  Value infinity = e.f(std::numeric_limits<float>::infinity());
  Value empty = arith::CmpFOp::create(e, arith::CmpFPredicate::OEQ, top, e.negf(infinity));
  Value mine = e.both(e.eq(lane, e.index(0)), e.lt(e.thread, e.index(rows.size * team)));
  e.ifThen(mine, [&] {
    e.store(e.select(empty, infinity, top), memory, e.add(i, form.lseAt));
    e.store(total, memory, e.add(i, form.totalAt));
  });
}

/// Scores become weights with dropout, their gradients those of scores; keys run fastest where
/// something is read for each of them.
void GPUAttentionGrad::weigh(const Step &s, bool forBias) {
  bool ownFastest = s.own.keys || !(op.getBias() || op.getMask());
  e.forThreads(e.index(s.own.size * s.other.size), [&](Value n) {
    int64_t line = ownFastest ? s.own.size : s.other.size;
    Value fast = e.rem(n, line), slow = e.div(n, line);
    weighOne(s, ownFastest ? fast : slow, ownFastest ? slow : fast, forBias);
  });
}

Value GPUAttentionGrad::dropoutFactor(const Row &row, Value key) {
  Type i64 = e.i64();
  Value number = arith::MulIOp::create(e, e.toInt(rowNumber(row), i64), e.toInt(k.sizes[2], i64));
  number = arith::AddIOp::create(e, number, e.toInt(key, i64));
  Value place = e.toIndex(Value(arith::AndIOp::create(e, number, e.iconst(i64, 3))));
  std::array<Value, 4> factors =
      dropout->factors(arith::ShRUIOp::create(e, number, e.iconst(i64, 2)));
  Value x = factors[0];
  for (int64_t i = 1; i < 4; ++i)
    x = e.select(e.eq(place, e.index(i)), factors[i], x);
  return x;
}

void GPUAttentionGrad::weighOne(const Step &s, Value own, Value other, bool forBias) {
  Value inRows = s.own.keys ? other : own, inKeys = s.own.keys ? own : other;
  Value number = e.add(s.rows().first, inRows), key = e.add(s.keyTile().first, inKeys);
  Value at = e.add(e.mul(other, form.scorePitch()), own);
  Value scoreAt = e.add(at, form.scoresAt), gradAt = e.add(at, form.gradsAt);
  Row row = rowAt(number);
  KeyLanes inRange = keysFrom(key);
  Value x = e.load(memory, scoreAt), slope;
  if (auto given = op.getSoftcapAttr()) {
    double cap = given.getValueAsDouble();
    Value t = math::TanhOp::create(e, x);
    slope = e.subf(e.f(1), e.mulf(t, t));
    x = e.mulf(t, e.f(cap));
  }
  if (op.getBias())
    x = addBias(x, row, key, inRange);
  if (op.getAlibiSlopes())
    x = e.fma(alibiSlope(row), whole(e, e.sub(key, e.add(position, row.query))), x);
  Value seen = e.both(e.lt(number, rowCount), visible(row, visibleKeys(row.query), key, inRange));
  Value w = e.expNonPositive(e.subf(x, e.load(memory, e.add(inRows, form.lseAt))));
  w = e.select(seen, w, e.f(0));
  Value kept = w, grad = e.load(memory, gradAt);
  if (dropout) {
    Value factor = dropoutFactor(row, key);
    kept = e.mulf(w, factor);
    grad = e.mulf(grad, factor);
  }
  grad = e.mulf(w, e.subf(grad, e.load(memory, e.add(inRows, form.totalAt))));
  grad = e.select(seen, grad, e.f(0));
  if (forBias) {
    Value to = e.add(at, form.biasAt);
    return e.store(e.addf(e.load(memory, to), grad), memory, to);
  }
  e.store(kept, memory, scoreAt);
  e.store(slope ? e.mulf(grad, slope) : grad, memory, gradAt);
}

//===----------------------------------------------------------------------===//
// The gradient of the bias
//===----------------------------------------------------------------------===//

/// Of one tile, in the order of batches, heads, keys and rows.
void GPUAttentionGrad::emitBias(Value number) {
  int64_t tile[] = {1, 1, form.other, form.own};
  Value all[] = {q.sizes[0], q.sizes[1], q.sizes[2], k.sizes[2]}, first[4], last[4];
  for (int64_t d = 3; d >= 0; --d) {
    first[d] = e.index(0), last[d] = all[d];
    if (form.repeats[d])
      continue;
    Value tiles = e.ceilDiv(all[d], tile[d]);
    first[d] = e.mul(e.rem(number, tiles), tile[d]);
    last[d] = e.min(all[d], e.add(first[d], tile[d]));
    number = e.div(number, tiles);
  }
  e.forThreads(e.index(form.other * form.scorePitch()),
               [&](Value i) { e.store(e.f(0), memory, e.add(i, form.biasAt)); });
  e.forLoop(first[0], last[0], e.index(1), [&](Value b) {
    e.forLoop(first[1], last[1], e.index(1), [&](Value h) {
      batch = b, oneHead = h, keyHead = e.div(h, group), rowCount = q.sizes[2];
      loadKeyLimits();
      e.forLoop(first[3], last[3], e.index(tile[3]), [&](Value key) {
        Tile own = keyTile(tile[3], key);
        stageOwn(own);
        e.forLoop(first[2], last[2], e.index(tile[2]), [&](Value r) {
          Step s{own, rowTile(tile[2], r)};
          e.ifThen(seesTile(s), [&] { makeWeights(s, true); });
        });
      });
    });
  });
  storeBias(first);
}

void GPUAttentionGrad::storeBias(ArrayRef<Value> first) {
  auto place = [&](Value row, Value key) {
    return e.add(e.add(e.mul(row, form.scorePitch()), key), form.biasAt);
  };
  auto total = [&](int64_t count, llvm::function_ref<Value(Value)> at) {
    return e.forLoop(
        e.index(0), e.index(count), e.index(1), ValueRange{e.f(0)},
        [&](Value i, ValueRange in) { return Values{e.addf(in[0], e.load(memory, at(i)))}; })[0];
  };
  int64_t rows = form.repeats[2] ? 1 : form.other;
  int64_t keys = form.repeats[3] ? 1 : form.own;
  Value zero = e.index(0);
  e.barrier();
  if (form.repeats[3]) {
    e.forThreads(e.index(form.other), [&](Value r) {
      Value sum = total(form.own, [&](Value key) { return place(r, key); });
      e.store(sum, memory, place(r, zero));
    });
    e.barrier();
  }
  if (form.repeats[2]) {
    e.forThreads(e.index(keys), [&](Value key) {
      Value sum = total(form.other, [&](Value r) { return place(r, key); });
      e.store(sum, memory, place(zero, key));
    });
    e.barrier();
  }
  e.forThreads(e.index(rows * keys), [&](Value n) {
    Value i = e.div(n, keys), j = e.rem(n, keys);
    Value r = e.add(first[2], i), key = e.add(first[3], j);
    Value inside = form.repeats[2] ? e.boolean(true) : e.lt(r, q.sizes[2]);
    inside = form.repeats[3] ? inside : e.both(inside, e.lt(key, k.sizes[2]));
    e.ifThen(inside, [&] {
      Value x = e.convert(e.load(memory, place(i, j)), dbias->element);
      f.store(x, *dbias, f.position(*dbias, {first[0], first[1], r, key}));
    });
  });
}
