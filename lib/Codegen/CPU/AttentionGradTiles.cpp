//===- AttentionGradTiles.cpp - the five products of attention's gradients ===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "AttentionGrad.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static constexpr double kLog2e = llvm::numbers::log2e;
static constexpr int64_t kTileRows = AttentionGradGeometry::kTileRows;
static constexpr int64_t kTileKeys = AttentionGradGeometry::kTileKeys;

//===----------------------------------------------------------------------===//
// Rows times panels
//===----------------------------------------------------------------------===//

/// Register tiles of rows times transposed panels; `finish` takes the sums of 16 keys of a row, the
/// row in the block and the position in a matrix of scores.
void AttentionGradKernel::overPanels(const Part &part, Value rows, Value panels, int64_t depth,
                                     int64_t stride,
                                     llvm::function_ref<void(Value, Value, Value)> finish) {
  int64_t vectors = panelVectors();
  e.forLoop(part.from, e.roundUp(part.to, kPanel), e.index(vectors * kLanes), [&](Value at) {
    Value panel = e.add(e.mul(e.div(at, kPanel), kPanel * stride), e.rem(at, kPanel));
    e.forLoop(e.index(0), part.rows, e.index(kTileRows), [&](Value i) {
      Values row;
      for (int64_t m = 0; m < kTileRows; ++m)
        row.push_back(e.mul(e.add(i, m), stride));
      Values sums = dotProducts(rows, row, panels, panel, depth, vectors);
      for (int64_t m = 0; m < kTileRows; ++m)
        for (int64_t n = 0; n < vectors; ++n) {
          Value r = e.add(i, m);
          finish(sums[m * vectors + n], r, e.add(e.add(e.mul(r, geo.scoreStride), at), n * kLanes));
        }
    });
  });
}

/// Weights where nothing but lse is needed for them, else dot products as they are.
void AttentionGradKernel::scores(const Part &part) {
  Value factor = e.vf(scale() * kLog2e);
  overPanels(part, queries, keyPanels, geo.keyDepth, geo.keyStride,
             [&](Value dot, Value r, Value at) {
               if (geo.simple)
                 dot = powerOfTwo(e.fma(dot, factor, e.negf(e.splat(e.load(lses, r)))));
               e.vstore(dot, weights, at);
             });
}

/// A weight of zero has the gradient zero, whatever lies in a hidden key.
void AttentionGradKernel::gradients(const Part &part) {
  overPanels(part, douts, valuePanels, geo.valueDepth, geo.valueStride,
             [&](Value dot, Value r, Value at) {
               Value w = e.vload(weights, at), total = e.splat(e.load(totals, r));
               Value grad;
               if (geo.drops)
                 grad = e.subf(e.mulf(dot, e.vload(dropped, at)), e.mulf(total, w));
               else
                 grad = e.mulf(e.subf(dot, total), w);
               Value none = arith::CmpFOp::create(e, arith::CmpFPredicate::OEQ, w, e.vf(0));
               e.vstore(e.select(none, e.vf(0), grad), grads, at);
             });
}

//===----------------------------------------------------------------------===//
// Sums over keys and over rows
//===----------------------------------------------------------------------===//

/// Columns of a register tile: as many vectors as fit, shared out evenly.
void AttentionGradKernel::overColumns(int64_t stride,
                                      llvm::function_ref<void(int64_t, int64_t)> body) const {
  int64_t total = stride / kLanes, most = e.target.avx512 ? 4 : 1;
  int64_t vectors = llvm::divideCeil(total, llvm::divideCeil(total, most));
  for (int64_t first = 0; first < total; first += vectors)
    body(first * kLanes, std::min(vectors, total - first));
}

void AttentionGradKernel::queryGrads(const Part &part) {
  overColumns(geo.keyStride, [&](int64_t column, int64_t vectors) {
    e.forLoop(e.index(0), part.rows, e.index(kTileRows), [&](Value i) {
      Values from;
      for (int64_t m = 0; m < kTileRows; ++m)
        from.push_back(e.add(e.mul(e.add(i, m), geo.scoreStride), part.from));
      Value rows = e.add(e.mul(part.from, geo.keyStride), column);
      Values sums = e.tile(
          kTileRows, vectors, e.sub(part.to, part.from), Values(kTileRows * vectors, e.vf(0)),
          [&](int64_t m, Value j) { return e.splat(e.load(grads, e.add(from[m], j))); },
          [&](Value j, int64_t n) {
            return e.vload(keyRows, e.add(e.add(rows, n * kLanes), e.mul(j, geo.keyStride)));
          });
      for (int64_t m = 0; m < kTileRows; ++m)
        for (int64_t n = 0; n < vectors; ++n)
          e.vstore(sums[m * vectors + n], querySums,
                   e.add(e.mul(e.add(i, m), geo.keyStride), column + n * kLanes));
    });
  });
  e.forLoop(part.rows, [&](Value i) {
    Row row = rowOf(e.add(part.row, i));
    Value to = frame.position(*dq, {batch, row.head, row.query, e.index(0)});
    for (int64_t d = 0; d < geo.keyDepth; d += kLanes) {
      Lanes lanes = Lanes::of(e, e.index(std::min(geo.keyDepth - d, kLanes)), e.index(0));
      Value at = e.add(to, e.mul(e.index(d), dq->strides[3]));
      Value sum = e.fma(e.vload(querySums, e.add(e.mul(i, geo.keyStride), d)), e.vf(scale()),
                        loadLanes(e, *dq, at, 3, lanes));
      storeLanes(e, sum, *dq, at, 3, lanes);
    }
  });
}

/// sums[j] += weights[i, j] * rows[i] for the rows i of the block.
void AttentionGradKernel::keyGrads(const Part &part, Value weights, Value rows, Value sums,
                                   int64_t stride) {
  overColumns(stride, [&](int64_t column, int64_t vectors) {
    e.forLoop(part.from, part.to, e.index(kTileKeys), [&](Value j) {
      Values sum;
      auto at = [&](int64_t m, int64_t n) {
        return e.add(e.mul(e.add(j, m), stride), column + n * kLanes);
      };
      for (int64_t m = 0; m < kTileKeys; ++m)
        for (int64_t n = 0; n < vectors; ++n)
          sum.push_back(e.vload(sums, at(m, n)));
      sum = e.tile(
          kTileKeys, vectors, part.rows, sum,
          [&](int64_t m, Value i) {
            return e.splat(e.load(weights, e.add(e.add(e.mul(i, geo.scoreStride), j), m)));
          },
          [&](Value i, int64_t n) {
            return e.vload(rows, e.add(e.mul(i, stride), column + n * kLanes));
          });
      for (int64_t m = 0; m < kTileKeys; ++m)
        for (int64_t n = 0; n < vectors; ++n)
          e.vstore(sum[m * vectors + n], sums, at(m, n));
    });
  });
}
