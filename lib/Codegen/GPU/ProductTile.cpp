//===- ProductTile.cpp - a workgroup's tile of a matrix product -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ProductTile.h"
#include "../Epilogue.h"
#include "../OneOp.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

/// From so many tiles on a device has enough to do with large ones.
static constexpr int64_t kManyTiles = 96;

GPUTile GPUTile::choose(int64_t m, int64_t n, int64_t batch, bool narrow, const GPUTarget &target) {
  auto tiles = [&](int64_t rows, int64_t columns) {
    return batch * llvm::divideCeil(m, rows) * llvm::divideCeil(n, columns);
  };
  if (m <= 16 && n > 16)
    return {16, 64, 32, 2, 4};
  if (n <= 16 && m > 16)
    return {64, 16, 32, 4, 2};
  if (m <= 16)
    return {16, 16, 32, 2, 2};
  bool large = narrow && target.maxWorkgroup >= 256;
  if (large && m <= 64 && tiles(64, 128) >= kManyTiles)
    return {64, 128, 16, 4, 8};
  if (large && tiles(128, 128) >= kManyTiles)
    return {128, 128, 16, 8, 8};
  if (tiles(64, 64) >= kManyTiles / 2 || (m > 512 && n > 512))
    return {64, 64, 16, 4, 4};
  return {32, 32, 32, 2, 4};
}

GPUTile GPUTile::chooseDeep(int64_t m, int64_t n, int64_t k, int64_t batch, bool narrow,
                            const GPUTarget &target) {
  GPUTile most = choose(m, n, batch, narrow, target);
  auto tiles = [&](const GPUTile &t) {
    return batch * llvm::divideCeil(m, t.rows) * llvm::divideCeil(n, t.columns);
  };
  if (!narrow || k < 512 || tiles(most) >= kManyTiles || target.maxWorkgroup < 256)
    return most;
  GPUTile middle{32, 32, 32, 2, 4, 2}, small{16, 16, 64, 2, 2, 4};
  return 2 * tiles(middle) >= kManyTiles && m > 16 && n > 16 ? middle : small;
}

GPUTile GPUTile::of(const KernelViews &frame) {
  return {frame.strategyInt("rows"),           frame.strategyInt("columns"),
          frame.strategyInt("depth"),          frame.strategyInt("thread_rows"),
          frame.strategyInt("thread_columns"), frame.strategyInt("slices", 1)};
}

void GPUTile::select(exec::KernelOp kernel, ArrayRef<std::pair<StringRef, int64_t>> more) const {
  SmallVector<std::pair<StringRef, int64_t>> numbers = {
      {kThreads, threads()},       {"rows", rows},
      {"columns", columns},        {"depth", depth},
      {"thread_rows", threadRows}, {"thread_columns", threadColumns}};
  if (slices > 1)
    numbers.push_back({"slices", slices});
  llvm::append_range(numbers, more);
  setStrategy(kernel, numbers);
}

Value GPUTile::chunks(LaunchBuilder &b, Value batch, Value m, Value n) const {
  return b.mul({batch, b.ceilDiv(m, b.constant(rows)), b.ceilDiv(n, b.constant(columns))});
}

ProductTile::ProductTile(GPUEmitter &e, GPUTile tile, Type compute)
    : shape(tile), e(e), compute(compute) {
  auto side = [&](int64_t length) {
    // rows of 16 bytes, shifted against each other
    return Side{length, length + 4, e.shared(compute, shape.depth * (length + 4))};
  };
  a = side(shape.rows);
  b = side(shape.columns);
  slice = e.div(e.thread, shape.threadsOfSlice());
  Value within = shape.slices == 1 ? e.thread : e.rem(e.thread, shape.threadsOfSlice());
  int64_t wideThreads = shape.columns / shape.threadColumns;
  threadRow = e.div(within, wideThreads);
  threadColumn = e.rem(within, wideThreads);
}

/// Register rows come in groups of up to four; the groups lie apart, as far as all threads' reach.
static Value within(GPUEmitter &e, Value thread, int64_t i, int64_t count, int64_t length) {
  int64_t group = std::min<int64_t>(4, count), groups = count / group;
  return e.add(e.mul(thread, group), i / group * (length / groups) + i % group);
}
Value ProductTile::rowOf(int64_t i) {
  return within(e, threadRow, i, shape.threadRows, shape.rows);
}
Value ProductTile::columnOf(int64_t j) {
  return within(e, threadColumn, j, shape.threadColumns, shape.columns);
}

//===----------------------------------------------------------------------===//
// Into workgroup memory
//===----------------------------------------------------------------------===//

Values ProductTile::fetch(const View &v, Value position, int64_t wide, bool isUnsigned,
                          function_ref<Value(int64_t)> inside) {
  auto lanes = [&] {
    Values out;
    for (int64_t i = 0; i < wide; ++i)
      out.push_back(e.ifElse(
          inside(i), TypeRange{compute},
          [&] {
            Value x = e.load(v.memory, e.add(position, i));
            return Values{convertElement(e, x, compute, isUnsigned)};
          },
          [&] { return Values{e.zero(compute)}; })[0]);
    return out;
  };
  if (wide == 1)
    return lanes();
  Value together = e.both(inside(wide - 1), e.eq(e.rem(position, wide), e.index(0)));
  SmallVector<Type> types(wide, compute);
  return e.ifElse(
      together, types,
      [&] {
        Value x = convertElement(e, e.vload(v.memory, position, wide), compute, isUnsigned);
        Values out;
        for (int64_t i = 0; i < wide; ++i)
          out.push_back(e.extract(x, i));
        return out;
      },
      lanes);
}

void ProductTile::fill(const Side &s, bool alongK, int64_t wide,
                       function_ref<Values(Value inK, Value inS)> fetch) {
  int64_t line = alongK ? shape.depth : s.length, lines = alongK ? s.length : shape.depth;
  int64_t perLine = line / wide;
  e.forThreads(e.index(perLine * lines), [&](Value number) {
    Value along = e.mul(e.rem(number, perLine), wide), across = e.div(number, perLine);
    Value inK = alongK ? along : across, inS = alongK ? across : along;
    Values values = fetch(inK, inS);
    Value to = e.add(e.mul(inK, s.pitch), inS);
    if (!alongK && wide > 1)
      return e.vstore(e.pack(values), s.memory, to);
    for (int64_t i = 0; i < wide; ++i)
      e.store(values[i], s.memory, e.add(to, i * s.pitch));
  });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// All products of the step that lies in workgroup memory; of a slice, its part of them.
Values ProductTile::products(Values sums) {
  bool floats = isa<FloatType>(compute);
  auto read = [&](const Side &s, Value step, int64_t count, bool rows) {
    Values out;
    int64_t group = std::min<int64_t>(4, count);
    for (int64_t i = 0; i < count; i += group) {
      Value at = e.add(e.mul(step, s.pitch), rows ? rowOf(i) : columnOf(i));
      Value x = e.vload(s.memory, at, group);
      for (int64_t j = 0; j < group; ++j)
        out.push_back(e.extract(x, j));
    }
    return out;
  };
  int64_t part = shape.depth / shape.slices;
  Value first = e.mul(slice, shape.slices == 1 ? 0 : part);
  return e.forLoop(
      e.index(0), e.index(part), e.index(1), sums, [&](Value number, ValueRange carried) {
        Value step = e.add(first, number);
        Values x = read(a, step, shape.threadRows, true);
        Values y = read(b, step, shape.threadColumns, false), out;
        for (int64_t i = 0; i < registers(); ++i) {
          Value p = x[i / shape.threadColumns], q = y[i % shape.threadColumns];
          out.push_back(floats ? e.fma(p, q, carried[i])
                               : Value(arith::AddIOp::create(
                                     e, carried[i], Value(arith::MulIOp::create(e, p, q)))));
        }
        return out;
      });
}

Values ProductTile::steps(Value k, ValueRange sums, function_ref<void(Value)> fill) {
  return e.forLoop(e.index(0), k, e.index(shape.depth), sums, [&](Value from, ValueRange carried) {
    e.barrier(); // the step before has been read
    fill(from);
    e.barrier();
    return products(Values(carried));
  });
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

void ProductTile::finishDirectly(const Values &sums, Finish finish) {
  if (shape.slices > 1)
    return finishSlices(sums, finish);
  for (int64_t i = 0; i < registers(); ++i)
    finish(sums[i], rowOf(i / shape.threadColumns), columnOf(i % shape.threadColumns));
}

/// One register row of all threads after the other.
void ProductTile::finishThroughMemory(const Values &sums, Finish finish) {
  if (shape.slices > 1)
    return finishSlices(sums, finish);
  int64_t threadRows = shape.rows / shape.threadRows;
  Value memory = e.shared(compute, threadRows * shape.columns);
  for (int64_t i = 0; i < shape.threadRows; ++i) {
    e.barrier();
    for (int64_t j = 0; j < shape.threadColumns; ++j)
      e.store(sums[i * shape.threadColumns + j], memory,
              e.add(e.mul(threadRow, shape.columns), columnOf(j)));
    e.barrier();
    e.forThreads(e.index(threadRows * shape.columns), [&](Value number) {
      Value thread = e.div(number, shape.columns), column = e.rem(number, shape.columns);
      finish(e.load(memory, number), within(e, thread, i, shape.threadRows, shape.rows), column);
    });
  }
}

/// The sums of all slices, which then meet in the order of the slices.
void ProductTile::finishSlices(const Values &sums, Finish finish) {
  int64_t elements = shape.rows * shape.columns;
  Value memory = e.shared(compute, shape.slices * elements);
  for (int64_t i = 0; i < registers(); ++i) {
    Value row = rowOf(i / shape.threadColumns), column = columnOf(i % shape.threadColumns);
    Value at = e.add(e.mul(slice, elements), e.add(e.mul(row, shape.columns), column));
    e.store(sums[i], memory, at);
  }
  e.barrier();
  bool floats = isa<FloatType>(compute);
  e.forThreads(e.index(elements), [&](Value number) {
    Value sum = e.load(memory, number);
    for (int64_t s = 1; s < shape.slices; ++s) {
      Value x = e.load(memory, e.add(number, s * elements));
      sum = floats ? e.addf(sum, x) : Value(arith::AddIOp::create(e, sum, x));
    }
    finish(sum, e.div(number, shape.columns), e.rem(number, shape.columns));
  });
}
