//===- ScatterAdd.cpp - sums of slices at given positions, on GPUs ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A workgroup owns a block of the result, some rows by some columns, and sums it in workgroup
// memory. It looks through all indices, a tile at a time: the threads put those that name a row of
// the block on a list, in the order of the indices, and then walk that list together. Every element
// of the block belongs to one thread, so that sums need no atomics and have one order.
//
//===----------------------------------------------------------------------===//
#include "../ScatterAdd.h"
#include "Emitters.h"
#include "GPUOpKernel.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

constexpr int64_t kWorkgroup = 256;
/// Indices that a thread looks at in a tile; they follow each other.
constexpr int64_t kEach = 4;
constexpr int64_t kTile = kWorkgroup * kEach;
/// Updates that a thread has under way at once.
constexpr int64_t kAhead = 4;
/// Elements of a block: as many as fit, fewer where the result has too few blocks.
constexpr int64_t kMostElements = 4096, kLeastElements = 1024, kEnoughBlocks = 256;

/// How the result is cut. The launch and the kernel compute it alike.
struct Blocks {
  Value columns, rows; ///< of a block
  Value across, down;  ///< blocks of a slice of the result
  template <typename Builder>
  Blocks(Builder &b, llvm::function_ref<Value(int64_t)> number, int64_t elements, Value width,
         Value size) {
    Value one = number(1);
    columns = b.max(b.min(width, number(elements)), one);
    rows = b.ceilDiv(b.sub(number(elements + 1), columns), columns);
    across = b.max(b.ceilDiv(width, columns), one); // one of nothing looks at the indices
    down = b.ceilDiv(size, rows);
  }
};

class Kernel : ScatterAddViews {
public:
  Kernel(ScatterAddOp op, GPUKernelFrame &frame) : ScatterAddViews(op), e(frame.e), frame(frame) {}
  LogicalResult emit();

private:
  void prepare();
  void placeBlock();
  void forOwned(llvm::function_ref<void(Value row, Value column)> body);
  Value listTile(Value start);
  void addList(Value count);
  void addSome(Value from, Value count, Value column);
  Value columnOf(const View &v, Value column) {
    return rest->position(e, v, e.add(firstColumn, column), v.rank() - rest->sizes.size());
  }
  Value sumAt(Value row, Value column) { return e.add(e.mul(row, blocks->columns), column); }

  GPUEmitter &e;
  GPUKernelFrame &frame;
  int64_t wide = 1; ///< columns that are accessed at once
  std::optional<Blocks> blocks;
  Value sums, listedRow, listedFrom;          ///< workgroup memory
  Value firstRow, rows, firstColumn, columns; ///< of the block
  /// Threads of a row, and how many rows they do at once: this thread has every `teams`-th row from
  /// `team` on, there columns from `lane` on.
  Value lanes, lane, teams, team;
};

} // namespace

/// Columns that lie together in groups of four: they are accessed at once.
static int64_t widthOf(ScatterAddOp op) {
  ArrayRef<int64_t> behind = op.getType().getShape().drop_front(op.getAxis() + 1);
  bool inFours = !behind.empty() && behind.back() > 0 && behind.back() % 4 == 0;
  return inFours ? 4 : 1;
}

static bool liesTogether(const View &v) {
  return v.rank() && CodeBuilder::constantOf(v.strides.back()) == 1;
}

void Kernel::prepare() {
  if (liesTogether(updates) && liesTogether(out))
    wide = widthOf(op);
  int64_t elements = frame.strategyInt("elements");
  blocks.emplace(e, [&](int64_t n) { return e.index(n); }, elements, rest->count, out.sizes[axis]);
  sums = e.shared(e.f32(), elements);
  listedRow = e.shared(e.getI32Type(), kTile + kAhead); // within the block
  listedFrom = e.shared(e.positionType(), kTile + kAhead);
}

void Kernel::placeBlock() {
  Value number = e.div(frame.group, blocks->across);
  Value outer = e.div(number, blocks->down);
  firstRow = e.mul(e.rem(number, blocks->down), blocks->rows);
  rows = e.min(blocks->rows, e.sub(out.sizes[axis], firstRow));
  firstColumn = e.mul(e.rem(frame.group, blocks->across), blocks->columns);
  columns = e.min(blocks->columns, e.sub(rest->count, firstColumn));
  enter(e, outer);
  outBase = e.add(outBase, e.mul(firstRow, out.strides[axis]));
  lanes = e.max(e.min(e.div(blocks->columns, wide), e.index(kWorkgroup)), e.index(1));
  teams = e.div(e.index(kWorkgroup), lanes);
  lane = e.rem(e.thread, lanes);
  team = e.div(e.thread, lanes);
}

/// The elements of the block that belong to this thread, `wide` at a time.
void Kernel::forOwned(llvm::function_ref<void(Value, Value)> body) {
  e.ifThen(e.lt(team, teams), [&] {
    e.forLoop(team, rows, teams, [&](Value row) {
      e.forLoop(e.mul(lane, wide), columns, e.mul(lanes, wide),
                [&](Value column) { body(row, column); });
    });
  });
}

/// Lists which of the indices from `start` on name a row of the block, and how many do.
Value Kernel::listTile(Value start) {
  Value one = e.index(1), zero = e.index(0), first = e.add(start, e.mul(e.thread, kEach));
  Value end = e.add(firstRow, rows), count = zero;
  // reported once, by the block at the beginning
  Value reports = e.both(e.eq(firstRow, zero), e.eq(firstColumn, zero));
  Values at, row, mine;
  for (int64_t i = 0; i < kEach; ++i) {
    at.push_back(e.add(first, i));
    Value there = e.lt(at[i], places->count);
    Value index = e.ifElse(
        there, TypeRange{e.getIndexType()},
        [&] {
          Value from = e.add(indicesBase, places->position(e, indices, at[i], batch));
          return Values{e.toIndex(frame.load(indices, from))};
        },
        [&] { return Values{e.index(-1)}; })[0];
    Value bad = e.either(e.lt(index, zero), e.ge(index, out.sizes[axis]));
    e.ifThen(e.both(e.both(reports, there), bad), [&] { frame.fault(0, at[i]); });
    mine.push_back(e.both(e.ge(index, firstRow), e.lt(index, end)));
    row.push_back(e.sub(index, firstRow));
    count = e.add(count, e.select(mine[i], one, zero));
  }
  Value next, total;
  std::tie(next, total) = e.sumBefore(count);
  for (int64_t i = 0; i < kEach; ++i) {
    e.ifThen(mine[i], [&] {
      Value from = e.add(updatesBase, places->position(e, updates, at[i], axis));
      e.store(e.toInt(row[i], e.getI32Type()), listedRow, next);
      e.store(e.toInt(from, e.positionType()), listedFrom, next);
    });
    next = e.add(next, e.select(mine[i], one, zero));
  }
  e.barrier();
  return total;
}

/// Adds kAhead updates of the list to the columns of this thread, after all of them are loaded.
void Kernel::addSome(Value from, Value count, Value column) {
  Value inUpdates = columnOf(updates, column);
  Values row, mine, x;
  for (int64_t i = 0; i < kAhead; ++i) {
    Value at = e.add(from, i);
    row.push_back(e.toIndex(e.load(listedRow, at)));
    mine.push_back(e.both(e.lt(at, count), e.eq(e.rem(row[i], teams), team)));
    Type sum = wide > 1 ? Type(e.vec(e.f32(), wide)) : e.f32();
    x.push_back(e.ifElse(
        mine[i], TypeRange{sum},
        [&] {
          Value position = e.add(e.toIndex(e.load(listedFrom, at)), inUpdates);
          return Values{e.convert(e.loadTogether(updates.memory, position, wide), e.f32())};
        },
        [&] { return Values{e.zero(sum)}; })[0]);
  }
  for (int64_t i = 0; i < kAhead; ++i)
    e.ifThen(mine[i], [&] {
      Value at = sumAt(row[i], column);
      e.storeTogether(e.addf(e.loadTogether(sums, at, wide), x[i]), sums, at);
    });
}

void Kernel::addList(Value count) {
  e.ifThen(e.lt(team, teams), [&] {
    e.forLoop(e.mul(lane, wide), columns, e.mul(lanes, wide), [&](Value column) {
      e.forLoop(e.index(0), count, e.index(kAhead),
                [&](Value from) { addSome(from, count, column); });
    });
  });
}

LogicalResult Kernel::emit() {
  if (failed(bind(frame)))
    return failure();
  prepare();
  placeBlock();
  Value zero = wide > 1 ? e.splat(e.f(0), wide) : e.f(0);
  forOwned([&](Value row, Value column) { e.storeTogether(zero, sums, sumAt(row, column)); });
  // Behind the first barrier of a tile nobody reads the list of the tile before.
  e.forLoop(e.index(0), places->count, e.index(kTile),
            [&](Value start) { addList(listTile(start)); });
  forOwned([&](Value row, Value column) {
    Value x = e.convert(e.loadTogether(sums, sumAt(row, column), wide), out.element);
    Value at = e.add(outBase, e.add(e.mul(row, out.strides[axis]), columnOf(out, column)));
    e.storeTogether(x, out.memory, at);
  });
  return success();
}

static LogicalResult select(ScatterAddOp op, exec::KernelOp kernel, const GPUTarget &) {
  int64_t elements = kMostElements;
  if (op.getType().hasStaticShape())
    while (elements > kLeastElements && op.getType().getNumElements() < elements * kEnoughBlocks)
      elements /= 2;
  setStrategy(kernel, {{kThreads, kWorkgroup}, {"elements", elements}});
  declareFault(kernel, op, "index out of range");
  LaunchBuilder b(kernel);
  unsigned axis = op.getAxis();
  Value outer = elementsOf(b, op.getResult(), 0, axis), size = b.sizeOf(op.getResult(), axis);
  Blocks blocks(
      b, [&](int64_t n) { return b.constant(n); }, elements,
      elementsOf(b, op.getResult(), axis + 1), size);
  b.finish(b.mul({outer, blocks.down, blocks.across}), b.constant(0),
           elementsOf(b, op.getUpdates()), bytesTouched(b, kernel));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPUScatterAddEmitter() {
  static const GPUOpEmitter<ScatterAddOp, Kernel> emitter(select);
  return &emitter;
}
