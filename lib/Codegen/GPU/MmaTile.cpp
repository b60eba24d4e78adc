//===- MmaTile.cpp - a workgroup's tile of a product by tensor cores --------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "MmaTile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet::codegen;

MmaTile::MmaTile(GPUEmitter &e) : e(e) {
  auto side = [&](int64_t length) {
    return Side{length, e.shared(e.getI32Type(), kDepth / 2 * pitch(length))};
  };
  a = side(kRows);
  b = side(kColumns);
  Value warp = e.div(e.thread, 32), lane = e.rem(e.thread, 32);
  warpRow = e.mul(e.div(warp, kColumns / kWarpColumns), kWarpRows);
  warpColumn = e.mul(e.rem(warp, kColumns / kWarpColumns), kWarpColumns);
  group = e.div(lane, 4);
  inGroup = e.rem(lane, 4);
}

//===----------------------------------------------------------------------===//
// Into workgroup memory
//===----------------------------------------------------------------------===//

/// kWide of them. Only where a buffer starts decides whether they are aligned.
Value MmaTile::elements(const Source &from, Value position) {
  Type stored = cast<MemRefType>(from.view.memory.getType()).getElementType();
  auto type = VectorType::get({kWide}, stored);
  return e.ifElse(
      e.eq(e.rem(position, kWide), e.index(0)), TypeRange{type},
      [&] { return Values{e.vload(from.view.memory, position, kWide)}; },
      [&] {
        Values lanes;
        for (int64_t i = 0; i < kWide; ++i)
          lanes.push_back(e.load(from.view.memory, e.add(position, i)));
        return Values{e.pack(lanes)};
      })[0];
}

void MmaTile::fill(const Side &s, const Source &from) {
  Type i32 = e.getI32Type(), i16 = e.getI16Type();
  int64_t words = kWide / 2;
  if (from.alongK)
    return e.forThreads(e.index(s.length * kDepth / kWide), [&](Value number) {
      Value along = e.mul(e.rem(number, kDepth / kWide), kWide);
      Value row = e.div(number, kDepth / kWide);
      Value x = elements(from, e.add(from.start, e.add(along, e.mul(row, from.stride))));
      Value pairs = vector::BitCastOp::create(e, VectorType::get({words}, i32), x);
      Value at = e.add(e.mul(e.div(along, 2), pitch(s.length)), row);
      for (int64_t i = 0; i < words; ++i)
        e.store(e.extract(pairs, i), s.memory, e.add(at, i * pitch(s.length)));
    });
  e.forThreads(e.index(s.length / kWide * kDepth / 2), [&](Value number) {
    Value row = e.mul(e.rem(number, s.length / kWide), kWide);
    Value pair = e.div(number, s.length / kWide);
    Value position = e.add(e.add(from.start, row), e.mul(e.mul(pair, 2), from.strideK));
    Value low = elements(from, position), high = elements(from, e.add(position, from.strideK));
    auto bits = [&](Value x, int64_t i) -> Value {
      Value half = arith::BitcastOp::create(e, i16, e.extract(x, i));
      return arith::ExtUIOp::create(e, i32, half);
    };
    Values pairs;
    for (int64_t i = 0; i < kWide; ++i)
      pairs.push_back(arith::OrIOp::create(
          e, bits(low, i),
          Value(arith::ShLIOp::create(e, bits(high, i), e.iconst(e.getI32Type(), 16)))));
    Value at = e.add(e.mul(pair, pitch(s.length)), row);
    for (int64_t i = 0; i < kWide; i += 4)
      e.vstore(e.pack(ValueRange(pairs).slice(i, 4)), s.memory, e.add(at, i));
  });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

Value MmaTile::word(const Side &s, Value pair, Value row) {
  return e.load(s.memory, e.add(e.mul(pair, pitch(s.length)), row));
}

/// Of 16 along k. An instruction takes of a lane of group g, in which it is t: of A the words of
/// rows g and g + 8 at pairs t and t + 4, of B those of column g; it gives the sums of these rows
/// in columns 2t and 2t + 1.
Values MmaTile::products(Values sums, int64_t firstPair) {
  Value first = e.add(inGroup, firstPair), second = e.add(inGroup, firstPair + 4);
  SmallVector<Values> rows, columns;
  for (int64_t i = 0; i < kAcross; ++i) {
    Value row = e.add(e.add(warpRow, group), 16 * i), below = e.add(row, 8);
    rows.push_back(
        {word(a, first, row), word(a, first, below), word(a, second, row), word(a, second, below)});
  }
  for (int64_t j = 0; j < kAlong; ++j) {
    Value column = e.add(e.add(warpColumn, group), 8 * j);
    columns.push_back({word(b, first, column), word(b, second, column)});
  }
  Type f32 = e.getF32Type();
  auto result = LLVM::LLVMStructType::getLiteral(e.getContext(), {f32, f32, f32, f32});
  std::array types = {NVVM::MMATypes::bf16, NVVM::MMATypes::bf16};
  std::array layouts = {NVVM::MMALayout::row, NVVM::MMALayout::col};
  for (int64_t i = 0; i < kAcross; ++i)
    for (int64_t j = 0; j < kAlong; ++j) {
      auto four = MutableArrayRef<Value>(sums).slice(4 * (i * kAlong + j), 4);
      Value d =
          NVVM::MmaOp::create(e, result, rows[i], columns[j], ValueRange(ArrayRef<Value>(four)),
                              {16, 8, 16}, std::nullopt, std::nullopt, types, layouts);
      for (int64_t r = 0; r < 4; ++r)
        four[r] = LLVM::ExtractValueOp::create(e, d, r);
    }
  return sums;
}

Values MmaTile::steps(Value k, llvm::function_ref<Sources(Value)> at) {
  Values zeros(4 * kAcross * kAlong, e.zero(e.getF32Type()));
  return e.forLoop(e.index(0), k, e.index(kDepth), zeros, [&](Value from, ValueRange carried) {
    Sources sources = at(from);
    e.barrier(); // the step before has been read
    fill(a, sources.first);
    fill(b, sources.second);
    e.barrier();
    Values sums(carried);
    for (int64_t pair = 0; pair < kDepth / 2; pair += 8)
      sums = products(sums, pair);
    return sums;
  });
}

/// Sixteen rows of every warp at a time.
void MmaTile::finish(const Values &sums, llvm::function_ref<void(Value, Value, Value)> finish) {
  int64_t rows = kRows / kWarpRows * 16;
  Value memory = e.shared(e.getF32Type(), rows * kColumns);
  Value bandRow = e.add(e.mul(e.div(warpRow, kWarpRows), 16), group);
  for (int64_t i = 0; i < kAcross; ++i) {
    e.barrier();
    for (int64_t j = 0; j < kAlong; ++j)
      for (int64_t r = 0; r < 4; ++r) {
        Value row = e.add(bandRow, r / 2 * 8);
        Value column = e.add(e.add(warpColumn, e.mul(inGroup, 2)), 8 * j + r % 2);
        e.store(sums[4 * (i * kAlong + j) + r], memory, e.add(e.mul(row, kColumns), column));
      }
    e.barrier();
    e.forThreads(e.index(rows * kColumns), [&](Value number) {
      Value row = e.div(number, kColumns), column = e.rem(number, kColumns);
      Value inTile = e.add(e.mul(e.div(row, 16), kWarpRows), e.add(e.rem(row, 16), 16 * i));
      finish(e.load(memory, number), inTile, column);
    });
  }
}
