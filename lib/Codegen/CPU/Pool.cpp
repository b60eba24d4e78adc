//===- Pool.cpp - maxima and means over windows, and their gradients ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Lanes run along the windows of one row; the taps of a window are loops over rows and a straight
// line of columns.
//
//===----------------------------------------------------------------------===//
#include "../Epilogue.h"
#include "../Windows.h"
#include "Emitters.h"
#include "Planes.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

/// The windows of sixteen neighbours in a row.
struct Place {
  Value d, h, w; ///< of the first window
  Value mask;    ///< the windows that there are
};

class Kernel {
public:
  Kernel(KernelFrame &frame, Windows windows) : e(frame.e), frame(frame), c(windows) {}
  LogicalResult emitMax(MaxPoolOp op);
  LogicalResult emitMean(AvgPoolOp op);
  LogicalResult emitMaxGrad(MaxPoolGradOp op);
  LogicalResult emitMeanGrad(AvgPoolGradOp op);

private:
  /// `body` of one tap: the row it is in, its first column, which lanes lie in the input.
  using Tap = llvm::function_ref<Values(const Row &, Value rowAt, Value column, Value inside,
                                        ValueRange carried)>;
  LogicalResult bind(Value from, Value result);
  void forWindows(const Planes &windows, llvm::function_ref<void(const Place &)> body);
  Values forTaps(const Place &p, const Planes &on, Value base, Values carried, Tap tap);
  Value first(Value window, unsigned i, int64_t tap) {
    return e.add(e.mul(window, c.stride[i]), tap * c.dilation[i] - c.low[i]);
  }
  Value firstOf(Value window, unsigned i, Value tap) {
    return e.sub(e.add(e.mul(window, c.stride[i]), e.mul(tap, c.dilation[i])), e.index(c.low[i]));
  }
  Value countOf(const Place &p, const Planes &on, bool padded);
  Value load(const Row &row, Value column) {
    return e.convert(loadColumns(e, row, column, c.stride[2], kLanes, c.low[2] == 0), e.f32());
  }
  void store(Value x, const Planes &to, Value base, const Place &p);
  Value loadWindows(const Planes &from, Value base, const Place &p);
  void addLanes(PlaneSums &sums, Value positions, Value x, Value mask);

  Emitter &e;
  KernelFrame &frame;
  Windows c;
  Planes from, to;
};

} // namespace

LogicalResult Kernel::bind(Value operand, Value result) {
  FailureOr<View> in = frame.view(operand);
  FailureOr<std::optional<View>> out = destination(frame, result);
  if (failed(in) || failed(out))
    return failure();
  from = Planes(e, *in);
  to = Planes(e, **out);
  return success();
}

//===----------------------------------------------------------------------===//
// Windows and taps
//===----------------------------------------------------------------------===//

void Kernel::forWindows(const Planes &windows, llvm::function_ref<void(const Place &)> body) {
  e.forLoop(windows.size[0], [&](Value d) {
    e.forLoop(windows.size[1], [&](Value h) {
      e.forLoop(e.index(0), windows.size[2], e.index(kLanes),
                [&](Value w) { body({d, h, w, e.mask(e.sub(windows.size[2], w))}); });
    });
  });
}

Values Kernel::forTaps(const Place &p, const Planes &on, Value base, Values carried, Tap tap) {
  auto loop = [&](int64_t n, Values in, llvm::function_ref<Values(Value, Values)> body) {
    if (n == 1)
      return body(e.index(0), in);
    return e.forLoop(e.index(0), e.index(n), e.index(1), in,
                     [&](Value i, ValueRange v) { return body(i, Values(v)); });
  };
  return loop(c.kernel[0] * c.kernel[1], carried, [&](Value r, Values in) {
    Value d = firstOf(p.d, 0, e.div(r, c.kernel[1])), h = firstOf(p.h, 1, e.rem(r, c.kernel[1]));
    Value there = e.both(e.both(e.ge(d, e.index(0)), e.lt(d, on.size[0])),
                         e.both(e.ge(h, e.index(0)), e.lt(h, on.size[1])));
    return e.ifElse(
        there, TypeRange(ValueRange(in)),
        [&] {
          Row row = on.row(e, base, d, h);
          Value rowAt = e.mul(e.add(e.mul(d, on.size[1]), h), on.size[2]);
          Values next = in;
          for (int64_t k = 0; k < c.kernel[2]; ++k) {
            Value column = first(p.w, 2, k);
            Value inside = arith::AndIOp::create(
                e, p.mask, columnMask(e, column, on.size[2], c.stride[2], kLanes, c.low[2] == 0));
            next = tap(row, rowAt, column, inside, next);
          }
          return next;
        },
        [&] { return in; });
  });
}

/// How many elements the windows have, as f32; 1 for none.
Value Kernel::countOf(const Place &p, const Planes &on, bool padded) {
  Value slices = c.tapsInside(e, 0, p.d, on.size[0], padded);
  Value rows = e.mul(slices, c.tapsInside(e, 1, p.h, on.size[1], padded)), count = e.vf(0);
  for (int64_t k = 0; k < c.kernel[2]; ++k) {
    Value size = e.add(on.size[2], padded ? c.high[2] : 0);
    Value inside =
        columnMask(e, first(p.w, 2, k), size, c.stride[2], kLanes, padded || c.low[2] == 0);
    count = e.addf(count, e.select(inside, e.vf(1), e.vf(0)));
  }
  Value factor = arith::SIToFPOp::create(e, e.f32(), e.toInt(rows, e.i64()));
  count = e.mulf(count, e.splat(factor));
  return e.maxf(count, e.vf(1));
}

void Kernel::store(Value x, const Planes &planes, Value base, const Place &p) {
  Row row = planes.row(e, base, p.d, p.h);
  stridedStore(e, e.convert(x, planes.view.element), row.memory,
               e.add(row.from, e.mul(p.w, row.stride)), row.stride, p.mask);
}

Value Kernel::loadWindows(const Planes &planes, Value base, const Place &p) {
  Row row = planes.row(e, base, p.d, p.h);
  Value x = stridedLoad(e, row.memory, e.add(row.from, e.mul(p.w, row.stride)), row.stride, kLanes,
                        p.mask);
  return e.convert(x, e.f32());
}

//===----------------------------------------------------------------------===//
// Forward
//===----------------------------------------------------------------------===//

LogicalResult Kernel::emitMax(MaxPoolOp op) {
  if (failed(bind(op.getInput(), op.getResult())))
    return failure();
  Value lowest = e.vf(-std::numeric_limits<float>::infinity());
  forPlanes(frame, to, to.elements(e), [&](Value batch, Value channel) {
    Value in = from.base(e, batch, channel), out = to.base(e, batch, channel);
    forWindows(to, [&](const Place &p) {
      auto tap = [&](const Row &row, Value, Value column, Value inside, ValueRange best) {
        Value x = e.select(inside, load(row, column), lowest);
        return Values{arith::MaximumFOp::create(e, best[0], x)};
      };
      store(forTaps(p, from, in, {lowest}, tap)[0], to, out, p);
    });
  });
  return success();
}

LogicalResult Kernel::emitMean(AvgPoolOp op) {
  if (failed(bind(op.getInput(), op.getResult())))
    return failure();
  forPlanes(frame, to, to.elements(e), [&](Value batch, Value channel) {
    Value in = from.base(e, batch, channel), out = to.base(e, batch, channel);
    forWindows(to, [&](const Place &p) {
      auto tap = [&](const Row &row, Value, Value column, Value, ValueRange sum) {
        return Values{e.addf(sum[0], load(row, column))};
      };
      Value sum = forTaps(p, from, in, {e.vf(0)}, tap)[0];
      store(e.divf(sum, countOf(p, from, op.getCountIncludePad())), to, out, p);
    });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

// Lanes may meet at one element: one after the other.
void Kernel::addLanes(PlaneSums &sums, Value positions, Value x, Value mask) {
  for (int64_t i = 0; i < kLanes; ++i)
    e.ifThen(vector::ExtractOp::create(e, mask, i), [&] {
      Value at = e.toIndex(vector::ExtractOp::create(e, positions, i));
      sums.add(at, vector::ExtractOp::create(e, x, i));
    });
}

// The position of every window's maximum goes with it.
LogicalResult Kernel::emitMaxGrad(MaxPoolGradOp op) {
  FailureOr<View> gradView = frame.view(op.getGrad());
  if (failed(gradView) || failed(bind(op.getInput(), op.getResult())))
    return failure();
  Planes grad(e, *gradView);
  auto ints = e.vec(e.getI32Type());
  SmallVector<int32_t> steps;
  for (int64_t i = 0; i < kLanes; ++i)
    steps.push_back(i * c.stride[2]);
  Value apart = arith::ConstantOp::create(e, DenseElementsAttr::get(ints, ArrayRef(steps)));
  Value lowest = e.vf(-std::numeric_limits<float>::infinity()), none = e.iconst(ints, -1);
  PlaneSums sums(frame, to);
  forPlanes(frame, to, to.elements(e), [&](Value batch, Value channel) {
    Value in = from.base(e, batch, channel), dy = grad.base(e, batch, channel);
    sums.clear();
    forWindows(grad, [&](const Place &p) {
      auto tap = [&](const Row &row, Value rowAt, Value column, Value inside, ValueRange best) {
        Value x = load(row, column);
        Value here =
            arith::AddIOp::create(e, apart, e.splat(e.toInt(e.add(rowAt, column), e.getI32Type())));
        Value nan = arith::CmpFOp::create(e, arith::CmpFPredicate::UNO, x, x);
        Value empty = arith::CmpIOp::create(e, arith::CmpIPredicate::slt, best[1], e.zero(ints));
        Value better =
            arith::OrIOp::create(e, arith::OrIOp::create(e, nan, empty), e.gtf(x, best[0]));
        better = arith::AndIOp::create(e, better, inside);
        return Values{e.select(better, x, best[0]), e.select(better, here, best[1])};
      };
      Values best = forTaps(p, from, in, {lowest, none}, tap);
      Value found = arith::CmpIOp::create(e, arith::CmpIPredicate::sge, best[1], e.zero(ints));
      addLanes(sums, best[1], loadWindows(grad, dy, p), found);
    });
    sums.storeTo(to.base(e, batch, channel));
  });
  return success();
}

LogicalResult Kernel::emitMeanGrad(AvgPoolGradOp op) {
  if (failed(bind(op.getGrad(), op.getResult())))
    return failure();
  PlaneSums sums(frame, to);
  Value step = e.index(c.stride[2]);
  forPlanes(frame, to, to.elements(e), [&](Value batch, Value channel) {
    Value dy = from.base(e, batch, channel);
    sums.clear();
    forWindows(from, [&](const Place &p) {
      Value share = e.divf(loadWindows(from, dy, p), countOf(p, to, op.getCountIncludePad()));
      // the lanes of one tap are different elements
      forTaps(p, to, e.index(0), {},
              [&](const Row &, Value rowAt, Value column, Value inside, ValueRange) {
                Value at = e.add(rowAt, column);
                Value old = stridedLoad(e, sums.memory, at, step, kLanes, inside);
                stridedStore(e, e.addf(old, share), sums.memory, at, step, inside);
                return Values{};
              });
    });
    sums.storeTo(to.base(e, batch, channel));
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

namespace {
class PoolEmitter final : public KernelEmitter {
public:
  StringRef getName() const override { return "pool"; }
  bool match(exec::KernelOp kernel) const override { return root(kernel); }
  LogicalResult select(exec::KernelOp kernel, const llvm::BitVector &) const override {
    Operation *op = root(kernel);
    bool isGrad = isa<MaxPoolGradOp, AvgPoolGradOp>(op);
    int64_t taps = llvm::TypeSwitch<Operation *, int64_t>(op)
                       .Case<MaxPoolOp, AvgPoolOp, MaxPoolGradOp, AvgPoolGradOp>(
                           [](auto pool) { return Windows::ofPool(pool).taps(); });
    setStrategy(kernel, {});
    LaunchBuilder b(kernel);
    Value result = op->getResult(0);
    finishPlanes(b, kernel, result, isGrad ? planeBytes(b, result) : Value(), taps);
    return success();
  }
  LogicalResult emit(exec::KernelOp kernel, KernelFrame &frame) const override {
    return llvm::TypeSwitch<Operation *, LogicalResult>(root(kernel))
        .Case([&](MaxPoolOp op) { return Kernel(frame, Windows::ofPool(op)).emitMax(op); })
        .Case([&](AvgPoolOp op) { return Kernel(frame, Windows::ofPool(op)).emitMean(op); })
        .Case([&](MaxPoolGradOp op) { return Kernel(frame, Windows::ofPool(op)).emitMaxGrad(op); })
        .Case(
            [&](AvgPoolGradOp op) { return Kernel(frame, Windows::ofPool(op)).emitMeanGrad(op); });
  }

private:
  static Operation *root(exec::KernelOp kernel) {
    return findOnlyOp(kernel, [](Operation *op) {
      return isa<MaxPoolOp, AvgPoolOp, MaxPoolGradOp, AvgPoolGradOp>(op);
    });
  }
};
} // namespace

const KernelEmitter *linnet::codegen::getPoolEmitter() {
  static const PoolEmitter emitter;
  return &emitter;
}
