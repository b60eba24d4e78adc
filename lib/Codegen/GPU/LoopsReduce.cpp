//===- LoopsReduce.cpp - reductions of a loops kernel -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The order of a reduction is fixed by the sizes and the target: each of the `lanes` threads of a
// row combines each lanes-th element, or group of four, in their order; the four meet in halves,
// then the threads in a butterfly; the value that was there before comes last.
//
//===----------------------------------------------------------------------===//
#include "Loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet::codegen;

static SmallVector<Operation *> combinersOf(Operation *op) {
  SmallVector<Operation *> combiners;
  for (unsigned r = 0; r < op->getNumResults(); ++r)
    combiners.push_back(findCombiner(op, r));
  return combiners;
}

/// The lanes of a vector, which meet in halves.
static Value combineLanes(GPUEmitter &e, Operation *combiner, Value vector, int64_t lanes) {
  Values parts;
  for (int64_t i = 0; i < lanes; ++i)
    parts.push_back(e.extract(vector, i));
  for (int64_t half = lanes / 2; half >= 1; half /= 2)
    for (int64_t i = 0; i < half; ++i)
      parts[i] = combine(e, combiner, parts[i], parts[i + half]);
  return parts[0];
}

Values GPULoopsEmitter::accumulate(linalg::LinalgOp op, ArrayRef<Lane> at, ValueRange accs,
                                   const Scope &s) {
  Memos outside = memos;
  Lanes now;
  for (Value v : accs)
    now.push_back({v, 0, s.n != 0});
  Result next = evaluateRegion(op, at, s, now);
  Values out(accs);
  if (failed(next))
    fail();
  else
    for (auto [v, x] : llvm::zip_equal(out, *next))
      v = vector(x, s.n);
  flush();
  memos = std::move(outside);
  return out;
}

/// The elements that one thread has, or all of them.
Values GPULoopsEmitter::reduceElements(linalg::LinalgOp op, const OpLoops &loops,
                                       ArrayRef<Operation *> combiners, const Lanes &coords,
                                       Values start, bool spread, int64_t wide, const Scope &s) {
  auto order = innerLoops(loops, /*reduction=*/true);
  Value total = e.index(1);
  for (unsigned d : order)
    total = e.mul(total, sizeOf(loops.sizes[d]));
  Value from = spread ? lane : e.index(0), step = spread ? shape.lanes : e.index(1);
  auto scalars = [&](Value lo, Value hi, Values accs) {
    return e.forLoop(lo, hi, step, accs, [&](Value i, ValueRange carried) {
      Lanes at = coords;
      spreadOver(loops, order, i, at);
      if (spread)
        walk(loops, order, at);
      return accumulate(op, at, carried, s);
    });
  };
  if (wide == 1)
    return scalars(from, total, start);
  Values accs;
  for (Value v : start)
    accs.push_back(e.splat(v, wide));
  Value whole = form.unrolled.contains(op) ? e.div(total, wide)
                                           : wholeFrom(loops, order[0], coords, total, wide);
  auto quad = [&](Value q, ValueRange carried) {
    Lanes at = coords;
    at[order[0]] = {e.mul(q, wide), 1, false};
    walk(loops, order, at);
    return accumulate(op, at, carried, {wide, {}, {}});
  };
  bool unrolled = unroll(op, whole, [&](Value q, Value there) {
    accs = e.ifElse(
        there, ValueRange(accs).getTypes(), [&] { return quad(q, accs); }, [&] { return accs; });
  });
  if (!unrolled)
    accs = e.forLoop(from, whole, step, accs, quad);
  Values lanes;
  for (auto [acc, combiner] : llvm::zip_equal(accs, combiners))
    lanes.push_back(combineLanes(e, combiner, acc, wide));
  if (CodeBuilder::constantOf(e.sub(total, e.mul(whole, wide))) == 0)
    return lanes;
  return scalars(e.add(e.mul(whole, wide), from), total, lanes);
}

Values GPULoopsEmitter::reduce(linalg::LinalgOp op, const OpLoops &loops, Lanes coords,
                               ArrayRef<Lane> initial, bool spread, const Scope &s) {
  SmallVector<Operation *> combiners = combinersOf(op);
  bool known = !llvm::is_contained(combiners, nullptr);
  Values start;
  for (auto [r, x] : llvm::enumerate(initial)) {
    Type element = getElementTypeOrSelf(op->getResult(r).getType());
    start.push_back(known ? Value(arith::ConstantOp::create(e, identityOf(combiners[r], element)))
                          : vector(x, s.n));
    if (known && s.n)
      start.back() = e.splat(start.back(), s.n);
  }
  auto order = innerLoops(loops, /*reduction=*/true);
  int64_t wide = spread && known ? widthOf(op, loops, order) : 1;
  Values accs = reduceElements(op, loops, combiners, coords, start, spread, wide, s);
  if (spread)
    accs = e.reduceTeam(accs, shape.lanes, [&](ValueRange a, ValueRange b) {
      if (!known)
        return chooseArg(op, a, b, 0);
      Values out;
      for (auto [r, c] : llvm::enumerate(combiners))
        out.push_back(combine(e, c, a[r], b[r]));
      return out;
    });
  for (unsigned r = 0; known && r < accs.size(); ++r)
    accs[r] = combine(e, combiners[r], vector(initial[r], s.n), accs[r]);
  return accs;
}

void GPULoopsEmitter::emitReduction(Operation *op, const OpLoops &loops, const Lanes &coords,
                                    const Scope &s) {
  auto linalgOp = cast<linalg::LinalgOp>(op);
  auto parallel = innerLoops(loops, /*reduction=*/false);
  int lane = laneLoop(plan, loops);
  // The threads of a row share the elements of a sum where those lie together, else the sums.
  bool spread = form.rows && (parallel.empty() || (lane >= 0 && loops.reduction[lane]));
  nest(loops, parallel, form.rows && !spread, 1, coords, s,
       [&](ArrayRef<Lane> at, const Scope &inner) {
         Result initial = initialValues(linalgOp, loops, at, inner);
         if (failed(initial))
           return fail();
         Lanes values;
         for (Value v : reduce(linalgOp, loops, Lanes(at), *initial, spread, inner))
           values.push_back({v, 0, inner.n != 0});
         if (!spread || parallel.empty())
           return keep(op, loops, values, at, inner);
         e.ifThen(isFirstLane(), [&] { keep(op, loops, values, at, inner); });
       });
}
