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

static constexpr int64_t kQuad = 4; ///< keys whose dot products share their last sums
/// Keys whose values several tiles read in turn.
static constexpr int64_t kValuePart = 64;
static constexpr int64_t kLine = 64; ///< bytes of a cache line

//===----------------------------------------------------------------------===//
// Requests ahead
//===----------------------------------------------------------------------===//

/// How many rows ahead of `view` to ask for: the more work a row is, the further, because the
/// processor itself then looks at fewer of them at a time.
int64_t AttentionKernel::rowsAhead(const View &view, int64_t depth) const {
  int64_t bytes = geo.spreads ? 16384 : 4096;
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

/// Positions of `count` keys from place `at` on. Keys past the last one repeat it: their scores
/// are hidden.
Values AttentionKernel::keyPositions(Value key, Value at, Value to, int64_t count) {
  Values positions;
  for (int64_t i = 0; i < count; ++i) {
    Value place = e.add(key, e.min(e.add(at, i), e.sub(to, 1)));
    positions.push_back(e.add(keyBase, e.mul(place, k.strides[2])));
  }
  return positions;
}

void AttentionKernel::scoresFromRows(Value key, Value from, Value to) {
  if (geo.spreads) {
    int64_t quads = e.target.avx512 ? 2 : 1, height = e.target.avx512 ? geo.blockRows : 3;
    e.forLoop(from, to, e.index(quads * kQuad), [&](Value at) {
      Values keyRows = keyPositions(key, at, to, quads * kQuad);
      for (int64_t row = 0; row < geo.blockRows; row += height)
        spreadScores(keyRows, at, row, std::min(height, geo.blockRows - row));
    });
    return;
  }
  e.forLoop(from, to, e.index(kQuad),
            [&](Value at) { scoresInOrder(keyPositions(key, at, to, kQuad), at); });
}

//===----------------------------------------------------------------------===//
// One or two rows: key after key, in the order of addresses
//===----------------------------------------------------------------------===//

/// Upper half of the lanes onto the lower one.
static Value halve(Emitter &e, Value x) {
  int64_t n = cast<VectorType>(x.getType()).getNumElements() / 2;
  auto lower = llvm::to_vector(llvm::seq<int64_t>(0, n));
  auto upper = llvm::to_vector(llvm::seq<int64_t>(n, 2 * n));
  return e.addf(vector::ShuffleOp::create(e, x, x, lower),
                vector::ShuffleOp::create(e, x, x, upper));
}

/// Sums of four vectors' lanes, in four lanes. Halves first: shuffles of short vectors are
/// cheaper; the two steps after that stay within 128 bits.
static Value foldFour(Emitter &e, ValueRange wide) {
  constexpr int64_t kHalf = kLanes / 2;
  auto pair = [&](Value a, Value b, ArrayRef<int64_t> lower, ArrayRef<int64_t> upper) {
    return e.addf(vector::ShuffleOp::create(e, a, b, lower),
                  vector::ShuffleOp::create(e, a, b, upper));
  };
  Values x;
  for (Value v : wide)
    x.push_back(halve(e, v));
  // a0 b0 a1 b1 and a2 b2 a3 b3, in each half
  const int64_t low[] = {0, kHalf, 1, kHalf + 1, 4, kHalf + 4, 5, kHalf + 5};
  const int64_t high[] = {2, kHalf + 2, 3, kHalf + 3, 6, kHalf + 6, 7, kHalf + 7};
  // a b of c d follow those of a b
  const int64_t first[] = {0, 1, kHalf, kHalf + 1, 4, 5, kHalf + 4, kHalf + 5};
  const int64_t second[] = {2, 3, kHalf + 2, kHalf + 3, 6, 7, kHalf + 6, kHalf + 7};
  return halve(e, pair(pair(x[0], x[1], low, high), pair(x[2], x[3], low, high), first, second));
}

void AttentionKernel::scoresInOrder(ArrayRef<Value> keyRows, Value at) {
  int64_t ahead = rowsAhead(k, geo.keyDepth);
  Values sums(geo.blockRows * kQuad, e.vf(0));
  for (int64_t n = 0; n < kQuad; ++n)
    for (int64_t d = 0; d < geo.keyDepth; d += kLanes) {
      Value from = e.add(keyRows[n], e.mul(e.index(d), k.strides[3]));
      prefetchAhead(k, from, d, ahead);
      Lanes lanes = Lanes::of(e, e.index(std::min(geo.keyDepth - d, kLanes)), e.index(0));
      Value x = loadLanes(e, k, from, 3, lanes);
      for (int64_t m = 0; m < geo.blockRows; ++m) {
        Value &sum = sums[m * kQuad + n];
        sum = e.fma(e.vload(queries, e.index(m * geo.keyStride + d)), x, sum);
      }
    }
  for (int64_t m = 0; m < geo.blockRows; ++m)
    e.vstore(foldFour(e, ValueRange(sums).slice(m * kQuad, kQuad)), scores,
             e.add(at, m * geo.keys));
}

//===----------------------------------------------------------------------===//
// More rows: four elements of four keys in a vector
//===----------------------------------------------------------------------===//

/// Lanes of two vectors in groups of four: two from each, at these places.
static Value takeQuads(Emitter &e, Value a, Value b, std::array<int64_t, 4> places) {
  SmallVector<int64_t> lanes;
  for (auto [i, place] : llvm::enumerate(places))
    for (int64_t lane = 0; lane < kQuad; ++lane)
      lanes.push_back((i < 2 ? 0 : kLanes) + place * kQuad + lane);
  return vector::ShuffleOp::create(e, a, b, lanes);
}

/// From 16 elements of each of four keys: vector c holds elements 4 c to 4 c + 3 of all of them.
static std::array<Value, 4> gatherQuads(Emitter &e, ArrayRef<Value> x) {
  Value low01 = takeQuads(e, x[0], x[1], {0, 1, 0, 1}),
        low23 = takeQuads(e, x[2], x[3], {0, 1, 0, 1});
  Value high01 = takeQuads(e, x[0], x[1], {2, 3, 2, 3}),
        high23 = takeQuads(e, x[2], x[3], {2, 3, 2, 3});
  return {takeQuads(e, low01, low23, {0, 2, 0, 2}), takeQuads(e, low01, low23, {1, 3, 1, 3}),
          takeQuads(e, high01, high23, {0, 2, 0, 2}), takeQuads(e, high01, high23, {1, 3, 1, 3})};
}

/// The same of f32 that follow each other in memory. Halves of two keys meet in a vector while they
/// are loaded, so that half of the shuffles are left: those compete with products for an FMA port.
std::array<Value, 4> AttentionKernel::gatherHalves(ArrayRef<Value> at) {
  constexpr int64_t kHalf = kLanes / 2;
  auto both = llvm::to_vector(llvm::seq<int64_t>(0, kLanes));
  std::array<Value, 4> columns;
  for (int64_t half = 0; half < 2; ++half) {
    auto meet = [&](Value a, Value b) -> Value {
      Value x = e.vload(k.memory, e.add(a, half * kHalf), kHalf);
      return vector::ShuffleOp::create(e, x, e.vload(k.memory, e.add(b, half * kHalf), kHalf),
                                       both);
    };
    Value low = meet(at[0], at[1]), high = meet(at[2], at[3]);
    columns[2 * half] = takeQuads(e, low, high, {0, 2, 0, 2});
    columns[2 * half + 1] = takeQuads(e, low, high, {1, 3, 1, 3});
  }
  return columns;
}

/// The sums of every four lanes, of one vector or of two.
static Value foldQuads(Emitter &e, Value a, Value b) {
  // a02 a13 b20 b31: one of the two is no shuffle but a choice; then its sums of neighbours: a b
  SmallVector<int64_t> kept, moved;
  for (int64_t quad = 0; quad < kLanes; quad += kQuad)
    for (int64_t lane = 0; lane < kQuad; ++lane) {
      int64_t source = (lane < 2 ? 0 : kLanes) + quad;
      kept.push_back(source + lane);
      moved.push_back(source + (lane + 2) % kQuad);
    }
  Value x =
      e.addf(vector::ShuffleOp::create(e, a, b, kept), vector::ShuffleOp::create(e, a, b, moved));
  SmallVector<int64_t> even, odd;
  for (int64_t side = 0; side < (a == b ? 1 : 2); ++side)
    for (int64_t quad = 0; quad < kLanes; quad += kQuad) {
      even.push_back(quad + 2 * side);
      odd.push_back(quad + 2 * side + 1);
    }
  return e.addf(vector::ShuffleOp::create(e, x, x, even), vector::ShuffleOp::create(e, x, x, odd));
}

/// Requests in the order of addresses where the keys follow each other.
void AttentionKernel::prefetchKeys(ArrayRef<Value> keyRows, Value d) {
  int64_t ahead = rowsAhead(k, geo.keyDepth), count = keyRows.size();
  bool dense = Emitter::constantOf(k.strides[2]) == geo.keyDepth;
  for (int64_t n = 0; n < count; ++n)
    if (dense)
      prefetchAhead(k, e.add(e.add(keyRows[0], e.mul(d, count)), n * kLanes), n * kLanes, ahead);
    else
      prefetchAhead(k, e.add(keyRows[n], d), 0, ahead);
}

/// Rows `first` on; a vector of sums per row and four keys.
void AttentionKernel::spreadScores(ArrayRef<Value> keyRows, Value at, int64_t first, int64_t rows) {
  int64_t quads = keyRows.size() / kQuad, whole = geo.keyDepth / kLanes * kLanes;
  auto step = [&](Value d, ValueRange in, const Lanes &lanes) {
    SmallVector<std::array<Value, 4>> columns;
    bool plain = e.target.avx512 && !lanes.count && k.element.isF32() &&
                 Emitter::constantOf(k.strides[3]) == 1;
    for (int64_t n = 0; n < quads; ++n) {
      Values at, x;
      for (Value row : keyRows.slice(n * kQuad, kQuad))
        at.push_back(e.add(row, e.mul(d, k.strides[3])));
      if (plain) {
        columns.push_back(gatherHalves(at));
        continue;
      }
      for (Value first : at)
        x.push_back(loadLanes(e, k, first, 3, lanes));
      columns.push_back(gatherQuads(e, x));
    }
    Values sums(in);
    for (int64_t c = 0; c < kQuad; ++c)
      for (int64_t m = 0; m < rows; ++m) {
        Value from =
            e.add(e.index((first + m) * geo.keyStride * kQuad + c * kLanes), e.mul(d, kQuad));
        Value row = e.vload(queries, from);
        for (int64_t n = 0; n < quads; ++n)
          sums[m * quads + n] = e.fma(row, columns[n][c], sums[m * quads + n]);
      }
    return sums;
  };
  Values sums = e.forLoop(e.index(0), e.index(whole), e.index(kLanes),
                          Values(rows * quads, e.vf(0)), [&](Value d, ValueRange in) {
                            if (first == 0)
                              prefetchKeys(keyRows, d);
                            return step(d, in, {});
                          });
  if (geo.keyDepth > whole)
    sums = step(e.index(whole), sums, Lanes::of(e, e.index(geo.keyDepth - whole), e.index(0)));
  for (int64_t m = 0; m < rows; ++m)
    e.vstore(foldQuads(e, sums[m * quads], sums[m * quads + quads - 1]), scores,
             e.add(at, (first + m) * geo.keys));
}

/// A row of queries as `spreadScores` takes it: every four elements four times.
void AttentionKernel::storeSpread(Value x, Value at) {
  for (int64_t c = 0; c < kQuad; ++c)
    e.vstore(takeQuads(e, x, x, {c, c, c, c}), queries, e.add(e.mul(at, kQuad), c * kLanes));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

/// Asks for a share of the block's requests for values, the last line of each row: while weights
/// are computed memory would idle.
void AttentionKernel::prefetchValues(Value row, Value key) {
  int64_t share = llvm::divideCeil(geo.keys, geo.blockRows), column = geo.valueStride - kLanes;
  Value first = e.add(key, e.mul(row, share));
  Value at = e.add(e.add(valueBase, e.mul(first, v.strides[2])), column);
  for (int64_t i = 0; i < share; ++i)
    prefetchAhead(v, e.add(at, e.mul(v.strides[2], i)), column, rowsAhead(v, geo.valueDepth));
}

/// A tile holds whole rows of values where it can, and those are read in the order of addresses.
/// The loop over parts of the block lets further tiles find them in the nearest cache; with one
/// tile it runs once, but shows the register allocator that the accumulators matter most.
void AttentionKernel::accumulateRows(Value key, Value from, Value to) {
  int64_t total = geo.valueStride / kLanes;
  int64_t most = e.target.avx512 ? 8 : geo.blockRows == 1 ? 6 : 2;
  auto heightOf = [&](int64_t vectors) {
    // beside the accumulators a row of values and a few others stay in registers
    return e.target.avx512 ? (29 - vectors) / vectors : std::max<int64_t>(4 / vectors, 1);
  };
  bool oneTile = total <= most && geo.blockRows <= heightOf(total);
  Value part = e.index(oneTile ? geo.keys : kValuePart);
  e.forLoop(from, to, part, [&](Value at) {
    Value end = e.min(e.add(at, part), to);
    for (int64_t first = 0; first < total; first += most) {
      int64_t vectors = std::min(most, total - first), height = heightOf(vectors);
      for (int64_t row = 0; row < geo.blockRows; row += height)
        accumulateTile({e.index(row), e.index(row * geo.keys), first, vectors,
                        std::min(height, geo.blockRows - row), /*prefetches=*/row == 0},
                       key, at, end);
    }
  });
}
