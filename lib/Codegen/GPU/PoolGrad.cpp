//===- PoolGrad.cpp - gradients of maxima and means over windows on GPUs ----===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// An element collects from the windows that see it, in their order. A workgroup makes a tile of
// some planes: first what each window that reaches into the tile has to give (the position of its
// maximum; its share), then its elements' sums. Where the windows of a tile do not fit into
// workgroup memory it makes a plane instead and keeps that in scratch.
//
//===----------------------------------------------------------------------===//
#include "Pool.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

constexpr int64_t kGradThreads = 128;

/// The elements of a workgroup: of one slice of some planes. No planes: one as a whole.
struct Shape {
  int64_t planes = 0, rows = 0, columns = 0;
  int64_t elements() const { return planes * rows * columns; }
  /// Windows that reach into the tile, at most.
  std::array<int64_t, 3> windows(const Windows &c) const {
    std::array<int64_t, 3> size = {1, rows, columns}, count;
    for (unsigned i = 0; i < 3; ++i)
      count[i] = (size[i] - 1 + (c.kernel[i] - 1) * c.dilation[i]) / c.stride[i] + 1;
    return count;
  }
  static Shape choose(const Windows &c, const std::array<int64_t, 3> &size);
};

/// A box of windows or of elements.
struct Box {
  std::array<Value, 3> first, count;
  Values at(GPUEmitter &e, ArrayRef<Value> inside) const {
    Values out;
    for (unsigned i = 0; i < 3; ++i)
      out.push_back(e.add(first[i], inside[i]));
    return out;
  }
};

class Grad : PoolKernel {
public:
  Grad(GPUKernelFrame &frame, const Windows &windows, Operation *op)
      : PoolKernel(frame, windows), op(op), isMax(isa<MaxPoolGradOp>(op)) {}
  LogicalResult emit();

private:
  void findTile(const Shape &shape);
  void findPlane();
  Value placeOf(Value plane, ArrayRef<Value> window);
  void keep(Value x, Value place);
  Value kept(Value place);
  Value share(Value plane, ArrayRef<Value> window);
  Value maximum(Value plane, ArrayRef<Value> window, Value exists, Value lane, int64_t width);
  void visitWindows(int64_t width);
  void collect();
  Value sumOf(Value plane, ArrayRef<Value> element);

  Operation *op;
  bool isMax;
  Planes input;             ///< of a maximum
  Value firstPlane, planes; ///< of the workgroup
  Box windows, elements;    ///< of the workgroup
  Value memory, start;      ///< what windows give, [plane][window], from an element on
};

} // namespace

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

/// Windows whose values lie in workgroup memory at most.
static constexpr int64_t kWindows = 4096;

Shape Shape::choose(const Windows &c, const std::array<int64_t, 3> &size) {
  bool line = c.spatial == 1;
  Shape s{1, powerWithin(size[1], line ? 1 : 16), powerWithin(size[2], line ? 512 : 32)};
  s.planes = std::max<int64_t>(512 / (s.rows * s.columns), 1);
  auto count = [&] {
    auto n = s.windows(c);
    return s.planes * n[0] * n[1] * n[2];
  };
  while (count() > kWindows && s.elements() >= kGradThreads / 2)
    (s.planes > 1 ? s.planes : s.rows > 4 ? s.rows : s.columns) /= 2;
  return s.elements() < kGradThreads / 2 ? Shape() : s;
}

void Grad::findTile(const Shape &shape) {
  auto n = shape.windows(c);
  Value all = planesOf(to);
  Values at = unravel(
      e, f.group,
      {all, to.size[0], e.ceilDiv(to.size[1], shape.rows), e.ceilDiv(to.size[2], shape.columns)});
  firstPlane = e.mul(at[0], shape.planes);
  planes = e.index(shape.planes);
  elements = {{at[1], e.mul(at[2], shape.rows), e.mul(at[3], shape.columns)},
              {e.index(1), e.index(shape.rows), e.index(shape.columns)}};
  for (unsigned i = 0; i < 3; ++i) {
    int64_t before = c.low[i] - (c.kernel[i] - 1) * c.dilation[i];
    windows.first[i] =
        e.ceilDiv(e.max(e.add(elements.first[i], e.index(before)), e.index(0)), c.stride[i]);
    windows.count[i] = e.index(n[i]);
  }
  memory = e.shared(isMax ? Type(e.getI32Type()) : e.f32(), shape.planes * n[0] * n[1] * n[2]);
  start = e.index(0);
}

void Grad::findPlane() {
  std::array<Value, 3> zero = {e.index(0), e.index(0), e.index(0)};
  firstPlane = f.group;
  planes = e.index(1);
  elements = {zero, to.size};
  windows = {zero, from.size};
  memory = f.scratchMemory;
  start = e.add(f.scratchStart, e.mul(f.group, from.elements(e)));
}

Value Grad::placeOf(Value plane, ArrayRef<Value> window) {
  Value at = plane;
  for (unsigned i = 0; i < 3; ++i)
    at = e.add(e.mul(at, windows.count[i]), e.sub(window[i], windows.first[i]));
  return e.add(start, at);
}

// Scratch is of f32, whatever is kept there.
void Grad::keep(Value x, Value place) {
  Type stored = cast<MemRefType>(memory.getType()).getElementType();
  e.store(x.getType() == stored ? x : Value(arith::BitcastOp::create(e, stored, x)), memory, place);
}

Value Grad::kept(Value place) {
  Value x = e.load(memory, place);
  Type wanted = isMax ? Type(e.getI32Type()) : e.f32();
  return x.getType() == wanted ? x : Value(arith::BitcastOp::create(e, wanted, x));
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

Value Grad::share(Value plane, ArrayRef<Value> window) {
  Value x = load(from, positionOf(from, plane, window));
  return e.divf(x, countOf(to, window, cast<AvgPoolGradOp>(op).getCountIncludePad()));
}

/// The position in its plane of a window's maximum, the first of several, the last NaN if there is
/// one; -1 for an empty window. `width` lanes go through the taps.
Value Grad::maximum(Value plane, ArrayRef<Value> window, Value exists, Value lane, int64_t width) {
  Type i32 = e.getI32Type();
  using P = arith::CmpIPredicate;
  auto test = [&](P p, Value a, Value b) { return Value(arith::CmpIOp::create(e, p, a, b)); };
  auto isNaN = [&](Value x) {
    return Value(arith::CmpFOp::create(e, arith::CmpFPredicate::UNO, x, x));
  };
  auto isEmpty = [&](Value at) { return test(P::slt, at, e.zero(i32)); };
  WindowGather gather(e, c, input, from.size);
  WindowGather::Window w = gather.windowAt(baseOf(input, plane), window, exists);
  Value lowest = e.f(-std::numeric_limits<float>::infinity()), none = e.iconst(i32, -1);
  auto visit = [&](Value tap, ValueRange best) -> Values {
    WindowGather::Tap t = gather.tapAt(tap);
    return e.ifElse(
        gather.isInside(w, t), best.getTypes(),
        [&]() -> Values {
          Value x = load(input, gather.position(w, t)), at = e.index(0);
          for (unsigned i = 0; i < 3; ++i)
            at = e.add(e.mul(at, input.size[i]), e.add(w.first[i], t.by[i]));
          Value better = e.either(e.either(isNaN(x), isEmpty(best[1])), e.gtf(x, best[0]));
          return {e.select(better, x, best[0]), e.select(better, e.toInt(at, i32), best[1])};
        },
        [&] { return Values(best); });
  };
  Values best = e.forLoop(lane, e.index(c.taps()), e.index(width), {lowest, none}, visit);
  // commutative, so that all lanes have the same
  auto combine = [&](ValueRange a, ValueRange b) -> Values {
    Value equal = arith::CmpFOp::create(e, arith::CmpFPredicate::OEQ, a[0], b[0]);
    Value nan = isNaN(b[0]), both = e.both(isNaN(a[0]), nan);
    Value later = test(P::sgt, b[1], a[1]), earlier = test(P::slt, b[1], a[1]);
    Value wins = e.either(e.gtf(b[0], a[0]), e.both(equal, earlier));
    wins = e.select(both, later, e.select(isNaN(a[0]), e.boolean(false), e.either(nan, wins)));
    wins = e.both(e.either(isEmpty(a[1]), wins), test(P::sge, b[1], e.zero(i32)));
    return {e.select(wins, b[0], a[0]), e.select(wins, b[1], a[1])};
  };
  return e.reduceTeam(best, width, combine)[1];
}

/// What windows give, `width` lanes for each.
void Grad::visitWindows(int64_t width) {
  Value total = planes;
  for (Value n : windows.count)
    total = e.mul(total, n);
  int64_t teams = kGradThreads / width;
  Value lane = e.rem(e.thread, width), team = e.div(e.thread, width), all = planesOf(to);
  e.forLoop(e.index(0), total, e.index(teams), [&](Value turn) {
    Value number = e.add(turn, team);
    Values inside =
        unravel(e, number, {planes, windows.count[0], windows.count[1], windows.count[2]});
    Values at = windows.at(e, ArrayRef(inside).drop_front());
    Value plane = e.add(firstPlane, inside[0]);
    Value exists = e.both(e.lt(number, total), e.lt(plane, all));
    for (unsigned i = 0; i < 3; ++i)
      exists = e.both(exists, e.lt(at[i], from.size[i]));
    Value place = e.add(start, number);
    if (!isMax)
      return e.ifThen(exists, [&] { keep(share(plane, at), place); });
    Value best = maximum(plane, at, exists, lane, width);
    e.ifThen(e.both(exists, e.eq(lane, e.index(0))), [&] { keep(best, place); });
  });
  e.barrier();
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

Value Grad::sumOf(Value plane, ArrayRef<Value> element) {
  Value position = e.index(0);
  for (unsigned i = 0; i < 3; ++i)
    position = e.add(e.mul(position, to.size[i]), element[i]);
  Value mine = e.toInt(position, e.getI32Type());
  auto take = [&](ArrayRef<Value> window, Value sum) -> Value {
    Value place = placeOf(e.sub(plane, firstPlane), window);
    if (!isMax)
      return e.addf(sum, kept(place));
    Value wins = arith::CmpIOp::create(e, arith::CmpIPredicate::eq, kept(place), mine);
    return e.ifElse(
        wins, TypeRange{e.f32()},
        [&] { return Values{e.addf(sum, load(from, positionOf(from, plane, window)))}; },
        [&] { return Values{sum}; })[0];
  };
  std::function<Value(SmallVector<Value>, Value)> visit = [&](SmallVector<Value> window,
                                                              Value sum) -> Value {
    unsigned i = window.size();
    if (i == 3)
      return take(window, sum);
    int64_t span = (c.kernel[i] - 1) * c.dilation[i];
    Value reach = e.add(element[i], c.low[i]);
    Value low = e.ceilDiv(e.max(e.sub(reach, span), e.index(0)), c.stride[i]);
    Value high = e.min(e.add(e.div(reach, c.stride[i]), 1), from.size[i]);
    return e.forLoop(low, high, e.index(1), sum, [&](Value at, ValueRange carried) -> Values {
      window.push_back(at);
      auto next = [&]() -> Values { return {visit(window, carried[0])}; };
      // a maximum lies on a tap
      Values out;
      if (isMax || c.dilation[i] == 1) {
        out = next();
      } else {
        Value apart = e.rem(e.sub(reach, e.mul(at, c.stride[i])), c.dilation[i]);
        out = e.ifElse(e.eq(apart, e.index(0)), TypeRange{e.f32()}, next,
                       [&] { return Values(carried); });
      }
      window.pop_back();
      return out;
    })[0];
  };
  return visit({}, e.f(0));
}

void Grad::collect() {
  Value total = planes, all = planesOf(to);
  for (Value n : elements.count)
    total = e.mul(total, n);
  e.forThreads(total, [&](Value number) {
    Values inside =
        unravel(e, number, {planes, elements.count[0], elements.count[1], elements.count[2]});
    Values at = elements.at(e, ArrayRef(inside).drop_front());
    Value plane = e.add(firstPlane, inside[0]), exists = e.lt(plane, all);
    for (unsigned i = 1; i < 3; ++i)
      exists = e.both(exists, e.lt(at[i], to.size[i]));
    e.ifThen(exists, [&] { store(sumOf(plane, at), to, positionOf(to, plane, at)); });
  });
}

LogicalResult Grad::emit() {
  Value grad = op->getOperand(0);
  if (failed(bind(grad, op->getResult(0))))
    return failure();
  if (isMax) {
    FailureOr<View> view = f.view(cast<MaxPoolGradOp>(op).getInput());
    if (failed(view))
      return failure();
    input = Planes(e, *view);
  }
  Shape shape{f.strategyInt("planes"), f.strategyInt("rows"), f.strategyInt("columns")};
  if (shape.planes)
    findTile(shape);
  else
    findPlane();
  visitWindows(f.strategyInt("team"));
  collect();
  return success();
}

LogicalResult linnet::codegen::emitPoolGrad(Operation *op, const Windows &c,
                                            GPUKernelFrame &frame) {
  return Grad(frame, c, op).emit();
}

//===----------------------------------------------------------------------===//
// Strategy
//===----------------------------------------------------------------------===//

LogicalResult linnet::codegen::selectPoolGrad(Operation *op, const Windows &c,
                                              exec::KernelOp kernel, const GPUTarget &target) {
  Value result = op->getResult(0), grad = op->getOperand(0);
  Shape s = Shape::choose(c, staticPlane(result));
  int64_t team = 1;
  if (isa<MaxPoolGradOp>(op) && c.taps() > 32)
    team = std::min<int64_t>(target.subgroup, kGradThreads);
  setStrategy(kernel, {{kThreads, kGradThreads},
                       {"planes", s.planes},
                       {"rows", s.rows},
                       {"columns", s.columns},
                       {"team", team}});
  LaunchBuilder b(kernel);
  Value planes = elementsOf(b, result, 0, 2), chunks = planes, scratch = b.constant(0);
  if (s.planes) {
    std::array<Value, 3> size = planeSizes(b, result);
    chunks =
        b.mul({b.ceilDiv(planes, b.constant(s.planes)), size[0],
               b.ceilDiv(size[1], b.constant(s.rows)), b.ceilDiv(size[2], b.constant(s.columns))});
  } else {
    scratch = b.mul(elementsOf(b, grad), b.constant(4));
  }
  b.finish(chunks, scratch, b.mul(elementsOf(b, grad), b.constant(c.taps())),
           bytesTouched(b, kernel));
  return success();
}
