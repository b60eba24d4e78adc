//===- LinearAttentionRecurrent.cpp - the recurrence as it is written -----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A row of the state is loaded once for several positions, which update it one after the other
// in registers while their outputs and values stay there. An erase term needs a^T S over all
// rows first: the pass that updates a row for one position therefore also reads it for the next.
//
//===----------------------------------------------------------------------===//
#include "LinearAttention.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

// Registers hold per position its outputs and values, and the rows of the state.
int64_t LinearAttentionKernel::positionsAtOnce() const {
  int64_t registers = e.target.avx512 ? 30 : 7;
  int64_t each = vectors * (s.group + 1) + s.scalarDecay;
  int64_t fit = (registers - (e.target.avx512 ? 2 : 1) * vectors) / each;
  for (int64_t n : {4, 3, 2})
    if (fit >= n)
      return n;
  return 1;
}

// A row takes its updates one after the other: others fill the time between them.
int64_t LinearAttentionKernel::rowsAtOnce(int64_t positions) const {
  return e.target.avx512 || positions == 1 ? 2 : 1;
}

void LinearAttentionKernel::recurrentPanel(Value count) {
  auto load = [&](Value c, int64_t n) { return e.vload(floats, stateAddress(c, n)); };
  auto store = [&](Value x, Value c, int64_t n) { e.vstore(x, floats, stateAddress(c, n)); };
  StateAccess access{load, store, /*decayedInPlace=*/true};
  if (s.delta || s.erase)
    return erasingPositions(count, access);
  Value from = e.index(0);
  if (strategy.blocked) {
    from = e.mul(e.div(count, kBlockPositions), kBlockPositions);
    e.forLoop(e.index(0), from, e.index(kBlockPositions), [&](Value t) { blockPositions(t); });
  }
  plainPanel(from, count, access);
}

void LinearAttentionKernel::plainPanel(Value from, Value count, const StateAccess &access) {
  int64_t many = positionsAtOnce();
  Value whole = e.add(from, e.mul(e.div(e.sub(count, from), many), many));
  e.forLoop(from, whole, e.index(many), [&](Value t) { plainPositions(many, t, access); });
  if (many > 1)
    e.forLoop(whole, count, e.index(1), [&](Value t) { plainPositions(1, t, access); });
}

/// The values of a position, a vector per block.
Values LinearAttentionKernel::loadValues(Value t) {
  Values out;
  for (int64_t n = 0; n < vectors; ++n) {
    Value where = frame.position(
        v, {batch, headOf(v, 1), e.add(firstPosition, t), e.add(column, n * kLanes)});
    out.push_back(loadLanes(e, v, where, 3, lanes[n]));
  }
  return out;
}

void LinearAttentionKernel::storeOutputs(Value t, int64_t g, Values o, ValueRange values) {
  if (!out)
    return;
  Value factor = s.normalise      ? e.splat(scalarAt(at.inverse + g * kPanel, t))
                 : s.scale != 1.0 ? e.vf(s.scale)
                                  : Value();
  Value own = s.bonus ? e.splat(scalarAt(at.bonusDot + g * kPanel, t)) : Value();
  Value h = e.add(e.mul(head, s.group), g);
  for (int64_t n = 0; n < vectors; ++n) {
    if (own)
      o[n] = e.fma(own, values[n], o[n]);
    if (factor)
      o[n] = e.mulf(o[n], factor);
    Value where =
        frame.position(*out, {batch, h, e.add(firstPosition, t), e.add(column, n * kLanes)});
    storeLanes(e, o[n], *out, where, 3, lanes[n]);
  }
}

/// A loop over the K rows of the state, `together` (1, 2 or 4) of them in one call of the body.
Values LinearAttentionKernel::forRows(int64_t together, ValueRange init, RowsBody body) {
  constexpr int64_t unrolled = 4;
  int64_t whole = s.K / unrolled * unrolled;
  auto group = [&](Value first, int64_t count, Values carried) {
    Values rows;
    for (int64_t i = 0; i < count; ++i)
      rows.push_back(e.add(first, i));
    return body(rows, carried);
  };
  Values carried(init);
  if (whole)
    carried = e.forLoop(e.index(0), e.index(whole), e.index(unrolled), carried,
                        [&](Value c, ValueRange in) {
                          Values x(in);
                          for (int64_t i = 0; i < unrolled; i += together)
                            x = group(e.add(c, i), together, x);
                          return x;
                        });
  for (int64_t c = whole; c < s.K; ++c)
    carried = group(e.index(c), 1, carried);
  return carried;
}

//===----------------------------------------------------------------------===//
// Without an erase term
//===----------------------------------------------------------------------===//

void LinearAttentionKernel::plainPositions(int64_t positions, Value t, const StateAccess &access) {
  Values times, gates;
  SmallVector<Values> values;
  for (int64_t j = 0; j < positions; ++j) {
    times.push_back(e.add(t, j));
    values.push_back(loadValues(times[j]));
    gates.push_back(s.scalarDecay ? e.splat(scalarAt(at.scalarDecay, times[j])) : Value());
  }
  // outputs by position, query head and vector
  auto slot = [&](int64_t j, int64_t g, int64_t n) { return (j * s.group + g) * vectors + n; };
  auto advance = [&](ArrayRef<Value> rows, ValueRange in) {
    Values o(in), x;
    for (Value c : rows)
      for (int64_t n = 0; n < vectors; ++n)
        x.push_back(access.load(c, n));
    auto read = [&](int64_t j, int64_t r) {
      for (int64_t g = 0; g < s.group; ++g) {
        Value query = e.splat(element(queries[g], times[j], rows[r]));
        for (int64_t n = 0; n < vectors; ++n)
          o[slot(j, g, n)] = e.fma(query, x[r * vectors + n], o[slot(j, g, n)]);
      }
    };
    for (int64_t j = 0; j < positions; ++j)
      for (int64_t r = 0, count = rows.size(); r < count; ++r) {
        if (s.pre)
          read(j, r);
        Value key = e.splat(element(keys, times[j], rows[r]));
        Value gate = s.vectorDecay ? e.splat(element(decays, times[j], rows[r])) : gates[j];
        for (int64_t n = 0; n < vectors; ++n) {
          Value &row = x[r * vectors + n];
          row = e.fma(key, values[j][n], gate ? e.mulf(gate, row) : row);
        }
        if (!s.pre)
          read(j, r);
      }
    for (int64_t r = 0, count = rows.size(); r < count; ++r)
      for (int64_t n = 0; n < vectors; ++n)
        access.store(x[r * vectors + n], rows[r], n);
    return o;
  };
  Values init(positions * s.group * vectors, e.vf(0));
  Values sums = forRows(rowsAtOnce(positions), init, advance);
  for (int64_t j = 0; j < positions; ++j)
    for (int64_t g = 0; g < s.group; ++g) {
      ArrayRef<Value> o = ArrayRef<Value>(sums).slice(slot(j, g, 0), vectors);
      storeOutputs(times[j], g, Values(o), values[j]);
    }
}

//===----------------------------------------------------------------------===//
// With an erase term
//===----------------------------------------------------------------------===//

// The delta rule decays, then reads what its key finds: row c is left decayed for position t.
void LinearAttentionKernel::readAhead(Ahead &ahead, Values &row, Value t, Value c) {
  if (s.pre)
    for (int64_t g = 0; g < s.group; ++g) {
      Value query = e.splat(element(queries[g], t, c));
      for (int64_t n = 0; n < vectors; ++n)
        ahead.o[g * vectors + n] = e.fma(query, row[n], ahead.o[g * vectors + n]);
    }
  if (s.delta && s.decays()) {
    Value gate = e.splat(s.vectorDecay ? element(decays, t, c) : scalarAt(at.scalarDecay, t));
    for (Value &x : row)
      x = e.mulf(gate, x);
  }
  Value a = e.splat(element(s.delta ? keys : as, t, c));
  for (int64_t n = 0; n < vectors; ++n)
    ahead.y[n] = e.fma(a, row[n], ahead.y[n]);
}

static Values joined(const Values &a, const Values &b) {
  Values out(a);
  out.append(b);
  return out;
}

LinearAttentionKernel::Ahead LinearAttentionKernel::lookAhead(Value t, const StateAccess &access) {
  int64_t outputs = s.pre ? s.group * vectors : 0;
  Values all =
      forRows(1, Values(vectors + outputs, e.vf(0)), [&](ArrayRef<Value> rows, ValueRange in) {
        Value c = rows.front();
        Ahead ahead{Values(in.take_front(vectors)), Values(in.drop_front(vectors))};
        Values row;
        for (int64_t n = 0; n < vectors; ++n)
          row.push_back(access.load(c, n));
        readAhead(ahead, row, t, c);
        if (s.delta && s.decays() && access.decayedInPlace)
          for (int64_t n = 0; n < vectors; ++n)
            access.store(row[n], c, n);
        return joined(ahead.y, ahead.o);
      });
  ArrayRef<Value> found(all);
  return {Values(found.take_front(vectors)), Values(found.drop_front(vectors))};
}

// Updates the state for position t, reads it, and unless `last` reads it for position t + 1.
LinearAttentionKernel::Ahead LinearAttentionKernel::erasingPosition(Value t, const Ahead &ahead,
                                                                    bool last,
                                                                    const StateAccess &access) {
  Values values = loadValues(t), added = values;
  if (s.delta) {
    Value rate = e.splat(scalarAt(at.beta, t));
    for (int64_t n = 0; n < vectors; ++n)
      added[n] = e.mulf(rate, e.subf(values[n], ahead.y[n]));
  }
  Value scalarGate = s.scalarDecay ? e.splat(scalarAt(at.scalarDecay, t)) : Value();
  bool decaysHere = s.decays() && !(s.delta && access.decayedInPlace);
  int64_t reads = s.group * vectors;
  int64_t carried = (s.pre ? 0 : reads) + (last ? 0 : vectors + (s.pre ? reads : 0));
  Values all = forRows(1, Values(carried, e.vf(0)), [&](ArrayRef<Value> rows, ValueRange in) {
    Value c = rows.front();
    Values now(in.take_front(s.pre ? 0 : reads)), later(in.drop_front(now.size()));
    Values row;
    Value key = e.splat(element(keys, t, c));
    Value b = s.erase ? e.splat(element(bs, t, c)) : Value();
    Value gate = s.vectorDecay && decaysHere ? e.splat(element(decays, t, c)) : scalarGate;
    for (int64_t n = 0; n < vectors; ++n) {
      Value x = access.load(c, n);
      x = e.fma(key, added[n], decaysHere ? e.mulf(gate, x) : x);
      row.push_back(b ? e.fma(b, ahead.y[n], x) : x);
    }
    for (size_t i = 0; i < now.size(); ++i)
      now[i] = e.fma(e.splat(element(queries[i / vectors], t, c)), row[i % vectors], now[i]);
    Ahead next;
    if (!last) {
      next = {Values(ArrayRef<Value>(later).take_front(vectors)),
              Values(ArrayRef<Value>(later).drop_front(vectors))};
      readAhead(next, row, e.add(t, 1), c);
    }
    for (int64_t n = 0; n < vectors; ++n)
      access.store(row[n], c, n);
    return joined(joined(now, next.y), next.o);
  });
  ArrayRef<Value> found(all);
  ArrayRef<Value> o = s.pre ? ArrayRef<Value>(ahead.o) : found.take_front(reads);
  for (int64_t g = 0; g < s.group; ++g)
    storeOutputs(t, g, Values(o.slice(g * vectors, vectors)), values);
  if (last)
    return {};
  found = found.drop_front(s.pre ? 0 : reads);
  return {Values(found.take_front(vectors)), Values(found.drop_front(vectors))};
}

void LinearAttentionKernel::erasingPositions(Value count, const StateAccess &access) {
  Ahead first = lookAhead(e.index(0), access);
  Value end = e.sub(count, 1);
  Values all = joined(first.y, first.o);
  bool several = Emitter::constantOf(count) != 1;
  if (several)
    all = e.forLoop(e.index(0), end, e.index(1), all, [&](Value t, ValueRange in) {
      Ahead ahead{Values(in.take_front(vectors)), Values(in.drop_front(vectors))};
      Ahead next = erasingPosition(t, ahead, /*last=*/false, access);
      return joined(next.y, next.o);
    });
  ArrayRef<Value> found(all);
  Ahead ahead{Values(found.take_front(vectors)), Values(found.drop_front(vectors))};
  erasingPosition(end, ahead, /*last=*/true, access);
}
