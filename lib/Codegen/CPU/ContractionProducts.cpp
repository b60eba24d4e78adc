//===- ContractionProducts.cpp - inner loops of matrix products -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ContractionCode.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet::codegen;

// How far ahead B is fetched where few rows of A leave the loop bound by memory.
static constexpr int64_t kRowsAhead = 8, kBytesAhead = 1024;
// Rows a multiple of 4 KiB apart share a set of L1, which has fewer ways than that.
static constexpr unsigned kInL2 = 2;

//===----------------------------------------------------------------------===//
// One step
//===----------------------------------------------------------------------===//

// The halves of 32-bit lanes that hold a bf16 pair, as f32: low is k, high k + 1.
static std::pair<Value, Value> halves(Emitter &e, Value pairs) {
  int64_t n = cast<VectorType>(pairs.getType()).getNumElements() / 2;
  auto bits = e.vec(e.getI32Type(), n), f32 = e.vec(e.f32(), n);
  Value x = vector::BitCastOp::create(e, bits, pairs);
  Value low = arith::ShLIOp::create(e, x, e.iconst(bits, 16));
  Value high = arith::AndIOp::create(e, x, e.iconst(bits, static_cast<int32_t>(0xffff0000)));
  return {arith::BitcastOp::create(e, f32, low), arith::BitcastOp::create(e, f32, high)};
}

Value Products::multiplyAdd(Value a, Value b, Value acc) {
  if (t.group() == 2) {
    int64_t n = cast<VectorType>(acc.getType()).getNumElements();
    if (e.target.bf16Dot && n == kLanes)
      return LLVM::CallIntrinsicOp::create(e, acc.getType(),
                                           e.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
                                           ValueRange{acc, a, b})
          .getResult(0);
    auto [aLow, aHigh] = halves(e, a);
    auto [bLow, bHigh] = halves(e, b);
    return e.fma(aHigh, bHigh, e.fma(aLow, bLow, acc));
  }
  a = widen(a, t.unsignedA);
  b = widen(b, t.unsignedB);
  if (isa<FloatType>(t.compute))
    return e.fma(a, b, acc);
  return arith::AddIOp::create(e, acc, arith::MulIOp::create(e, a, b));
}

Value Products::lastOf(Value live, int64_t i) {
  if (i == 0)
    return e.index(0);
  return live ? e.min(e.index(i), e.sub(live, 1)) : e.index(i);
}

Value Products::broadcastA(const Matrix &a, Value row, Value step, bool packed) {
  int64_t lanes = t.lanes();
  if (t.group() == 1)
    return e.splat(e.load(a.memory, e.add(row, e.mul(step, a.depthStride))), lanes);
  // two steps of k lie together
  Value at = e.add(row, packed ? e.mul(step, a.depthStride) : e.mul(step, 2));
  Value pair = vector::BitCastOp::create(e, e.vec(e.getI32Type(), 1), e.vload(a.memory, at, 2));
  Value all = e.splat(vector::ExtractOp::create(e, pair, 0), lanes);
  return vector::BitCastOp::create(e, e.vec(t.a, 2 * lanes), all);
}

// The last k of an odd count, beside a zero.
Value Products::broadcastOdd(const Matrix &a, Value row, Value step) {
  Value x = e.load(a.memory, e.add(row, e.mul(step, 2)));
  Value bits = arith::ExtUIOp::create(e, e.getI32Type(),
                                      arith::BitcastOp::create(e, e.getIntegerType(16), x));
  return vector::BitCastOp::create(e, e.vec(t.a, 2 * t.lanes()), e.splat(bits, t.lanes()));
}

//===----------------------------------------------------------------------===//
// Sums in memory
//===----------------------------------------------------------------------===//

Values Products::start(const Sums &sums, int64_t rows, int64_t vectors) {
  auto type = e.vec(t.compute, t.lanes());
  auto zeros = [&] { return Values(rows * vectors, e.zero(type)); };
  auto loads = [&] {
    Values out;
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t v = 0; v < vectors; ++v)
        out.push_back(
            e.vload(sums.memory, e.add(sums.base, i * t.panel() + v * t.lanes()), t.lanes()));
    return out;
  };
  SmallVector<Type> types(rows * vectors, type);
  return e.ifElse(sums.first, types, zeros, loads);
}

void Products::finish(const Sums &sums, int64_t vectors, ArrayRef<Value> values) {
  for (auto [i, x] : llvm::enumerate(values)) {
    int64_t at = i / vectors * t.panel() + i % vectors * t.lanes();
    e.vstore(x, sums.memory, e.add(sums.base, at));
  }
}

//===----------------------------------------------------------------------===//
// Tiles along the columns
//===----------------------------------------------------------------------===//

Values Products::runTile(int64_t rows, int64_t vectors, const Matrix &a, bool packedA, Value live,
                         Value depth, Values acc, llvm::function_ref<Value(Value, int64_t)> b,
                         llvm::function_ref<Value(Value, int64_t)> bOdd) {
  Values row;
  for (int64_t i = 0; i < rows; ++i) {
    Value at = e.add(a.base, e.mul(lastOf(live, i), a.stride));
    row.push_back(live ? e.opaque(at) : at);
  }
  auto mac = [&](Value x, Value y, Value z) { return multiplyAdd(x, y, z); };
  auto readA = [&](int64_t i, Value k) { return broadcastA(a, row[i], k, packedA); };
  if (t.group() == 1)
    return e.tile(rows, vectors, depth, acc, readA, b, mac);
  // a packed A is padded to pairs; otherwise nothing past the row may be read
  Value pairs = packedA ? e.ceilDiv(depth, 2) : e.div(depth, 2);
  acc = e.tile(rows, vectors, pairs, acc, readA, b, mac);
  if (packedA)
    return acc;
  SmallVector<Type> types(acc.size(), acc[0].getType());
  auto odd = [&] {
    Values out = acc;
    for (int64_t v = 0; v < vectors; ++v) {
      Value column = bOdd(pairs, v);
      for (int64_t i = 0; i < rows; ++i) {
        Value &x = out[i * vectors + v];
        x = multiplyAdd(broadcastOdd(a, row[i], pairs), column, x);
      }
    }
    return out;
  };
  return e.ifElse(e.eq(e.rem(depth, 2), e.index(1)), types, odd, [&] { return acc; });
}

void Products::fetch(const Ahead &next, Value step) {
  Value row = next.rows ? e.rem(step, next.rows) : step;
  Value at = e.add(next.base, e.mul(row, next.stride));
  if (next.rows)
    at = e.add(at, e.mul(e.div(step, next.rows), next.line));
  e.prefetch(next.memory, at, /*write=*/false, kInL2);
}

void Products::panelTile(int64_t rows, int64_t vectors, const Matrix &a, bool packedA, Value live,
                         const Panel &b, Value depth, const Sums &sums) {
  int64_t stride = t.panel() * t.group(), width = t.lanes() * t.group();
  auto plain = [&](Value k, int64_t v) {
    return e.vload(b.memory, e.add(e.add(b.base, e.mul(k, stride)), v * width), width);
  };
  auto read = [&](Value k, int64_t v) {
    if (v == 0)
      for (const Ahead &next : b.ahead)
        fetch(next, k);
    return plain(k, v);
  };
  Values acc = start(sums, rows, vectors);
  finish(sums, vectors, runTile(rows, vectors, a, packedA, live, depth, acc, read, plain));
}

void Products::directTile(int64_t rows, int64_t vectors, const Matrix &a, bool packedA, Value live,
                          const Matrix &b, Value columns, Value depth, const Sums &sums,
                          const Panel *copy) {
  int64_t lanes = t.lanes(), group = t.group();
  Values masks;
  for (int64_t v = 0; v < vectors; ++v)
    masks.push_back(e.mask(e.sub(columns, v * lanes), lanes));
  auto row = [&](Value k, int64_t v, Value mask) {
    Value at = e.add(e.add(b.base, e.mul(k, b.depthStride)), v * lanes);
    return e.vload(b.memory, at, lanes, mask);
  };
  auto kept = [&](Value x, Value step, int64_t v) {
    if (copy)
      e.vstore(x, copy->memory,
               e.add(e.add(copy->base, e.mul(step, t.panel() * group)), v * lanes * group));
    return x;
  };
  auto read = [&](Value step, int64_t v) -> Value {
    // the rows of B are far apart, which the hardware does not follow
    Value later = e.mul(e.add(step, kRowsAhead), e.mul(b.depthStride, group));
    e.prefetch(b.memory, e.add(e.add(b.base, later), v * lanes), /*write=*/false, kInL2);
    if (group == 1)
      return kept(row(step, v, masks[v]), step, v);
    Value k = e.mul(step, 2), next = e.add(k, 1), mask = masks[v];
    // the steps over a packed A are rounded up to pairs: there may be no row beside the last one
    if (packedA)
      mask = arith::AndIOp::create(e, mask, e.splat(e.lt(next, depth), lanes));
    return kept(vector::InterleaveOp::create(e, row(k, v, masks[v]), row(next, v, mask)), step, v);
  };
  auto odd = [&](Value step, int64_t v) -> Value {
    Value x = row(e.mul(step, 2), v, masks[v]);
    return kept(vector::InterleaveOp::create(e, x, e.zero(x.getType())), step, v);
  };
  Values acc = start(sums, rows, vectors);
  finish(sums, vectors, runTile(rows, vectors, a, packedA, live, depth, acc, read, odd));
}

//===----------------------------------------------------------------------===//
// Tiles along k
//===----------------------------------------------------------------------===//

Values Products::dotSteps(ArrayRef<Value> rowA, ArrayRef<Value> rowB, const Matrix &a,
                          const Matrix &b, Value k, Values acc, Value mask) {
  int64_t width = t.lanes() * t.group(), ahead = kBytesAhead * 8 / t.b.getIntOrFloatBitWidth();
  Values xs;
  for (Value at : rowA)
    xs.push_back(e.vload(a.memory, e.add(at, k), width, mask));
  for (auto [j, at] : llvm::enumerate(rowB)) {
    if (!mask && rowA.size() <= 2)
      e.prefetch(b.memory, e.add(e.add(at, k), ahead), /*write=*/false, kInL2);
    Value y = e.vload(b.memory, e.add(at, k), width, mask);
    for (auto [i, x] : llvm::enumerate(xs))
      acc[i * rowB.size() + j] = multiplyAdd(x, y, acc[i * rowB.size() + j]);
  }
  return acc;
}

Value Products::sum(Value x, Value y) {
  return isa<FloatType>(t.compute) ? e.addf(x, y) : Value(arith::AddIOp::create(e, x, y));
}

void Products::dotTile(int64_t rows, int64_t columns, int64_t unroll, const Matrix &a, Value live,
                       const Matrix &b, Value liveColumns, Value depth, const Sums &sums) {
  int64_t width = t.lanes() * t.group(), count = rows * columns;
  Values rowA, rowB;
  for (int64_t i = 0; i < rows; ++i)
    rowA.push_back(e.add(a.base, e.mul(lastOf(live, i), a.stride)));
  for (int64_t j = 0; j < columns; ++j)
    rowB.push_back(e.add(b.base, e.mul(lastOf(liveColumns, j), b.stride)));
  auto type = e.vec(t.compute, t.lanes());
  // `unroll` independent sums, k apart by a vector
  auto steps = [&](Value k, ValueRange carried) {
    Values all;
    for (int64_t u = 0; u < unroll; ++u)
      llvm::append_range(all, dotSteps(rowA, rowB, a, b, e.add(k, u * width),
                                       Values(carried.slice(u * count, count)), {}));
    return all;
  };
  Value unrolled = e.mul(e.div(depth, unroll * width), unroll * width);
  Values all = e.forLoop(e.index(0), unrolled, e.index(unroll * width),
                         Values(count * unroll, e.zero(type)), steps);
  Values acc(all.begin(), all.begin() + count);
  for (int64_t i = count; i < count * unroll; ++i)
    acc[i % count] = sum(acc[i % count], all[i]);
  // what is left, the last vector masked
  acc = e.forLoop(unrolled, depth, e.index(width), acc, [&](Value k, ValueRange carried) {
    return dotSteps(rowA, rowB, a, b, k, Values(carried), e.mask(e.sub(depth, k), width));
  });
  for (auto [i, x] : llvm::enumerate(acc)) {
    Value at = e.add(sums.base, i / columns * t.panel() + i % columns);
    Value before = e.ifElse(
        sums.first, {t.compute}, [&] { return Values{e.zero(t.compute)}; },
        [&] { return Values{e.load(sums.memory, at)}; })[0];
    Value total = e.reduceLanes(x, [&](Value p, Value q) { return sum(p, q); });
    e.store(sum(before, total), sums.memory, at);
  }
}
