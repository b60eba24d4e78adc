//===- AttentionDecode.cpp - attention of a handful of rows ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// With few rows the time goes into reading keys and values: each is read once, in the order of
// addresses, with requests for what comes next well ahead of the hardware's own.
//
//===----------------------------------------------------------------------===//
#include "AttentionKernel.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static constexpr int64_t kTogether = 4; ///< keys whose dot products share their last sums
static constexpr int64_t kLine = 64;    ///< bytes of a cache line
/// Rows for which the dot products of one key follow those of the one before, unrolled; more
/// rows would need more registers than there are.
static constexpr int64_t kInOrderRows = 2;
static constexpr int64_t kInOrderDepth = 256;

//===----------------------------------------------------------------------===//
// Requests ahead
//===----------------------------------------------------------------------===//

/// How many rows ahead of `view` to ask for: the more work a row is, the further, because the
/// processor itself then looks at fewer of them at a time.
int64_t AttentionKernel::rowsAhead(const View &view, int64_t depth) const {
  int64_t bytes = geo.blockRows <= kInOrderRows ? 4096 : 8192;
  return std::max<int64_t>(bytes / (depth * view.element.getIntOrFloatBitWidth() / 8), 1);
}

/// Asks for the line `rows` rows after `position`, which is `column` elements into something
/// contiguous; nothing where no line starts.
void AttentionKernel::prefetchAhead(const View &view, Value position, int64_t column,
                                    int64_t rows) {
  if (Emitter::constantOf(view.strides[3]) != 1 ||
      column * view.element.getIntOrFloatBitWidth() / 8 % kLine != 0)
    return;
  e.prefetch(view.memory, e.add(position, e.mul(view.strides[2], rows)), /*write=*/false,
             /*locality=*/2);
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

void AttentionKernel::scoresFromRows(Value key, Value from, Value to) {
  int64_t height = e.target.avx512 ? geo.tileRows : 1;
  e.forLoop(from, to, e.index(kTogether), [&](Value at) {
    ScoreTile tile;
    for (int64_t i = 0; i < kTogether; ++i) {
      // keys past the last one repeat it; their scores are hidden
      Value place = e.add(key, e.min(e.add(at, i), e.sub(to, 1)));
      tile.keyRows.push_back(e.add(keyBase, e.mul(place, k.strides[2])));
    }
    for (tile.firstRow = 0; tile.firstRow < geo.blockRows; tile.firstRow += height) {
      tile.rows = std::min(height, geo.blockRows - tile.firstRow);
      scoresOfTile(tile, at);
    }
  });
}

/// Sums of four vectors' lanes, in four lanes. The first two steps stay within 128 bits.
static Value foldFour(Emitter &e, ValueRange x) {
  auto pair = [&](Value a, Value b, int64_t width) {
    SmallVector<int64_t> lower, upper;
    for (int64_t quad = 0; quad < kLanes; quad += 4)
      for (int64_t lane = 0; lane < 4; ++lane) {
        // width 1: a0 b0 a1 b1 and a2 b2 a3 b3; width 2: a0 a1 b0 b1 and a2 a3 b2 b3
        int64_t side = width == 1 ? lane % 2 : lane / 2, i = width == 1 ? lane / 2 : lane % 2;
        lower.push_back(side * kLanes + quad + i);
        upper.push_back(side * kLanes + quad + i + 2);
      }
    return e.addf(vector::ShuffleOp::create(e, a, b, lower),
                  vector::ShuffleOp::create(e, a, b, upper));
  };
  Value sum = pair(pair(x[0], x[1], 1), pair(x[2], x[3], 1), 2);
  for (int64_t n = kLanes / 2; n >= 4; n /= 2) {
    auto lower = llvm::to_vector(llvm::seq<int64_t>(0, n));
    auto upper = llvm::to_vector(llvm::seq<int64_t>(n, 2 * n));
    sum = e.addf(vector::ShuffleOp::create(e, sum, sum, lower),
                 vector::ShuffleOp::create(e, sum, sum, upper));
  }
  return sum;
}

/// Sums so far and 16 elements of some of the keys, times those of the rows.
Values AttentionKernel::multiplyStep(const ScoreTile &tile, ArrayRef<int64_t> keys, Value d,
                                     ValueRange sums, const Lanes &lanes) {
  Values next(sums), columns;
  for (int64_t n : keys)
    columns.push_back(loadLanes(e, k, e.add(tile.keyRows[n], e.mul(d, k.strides[3])), 3, lanes));
  for (int64_t m = 0; m < tile.rows; ++m) {
    Value row = e.vload(queries, e.add(e.index((tile.firstRow + m) * geo.keyStride), d));
    for (auto [x, n] : llvm::zip(columns, keys)) {
      Value &sum = next[m * kTogether + n];
      sum = e.fma(row, x, sum);
    }
  }
  return next;
}

/// One key after the other, in the order of addresses.
Values AttentionKernel::multiplyInOrder(const ScoreTile &tile, int64_t whole, Values sums) {
  int64_t ahead = rowsAhead(k, geo.keyDepth);
  for (int64_t n = 0; n < kTogether; ++n)
    for (int64_t d = 0; d < whole; d += kLanes) {
      if (tile.firstRow == 0)
        prefetchAhead(k, e.add(tile.keyRows[n], d), d, ahead);
      sums = multiplyStep(tile, {n}, e.index(d), sums, {});
    }
  return sums;
}

/// All keys of a step along the depth before the next step; the requests are in the order of
/// addresses where the keys follow each other.
Values AttentionKernel::multiplyTogether(const ScoreTile &tile, int64_t whole, Values sums) {
  int64_t ahead = rowsAhead(k, geo.keyDepth);
  bool dense = Emitter::constantOf(k.strides[2]) == geo.keyDepth;
  return e.forLoop(e.index(0), e.index(whole), e.index(kLanes), sums, [&](Value d, ValueRange in) {
    for (int64_t n = 0; n < kTogether && tile.firstRow == 0; ++n)
      if (dense)
        prefetchAhead(k, e.add(e.add(tile.keyRows[0], e.mul(d, kTogether)), n * kLanes), n * kLanes,
                      ahead);
      else
        prefetchAhead(k, e.add(tile.keyRows[n], d), 0, ahead);
    return multiplyStep(tile, {0, 1, 2, 3}, d, in, {});
  });
}

/// Dot products of the rows of a tile and four keys.
void AttentionKernel::scoresOfTile(const ScoreTile &tile, Value at) {
  int64_t whole = geo.keyDepth / kLanes * kLanes;
  Values sums(tile.rows * kTogether, e.vf(0));
  if (geo.blockRows <= kInOrderRows && geo.keyDepth <= kInOrderDepth)
    sums = multiplyInOrder(tile, whole, sums);
  else
    sums = multiplyTogether(tile, whole, sums);
  if (geo.keyDepth > whole)
    sums = multiplyStep(tile, {0, 1, 2, 3}, e.index(whole), sums,
                        Lanes::of(e, e.index(geo.keyDepth - whole), e.index(0)));
  for (int64_t m = 0; m < tile.rows; ++m)
    e.vstore(foldFour(e, ValueRange(sums).slice(m * kTogether, kTogether)), scores,
             e.add(at, (tile.firstRow + m) * geo.keys));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// A tile holds whole rows of values where it can, and those are read in the order of addresses;
/// further tiles find them in a cache.
void AttentionKernel::accumulateRows(Value key, Value from, Value to) {
  int64_t total = geo.valueStride / kLanes;
  int64_t registers = e.target.avx512 ? 24 : 6;
  int64_t most = e.target.avx512 ? 8 : geo.blockRows == 1 ? registers : 2;
  for (int64_t first = 0; first < total; first += most) {
    int64_t vectors = std::min(most, total - first), height = registers / vectors;
    for (int64_t row = 0; row < geo.blockRows; row += height)
      accumulateTile({e.index(row), e.index(row * geo.keys), first, vectors,
                      std::min(height, geo.blockRows - row), /*prefetches=*/row == 0},
                     key, from, to);
  }
}
