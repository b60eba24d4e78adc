//===- Resize.cpp - interpolation to other sizes, and its gradient --------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A row of the result is made in two steps: the source rows are blended into one, then its
// columns are picked by a table of positions and weights that a worker makes once. The
// gradient does the same backwards: columns into one row, that row into the source rows.
//
//===----------------------------------------------------------------------===//
#include "../Epilogue.h"
#include "../Resizing.h"
#include "Emitters.h"
#include "Planes.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

class Kernel {
public:
  Kernel(KernelFrame &frame, Resizing how) : e(frame.e), frame(frame), how(how) {}
  LogicalResult emitForward(ResizeOp op);
  LogicalResult emitGrad(ResizeGradOp op);

private:
  LogicalResult bind(Value operand, Value result);
  void placeTable(Value at, Value out);
  void makeTable(Value in, Value out);
  Resizing::Source locate(Value d, Value in, Value out) {
    return how.locate(e, d, in, out, e.i64());
  }
  /// The source rows of a row, and their weights: up to four.
  void forSources(Value d, Value h, const Planes &source, const Planes &made,
                  llvm::function_ref<void(Value d, Value h, Value weight)> body);
  void blend(Value base, Value d, Value h);
  void pick(Value base, Value d, Value h);
  void spread(Value base, Value d, Value h);
  void zero(Value base);

  Emitter &e;
  KernelFrame &frame;
  Resizing how;
  unsigned spatial = 3;
  Planes from, to;
  Value indices, weights, line; ///< of the table, and a row with one more element
};

} // namespace

//===----------------------------------------------------------------------===//
// Positions
//===----------------------------------------------------------------------===//

void Kernel::placeTable(Value at, Value out) {
  Value count = e.mul(e.add(out, kLanes), 4);
  indices = frame.scratch(at, e.getI32Type());
  weights = frame.scratch(e.add(at, count), e.f32());
  line = frame.scratch(e.add(at, e.mul(count, 2)), e.f32());
}

void Kernel::makeTable(Value in, Value out) {
  e.forLoop(out, [&](Value d) {
    Resizing::Source p = locate(d, in, out);
    e.store(e.toInt(p.index, e.getI32Type()), indices, d);
    if (p.weight)
      e.store(p.weight, weights, d);
  });
}

void Kernel::forSources(Value d, Value h, const Planes &source, const Planes &made,
                        llvm::function_ref<void(Value, Value, Value)> body) {
  struct Side {
    Value at, weight;
  };
  auto sides = [&](unsigned i, Value at) -> SmallVector<Side> {
    if (i + spatial < 3)
      return {{e.index(0), {}}};
    Resizing::Source p = locate(at, source.size[i], made.size[i]);
    if (!p.weight)
      return {{p.index, {}}};
    Value next = e.min(e.add(p.index, 1), e.sub(source.size[i], 1));
    return {{p.index, e.subf(e.f(1), p.weight)}, {next, p.weight}};
  };
  for (const Side &a : sides(0, d))
    for (const Side &b : sides(1, h))
      body(a.at, b.at, !a.weight ? b.weight : !b.weight ? a.weight : e.mulf(a.weight, b.weight));
}

//===----------------------------------------------------------------------===//
// Forward
//===----------------------------------------------------------------------===//

LogicalResult Kernel::bind(Value operand, Value result) {
  FailureOr<View> in = frame.view(operand);
  FailureOr<std::optional<View>> out = destination(frame, result);
  if (failed(in) || failed(out))
    return failure();
  from = Planes(e, *in);
  to = Planes(e, **out);
  spatial = in->rank() - 2;
  return success();
}

// The source rows as one in `line`, its last element twice.
void Kernel::blend(Value base, Value d, Value h) {
  SmallVector<std::pair<Row, Value>> rows;
  forSources(d, h, from, to, [&](Value sd, Value sh, Value weight) {
    rows.push_back({from.row(e, base, sd, sh), weight});
  });
  Value size = from.size[2];
  e.forLoop(e.index(0), size, e.index(kLanes), [&](Value w) {
    Value sum;
    for (auto &[row, weight] : rows) {
      Value x = e.convert(loadColumns(e, row, w, 1, kLanes, /*inside=*/true), e.f32());
      Value part = weight ? e.mulf(x, e.splat(weight)) : x;
      sum = sum ? e.addf(sum, part) : part;
    }
    e.vstore(sum, line, w);
  });
  e.store(e.load(line, e.sub(size, 1)), line, size);
}

void Kernel::pick(Value base, Value d, Value h) {
  Row row = to.row(e, base, d, h);
  auto type = e.vec(e.f32());
  e.forLoop(e.index(0), row.size, e.index(kLanes), [&](Value w) {
    Value mask = e.mask(e.sub(row.size, w));
    Value at = e.vload(indices, w, kLanes, mask);
    auto gather = [&](int64_t by) -> Value {
      return vector::GatherOp::create(e, type, line, ValueRange{e.index(by)}, at, mask,
                                      e.zero(type));
    };
    Value x = gather(0);
    if (how.isLinear()) {
      Value weight = e.vload(weights, w, kLanes, mask);
      x = e.fma(gather(1), weight, e.mulf(x, e.subf(e.vf(1), weight)));
    }
    stridedStore(e, e.convert(x, to.view.element), row.memory,
                 e.add(row.from, e.mul(w, row.stride)), row.stride, mask);
  });
}

void Kernel::zero(Value base) {
  e.forLoop(to.size[0], [&](Value d) {
    e.forLoop(to.size[1], [&](Value h) {
      Row row = to.row(e, base, d, h);
      e.forLoop(row.size, [&](Value w) {
        e.store(e.zero(to.view.element), row.memory, e.add(row.from, e.mul(w, row.stride)));
      });
    });
  });
}

LogicalResult Kernel::emitForward(ResizeOp op) {
  if (failed(bind(op.getInput(), op.getResult())))
    return failure();
  Value some = e.gt(from.elements(e), e.index(0));
  placeTable(e.index(0), to.size[2]);
  e.ifThen(some, [&] { makeTable(from.size[2], to.size[2]); });
  forPlanes(frame, to, to.elements(e), [&](Value batch, Value channel) {
    Value in = from.base(e, batch, channel), out = to.base(e, batch, channel);
    auto resize = [&] {
      e.forLoop(to.size[0], [&](Value d) {
        e.forLoop(to.size[1], [&](Value h) {
          blend(in, d, h);
          pick(out, d, h);
        });
      });
    };
    e.ifThen(some, resize, [&] { zero(out); });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Gradient
//===----------------------------------------------------------------------===//

// The columns of a row of the gradient into `line`; what fell behind its end belongs to the last.
void Kernel::spread(Value base, Value d, Value h) {
  Row row = from.row(e, base, d, h);
  Value last = to.size[2];
  e.forLoop(e.index(0), e.add(last, 1), e.index(kLanes),
            [&](Value w) { e.vstore(e.vf(0), line, w); });
  auto add = [&](Value at, Value x) { e.store(e.addf(e.load(line, at), x), line, at); };
  e.forLoop(row.size, [&](Value w) {
    Value x = e.convert(e.load(row.memory, e.add(row.from, e.mul(w, row.stride))), e.f32());
    Value at = e.toIndex(e.load(indices, w));
    if (!how.isLinear())
      return add(at, x);
    Value weight = e.load(weights, w);
    add(at, e.mulf(x, e.subf(e.f(1), weight)));
    add(e.add(at, 1), e.mulf(x, weight));
  });
  add(e.sub(last, 1), e.load(line, last));
}

LogicalResult Kernel::emitGrad(ResizeGradOp op) {
  if (failed(bind(op.getGrad(), op.getResult())))
    return failure();
  PlaneSums sums(frame, to);
  Value some = e.gt(to.elements(e), e.index(0));
  Value behind = e.mul(e.add(to.elements(e), kLanes), 4);
  placeTable(behind, from.size[2]);
  e.ifThen(some, [&] { makeTable(to.size[2], from.size[2]); });
  forPlanes(frame, to, to.elements(e), [&](Value batch, Value channel) {
    Value dy = from.base(e, batch, channel);
    auto addRow = [&](Value d, Value h) {
      spread(dy, d, h);
      forSources(d, h, to, from, [&](Value sd, Value sh, Value weight) {
        Value at = sums.row(sd, sh);
        e.forLoop(e.index(0), to.size[2], e.index(kLanes), [&](Value w) {
          Value mask = e.mask(e.sub(to.size[2], w)), here = e.add(at, w);
          Value x = e.vload(line, w, kLanes, mask);
          if (weight)
            x = e.mulf(x, e.splat(weight));
          e.vstore(e.addf(e.vload(sums.memory, here, kLanes, mask), x), sums.memory, here, mask);
        });
      });
    };
    e.ifThen(some, [&] {
      sums.clear();
      e.forLoop(from.size[0],
                [&](Value d) { e.forLoop(from.size[1], [&](Value h) { addRow(d, h); }); });
      sums.storeTo(to.base(e, batch, channel));
    });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

namespace {
class ResizeEmitter final : public KernelEmitter {
public:
  StringRef getName() const override { return "resize"; }
  bool match(exec::KernelOp kernel) const override { return findResize(kernel); }
  LogicalResult select(exec::KernelOp kernel, const llvm::BitVector &) const override {
    Operation *op = findResize(kernel);
    bool isGrad = isa<ResizeGradOp>(op);
    Value operand = op->getOperand(0), result = op->getResult(0);
    Value small = isGrad ? result : operand, large = isGrad ? operand : result;
    setStrategy(kernel, {});
    LaunchBuilder b(kernel);
    unsigned last = cast<RankedTensorType>(result.getType()).getRank() - 1;
    // the table: an index and a weight per element, and a row
    Value room = b.constant(2 * kLanes);
    Value scratch = b.add(b.mul(b.add(b.sizeOf(large, last), room), b.constant(8)),
                          b.mul(b.add(b.sizeOf(small, last), room), b.constant(4)));
    if (isGrad)
      scratch = b.add(scratch, planeBytes(b, result));
    finishPlanes(b, kernel, result, scratch, 8);
    return success();
  }
  LogicalResult emit(exec::KernelOp kernel, KernelFrame &frame) const override {
    return emitResize<Kernel>(kernel, frame);
  }
};
} // namespace

const KernelEmitter *linnet::codegen::getResizeEmitter() {
  static const ResizeEmitter emitter;
  return &emitter;
}
