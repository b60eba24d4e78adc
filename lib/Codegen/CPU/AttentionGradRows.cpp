//===- AttentionGradRows.cpp - packing, weights and masks -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AttentionGrad.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static constexpr double kLog2e = llvm::numbers::log2e;
static constexpr int64_t kTileRows = AttentionGradGeometry::kTileRows;

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// Panels of 64 keys, [depth][64] each; places past the last key hold copies of it.
void AttentionGradKernel::packPanels(const View &source, Value key, Value count, int64_t depth,
                                     int64_t stride, Value to) {
  Value base = frame.position(source, {batch, keyHead, key, e.index(0)});
  e.forLoop(e.index(0), e.roundUp(count, kPanel), e.index(kLanes), [&](Value at) {
    Value panel = e.add(e.mul(e.div(at, kPanel), kPanel * stride), e.rem(at, kPanel));
    Value row = e.min(at, e.sub(count, 1));
    Value from = e.add(base, e.mul(row, source.strides[2]));
    Lanes keys{e.sub(count, row), {}};
    auto turn = [&](Value d, int64_t columns) {
      Values x =
          loadTurned(e, source, e.add(from, e.mul(d, source.strides[3])), 2, keys, 3, columns);
      for (auto [i, column] : llvm::enumerate(x))
        e.vstore(column, to, e.add(panel, e.mul(e.add(d, i), kPanel)));
    };
    int64_t whole = depth / kLanes * kLanes;
    e.forLoop(e.index(0), e.index(whole), e.index(kLanes), [&](Value d) { turn(d, kLanes); });
    if (depth > whole)
      turn(e.index(whole), depth - whole);
  });
}

void AttentionGradKernel::packKeyRows(Value key, Value count) {
  e.forLoop(count, [&](Value i) {
    Value from = frame.position(k, {batch, keyHead, e.add(key, i), e.index(0)});
    for (int64_t d = 0; d < geo.keyDepth; d += kLanes) {
      Lanes lanes = Lanes::of(e, e.index(std::min(geo.keyDepth - d, kLanes)), e.index(0));
      Value x = loadLanes(e, k, e.add(from, e.mul(e.index(d), k.strides[3])), 3, lanes);
      e.vstore(x, keyRows, e.add(e.mul(i, geo.keyStride), d));
    }
  });
}

/// Queries and output gradients in f32, lse and totals. A register tile may reach past the last
/// row: there it finds copies of it. An lse of -inf becomes +inf, under which every weight is zero.
void AttentionGradKernel::packRows(const Part &part) {
  auto load = [&](const View &v, const Row &row, int64_t d, int64_t depth) {
    Value at = frame.position(v, {batch, row.head, row.query, e.index(d)});
    return loadLanes(e, v, at, 3, Lanes::of(e, e.index(std::min(depth - d, kLanes)), e.index(0)));
  };
  e.forLoop(e.roundUp(part.rows, kTileRows), [&](Value i) {
    Row row = rowOf(e.add(part.row, e.min(i, e.sub(part.rows, 1))));
    for (int64_t d = 0; d < geo.keyDepth; d += kLanes)
      e.vstore(load(q, row, d, geo.keyDepth), queries, e.add(e.mul(i, geo.keyStride), d));
    Value total = e.vf(0);
    for (int64_t d = 0; d < geo.valueDepth; d += kLanes) {
      Value x = load(dout, row, d, geo.valueDepth);
      e.vstore(x, douts, e.add(e.mul(i, geo.valueStride), d));
      total = e.fma(x, load(o, row, d, geo.valueDepth), total);
    }
    Value sum = e.sumLanes(total);
    if (op.getDlse())
      sum = e.subf(sum, frame.load(dlse, frame.position(dlse, {batch, row.head, row.query})));
    e.store(sum, totals, i);
    Value top = frame.load(lse, frame.position(lse, {batch, row.head, row.query}));
    Value empty = arith::CmpFOp::create(e, arith::CmpFPredicate::OEQ, top, e.f(-INFINITY));
    top = e.select(empty, e.f(INFINITY), geo.simple ? e.mulf(top, e.f(kLog2e)) : top);
    e.store(top, lses, i);
  });
}

//===----------------------------------------------------------------------===//
// Weights
//===----------------------------------------------------------------------===//

/// Whether some row of the part does not see all its keys. Places past the last key count as such.
Value AttentionGradKernel::atEdge(const Part &part) {
  if (hidesSingleKeys())
    return e.boolean(true);
  Value lastRow = e.sub(e.add(part.row, part.rows), 1);
  Value first = visibleKeys(e.div(lastRow, geo.group)).first;
  Value last = visibleKeys(e.div(part.row, geo.group)).last;
  return e.either(e.lt(e.add(part.key, part.from), first),
                  e.lt(last, e.add(part.key, e.roundUp(part.to, kPanel))));
}

/// Weights of the row that are hidden become zero.
void AttentionGradKernel::hideRow(const Part &part, Value i) {
  Row row = rowOf(e.add(part.row, i));
  Value s = e.mul(i, geo.scoreStride), zero = e.vf(0);
  e.forLoop(part.from, part.to, e.index(kLanes), [&](Value c) {
    Value key = e.add(part.key, c), at = e.add(s, c);
    Value seen = visible(row, visibleKeys(row.query), key, keysFrom(key));
    e.vstore(e.select(seen, e.vload(weights, at), zero), weights, at);
  });
  e.forLoop(e.roundUp(part.to, kLanes), e.roundUp(part.to, kPanel), e.index(kLanes),
            [&](Value c) { e.vstore(zero, weights, e.add(s, c)); });
}

/// From dot products to weights, with everything that there is between them.
void AttentionGradKernel::weighRow(const Part &part, Value i) {
  Row row = rowOf(e.add(part.row, i));
  Value s = e.mul(i, geo.scoreStride), zero = e.vf(0), top = e.splat(e.load(lses, i)), skipped;
  if (geo.drops)
    skipped = fillDropout(kept, row, e.add(part.key, part.from), e.sub(part.to, part.from));
  Value slope, p;
  if (op.getAlibiSlopes()) {
    slope = e.splat(alibiSlope(row));
    p = e.add(position, row.query);
  }
  e.forLoop(part.from, part.to, e.index(kLanes), [&](Value c) {
    Value key = e.add(part.key, c), at = e.add(s, c), x = e.vload(weights, at);
    KeyLanes inRange = keysFrom(key);
    if (geo.capped) {
      double cap = op.getSoftcapAttr().getValueAsDouble();
      Value t = math::TanhOp::create(e, e.mulf(x, e.vf(scale() / cap)));
      e.vstore(e.subf(e.vf(1), e.mulf(t, t)), slopes, at);
      x = e.mulf(t, e.vf(cap));
    } else {
      x = e.mulf(x, e.vf(scale()));
    }
    if (op.getBias())
      x = addBias(x, row, key, inRange);
    if (slope)
      x = e.fma(slope, countFrom(e, e.sub(key, p)), x);
    Value w = powerOfTwo(e.mulf(e.subf(x, top), e.vf(kLog2e)));
    w = e.select(visible(row, visibleKeys(row.query), key, inRange), w, zero);
    e.vstore(w, weights, at);
    if (geo.drops)
      e.vstore(e.mulf(w, e.vload(kept, e.add(skipped, e.sub(c, part.from)))), dropped, at);
  });
  e.forLoop(e.roundUp(part.to, kLanes), e.roundUp(part.to, kPanel), e.index(kLanes), [&](Value c) {
    e.vstore(zero, weights, e.add(s, c));
    if (geo.drops)
      e.vstore(zero, dropped, e.add(s, c));
  });
}

/// The gradient of the bias, then the slope of the soft cap.
void AttentionGradKernel::gradeRow(const Part &part, Value i) {
  Row row = rowOf(e.add(part.row, i));
  Value s = e.mul(i, geo.scoreStride);
  auto biasAt = [&](Value key) {
    return frame.position(*dbias, {batch, row.head, row.query, key});
  };
  bool sumsKeys = dbias && Emitter::constantOf(dbias->strides[3]) == 0;
  Values sum = e.forLoop(
      part.from, part.to, e.index(kLanes), Values(sumsKeys, e.vf(0)), [&](Value c, ValueRange in) {
        Value at = e.add(s, c), key = e.add(part.key, c), grad = e.vload(grads, at);
        if (dbias && !sumsKeys) {
          Value mask = keysFrom(key).mask, to = biasAt(key);
          Value before = e.vload(dbias->memory, to, kLanes, mask);
          e.vstore(e.addf(before, grad), dbias->memory, to, mask);
        }
        if (geo.capped)
          e.vstore(e.mulf(grad, e.vload(slopes, at)), grads, at);
        return sumsKeys ? Values{e.addf(in[0], grad)} : Values();
      });
  if (sumsKeys) {
    Value to = biasAt(e.index(0));
    e.store(e.addf(e.load(dbias->memory, to), e.sumLanes(sum[0])), dbias->memory, to);
  }
}
