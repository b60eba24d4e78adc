//===- LinearAttentionBlock.cpp - a block of positions as products ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Positions that do not exist are rows of zeros, which write nothing and decay nothing.
//
//===----------------------------------------------------------------------===//
#include "LinearAttention.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Operands of a block
//===----------------------------------------------------------------------===//

Value GPULinearAttention::place(Value table, Value row, int64_t pitch, Value c) {
  return e.add(e.add(e.mul(row, pitch), c), table);
}

Values GPULinearAttention::at(Value table, Value row, int64_t pitch, Value column, int64_t n) {
  return get(floats, place(table, row, pitch, column), n);
}

/// Rows of the block from a column on; only `columns` of those that are filled exist.
void GPULinearAttention::fill(int64_t table, int64_t pitch, int64_t filled, const View &x, Value h,
                              Value firstColumn, Value columns, bool asGates) {
  Value aligned = isAligned(x);
  int64_t across = filled / s.wide;
  e.forThreads(e.index(s.positions * across), [&](Value number) {
    Value row = e.div(number, across), c = e.mul(e.rem(number, across), s.wide);
    Value left = e.select(e.lt(row, count), e.sub(columns, c), e.index(0));
    Value position = f.position(x, {batch, h, e.add(first, row), e.add(firstColumn, c)});
    Values values = loadRow(x, position, aligned, left);
    if (asGates)
      for (Value &g : values)
        g = gateOf(g);
    put(values, floats, place(table, row, pitch, c));
  });
}

/// One number per position.
void GPULinearAttention::fillScalars(int64_t table, const View &x, bool asGates) {
  e.forThreads(e.index(s.positions), [&](Value row) {
    Value found = e.ifElse(
        e.lt(row, count), TypeRange{e.f32()},
        [&] {
          return Values{loadFloat(e, x, f.position(x, {batch, headOf(x), e.add(first, row)}))};
        },
        [&] { return Values{e.f(0)}; })[0];
    e.store(asGates ? gateOf(found) : found, floats, e.add(row, table));
  });
}

void GPULinearAttention::fillValues() {
  fill(s.values, s.width(), s.columns, v, headOf(v), column, width);
  if (!s.normalise)
    return;
  e.forThreads(e.index(s.positions), [&](Value row) { // of the normaliser: ones
    Value one = e.select(e.lt(row, count), e.f(1), e.f(0));
    for (int64_t i = 0; i < 4; ++i)
      e.store(i ? e.f(0) : one, floats, place(s.values, row, s.width(), e.index(s.columns + i)));
  });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// The tile of a thread among those of a product.
GPULinearAttention::Tile GPULinearAttention::tileOf(int64_t rows, int64_t columns) {
  int64_t across = columns / 4, tiles = rows / 4 * across;
  int64_t parts =
      std::min<int64_t>({16, e.subgroup(), int64_t(llvm::bit_floor(uint64_t(s.kThreads / tiles)))});
  Value number = e.div(e.thread, parts);
  Tile t{parts, e.rem(e.thread, parts), {}, {}, e.boolean(true)};
  if (parts * tiles < s.kThreads) {
    t.exists = e.lt(number, e.index(tiles));
    number = e.min(number, e.index(tiles - 1));
  }
  t.row = e.mul(e.div(number, across), 4);
  t.column = e.mul(e.rem(number, across), 4);
  return t;
}

/// Adds a(row, i) b(i, column) for all i below `depth`, this lane's part of them, to the tile; b is
/// asked for (column, i) where it is `turned`.
Values GPULinearAttention::addProducts(Values sums, const Tile &t, Value depth, Elements a,
                                       Elements b, bool turned) {
  Value begin = e.mul(t.part, s.wide), step = e.index(t.parts * s.wide);
  return e.forLoop(begin, depth, step, sums, [&](Value i, ValueRange in) {
    SmallVector<Values> x, y;
    for (int64_t m = 0; m < 4; ++m)
      x.push_back(a(e.add(t.row, m), i));
    for (int64_t m = 0; m < (turned ? 4 : s.wide); ++m)
      y.push_back(turned ? b(e.add(t.column, m), i) : b(e.add(i, m), t.column));
    Values next(in);
    for (int64_t k = 0; k < s.wide; ++k)
      for (int64_t m = 0; m < 16; ++m)
        next[m] = e.fma(x[m / 4][k], turned ? y[m % 4][k] : y[k][m % 4], next[m]);
    return next;
  });
}

/// The lanes of a tile add what they have: each is left with its share of the sums. In every step
/// a lane hands half of them to another and takes the other half from it.
Values GPULinearAttention::gather(Values sums, const Tile &t) {
  for (int64_t mask = t.parts / 2; mask >= 1; mask /= 2) {
    Value upper = e.eq(e.rem(e.div(t.part, mask), 2), e.index(1));
    size_t half = sums.size() / 2;
    Values next;
    for (size_t i = 0; i < half; ++i) {
      Value mine = e.select(upper, sums[i + half], sums[i]);
      Value others = e.select(upper, sums[i], sums[i + half]);
      next.push_back(e.addf(mine, e.shuffleXor(others, mask)));
    }
    sums = next;
  }
  return sums;
}

/// Body for what a lane has after `gather`: neighbours of a row, up to four.
void GPULinearAttention::forOutputs(const Tile &t, const Values &sums,
                                    llvm::function_ref<void(Value, Value, ValueRange)> body) {
  int64_t n = sums.size(), many = std::min<int64_t>(n, 4);
  Value begin = e.mul(t.part, n);
  Value row = e.add(t.row, e.div(begin, 4)),
        at = e.add(t.column, n < 4 ? e.rem(begin, 4) : e.index(0));
  e.ifThen(t.exists, [&] {
    for (int64_t i = 0; i < n; i += many)
      body(e.add(row, i / 4), at, ArrayRef(sums).slice(i, many));
  });
}

/// X' S. Decays by channel are in the rows already.
Values GPULinearAttention::addReadState(Values sums, const Tile &t, const Reader &r) {
  sums = addProducts(
      sums, t, e.index(s.depth()),
      [&](Value row, Value c) { return at(e.index(s.readers), row, s.depth(), c, s.wide); },
      [&](Value c, Value column) { return stateAt(c, column); }, /*turned=*/false);
  if (s.scalarDecay)
    for (int64_t m = 0; m < 4; ++m) {
      Value factor = decayUpTo(e.add(t.row, m), r.inclusive);
      for (int64_t n = 0; n < 4; ++n)
        sums[4 * m + n] = e.mulf(sums[4 * m + n], factor);
    }
  return sums;
}

/// A U, without the tiles of A above its diagonal. A set that erases is still to find what it adds,
/// and the delta rule's reads nothing else.
Values GPULinearAttention::addScored(Values sums, const Tile &t, const Reader &r) {
  auto a = [&](Value scores, Value row, Value j) {
    Values x = at(scores, row, s.positions, j, s.wide);
    if (!s.scalarDecay)
      return x;
    Value like = rowOfDecays(row, r.inclusive); // pairs that decay alike lie in a row
    for (auto [score, gate] :
         llvm::zip_equal(x, at(e.index(s.between), like, s.positions, j, s.wide)))
      score = e.mulf(score, gate);
    return x;
  };
  return overWriters(sums, [&](Value writer, ValueRange in) {
    Value pending = e.both(r.erases, s.delta ? e.boolean(true) : e.eq(writer, e.index(1)));
    Value scores = e.add(e.mul(writer, s.eraserScores - s.scores), s.scores);
    Value values = e.add(e.mul(writer, s.found - s.values), s.values);
    return addProducts(
        Values(in), t, e.select(pending, e.index(0), e.add(t.row, 4)),
        [&](Value row, Value j) { return a(scores, row, j); },
        [&](Value j, Value column) { return at(values, j, s.width(), column, 4); },
        /*turned=*/false);
  });
}

//===----------------------------------------------------------------------===//
// A block
//===----------------------------------------------------------------------===//

void GPULinearAttention::block() {
  Value zero = e.index(0), depth = e.index(s.K);
  e.barrier(); // the block before is done
  fill(s.keys, s.depth(), s.depth(), k, headOf(k), zero, depth);
  fillValues();
  if (s.vectorDecay)
    fill(s.gates, s.depth(), s.depth(), decay, headOf(decay), zero, depth, /*asGates=*/true);
  if (s.scalarDecay)
    fillScalars(s.gates, decay, /*asGates=*/true);
  if (s.delta)
    fillScalars(s.rates, beta, /*asGates=*/false);
  if (s.erase)
    fill(s.erasers, s.depth(), s.depth(), eraseB, headOf(eraseB), zero, depth);
  overSets([&](Value set) { readSet(set); });
  e.barrier();
  if (s.vectorDecay) {
    decayWriters();
    e.barrier();
  }
  advance();
}

/// Body for the readers that erase, then for the queries of every head.
void GPULinearAttention::overSets(llvm::function_ref<void(Value)> body) {
  int64_t sets = s.group + s.solves();
  if (sets == 1)
    return body(e.index(0));
  e.forLoop(e.index(sets), [&](Value set) {
    e.barrier(); // the set before is done
    body(set);
  });
}

/// Body for the keys and, where they are others, the rows of an erase term.
Values GPULinearAttention::overWriters(Values init,
                                       llvm::function_ref<Values(Value, ValueRange)> body) {
  if (!s.erase)
    return body(e.index(0), init);
  return e.forLoop(e.index(0), e.index(2), e.index(1), init, body);
}

void GPULinearAttention::readSet(Value set) {
  Reader r;
  r.erases = s.solves() ? e.eq(set, e.index(0)) : e.boolean(false);
  // the delta rule decays before it erases
  r.inclusive = s.delta == !s.pre ? e.boolean(s.delta)
                                  : e.select(r.erases, e.boolean(s.delta), e.boolean(!s.pre));
  r.own = s.pre ? e.boolean(false) : e.select(r.erases, e.boolean(false), e.boolean(true));
  Value g = s.solves() ? e.sub(set, 1) : set, zero = e.index(0), depth = e.index(s.K);
  const View &from = s.delta ? k : eraseA;
  auto fillErasers = [&] {
    fill(s.readers, s.depth(), s.depth(), from, headOf(from), zero, depth);
  };
  auto fillQueries = [&] {
    fill(s.readers, s.depth(), s.depth(), q, s.queryHead(e, head, g, q), zero, depth);
  };
  e.ifThen(r.erases, fillErasers, fillQueries);
  e.barrier();
  score(r);
  e.barrier();
  if (s.vectorDecay) {
    decayReaders(r);
    e.barrier();
  }
  Tile t = tileOf(s.positions, s.width());
  Values sums = gather(addScored(addReadState(Values(16, e.f(0)), t, r), t, r), t);
  e.ifThen(r.erases, [&] { erase(t, sums); }, [&] { storeOutputs(t, sums, g); });
}

/// What an erase term adds (the delta rule), or what it finds.
void GPULinearAttention::erase(const Tile &t, const Values &sums) {
  forOutputs(t, sums, [&](Value row, Value c, ValueRange x) {
    for (auto [i, found] : llvm::enumerate(x)) {
      Value to = place(s.found, row, s.width(), e.add(c, i)), value = found;
      if (s.delta)
        value = e.mulf(e.load(floats, e.add(row, s.rates)), e.subf(e.load(floats, to), found));
      e.store(value, floats, to);
    }
  });
  buildSystem();
  e.barrier();
  solve(s.found);
}

/// Row j holds what position j + 1 + m takes from j, so that a solution runs along rows.
void GPULinearAttention::buildSystem() {
  e.forThreads(e.index(s.positions * s.positions), [&](Value number) {
    Value j = e.div(number, s.positions), m = e.rem(number, s.positions);
    Value i = e.add(e.add(j, m), 1), inside = e.lt(i, e.index(s.positions));
    Value row = e.min(i, e.index(s.positions - 1));
    Value x = e.load(floats, place(s.delta ? s.scores : s.eraserScores, row, s.positions, j));
    if (s.scalarDecay)
      x = e.mulf(x, decayBetween(row, j, e.boolean(s.delta)));
    if (s.delta)
      x = e.negf(e.mulf(x, e.load(floats, e.add(row, s.rates))));
    e.store(e.select(inside, x, e.f(0)), floats, e.add(number, s.system));
  });
}

/// x_i = r_i + sum_j L[i, j] x_j in place, a thread per column: what position j found goes to all
/// that are left, of which the next comes first.
void GPULinearAttention::solve(int64_t table) {
  e.forThreads(e.index(s.width()), [&](Value d) {
    Values left;
    for (int64_t i = 0; i < s.positions; ++i)
      left.push_back(e.load(floats, place(table, e.index(i), s.width(), d)));
    e.forLoop(e.index(0), e.index(s.positions), e.index(1), left, [&](Value j, ValueRange in) {
      Values next;
      e.store(in[0], floats, place(table, j, s.width(), d));
      for (int64_t i = 0; i < s.positions; i += 4)
        for (auto [n, factor] : llvm::enumerate(at(s.system, j, s.positions, e.index(i), 4)))
          next.push_back(i + int64_t(n) + 1 < s.positions ? e.fma(factor, in[0], in[i + n + 1])
                                                          : e.f(0));
      return next;
    });
  });
}

/// The outputs of the g-th head of queries.
void GPULinearAttention::storeOutputs(const Tile &t, const Values &sums, Value g) {
  if (s.normalise) {
    forOutputs(t, sums, [&](Value row, Value c, ValueRange x) {
      e.ifThen(e.eq(c, e.index(s.columns)), [&] { e.store(x[0], floats, e.add(row, s.divisors)); });
    });
    e.barrier();
  }
  if (!out)
    return;
  Value h = e.add(e.mul(head, s.group), g), aligned = isAligned(*out);
  forOutputs(t, sums, [&](Value row, Value c, ValueRange x) {
    Value factor = e.f(s.scale);
    if (s.normalise)
      factor = e.divf(factor, e.maxf(e.load(floats, e.add(row, s.divisors)), e.f(s.eps)));
    Values o;
    for (Value y : x)
      o.push_back(e.mulf(y, factor));
    Value left = e.select(e.lt(row, count), e.sub(width, c), e.index(0));
    Value position = f.position(*out, {batch, h, e.add(first, row), e.add(column, c)});
    storeRow(o, *out, position, aligned, left);
  });
}

/// The state at the block's end, in tiles.
void GPULinearAttention::advance() {
  int64_t across = s.width() / 4, height = s.wide == 1 ? 2 : 4;
  e.forThreads(e.index(s.depth() / height * across), [&](Value number) {
    Value row = e.mul(e.div(number, across), height), c = e.mul(e.rem(number, across), 4);
    Value last = e.index(s.positions - 1);
    Values sums, keep;
    if (s.scalarDecay)
      keep.assign(height, decayUpTo(last, e.boolean(true)));
    if (s.vectorDecay)
      keep = at(s.keep, e.index(0), 0, row, height);
    for (int64_t m = 0; m < height; ++m)
      for (Value x : stateAt(e.add(row, m), c))
        sums.push_back(s.decays() ? e.mulf(x, keep[m]) : x);
    auto addPosition = [&](Value j, ValueRange in) {
      Values next(in);
      auto add = [&](int64_t writers, int64_t values) {
        Values w = at(writers, j, s.depth(), row, height), u = at(values, j, s.width(), c, 4);
        if (s.scalarDecay)
          for (Value &x : u)
            x = e.mulf(x, decayBetween(last, j, e.boolean(true)));
        for (auto [i, x] : llvm::enumerate(next))
          x = e.fma(w[i / 4], u[i % 4], x);
      };
      add(s.keys, s.values);
      if (s.erase)
        add(s.erasers, s.found);
      return next;
    };
    sums = e.forLoop(e.index(0), e.index(s.positions), e.index(1), sums, addPosition);
    for (int64_t m = 0; m < height; ++m)
      setState(e.add(row, m), c, ArrayRef(sums).slice(4 * m, 4));
  });
}
