//===- AttentionScores.cpp - scores of attention, and what changes them ---===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AttentionKernel.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static constexpr double kLog2e = llvm::numbers::log2e;

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// Panels of 64 keys, [depth][64] each; places past the last key hold copies of it.
void AttentionKernel::packKeys(Value key, Value count) {
  e.forLoop(e.index(0), e.roundUp(count, kPanel), e.index(kLanes),
            [&](Value at) { packPanelColumns(key, count, at); });
}

/// The 16 keys from place `at` of the block on.
void AttentionKernel::packPanelColumns(Value key, Value count, Value at) {
  Value panel = e.mul(e.div(at, kPanel), kPanel * geo.keyStride);
  Value to = e.add(panel, e.rem(at, kPanel));
  Value from = e.add(keyBase, e.mul(e.add(key, at), k.strides[2]));
  Lanes keys{e.sub(count, at), {}};
  auto turn = [&](Value d, int64_t depth) {
    Value source = e.add(from, e.mul(d, k.strides[3]));
    Values columns = loadTurned(e, k, source, 2, keys, 3, depth);
    for (auto [i, column] : llvm::enumerate(columns))
      e.vstore(column, panels, e.add(to, e.mul(e.add(d, i), kPanel)));
  };
  int64_t whole = geo.keyDepth / kLanes * kLanes;
  e.forLoop(e.index(0), e.index(whole), e.index(kLanes), [&](Value d) { turn(d, kLanes); });
  if (geo.keyDepth > whole)
    turn(e.index(whole), geo.keyDepth - whole);
}

void AttentionKernel::packValues(Value key, Value count) {
  e.forLoop(count, [&](Value i) {
    Value from = e.add(valueBase, e.mul(e.add(key, i), v.strides[2]));
    for (int64_t d = 0; d < geo.valueDepth; d += kLanes) {
      Lanes lanes = Lanes::of(e, e.index(std::min(geo.valueDepth - d, kLanes)), e.index(0));
      Value x = loadLanes(e, v, e.add(from, e.mul(e.index(d), v.strides[3])), 3, lanes);
      e.vstore(x, values, e.add(e.mul(i, geo.valueStride), d));
    }
  });
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// Register tiles over panels: one broadcast query element times vectors of keys.
void AttentionKernel::scoresFromPanels(Value firstRow, Value rows, Value from, Value to) {
  // 24 accumulators of 32 registers, or 12 of 16
  int64_t vectors = e.target.avx512 ? 4 : 1;
  int64_t width = vectors * kLanes;
  e.forLoop(from, e.roundUp(to, kPanel), e.index(width), [&](Value at) {
    Value panel = e.add(e.mul(e.div(at, kPanel), kPanel * geo.keyStride), e.rem(at, kPanel));
    e.forLoop(e.index(0), rows, e.index(geo.tileRows), [&](Value i) {
      Values query, score;
      for (int64_t m = 0; m < geo.tileRows; ++m) {
        query.push_back(e.mul(e.add(e.add(firstRow, i), m), geo.keyStride));
        score.push_back(e.add(e.mul(e.add(i, m), geo.keys), at));
      }
      Values sum = dotProducts(queries, query, panels, panel, geo.keyDepth, vectors);
      for (int64_t m = 0; m < geo.tileRows; ++m)
        for (int64_t n = 0; n < vectors; ++n)
          e.vstore(sum[m * vectors + n], scores, e.add(score[m], n * kLanes));
    });
  });
}

//===----------------------------------------------------------------------===//
// Soft cap, bias and masks
//===----------------------------------------------------------------------===//

bool AttentionKernel::adjustsEveryBlock() {
  return op.getBias() || op.getSoftcapAttr() || hidesSingleKeys();
}

void AttentionKernel::adjust(Value firstRow, Value rows, Value key, Value from, Value to) {
  e.forLoop(rows,
            [&](Value i) { adjustRow(e.add(firstRow, i), e.mul(i, geo.keys), key, from, to); });
}

void AttentionKernel::adjustRow(Value r, Value s, Value key, Value from, Value to) {
  Row row = rowAt(r);
  Value hidden = e.vf(-INFINITY);
  e.forLoop(from, to, e.index(kLanes), [&](Value c) {
    Value first = e.add(key, c), at = e.add(s, c);
    KeyLanes inRange = keysFrom(first);
    Value x = e.vload(scores, at);
    if (auto cap = op.getSoftcapAttr()) {
      double unit = op.getBias() ? 1 : kLog2e;
      x = e.mulf(math::TanhOp::create(e, x), e.vf(cap.getValueAsDouble() * unit));
    }
    if (op.getBias())
      x = addBias(x, row, first, inRange);
    Value seen = visible(row, {firstKey(r), lastKey(r)}, first, inRange);
    e.vstore(e.select(seen, x, hidden), scores, at);
  });
  e.forLoop(e.roundUp(to, kLanes), e.roundUp(to, kPanel), e.index(kLanes),
            [&](Value c) { e.vstore(hidden, scores, e.add(s, c)); });
}
