//===- CrossEntropy.cpp - rows of logits ------------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "CrossEntropy.h"
#include "OneOp.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Targets
//===----------------------------------------------------------------------===//

Value linnet::codegen::isClass(CodeBuilder &e, Value target, Value classes) {
  // negative ones are large without a sign; two signed comparisons in 64 bits Mesa 22.3 takes wrong
  return arith::CmpIOp::create(e, arith::CmpIPredicate::ult, target, classes);
}

Value linnet::codegen::isCounted(CodeBuilder &e, Value target, int64_t ignored) {
  Type t = target.getType();
  if (!t.isIndex() && !llvm::isIntN(t.getIntOrFloatBitWidth(), ignored))
    return e.boolean(true);
  Value number = t.isIndex() ? e.index(ignored) : e.iconst(t, ignored);
  return arith::CmpIOp::create(e, arith::CmpIPredicate::ne, target, number);
}

void linnet::codegen::declareTargetFault(exec::KernelOp kernel, Operation *op) {
  declareFault(kernel, op, "target out of range");
}

//===----------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------===//

LogicalResult CrossEntropyRows::bind() {
  if (failed(bindOperands(frame, {{op.getLogits(), &logits}, {op.getTargets(), &targets}})) ||
      failed(bindResults(frame, {{op.getLoss(), &loss}, {op.getLse(), &lse}})))
    return failure();
  classes = logits.sizes.back();
  return success();
}

CrossEntropyRows::Row CrossEntropyRows::row(Value number) {
  Values at = unravel(e, number, targets.sizes), first = at;
  first.push_back(e.index(0));
  return {number, at, frame.position(logits, first)};
}

void CrossEntropyRows::put(const std::optional<View> &view, const Values &at, Value x) {
  if (view)
    frame.store(x, *view, frame.position(*view, at));
}

// 0 for a target that is no class, which is reported.
Value CrossEntropyRows::targetLogit(Value target, const Row &row) {
  Values logit = e.ifElse(
      isClass(e, target, classes), {e.f32()},
      [&] {
        Value at = e.add(row.start, e.mul(target, logits.strides.back()));
        return Values{loadFloat(e, logits, at)};
      },
      [&] {
        frame.fault(0, row.number);
        return Values{e.f(0)};
      });
  return logit[0];
}

void CrossEntropyRows::finish(const Row &row, Value top, Value sum,
                              llvm::function_ref<Value()> total) {
  Value log = math::LogOp::create(e, sum);
  put(lse, row.at, e.addf(top, log));
  if (!loss)
    return;
  Value stored = frame.load(targets, frame.position(targets, row.at)), target = e.toIndex(stored);
  Values values = e.ifElse(
      isCounted(e, stored, static_cast<int64_t>(op.getIgnoreIndex())), {e.f32()},
      [&] {
        // differences to the maximum first: a small loss keeps its digits
        auto below = [&](Value x) { return e.addf(log, e.subf(top, x)); };
        Value nll = below(targetLogit(target, row));
        double s = op.getSmoothing();
        if (s == 0)
          return Values{nll};
        Value n = arith::SIToFPOp::create(e, e.f32(), e.toInt(classes, whole));
        Value smooth = below(e.divf(total(), n));
        return Values{e.addf(e.mulf(nll, e.f(1 - s)), e.mulf(smooth, e.f(s)))};
      },
      [&] { return Values{e.f(0)}; });
  put(loss, row.at, values[0]);
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

LogicalResult CrossEntropyGradRows::bind() {
  std::optional<View> result;
  if (failed(bindOperands(frame, {{op.getGrad(), &grad},
                                  {op.getLogits(), &logits},
                                  {op.getTargets(), &targets},
                                  {op.getLse(), &sums}})) ||
      failed(bindResults(frame, {{op.getResult(), &result}})))
    return failure();
  out = *result;
  classes = logits.sizes.back();
  Value count = arith::SIToFPOp::create(e, e.f32(), e.toInt(classes, whole));
  spread = e.divf(e.f(smoothing), count);
  return success();
}

CrossEntropyGradRows::Row CrossEntropyGradRows::row(Value number) {
  Values at = unravel(e, number, targets.sizes), first = at;
  first.push_back(e.index(0));
  Row r{number, frame.position(logits, first), frame.position(out, first), {}, {}, {}, {}};
  Value stored = frame.load(targets, frame.position(targets, at));
  r.target = e.toIndex(stored);
  r.lse = frame.load(sums, frame.position(sums, at));
  bool perRow = op.getReduction() == LossReduction::none;
  r.g = frame.load(grad, perRow ? frame.position(grad, at) : grad.offset);
  r.counts = isCounted(e, stored, static_cast<int64_t>(op.getIgnoreIndex()));
  return r;
}

Value CrossEntropyGradRows::gradient(const Row &row, Value share) {
  auto vector = dyn_cast<VectorType>(share.getType());
  auto like = [&](Value x) { return vector ? e.splat(x, vector.getNumElements()) : x; };
  Value y = e.mulf(share, like(row.g));
  return smoothing ? e.subf(y, like(e.mulf(spread, row.g))) : y;
}

Value CrossEntropyGradRows::targetGradient(const Row &row, Value share) {
  Value d = e.subf(share, e.f(1 - smoothing));
  return e.mulf(smoothing ? e.subf(d, spread) : d, row.g);
}
