//===- LinearAttentionGradScores.cpp - pairs of positions in a block ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Scores A of readers and writers, gradients of scores, and what decays per channel make of them:
// there each pair has products of its own, which run along with the positions.
//
//===----------------------------------------------------------------------===//
#include "LinearAttentionGrad.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

/// 1 in one lane.
Value LinearAttentionGradKernel::oneLane(int64_t lane) {
  SmallVector<float> values(kLanes, 0);
  values[lane] = 1;
  return arith::ConstantOp::create(e, DenseElementsAttr::get(e.vec(e.f32()), ArrayRef(values)));
}

/// The gate of row i of a table, in lanes c of the channels.
Value LinearAttentionGradKernel::gateAt(int64_t table, Value i, Value c) {
  return s.vectorDecay ? lanesOf(place(at(table), i, s.paddedK, c)) : splatOf(e.add(i, table));
}

void LinearAttentionGradKernel::overChannels(llvm::function_ref<void(Value)> body) {
  e.forLoop(e.index(0), e.index(s.paddedK), e.index(kLanes), body);
}

Value LinearAttentionGradKernel::bonusLanes(Value c) { return lanesOf(e.add(c, s.bonusAt)); }

//===----------------------------------------------------------------------===//
// Scores
//===----------------------------------------------------------------------===//

/// A of a set of readers and of writers, with the reader's own position if it sees that.
void LinearAttentionGradKernel::scores(int64_t set, int64_t writer) {
  if (s.vectorDecay)
    return channelScores(set, writer);
  int64_t row = set * kLanes, column = writer * kLanes;
  Term dots{s.K,
            scalarAt(at(s.x + row * s.paddedK), s.paddedK, 1),
            lanesAt(at(s.wTurned + column), s.columns()),
            {}};
  int64_t masks = s.inclusive(set) ? s.within : s.between;
  if (s.seesOwn(set))
    masks = s.within + kLanes * kLanes;
  product(kLanes, kLanes, {dots}, nullptr, [&](Value sum, Value i, Value j) {
    Value mask = lanesOf(place(at(masks), i, kLanes, j));
    put(e.mulf(sum, mask), place(at(s.a + row * s.columns() + column), i, s.columns(), j));
  });
}

/// Lanes are writers, which decay on as the readers come; a reader finds those before it.
void LinearAttentionGradKernel::channelScores(int64_t set, int64_t writer) {
  int64_t row = set * kLanes, column = writer * kLanes;
  bool inclusive = s.inclusive(set), own = s.seesOwn(set);
  Values sums = e.forLoop(
      e.index(0), e.index(s.K), e.index(1), Values(kLanes, e.vf(0)), [&](Value c, ValueRange in) {
        Value key = lanesOf(place(at(s.wTurned + column), c, s.columns(), e.index(0)));
        Value running = e.vf(0);
        Values out(in);
        for (int64_t i = 0; i < kLanes; ++i) {
          Value position = e.index(i), gate = splatOf(place(at(s.gates), position, s.paddedK, c));
          Value x = splatOf(place(at(s.x + row * s.paddedK), position, s.paddedK, c));
          if (!inclusive)
            out[i] = e.fma(x, running, out[i]);
          running = e.mulf(running, gate);
          if (inclusive && !own)
            out[i] = e.fma(x, running, out[i]);
          running = e.fma(oneLane(i), key, running);
          if (own)
            out[i] = e.fma(x, running, out[i]);
        }
        return out;
      });
  for (int64_t i = 0; i < kLanes; ++i)
    put(sums[i], place(at(s.a + row * s.columns() + column), e.index(i), s.columns(), e.index(0)));
}

/// Under a bonus a query sees what its own position writes.
void LinearAttentionGradKernel::ownScores() {
  e.forLoop(e.index(s.group * kLanes), [&](Value r) {
    Value i = e.rem(r, kLanes), sum = e.vf(0);
    for (int64_t n = 0; n < s.paddedK; n += kLanes) {
      Value c = e.index(n);
      sum = e.fma(e.mulf(bonusLanes(c), lanesOf(place(at(s.w), i, s.paddedK, c))),
                  lanesOf(place(at(s.x), r, s.paddedK, c)), sum);
    }
    Value where = place(at(s.a), r, s.columns(), i);
    e.store(e.addf(e.load(floats, where), e.sumLanes(sum)), floats, where);
  });
}

/// Gradients of the scores of a set: as they are, and for pairs of different positions decayed.
void LinearAttentionGradKernel::outputScores(int64_t set) {
  int64_t row = set * kLanes;
  Term dots = outputs(set, lanesAt(at(s.u), s.columns()));
  int64_t masks = s.inclusive(set) ? s.within : s.between;
  product(kLanes, s.columns(), {dots}, nullptr, [&](Value sum, Value i, Value j) {
    put(sum, place(at(s.da + row * s.columns()), i, s.columns(), j));
    if (s.vectorDecay)
      return;
    Value mask = lanesOf(place(at(masks), i, kLanes, e.rem(j, kLanes)));
    put(e.mulf(sum, mask), place(at(s.b + row * s.columns()), i, s.columns(), j));
  });
}

//===----------------------------------------------------------------------===//
// Decays per channel
//===----------------------------------------------------------------------===//

/// dx_i += sum of dA_ij w_j under the decays between, by Horner's rule over j.
void LinearAttentionGradKernel::addChannelReads(int64_t set) {
  int64_t row = set * kLanes;
  e.forLoop(e.index(kLanes), [&](Value i) {
    overChannels([&](Value c) {
      Values sum =
          e.forLoop(e.index(0), i, e.index(1), Values{e.vf(0)}, [&](Value j, ValueRange in) {
            Value x = e.mulf(in[0], gateAt(s.gates, j, c));
            for (int64_t m = 0; m < s.columns(); m += kLanes)
              x = e.fma(splatOf(place(at(s.da + row * s.columns() + m), i, s.columns(), j)),
                        lanesOf(place(at(s.w + m * s.paddedK), j, s.paddedK, c)), x);
            return Values{x};
          });
      Value x = s.inclusive(set) ? e.mulf(sum[0], gateAt(s.gates, i, c)) : sum[0];
      Value where = place(at(s.dx + row * s.paddedK), i, s.paddedK, c);
      put(e.addf(lanesOf(where), x), where);
    });
  });
}

/// dw_j += sum of dA_ij x_i under the decays between, by Horner's rule from the last i down.
void LinearAttentionGradKernel::addChannelWrites() {
  e.forLoop(e.index(kLanes), [&](Value j) {
    Value later = e.sub(e.index(kLanes - 1), j);
    overChannels([&](Value c) {
      Values zeros(s.writers(), e.vf(0));
      for (int64_t set = 0; set < s.readers(); ++set) {
        bool inclusive = s.inclusive(set);
        Values sums =
            e.forLoop(e.index(0), later, e.index(1), zeros, [&](Value step, ValueRange in) {
              Value i = e.sub(e.index(kLanes - 1), step), r = e.add(i, set * kLanes);
              Value x = lanesOf(place(at(s.x), r, s.paddedK, c)), gate = gateAt(s.gates, i, c);
              Values out;
              for (auto [m, sum] : llvm::enumerate(in)) {
                Value score = splatOf(place(at(s.da + m * kLanes), r, s.columns(), j));
                out.push_back(inclusive ? e.mulf(gate, e.fma(score, x, sum))
                                        : e.fma(score, x, e.mulf(gate, sum)));
              }
              return out;
            });
        for (auto [m, sum] : llvm::enumerate(sums)) {
          Value where = place(at(s.dw + m * kLanes * s.paddedK), j, s.paddedK, c);
          put(e.addf(lanesOf(where), sum), where);
        }
      }
    });
  });
}

//===----------------------------------------------------------------------===//
// A position's own write, and what crosses a decay
//===----------------------------------------------------------------------===//

/// A row of lanes over the channels at the width of a gate: a scalar one has 16 partial sums.
static Values folded(Emitter &e, Values sums, bool byChannel) {
  if (byChannel || sums.empty())
    return sums;
  for (size_t n = 1; n < sums.size(); ++n)
    sums[0] = e.addf(sums[0], sums[n]);
  sums.resize(1);
  return sums;
}

/// What the set reads of other positions goes to `reads`; then its gradients get the own position.
void LinearAttentionGradKernel::finishReaders(int64_t set, Value reads, bool first) {
  int64_t row = set * kLanes;
  bool own = s.seesOwn(set), bonus = s.bonus && set < s.group;
  if (!s.decays() && !own && !bonus)
    return;
  e.forLoop(e.index(kLanes), [&](Value i) {
    Values sums;
    Value r = e.add(i, row);
    for (int64_t n = 0; n < s.paddedK; n += kLanes) {
      Value c = e.index(n), where = place(at(s.dx), r, s.paddedK, c), x = lanesOf(where);
      if (s.decays())
        sums.push_back(e.mulf(lanesOf(place(at(s.x), r, s.paddedK, c)), x));
      for (int64_t m = 0; m < (own ? s.columns() : bonus ? kLanes : 0); m += kLanes) {
        Value w = lanesOf(place(at(s.w + m * s.paddedK), i, s.paddedK, c));
        if (bonus)
          w = e.mulf(w, bonusLanes(c));
        x = e.fma(splatOf(place(at(s.da + m), r, s.columns(), i)), w, x);
      }
      put(x, where);
    }
    for (auto [n, sum] : llvm::enumerate(folded(e, sums, s.vectorDecay))) {
      Value where = place(reads, i, s.gateWidth(), e.index(n * kLanes));
      put(first ? sum : e.addf(lanesOf(where), sum), where);
    }
  });
}

void LinearAttentionGradKernel::finishWriters() {
  bool own = !s.pre;
  e.forLoop(e.index(kLanes), [&](Value j) {
    Values sums;
    for (int64_t n = 0; n < s.paddedK; n += kLanes) {
      Value c = e.index(n), sum = e.vf(0), bonusSum = e.vf(0);
      for (int64_t m = 0; m < s.columns(); m += kLanes) {
        Value where = place(at(s.dw + m * s.paddedK), j, s.paddedK, c), x = lanesOf(where);
        Value w = lanesOf(place(at(s.w + m * s.paddedK), j, s.paddedK, c));
        sum = e.fma(w, x, sum);
        for (int64_t g = 0; g < s.group && (own || (s.bonus && m == 0)); ++g) {
          Value r = e.add(j, g * kLanes);
          Value query = e.mulf(splatOf(place(at(s.da + m), r, s.columns(), j)),
                               lanesOf(place(at(s.x), r, s.paddedK, c)));
          x = own ? e.addf(x, query) : e.fma(query, bonusLanes(c), x);
          bonusSum = e.fma(query, w, bonusSum);
        }
        put(x, where);
      }
      sums.push_back(sum);
      if (s.bonus) {
        Value where = e.add(c, s.dbonus);
        put(e.addf(lanesOf(where), bonusSum), where);
      }
    }
    if (s.decays())
      for (auto [n, sum] : llvm::enumerate(folded(e, sums, s.vectorDecay)))
        put(sum, place(at(s.written), j, s.gateWidth(), e.index(n * kLanes)));
  });
}

/// From the last position on: what is read at or behind a position less what is written there.
void LinearAttentionGradKernel::decayGrads(Value stateKnown, Value endState) {
  e.ifThen(stateKnown, [&] { crossingState(endState); });
  bool inclusive = false, exclusive = false;
  for (int64_t set = 0; set < s.readers(); ++set)
    (s.inclusive(set) ? inclusive : exclusive) = true;
  int64_t vectors = s.gateWidth() / kLanes;
  Values running;
  for (int64_t n = 0; n < vectors; ++n)
    running.push_back(lanesOf(at(s.crossing + n * kLanes)));
  running =
      e.forLoop(e.index(0), e.index(kLanes), e.index(1), running, [&](Value step, ValueRange in) {
        Value t = e.sub(e.index(kLanes - 1), step);
        Values out;
        for (int64_t n = 0; n < vectors; ++n) {
          auto lanes = [&](Value table) {
            return lanesOf(place(table, t, s.gateWidth(), e.index(n * kLanes)));
          };
          Value x = e.subf(in[n], lanes(at(s.written)));
          if (inclusive)
            x = e.addf(x, lanes(reads));
          put(x, place(at(s.dgate), t, s.gateWidth(), e.index(n * kLanes)));
          if (exclusive)
            x = e.addf(x, lanes(s.solves() ? at(s.readBefore) : reads));
          out.push_back(x);
        }
        return out;
      });
  for (int64_t n = 0; n < vectors; ++n)
    put(running[n], at(s.crossing + n * kLanes));
}

//===----------------------------------------------------------------------===//
// The triangular system
//===----------------------------------------------------------------------===//

/// The inverse of I - L, L being the scores of the erase keys: A_ab, or -A beta.
void LinearAttentionGradKernel::invert() {
  int64_t row = s.group * kLanes, column = (s.writers() - 1) * kLanes;
  Value rate = s.delta ? e.negf(lanesOf(at(s.beta))) : Value();
  e.forLoop(e.index(kLanes), [&](Value i) {
    Value x = lanesOf(place(at(s.a + row * s.columns() + column), i, s.columns(), e.index(0)));
    put(rate ? e.mulf(x, rate) : x, place(at(s.lower), i, kLanes, e.index(0)));
  });
  Values rows;
  for (int64_t i = 0; i < kLanes; ++i) {
    Value x = oneLane(i);
    for (int64_t j = 0; j < i; ++j)
      x = e.fma(splatOf(at(s.lower + i * kLanes + j)), rows[j], x);
    put(x, at(s.inverse + i * kLanes));
    rows.push_back(x);
  }
  turnRows(at(s.inverse), kLanes, kLanes, at(s.inverseTurned), kLanes);
}
