//===- LinearAttentionSteps.cpp - the recurrence as it is written -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A thread has columns of some rows of the state, the same at every position: only sums over
// rows are exchanged.
//
//===----------------------------------------------------------------------===//
#include "LinearAttention.h"

using namespace mlir;
using namespace linnet::codegen;

Value GPULinearAttention::elementAt(const View &x, Value h, Value t, Value c) {
  Values coordinates = {batch, h, t};
  if (x.rank() == 4)
    coordinates.push_back(c);
  return loadFloat(e, x, f.position(x, coordinates));
}

/// Sums over the rows of the thread, one per column.
Values GPULinearAttention::forRows(llvm::function_ref<Values(Value, ValueRange)> body) {
  Value begin = e.select(e.lt(team, e.index(s.rowTeams())), team, e.index(s.K));
  return e.forLoop(begin, e.index(s.K), e.index(s.rowTeams()), Values(s.wide, e.f(0)), body);
}

/// Puts the sums of all threads where others find them.
void GPULinearAttention::share(const Values &sums) {
  e.barrier(); // those before have been read
  e.ifThen(e.lt(team, e.index(s.rowTeams())),
           [&] { e.vstore(e.pack(sums), floats, place(s.partial, team, s.width(), teamColumn)); });
  e.barrier();
}

/// Columns of what was shared, over all teams, in their order.
Values GPULinearAttention::sumOverTeams(Value from) {
  return e.forLoop(e.index(0), e.index(s.rowTeams()), e.index(1), Values(s.wide, e.f(0)),
                   [&](Value i, ValueRange sums) {
                     Values x = at(s.partial, i, s.width(), from, s.wide), next;
                     for (auto [a, b] : llvm::zip_equal(sums, x))
                       next.push_back(e.addf(a, b));
                     return next;
                   });
}

/// The outputs of position t; `written` are its values.
void GPULinearAttention::readStep(Value t, const Values &written) {
  auto head = [&](Value g) {
    Value h = s.queryHead(e, this->head, g, q);
    share(forRows([&](Value c, ValueRange sums) {
      Values x = stateAt(c, teamColumn, s.wide), next;
      Value query = elementAt(q, h, t, c), own;
      if (s.bonus)
        own = e.mulf(loadFloat(e, bonus, f.position(bonus, {headOf(bonus, 0), c})),
                     elementAt(k, headOf(k), t, c));
      for (int64_t i = 0; i < s.wide; ++i)
        next.push_back(e.fma(query, own ? e.fma(own, written[i], x[i]) : x[i], sums[i]));
      return next;
    }));
    Values sums = sumOverTeams(teamColumn);
    Value factor = e.f(s.scale);
    if (s.normalise) {
      Value divisor = sumOverTeams(e.index(s.columns))[0];
      factor = e.divf(factor, e.maxf(divisor, e.f(s.eps)));
    }
    for (Value &x : sums)
      x = e.mulf(x, factor);
    if (!out)
      return;
    Value o = e.add(e.mul(this->head, s.group), g);
    Value position = f.position(*out, {batch, o, t, e.add(column, teamColumn)});
    e.ifThen(e.eq(team, e.index(0)),
             [&] { storeRow(sums, *out, position, isAligned(*out), e.sub(width, teamColumn)); });
  };
  if (s.group == 1)
    return head(e.index(0));
  e.forLoop(e.index(s.group), head);
}

void GPULinearAttention::step(Value t) {
  Value h = headOf(k);
  Value position = f.position(v, {batch, headOf(v), t, e.add(column, teamColumn)});
  Values written = loadRow(v, position, isAligned(v), e.sub(width, teamColumn));
  if (s.normalise) // the values of the normaliser are ones
    written[0] = e.select(e.eq(teamColumn, e.index(s.columns)), e.f(1), written[0]);
  Value scalarGate = s.scalarDecay ? gateOf(elementAt(decay, headOf(decay), t, {})) : Value();
  auto gate = [&](Value c) {
    return s.vectorDecay ? gateOf(elementAt(decay, headOf(decay), t, c)) : scalarGate;
  };
  Values found, added = written;
  if (s.solves()) {
    share(forRows([&](Value c, ValueRange sums) {
      Value a = s.delta ? elementAt(k, h, t, c) : elementAt(eraseA, headOf(eraseA), t, c);
      if (s.delta && s.decays())
        a = e.mulf(a, gate(c));
      Values x = stateAt(c, teamColumn, s.wide), next;
      for (int64_t i = 0; i < s.wide; ++i)
        next.push_back(e.fma(a, x[i], sums[i]));
      return next;
    }));
    found = sumOverTeams(teamColumn);
  }
  if (s.delta) {
    Value rate = elementAt(beta, headOf(beta), t, {});
    for (auto [x, y] : llvm::zip_equal(added, found))
      x = e.mulf(rate, e.subf(x, y));
  }
  if (s.pre)
    readStep(t, written);
  forRows([&](Value c, ValueRange sums) {
    Value key = elementAt(k, h, t, c), g = gate(c);
    Value b = s.erase ? elementAt(eraseB, headOf(eraseB), t, c) : Value();
    Values x = stateAt(c, teamColumn, s.wide);
    for (int64_t i = 0; i < s.wide; ++i) {
      x[i] = e.fma(key, added[i], g ? e.mulf(g, x[i]) : x[i]);
      if (b)
        x[i] = e.fma(b, found[i], x[i]);
    }
    setState(c, teamColumn, x);
    return Values(sums);
  });
  if (!s.pre)
    readStep(t, written);
}
