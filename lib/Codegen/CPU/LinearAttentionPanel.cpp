//===- LinearAttentionPanel.cpp - what is prepared per panel --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LinearAttention.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

void LinearAttentionKernel::preparePanel(Value first, Value count) {
  firstPosition = first;
  queries.clear();
  for (int64_t g = 0; g < s.group; ++g) {
    Value h = s.queryHead(e, head, g, q);
    queries.push_back(prepareRows(q, h, at.q + g * kPanel * s.paddedK(), count, false));
  }
  keys = prepareRows(k, headOf(k, 1), at.k, count, false);
  if (s.vectorDecay)
    decays = prepareRows(decay, headOf(decay, 1), at.decay, count, true);
  if (s.erase) {
    as = prepareRows(eraseA, headOf(eraseA, 1), at.a, count, false);
    bs = prepareRows(eraseB, headOf(eraseB, 1), at.b, count, false);
  }
  if (s.scalarDecay)
    prepareScalars(decay, at.scalarDecay, count, true);
  if (s.delta)
    prepareScalars(beta, at.beta, count, false);
  if (s.bonus)
    prepareBonus(count);
  if (s.normalise)
    prepareNormaliser(count);
}

// Rows of f32 without a function on them are read where they lie.
LinearAttentionKernel::Rows LinearAttentionKernel::prepareRows(const View &view, Value h,
                                                               int64_t place, Value count,
                                                               bool exponential) {
  Value base = frame.position(view, {batch, h, firstPosition, e.index(0)});
  if (!exponential && view.element.isF32() && Emitter::constantOf(view.strides[3]) == 1)
    return {view.memory, base, view.strides[2]};
  e.forLoop(count, [&](Value t) {
    Value row = e.add(base, e.mul(t, view.strides[2]));
    e.forLoop(e.index(0), e.index(s.K), e.index(kLanes), [&](Value c) {
      Value x = loadLanes(e, view, e.add(row, e.mul(c, view.strides[3])), 3,
                          Lanes::of(e, e.index(s.K), c));
      if (exponential)
        x = math::ExpOp::create(e, x);
      e.vstore(x, floats, e.add(e.add(e.mul(t, s.paddedK()), c), place));
    });
  });
  return {floats, e.index(place), e.index(s.paddedK())};
}

void LinearAttentionKernel::prepareScalars(const View &view, int64_t place, Value count,
                                           bool exponential) {
  Value base = frame.position(view, {batch, headOf(view, 1), firstPosition});
  e.forLoop(e.index(0), count, e.index(kLanes), [&](Value t) {
    Value left = e.sub(count, t);
    Value x = loadLanes(e, view, e.add(base, e.mul(t, view.strides[2])), 2, {left, e.mask(left)});
    if (exponential)
      x = math::ExpOp::create(e, x);
    e.vstore(x, floats, e.add(t, place));
  });
}

/// Lanes c to c + 15 of a row, 0 past K.
Value LinearAttentionKernel::rowLanes(const Rows &rows, Value t, int64_t c) {
  Value mask = c + kLanes > s.K ? e.mask(e.index(s.K - c)) : Value();
  return e.vload(rows.memory, e.add(e.add(rows.base, e.mul(t, rows.step)), c), kLanes, mask);
}

Value LinearAttentionKernel::element(const Rows &rows, Value t, Value c) {
  return e.load(rows.memory, e.add(e.add(rows.base, e.mul(t, rows.step)), c));
}

Value LinearAttentionKernel::scalarAt(int64_t place, Value t) {
  return e.load(floats, e.add(t, place));
}

// (u * k)^T q, which weighs the position's own value under read = pre.
void LinearAttentionKernel::prepareBonus(Value count) {
  Value row = frame.position(bonus, {headOf(bonus, 0), e.index(0)});
  for (int64_t g = 0; g < s.group; ++g) {
    e.forLoop(count, [&](Value t) {
      Value sum = e.vf(0);
      for (int64_t c = 0; c < s.K; c += kLanes) {
        Value where = e.add(row, e.mul(e.index(c), bonus.strides[1]));
        Value u = loadLanes(e, bonus, where, 1, Lanes::of(e, e.index(s.K), e.index(c)));
        sum = e.fma(e.mulf(u, rowLanes(keys, t, c)), rowLanes(queries[g], t, c), sum);
      }
      e.store(e.sumLanes(sum), floats, e.add(t, at.bonusDot + g * kPanel));
    });
  }
}

// Advances z over the panel and leaves scale / max(z^T q, eps) for every position.
void LinearAttentionKernel::prepareNormaliser(Value count) {
  e.forLoop(count, [&](Value t) {
    Values sums(s.group, e.vf(0));
    Value gate = s.scalarDecay ? e.splat(scalarAt(at.scalarDecay, t)) : Value();
    for (int64_t c = 0; c < s.K; c += kLanes) {
      Value old = e.vload(floats, e.index(at.z + c)), x = old;
      if (s.decays())
        x = e.mulf(x, s.vectorDecay ? rowLanes(decays, t, c) : gate);
      x = e.addf(x, rowLanes(keys, t, c));
      e.vstore(x, floats, e.index(at.z + c));
      for (int64_t g = 0; g < s.group; ++g)
        sums[g] = e.fma(s.pre ? old : x, rowLanes(queries[g], t, c), sums[g]);
    }
    for (int64_t g = 0; g < s.group; ++g) {
      Value sum = e.sumLanes(sums[g]);
      if (s.bonus)
        sum = e.addf(sum, scalarAt(at.bonusDot + g * kPanel, t));
      Value inverse = e.divf(e.f(s.scale), e.maxf(sum, e.f(s.eps)));
      e.store(inverse, floats, e.add(t, at.inverse + g * kPanel));
    }
  });
}
