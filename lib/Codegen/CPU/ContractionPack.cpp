//===- ContractionPack.cpp - copies of operands in panels -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ContractionCode.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet::codegen;

// n vectors of n lanes, transposed by log2(n) rounds of two-source shuffles.
static void transpose(Emitter &e, Values &rows) {
  int64_t n = rows.size();
  for (int64_t s = 1; s < n; s *= 2)
    for (int64_t i = 0; i < n; ++i) {
      if (i & s)
        continue;
      SmallVector<int64_t> low, high;
      for (int64_t lane = 0; lane < n; ++lane) {
        low.push_back(lane & s ? n + lane - s : lane);
        high.push_back(lane & s ? n + lane : lane + s);
      }
      Value a = rows[i], b = rows[i + s];
      rows[i] = vector::ShuffleOp::create(e, a, b, low);
      rows[i + s] = vector::ShuffleOp::create(e, a, b, high);
    }
}

// How far ahead reads are fetched that the hardware does not follow, in blocks and in rows.
static constexpr int64_t kBlocksAhead = 6, kRowsAhead = 8;
static constexpr unsigned kInL2 = 2;

namespace {
struct Packer {
  Emitter &e;
  const Matrix &from;
  Value count, depth, to, at, width;
  int64_t group, lanes;

  Type element() { return cast<MemRefType>(from.memory.getType()).getElementType(); }
  void alongColumns();
  void alongDepth();
  Value transposable(Value row);
  Value stored(Value column);
};
} // namespace

// One step of k after the other, in vectors of columns (gathered where they are apart).
void Packer::alongColumns() {
  e.forLoop(e.index(0), e.ceilDiv(depth, group), e.index(1), [&](Value step) {
    Value k = e.mul(step, group);
    Value source = e.add(from.base, e.mul(k, from.depthStride));
    Value target = e.add(at, e.mul(step, e.mul(width, group)));
    e.forLoop(e.index(0), width, e.index(lanes), [&](Value c) {
      Value left = e.sub(count, c), column = e.add(source, e.mul(c, from.stride));
      Value x = stridedLoad(e, from.memory, column, from.stride, lanes, e.mask(left, lanes));
      if (group == 2) {
        Value second = e.select(e.lt(e.add(k, 1), depth), left, e.index(0));
        Value y = stridedLoad(e, from.memory, e.add(column, from.depthStride), from.stride, lanes,
                              e.mask(second, lanes));
        x = vector::InterleaveOp::create(e, x, y);
      }
      e.vstore(x, to, e.add(target, e.mul(c, group)));
    });
  });
}

// Pairs of 16 bits, or single elements below 32, are transposed as 32-bit lanes.
Value Packer::transposable(Value row) {
  auto i32 = e.vec(e.getI32Type(), lanes);
  unsigned bits = element().getIntOrFloatBitWidth();
  if (group == 2)
    return vector::BitCastOp::create(e, i32, row);
  if (bits >= 32)
    return row;
  Type same = e.vec(e.getIntegerType(bits), lanes);
  return arith::ExtUIOp::create(e, i32, vector::BitCastOp::create(e, same, row));
}

Value Packer::stored(Value column) {
  unsigned bits = element().getIntOrFloatBitWidth();
  if (group == 2)
    return vector::BitCastOp::create(e, e.vec(element(), 2 * lanes), column);
  if (bits >= 32)
    return column;
  Type same = e.vec(e.getIntegerType(bits), lanes);
  return vector::BitCastOp::create(e, e.vec(element(), lanes),
                                   arith::TruncIOp::create(e, same, column));
}

// Columns whose k is contiguous: square blocks in registers, one stream of reads per column.
void Packer::alongDepth() {
  int64_t block = lanes * group;
  e.forLoop(e.index(0), width, e.index(lanes), [&](Value c) {
    e.forLoop(e.index(0), depth, e.index(block), [&](Value k) {
      Value here = e.mask(e.sub(depth, k), block), none = e.mask(e.index(0), block);
      Values rows;
      for (int64_t i = 0; i < lanes; ++i) {
        Value column = e.add(c, i);
        Value source = e.add(e.add(from.base, e.mul(column, from.stride)), k);
        e.prefetch(from.memory, e.add(source, kBlocksAhead * block), /*write=*/false, kInL2);
        Value live = e.select(e.lt(column, count), here, none);
        rows.push_back(transposable(e.vload(from.memory, source, block, live)));
      }
      transpose(e, rows);
      Value target = e.add(at, e.add(e.mul(k, width), e.mul(c, group)));
      for (int64_t i = 0; i < lanes; ++i)
        e.vstore(stored(rows[i]), to, e.add(target, e.mul(width, i * group)));
    });
  });
}

void linnet::codegen::packColumns(Emitter &e, const Matrix &from, Value count, Value depth,
                                  Value to, Value at, Value width, int64_t group, int64_t lanes) {
  Packer packer{e, from, count, depth, to, at, width, group, lanes};
  if (Emitter::constantOf(from.depthStride) == 1 && Emitter::constantOf(from.stride) != 1)
    return packer.alongDepth();
  packer.alongColumns();
}

namespace {
/// Rows of a column-major matrix into tiles. Vectors of eight rows go over each other: what is
/// past the sixth is written again by the next step, what is past the last step lies in the gap
/// between tiles.
struct RowPacker {
  static constexpr int64_t width = 8, unroll = 4;
  Emitter &e;
  const Matrix &from;
  Value rows, depth, to;
  int64_t group;
  Value tileStride;

  void run();
  void packTile(Value step, Value source, Value target, Value tile, bool masked);
};
} // namespace

void RowPacker::packTile(Value step, Value source, Value target, Value tile, bool masked) {
  Value first = e.mul(tile, kTileRows), left = e.sub(rows, first);
  Value at = e.add(source, e.mul(first, from.stride));
  auto mask = [&](Value live) { return masked ? e.mask(live, width) : Value(); };
  if (Emitter::constantOf(from.stride) != 1 && !masked)
    return packTile(step, source, target, tile, true);
  Value x = stridedLoad(e, from.memory, at, from.stride, width, mask(left));
  if (group == 2) {
    // there may be no step beside the last one
    Value live = e.select(e.lt(e.add(e.mul(step, 2), 1), depth), left, e.index(0));
    Value y = stridedLoad(e, from.memory, e.add(at, from.depthStride), from.stride, width,
                          e.mask(live, width));
    x = vector::InterleaveOp::create(e, x, y);
  }
  e.vstore(x, to, e.add(target, e.mul(tile, tileStride)));
}

void RowPacker::run() {
  int64_t line = 64 * 8 / cast<MemRefType>(from.memory.getType()).getElementTypeBitWidth();
  Value tiles = e.ceilDiv(rows, kTileRows);
  // as many as can be read in whole vectors, by fours
  Value whole = e.div(e.max(e.sub(rows, width - kTileRows), e.index(0)), kTileRows * unroll);
  whole = e.opaque(e.mul(whole, unroll));
  e.forLoop(e.ceilDiv(depth, group), [&](Value step) {
    Value source = e.add(from.base, e.mul(step, e.mul(from.depthStride, group)));
    Value target = e.mul(step, kTileRows * group);
    Value later = e.add(source, e.mul(from.depthStride, kRowsAhead * group));
    e.forLoop(e.index(0), whole, e.index(unroll), [&](Value tile) {
      if (Emitter::constantOf(from.stride) == 1)
        for (int64_t r = 0; r < kTileRows * unroll; r += line)
          for (int64_t g = 0; g < group; ++g) {
            Value at = e.add(later, e.add(e.mul(tile, kTileRows), r));
            e.prefetch(from.memory, e.add(at, e.mul(from.depthStride, g)), false, kInL2);
          }
      for (int64_t u = 0; u < unroll; ++u)
        packTile(step, source, target, e.add(tile, u), false);
    });
    e.forLoop(whole, tiles, e.index(1),
              [&](Value tile) { packTile(step, source, target, tile, true); });
  });
}

void linnet::codegen::packRows(Emitter &e, const Matrix &from, Value rows, Value depth, Value to,
                               int64_t group, Value tileStride) {
  RowPacker{e, from, rows, depth, to, group, tileStride}.run();
}
