//===- ContractionBlocks.cpp - blocks and scratch of matrix products ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ContractionBlocks.h"

using namespace mlir;
using namespace linnet::codegen;

static Value constant(LaunchBuilder &b, int64_t v) { return b.constant(v); }
static Value constant(Emitter &e, int64_t v) { return e.index(v); }

BlockLimits BlockLimits::of(const Contraction &c, bool panels) {
  BlockLimits l;
  const Arithmetic &t = c.arithmetic;
  l.bytesA = t.a.getIntOrFloatBitWidth() / 8;
  l.bytesB = t.b.getIntOrFloatBitWidth() / 8;
  l.bytesCompute = t.compute.getIntOrFloatBitWidth() / 8;
  l.panel = t.panel();
  // a panel's block of k stays in L2 together with the rows that walk over it
  l.depth = 2048 / std::max<int64_t>(l.bytesB, 2);
  if (l.bytesCompute == 8)
    l.depth = 512;
  // broadcasts want consecutive k (pairs even need them); the rows of a column-major A are
  // copied in vectors first
  l.packA = c.stride(c.a, c.k) != 1 && !(c.k.empty() && t.group() == 1);
  l.packB = !panels;
  l.wide = l.packA && (panels || c.stride(c.b, c.n) == 1);
  // packing a panel pays off over many rows; without it, what counts is A in L2
  l.rows = panels ? 96 : 240;
  l.columns = (panels ? 8 : 4) * l.panel;
  return l;
}

template <class Builder>
Blocks<Builder>::Blocks(Builder &b, Value m, Value n, Value k, Value outerK, Value batch,
                        const BlockLimits &limits) {
  auto c = [&](int64_t v) { return constant(b, v); };
  auto atLeastOne = [&](Value v) { return b.max(v, c(1)); };
  auto split = [&](Value size, Value parts, int64_t unit) {
    return atLeastOne(b.mul(b.ceilDiv(b.ceilDiv(size, parts), c(unit)), c(unit)));
  };
  // enough chunks for the threads of any machine, as long as one has a megaflop or two
  Value work = b.mul(b.mul(b.mul(m, n), b.mul(k, outerK)), batch);
  Value wanted = atLeastOne(b.min(b.ceilDiv(work, c(1 << 20)), c(16)));
  Value m0 = atLeastOne(b.ceilDiv(m, c(limits.rows)));
  Value n0 = atLeastOne(b.ceilDiv(n, c(limits.columns)));
  Value some = atLeastOne(batch);
  Value mParts = m0, nParts = n0;
  auto splitMore = [&](Value &parts, Value size, int64_t least) {
    Value more = b.ceilDiv(wanted, b.mul(some, b.mul(mParts, nParts)));
    parts = atLeastOne(b.min(b.mul(parts, more), b.ceilDiv(size, c(least))));
  };
  // rows that are packed pay off over many columns
  if (limits.wide)
    splitMore(mParts, m, 8 * kTileRows);
  splitMore(nParts, n, limits.panel);
  splitMore(mParts, m, 4 * kTileRows);
  rows = split(m, mParts, kTileRows);
  columns = split(n, nParts, limits.panel);
  mBlocks = atLeastOne(b.ceilDiv(m, rows));
  nBlocks = atLeastOne(b.ceilDiv(n, columns));
  chunks = b.mul(b.mul(b.mul(batch, b.min(m, c(1))), b.min(n, c(1))), b.mul(mBlocks, nBlocks));
  // k: equal blocks too; 32 are what the transposes of packing write at once
  // where B is read once, it is read in one go
  Value few = b.min(b.max(b.sub(c(kTileRows + 1), m), c(0)), c(1));
  Value most = b.max(c(limits.depth), limits.packA ? c(0) : b.mul(few, k));
  depth = split(k, atLeastOne(b.ceilDiv(k, most)), 32);
  kBlocks = atLeastOne(b.ceilDiv(k, depth));
  steps = b.mul(kBlocks, atLeastOne(outerK));
  // sums of one step never leave the tile
  Value kept = b.mul(b.mul(rows, columns), b.min(b.sub(steps, c(1)), c(1)));
  bytesC = b.mul(b.max(kept, c(kTileRows * limits.panel)), c(limits.bytesCompute));
  // an odd number of lines: the tiles do not meet in the same sets of a cache
  int64_t line = 64 / limits.bytesA;
  Value lines = b.ceilDiv(b.mul(depth, c(kTileRows)), c(2 * line));
  tileA = b.add(b.mul(lines, c(2 * line)), c(line));
  Value tiles = b.ceilDiv(rows, c(kTileRows));
  bytesA = limits.packA ? b.mul(b.mul(tiles, tileA), c(limits.bytesA)) : c(0);
  bytesB = limits.packB ? b.mul(depth, c(limits.panel * limits.bytesB)) : c(0);
}

template struct linnet::codegen::Blocks<LaunchBuilder>;
template struct linnet::codegen::Blocks<Emitter>;
