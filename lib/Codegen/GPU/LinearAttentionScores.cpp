//===- LinearAttentionScores.cpp - pairs of positions, and their decays -----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LinearAttention.h"

using namespace mlir;
using namespace linnet::codegen;

/// What readers score of writers, 0 of those that they do not see. Scalar decays are kept apart.
void GPULinearAttention::score(const Reader &r) {
  if (s.scalarDecay)
    multiplyDecays();
  overWriters({}, [&](Value writer, ValueRange) {
    Value rows = e.add(e.mul(writer, s.erasers - s.keys), s.keys);
    Value to = e.add(e.mul(writer, s.eraserScores - s.scores), s.scores);
    // what erases is of the state before, whatever the bonus
    Value bonus = e.both(e.boolean(s.bonus), e.both(e.eq(writer, e.index(0)), inverse(r.erases)));
    if (s.vectorDecay)
      scoreChannels(rows, to, r, bonus);
    else
      scorePairs(rows, to, r, bonus);
    return Values();
  });
}

Value GPULinearAttention::inverse(Value c) {
  return e.select(c, e.boolean(false), e.boolean(true));
}

//===----------------------------------------------------------------------===//
// Without decays by channel
//===----------------------------------------------------------------------===//

void GPULinearAttention::scorePairs(Value writers, Value to, const Reader &r, Value withBonus) {
  Tile t = tileOf(s.positions, s.positions);
  auto rowsOf = [&](Value table) {
    return [this, table](Value row, Value c) { return at(table, row, s.depth(), c, s.wide); };
  };
  Value depth = e.select(e.lt(t.row, t.column), e.index(0), e.index(s.depth()));
  Values sums = addProducts(Values(16, e.f(0)), t, depth, rowsOf(e.index(s.readers)),
                            rowsOf(writers), /*turned=*/true);
  forOutputs(t, gather(sums, t), [&](Value row, Value c, ValueRange x) {
    for (auto [i, score] : llvm::enumerate(x)) {
      Value j = e.add(c, i), same = e.eq(j, row), value = score;
      Value seen = e.either(e.lt(j, row), e.both(same, r.own));
      auto store = [&] {
        e.store(e.select(seen, value, e.f(0)), floats, place(to, row, s.positions, j));
      };
      e.ifThen(inverse(e.both(same, e.boolean(s.bonus))), store); // that is scoreOwn's
    }
  });
  if (!s.bonus)
    return;
  Team team = teamOfRow();
  storeScore(team, ownScore(writers, team, withBonus), to, team.row);
}

//===----------------------------------------------------------------------===//
// A team of lanes per position
//===----------------------------------------------------------------------===//

/// Lanes of a team have groups of four channels, side by side.
GPULinearAttention::Team GPULinearAttention::teamOfRow() {
  uint64_t groups = s.depth() / 4;
  int64_t lanes =
      std::min<int64_t>({e.subgroup(), s.kThreads / s.positions, int64_t(llvm::bit_ceil(groups))});
  int64_t each = llvm::divideCeil(groups, lanes);
  return {lanes, each, e.div(e.thread, lanes), e.rem(e.thread, lanes)};
}

/// Teams without a position of their own follow the last.
Value GPULinearAttention::rowOfTeam(const Team &t) {
  return e.min(t.row, e.index(s.positions - 1));
}

Value GPULinearAttention::channelOf(const Team &t, int64_t group) {
  Value number = e.add(t.lane, group * t.lanes);
  return e.mul(e.min(number, e.index(s.depth() / 4 - 1)), 4);
}

/// The lane's part of a row, as vectors. Of channels beyond the last it has the last ones again,
/// or `once` zeros: in one factor of a product.
Values GPULinearAttention::rowOf(Value table, Value row, const Team &t, bool once) {
  Values x;
  int64_t groups = s.depth() / 4;
  for (int64_t i = 0; i < t.groups; ++i) {
    x.push_back(e.vload(floats, place(table, row, s.depth(), channelOf(t, i)), 4));
    if (once && (i + 1) * t.lanes > groups)
      x[i] =
          selectLanes(e.lt(e.add(t.lane, i * t.lanes), e.index(groups)), x[i], e.splat(e.f(0), 4));
  }
  return x;
}

/// Of vectors; devices choose lane by lane.
Value GPULinearAttention::selectLanes(Value c, Value a, Value b) {
  return CodeBuilder::constantOf(c) ? e.select(c, a, b) : e.select(e.splat(c, 4), a, b);
}

Value GPULinearAttention::dot(const Values &a, const Values &b, const Team &t) {
  Value sums = e.splat(e.f(0), 4);
  for (auto [x, y] : llvm::zip_equal(a, b))
    sums = e.fma(x, y, sums);
  Value pairs[] = {e.addf(e.extract(sums, 0), e.extract(sums, 2)),
                   e.addf(e.extract(sums, 1), e.extract(sums, 3))};
  return e.reduceLanesOf(e.addf(pairs[0], pairs[1]), t.lanes,
                         [&](Value x, Value y) { return e.addf(x, y); });
}

/// Of the team's position itself: weighed by the bonus, as it is, or none.
Value GPULinearAttention::ownScore(Value writers, const Team &t, Value withBonus) {
  Value own = rowOfTeam(t);
  Values x = rowOf(e.index(s.readers), own, t), w = rowOf(writers, own, t, /*once=*/true);
  if (s.bonus)
    for (auto [a, u] : llvm::zip_equal(x, rowOf(e.index(s.bonusAt), e.index(0), t)))
      a = e.mulf(a, u);
  Value sum = dot(x, w, t);
  return s.bonus ? e.select(withBonus, sum, e.f(0)) : sum;
}

void GPULinearAttention::storeScore(const Team &t, Value x, Value to, Value i) {
  Value mine = e.both(e.lt(t.row, e.index(s.positions)), e.eq(t.lane, e.index(0)));
  e.ifThen(mine, [&] { e.store(x, floats, place(to, i, s.positions, rowOfTeam(t))); });
}

/// A team's writer goes from its own position to the block's end and decays on its way.
void GPULinearAttention::scoreChannels(Value writers, Value to, const Reader &r, Value withBonus) {
  Team t = teamOfRow();
  Value own = rowOfTeam(t), diagonal = e.f(0);
  if (s.bonus)
    diagonal = ownScore(writers, t, withBonus);
  else if (!s.pre)
    diagonal = e.select(r.own, ownScore(writers, t, withBonus), diagonal);
  storeScore(t, diagonal, to, own);
  Values w = rowOf(writers, own, t, /*once=*/true);
  e.forLoop(e.index(1), e.index(s.positions), e.index(1), w, [&](Value step, ValueRange in) {
    Value i = e.add(own, step), inside = e.lt(i, e.index(s.positions));
    Value row = e.min(i, e.index(s.positions - 1));
    Values x = rowOf(e.index(s.readers), row, t), decayed(in), seen;
    for (auto [a, g] : llvm::zip_equal(decayed, rowOf(e.index(s.gates), row, t)))
      a = e.mulf(a, g);
    for (auto [before, behind] : llvm::zip_equal(in, decayed))
      seen.push_back(selectLanes(r.inclusive, behind, before));
    // those that come earlier see nothing
    storeScore(t, e.select(inside, dot(x, seen, t), e.f(0)), to,
               e.select(inside, i, e.sub(i, s.positions)));
    return decayed;
  });
}

//===----------------------------------------------------------------------===//
// Decays
//===----------------------------------------------------------------------===//

/// between[i, j]: of scalar decays, those behind j up to i; 1 where i comes before j.
void GPULinearAttention::multiplyDecays() {
  e.forThreads(e.index(s.positions), [&](Value j) {
    e.store(e.f(1), floats, place(s.between, j, s.positions, j));
    e.forLoop(
        e.index(1), e.index(s.positions), e.index(1), {e.f(1)}, [&](Value step, ValueRange in) {
          Value i = e.add(j, step), inside = e.lt(i, e.index(s.positions));
          Value row = e.min(i, e.index(s.positions - 1));
          Value product = e.mulf(in[0], e.load(floats, e.add(row, s.gates)));
          e.store(e.select(inside, product, e.f(1)), floats,
                  place(s.between, e.select(inside, i, e.sub(i, s.positions)), s.positions, j));
          return Values{product};
        });
  });
}

/// The row of the table with the decays up to where position i reads.
Value GPULinearAttention::rowOfDecays(Value i, Value inclusive) {
  if (CodeBuilder::constantOf(inclusive) == 1)
    return i;
  return e.select(inclusive, i, e.max(e.sub(i, 1), e.index(0)));
}

/// The decays that writer j meets before position i reads it.
Value GPULinearAttention::decayBetween(Value i, Value j, Value inclusive) {
  return e.load(floats, place(s.between, rowOfDecays(i, inclusive), s.positions, j));
}

/// The decays from the block's start to where position i reads.
Value GPULinearAttention::decayUpTo(Value i, Value inclusive) {
  Value all = e.mulf(e.load(floats, e.index(s.gates)), decayBetween(i, e.index(0), inclusive));
  return e.select(e.either(inclusive, e.lt(e.index(0), i)), all, e.f(1));
}

/// Readers take the decays from the block's start, channel by channel.
void GPULinearAttention::decayReaders(const Reader &r) {
  e.forThreads(e.index(s.depth()), [&](Value c) {
    e.forLoop(e.index(0), e.index(s.positions), e.index(1), {e.f(1)}, [&](Value i, ValueRange in) {
      Value at = place(s.readers, i, s.depth(), c);
      Value product = e.mulf(in[0], e.load(floats, place(s.gates, i, s.depth(), c)));
      e.store(e.mulf(e.load(floats, at), e.select(r.inclusive, product, in[0])), floats, at);
      return Values{product};
    });
  });
}

/// Writers take the decays to the block's end; the state takes all.
void GPULinearAttention::decayWriters() {
  e.forThreads(e.index(s.depth()), [&](Value c) {
    auto body = [&](Value back, ValueRange in) {
      Value j = e.sub(e.index(s.positions - 1), back);
      SmallVector<int64_t> tables = {s.keys};
      if (s.erase)
        tables.push_back(s.erasers);
      for (int64_t table : tables) {
        Value at = place(table, j, s.depth(), c);
        e.store(e.mulf(e.load(floats, at), in[0]), floats, at);
      }
      return Values{e.mulf(in[0], e.load(floats, place(s.gates, j, s.depth(), c)))};
    };
    Value all = e.forLoop(e.index(0), e.index(s.positions), e.index(1), {e.f(1)}, body)[0];
    e.store(all, floats, e.add(c, s.keep));
  });
}
