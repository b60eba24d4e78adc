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
static constexpr int64_t kHalf = kLanes / 2;
/// Keys whose values several tiles read in turn.
static constexpr int64_t kValuePart = 64;
static constexpr int64_t kLine = 64; ///< bytes of a cache line

//===----------------------------------------------------------------------===//
// Requests ahead
//===----------------------------------------------------------------------===//

/// How many rows ahead of `view` to ask for: the more work a row is, the further, because the
/// processor itself then looks at fewer of them at a time. Values at another distance than keys:
/// where both begin at the same place of a page, their requests would meet in the same banks.
int64_t AttentionKernel::rowsAhead(const View &view, int64_t depth) const {
  int64_t bytes = !geo.manyRows ? 3072 : &view == &k ? 16384 : 24576;
  return std::max<int64_t>(bytes / (depth * view.element.getIntOrFloatBitWidth() / 8), 1);
}

/// Asks for the line `rows` rows after `position`, which is `column` elements into something
/// contiguous; nothing where no line starts.
void AttentionKernel::prefetchAhead(const View &view, Value position, int64_t column,
                                    int64_t rows) {
  if (Emitter::constantOf(view.strides[3]) != 1 ||
      column * view.element.getIntOrFloatBitWidth() / 8 % kLine != 0)
    return;
  SmallVector<int64_t> distances = {rows};
  if (geo.manyRows && rows > 1) // beside products some requests are dropped: once more, halfway
    distances.push_back(rows / 2);
  for (int64_t distance : distances)
    e.prefetch(view.memory, e.add(position, e.mul(view.strides[2], distance)), /*write=*/false,
               /*locality=*/2);
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// Positions of four keys from place `at` on, or with keys past the last one repeating it: their
/// scores are hidden.
Values AttentionKernel::keyPositions(Value key, Value at, std::optional<Value> to) {
  Values positions;
  Value first = e.add(keyBase, e.mul(e.add(key, at), k.strides[2]));
  for (int64_t i = 0; i < kQuad; ++i) {
    Value step = to ? e.min(e.index(i), e.sub(e.sub(*to, 1), at)) : e.index(i);
    positions.push_back(e.add(first, e.mul(step, k.strides[2])));
  }
  return positions;
}

void AttentionKernel::scoresFromRows(Value key, Value from, Value to) {
  auto quad = [&](const Values &keyRows, Value at) {
    if (!geo.manyRows)
      return scoresInOrder(keyRows, at);
    // all sums, four keys and a query stay in registers
    int64_t most = e.target.avx512 ? 6 : 2;
    int64_t height = llvm::divideCeil(geo.blockRows, llvm::divideCeil(geo.blockRows, most));
    for (int64_t row = 0; row < geo.blockRows; row += height)
      scoresInHalves(keyRows, at, row, std::min(height, geo.blockRows - row));
  };
  Value whole = e.mul(e.div(to, kQuad), kQuad);
  e.forLoop(from, whole, e.index(kQuad),
            [&](Value at) { quad(keyPositions(key, at, std::nullopt), at); });
  e.ifThen(e.lt(whole, to), [&] { quad(keyPositions(key, whole, to), whole); });
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
static Value foldFour(Emitter &e, ValueRange vectors) {
  auto pair = [&](Value a, Value b, ArrayRef<int64_t> lower, ArrayRef<int64_t> upper) {
    return e.addf(vector::ShuffleOp::create(e, a, b, lower),
                  vector::ShuffleOp::create(e, a, b, upper));
  };
  Values x;
  for (Value v : vectors)
    x.push_back(cast<VectorType>(v.getType()).getNumElements() > kHalf ? halve(e, v) : v);
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
// More rows: short vectors
//===----------------------------------------------------------------------===//

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

/// Elements of a key from `at` on: the lower or upper half of those that `lanes` has.
Value AttentionKernel::keyHalf(Value at, int64_t half, const Lanes &lanes) {
  if (!lanes.mask && Emitter::constantOf(k.strides[3]) == 1)
    return e.convert(e.vload(k.memory, e.add(at, half * kHalf), kHalf), e.f32());
  Value x = loadLanes(e, k, at, 3, lanes);
  return vector::ShuffleOp::create(
      e, x, x, llvm::to_vector(llvm::seq<int64_t>(half * kHalf, (half + 1) * kHalf)));
}

/// Rows `first` on. Products of half vectors take as long as those of whole ones where a CPU has
/// 256-bit units, and no longer than memory takes elsewhere; but each score has half as many terms
/// left to add up, and the shuffles for that compete with products for a port.
void AttentionKernel::scoresInHalves(ArrayRef<Value> keyRows, Value at, int64_t first,
                                     int64_t rows) {
  int64_t whole = geo.keyDepth / kLanes * kLanes;
  auto step = [&](Value d, ValueRange in, const Lanes &lanes) {
    Values sums(in);
    for (int64_t half = 0; half < 2; ++half) {
      Values x;
      for (Value row : keyRows)
        x.push_back(keyHalf(e.add(row, e.mul(d, k.strides[3])), half, lanes));
      for (int64_t m = 0; m < rows; ++m) {
        Value column = e.index((first + m) * geo.keyStride + half * kHalf);
        Value query = e.vload(queries, e.add(column, d), kHalf);
        for (int64_t n = 0; n < kQuad; ++n)
          sums[m * kQuad + n] = e.fma(query, x[n], sums[m * kQuad + n]);
      }
    }
    return sums;
  };
  Values sums(rows * kQuad, e.fconst(e.vec(e.f32(), kHalf), 0));
  sums = e.forLoop(e.index(0), e.index(whole), e.index(kLanes), sums, [&](Value d, ValueRange in) {
    if (first == 0)
      prefetchKeys(keyRows, d);
    return step(d, in, {});
  });
  if (geo.keyDepth > whole)
    sums = step(e.index(whole), sums, Lanes::of(e, e.index(geo.keyDepth - whole), e.index(0)));
  for (int64_t m = 0; m < rows; ++m)
    e.vstore(foldFour(e, ValueRange(sums).slice(m * kQuad, kQuad)), scores,
             e.add(at, (first + m) * geo.keys));
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

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
