//===- AttentionGradTiles.cpp - products of attention's gradients on GPUs ---===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The 256 threads lie over a matrix of scores, [other][own], as squares of up to two by four, and
// over the sums of own elements, [own][columns], as squares of up to four by four.
//
//===----------------------------------------------------------------------===//
#include "AttentionGrad.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static Values loadSome(GPUEmitter &e, Value memory, Value at, int64_t n) {
  if (n == 1)
    return {e.load(memory, at)};
  Value x = e.vload(memory, at, n);
  Values out;
  for (int64_t i = 0; i < n; ++i)
    out.push_back(e.extract(x, i));
  return out;
}

//===----------------------------------------------------------------------===//
// Into workgroup memory
//===----------------------------------------------------------------------===//

/// Four elements of a row that begins at `position`, as f32; zeros where it is not there or ends.
Values GPUAttentionGrad::fetch(const View &v, Value aligned, Value position, Value present,
                               Value column, int64_t depth) {
  SmallVector<Type> types(4, e.f32());
  Value at = e.add(position, e.mul(column, v.strides[3]));
  auto zeros = [&] { return Values(4, e.f(0)); };
  auto single = [&] {
    Values x;
    for (int64_t i = 0; i < 4; ++i)
      x.push_back(e.ifElse(
          e.lt(e.add(column, i), e.index(depth)), {e.f32()},
          [&] {
            Value element = f.load(v, e.add(at, e.mul(v.strides[3], i)));
            return Values{e.convert(element, e.f32())};
          },
          [&] { return Values{e.f(0)}; })[0]);
    return x;
  };
  auto together = [&] {
    Value x = e.convert(e.vload(v.memory, at, 4), e.f32());
    Values out;
    for (int64_t i = 0; i < 4; ++i)
      out.push_back(e.extract(x, i));
    return out;
  };
  Value four = e.both(aligned, e.le(e.add(column, 4), e.index(depth)));
  return e.ifElse(present, types, [&] { return e.ifElse(four, types, together, single); }, zeros);
}

/// A step of the depth of a tile, as [depth][tile], from place `to` on.
void GPUAttentionGrad::stageTurned(const View &v, Value aligned, const Tile &tile, Value column,
                                   int64_t depth, int64_t to) {
  int64_t perRow = form.depth / 4, pitch = tile.size + 4;
  e.forThreads(e.index(tile.size * perRow), [&](Value n) {
    Value d = e.mul(e.rem(n, perRow), 4), i = e.div(n, perRow), number = e.add(tile.first, i);
    Values x = fetch(v, aligned, positionOf(v, tile, number), e.lt(number, tile.count),
                     e.add(column, d), depth);
    Value at = e.add(e.add(e.mul(d, pitch), i), to);
    for (int64_t j = 0; j < 4; ++j)
      e.store(x[j], memory, e.add(at, j * pitch));
  });
}

/// A block of columns of a tile, as [tile][columns].
void GPUAttentionGrad::stageRows(const View &v, Value aligned, const Tile &tile, int64_t column,
                                 int64_t depth) {
  int64_t perRow = form.columns / 4;
  e.forThreads(e.index(tile.size * perRow), [&](Value n) {
    Value c = e.mul(e.rem(n, perRow), 4), i = e.div(n, perRow), number = e.add(tile.first, i);
    Values x = fetch(v, aligned, positionOf(v, tile, number), e.lt(number, tile.count),
                     e.add(c, column), depth);
    e.vstore(e.pack(x), memory, e.add(e.mul(i, form.columns + 4), c));
  });
}

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// Products of rows and keys: of queries and keys or, for the gradients of weights, of output
/// gradients and values.
void GPUAttentionGrad::scores(const Step &s, bool gradients) {
  const View &rows = gradients ? dout : q, &keys = gradients ? v : k;
  Value alignedRows = gradients ? alignedOut : alignedQ,
        alignedKeys = gradients ? alignedV : alignedK;
  int64_t depth = gradients ? form.valueDepth : form.keyDepth,
          to = gradients ? form.gradsAt : form.scoresAt;
  int64_t width = s.own.size >= 32 ? 4 : 2, across = s.own.size / width;
  int64_t down = kOther / (GPUAttentionGradForm::kThreads / across);
  int64_t ownAt = form.depth * (kOther + 4);
  Value own = e.mul(e.rem(e.thread, across), width), other = e.mul(e.div(e.thread, across), down);
  auto stage = [&](const Tile &tile, Value column, int64_t at) {
    stageTurned(tile.keys ? keys : rows, tile.keys ? alignedKeys : alignedRows, tile, column, depth,
                at);
  };
  Values sums(down * width, e.f(0));
  sums = e.forLoop(
      e.index(0), e.index(depth), e.index(form.depth), sums, [&](Value column, ValueRange carried) {
        e.barrier(); // what was there has been read
        stage(s.other, column, 0);
        stage(s.own, column, ownAt);
        e.barrier();
        Value steps = e.min(e.index(form.depth), e.sub(e.index(depth), column));
        return e.forLoop(e.index(0), steps, e.index(1), carried, [&](Value d, ValueRange acc) {
          Values x = loadSome(e, memory, e.add(e.mul(d, kOther + 4), other), down);
          Values y = loadSome(e, memory, e.add(e.add(e.mul(d, s.pitch()), own), ownAt), width);
          Values out;
          for (int64_t i = 0; i < down * width; ++i)
            out.push_back(e.fma(x[i / width], y[i % width], acc[i]));
          return out;
        });
      });
  for (int64_t i = 0; i < down; ++i) {
    Value at = e.add(e.add(e.mul(e.add(other, i), s.pitch()), own), to);
    e.vstore(e.pack(ArrayRef(sums).slice(i * width, width)), memory, at);
  }
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// Adds the products of the weights at place `from` with the other tile's rows of `v`.
Values GPUAttentionGrad::addProducts(const Step &s, int64_t from, const View &v, Value aligned,
                                     int64_t depth, ValueRange sums) {
  int64_t m = ownPerThread(), n = columnsPerThread();
  Value own = e.mul(e.div(e.thread, 16), m), column = e.mul(e.rem(e.thread, 16), n);
  Value count = e.min(e.index(kOther), e.sub(s.other.count, s.other.first));
  Values all;
  for (int64_t block = 0; block < blocks(depth); ++block) {
    e.barrier();
    stageRows(v, aligned, s.other, block * form.columns, depth);
    e.barrier();
    Values acc(sums.slice(block * m * n, m * n));
    acc = e.forLoop(e.index(0), count, e.index(1), acc, [&](Value i, ValueRange in) {
      Values x = loadSome(e, memory, e.add(e.add(e.mul(i, s.pitch()), own), from), m);
      Values y = loadSome(e, memory, e.add(e.mul(i, form.columns + 4), column), n);
      Values out;
      for (int64_t j = 0; j < m * n; ++j)
        out.push_back(e.fma(x[j / n], y[j % n], in[j]));
      return out;
    });
    llvm::append_range(all, acc);
  }
  return all;
}
