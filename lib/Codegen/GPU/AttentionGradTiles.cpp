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

/// Queries or keys of a tile or, for the gradients of weights, output gradients or values, as
/// [tile][depth]; zeros beyond the tile and the depth. Queries with their factor, as the forward
/// pass has them: scores of the same bits as those that lse was made of leave no error in
/// exp(score - lse), where those that round differently have both roundings in it.
void GPUAttentionGrad::stage(const Tile &tile, bool gradients, int64_t to) {
  const View &v = gradients ? (tile.keys ? this->v : dout) : (tile.keys ? k : q);
  Value aligned =
      gradients ? (tile.keys ? alignedV : alignedOut) : (tile.keys ? alignedK : alignedQ);
  int64_t depth = form.depthOf(gradients), pitch = form.pitch(depth), fours = (pitch - 4) / 4;
  e.forThreads(e.index(tile.size * fours), [&](Value n) {
    Value column = e.mul(e.rem(n, fours), 4), i = e.div(n, fours), number = e.add(tile.first, i);
    Values x =
        fetch(v, aligned, positionOf(v, tile, number), e.lt(number, tile.count), column, depth);
    if (!tile.keys && !gradients)
      for (Value &query : x)
        query = e.mulf(query, e.f(queryFactor()));
    e.vstore(e.pack(x), memory, e.add(e.add(e.mul(i, pitch), column), to));
  });
}

void GPUAttentionGrad::stageOwn(const Tile &own) {
  stage(own, false, form.ownAt(false));
  stage(own, true, form.ownAt(true));
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Both products of a step, then what its weights are. Output gradients come last where they are of
/// the other side, and so do keys: they are what follows needs.
void GPUAttentionGrad::makeWeights(const Step &s, bool forBias) {
  bool first = !s.own.keys;
  for (bool gradients : {first, !first}) {
    if (gradients == first || !form.together) {
      e.barrier(); // what was there has been read
      stageOther(s.other, gradients);
      if (form.together)
        stageOther(s.other, !gradients);
      e.barrier();
    }
    if (gradients && s.own.keys)
      packRows(s.other, form.otherAt(true));
    multiply(gradients);
  }
  e.barrier();
  weigh(s, forBias);
}

/// Products of rows and keys: of queries and keys or, for the gradients of weights, of output
/// gradients and values. A thread has every ownLanes-th of the own tile, and of the other likewise:
/// a subgroup reads neighbours, from eight of the own tile on.
void GPUAttentionGrad::multiply(bool gradients) {
  const GPUAttentionGradForm::Scores t = form.scores();
  int64_t many = t.own, down = t.other, parts = t.parts;
  int64_t pitch = form.pitch(form.depthOf(gradients)), inner = std::min<int64_t>(8, t.ownLanes);
  Value part = e.rem(e.thread, parts), lane = e.div(e.thread, parts), rest = e.div(lane, inner);
  Value own = e.add(e.rem(lane, inner), e.mul(e.div(rest, t.otherLanes), inner));
  Value other = e.rem(rest, t.otherLanes);
  Value ownAt = e.add(e.mul(own, pitch), form.ownAt(gradients));
  Value otherAt = e.add(e.mul(other, pitch), form.otherAt(gradients));
  Value depth = e.index(llvm::alignTo(form.depthOf(gradients), 4));
  auto addFour = [&](Value d, ValueRange in) {
    SmallVector<Values> x, y;
    for (int64_t i = 0; i < down; ++i)
      x.push_back(loadSome(e, memory, e.add(e.add(otherAt, i * t.otherLanes * pitch), d), 4));
    for (int64_t i = 0; i < many; ++i)
      y.push_back(loadSome(e, memory, e.add(e.add(ownAt, i * t.ownLanes * pitch), d), 4));
    Values out(in);
    for (int64_t n = 0; n < 4; ++n)
      for (int64_t i = 0; i < down * many; ++i)
        out[i] = e.fma(x[i / many][n], y[i % many][n], out[i]);
    return out;
  };
  Values sums =
      e.forLoop(e.mul(part, 4), depth, e.index(4 * parts), Values(down * many, e.f(0)), addFour);
  for (Value &sum : sums)
    sum = e.reduceTeam(sum, parts, [&](Value a, Value b) { return e.addf(a, b); });
  e.ifThen(e.eq(part, e.index(0)), [&] {
    for (int64_t i = 0; i < down * many; ++i) {
      Value row = e.add(other, i / many * t.otherLanes), column = e.add(own, i % many * t.ownLanes);
      Value at = e.add(e.mul(row, form.scorePitch()), column);
      e.store(sums[i], memory, e.add(at, gradients ? form.gradsAt : form.scoresAt));
    }
  });
}

/// Adds the products of the weights at a place with the other tile's queries or keys, or output
/// gradients.
Values GPUAttentionGrad::addProducts(const Step &s, bool gradients, int64_t weightsAt,
                                     ValueRange sums) {
  int64_t depth = form.depthOf(gradients), pitch = form.pitch(depth);
  const GPUAttentionGradForm::Spread t = form.spread(depth);
  int64_t many = t.own, lanes = t.lanes, fours = t.fours;
  Value weights = e.add(e.mul(e.div(e.thread, lanes), many), weightsAt);
  Value count = e.min(e.index(s.other.size), e.sub(s.other.count, s.other.first));
  Values columns;
  for (int64_t n = 0; n < fours; ++n) { // beyond the last: the last, which nobody stores
    Value four = e.min(e.add(e.rem(e.thread, lanes), n * lanes), e.index((pitch - 4) / 4 - 1));
    columns.push_back(e.add(e.mul(four, 4), form.otherAt(gradients)));
  }
  return e.forLoop(e.index(0), count, e.index(1), sums, [&](Value i, ValueRange in) {
    Values x = loadSome(e, memory, e.add(e.mul(i, form.scorePitch()), weights), many), out;
    for (int64_t n = 0; n < fours; ++n) {
      Values y = loadSome(e, memory, e.add(e.mul(i, pitch), columns[n]), 4);
      for (int64_t j = 0; j < many * 4; ++j)
        out.push_back(e.fma(x[j / 4], y[j % 4], in[n * many * 4 + j]));
    }
    return out;
  });
}
