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

// Columns whose k is contiguous: square blocks in registers.
void Packer::alongDepth() {
  int64_t block = lanes * group;
  e.forLoop(e.index(0), depth, e.index(block), [&](Value k) {
    Value here = e.mask(e.sub(depth, k), block), none = e.mask(e.index(0), block);
    e.forLoop(e.index(0), width, e.index(lanes), [&](Value c) {
      Values rows;
      for (int64_t i = 0; i < lanes; ++i) {
        Value column = e.add(c, i);
        Value source = e.add(e.add(from.base, e.mul(column, from.stride)), k);
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
