//===- Resize.cpp - interpolation to other sizes on GPUs, and its gradient --===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A workgroup makes a tile of a slice of some planes. Which rows and columns go into which lies in
// workgroup memory: it is computed once and serves all planes. An element of the gradient collects
// from those that read it, in their order.
//
//===----------------------------------------------------------------------===//
#include "../Resizing.h"
#include "Emitters.h"
#include "PlaneKernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

constexpr int64_t kResizeThreads = 128;

/// The elements of a workgroup: of one slice of some planes.
struct Shape {
  int64_t planes = 1, rows = 1, columns = 1;
  static Shape choose(Value made);
  Value chunks(LaunchBuilder &b, Value made) const;
};

class Kernel : PlaneKernel {
public:
  Kernel(GPUKernelFrame &frame, Resizing how)
      : PlaneKernel(frame), how(how),
        shape{f.strategyInt("planes"), f.strategyInt("rows"), f.strategyInt("columns")} {}
  LogicalResult emitForward(ResizeOp op);
  LogicalResult emitGrad(ResizeGradOp op);

private:
  void findTile();
  bool isThere(unsigned i) { return i + to.view.rank() >= 5; }
  void fillTables(llvm::function_ref<Values(unsigned i, Value at)> make);
  /// What `fillTables` made for an element: of the rows and columns of the tile from the tables.
  Values lookUp(unsigned i, ArrayRef<Value> inside,
                llvm::function_ref<Values(unsigned i, Value at)> make);
  void forElements(int64_t team, llvm::function_ref<void(Value plane, ArrayRef<Value> inside,
                                                         ArrayRef<Value> at, Value exists)>
                                     body);
  Value blend(Value base, ArrayRef<Values> sources);
  Value weightOf(unsigned i, Value element, Value reader);
  Value sumOfReaders(Value base, ArrayRef<Values> ranges, ArrayRef<Value> at, Value lane,
                     int64_t team);

  Resizing how;
  Shape shape;
  Value firstPlane;
  std::array<Value, 3> first;   ///< of the tile
  std::array<Values, 3> tables; ///< a number per row or column of the tile, in workgroup memory
};

} // namespace

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

Shape Shape::choose(Value made) {
  std::array<int64_t, 3> size = staticPlane(made);
  auto type = cast<RankedTensorType>(made.getType());
  bool line = type.getRank() == 3;
  Shape s{1, powerWithin(size[1], line ? 1 : 16), powerWithin(size[2], line ? 512 : 32)};
  int64_t plane = s.rows * s.columns;
  s.planes = std::max<int64_t>(2048 / plane, 1);
  // as many workgroups as a device wants come before tables that serve many planes
  auto known = [](int64_t n) { return ShapedType::isDynamic(n) ? 64 : n; };
  auto chunks = [&] {
    int64_t planes = known(type.getDimSize(0)) * known(type.getDimSize(1));
    return llvm::divideCeil(planes, s.planes) * known(size[0]) *
           llvm::divideCeil(known(size[1]), s.rows) * llvm::divideCeil(known(size[2]), s.columns);
  };
  while (s.planes > 1 && s.planes * plane > kResizeThreads && chunks() < 192)
    s.planes /= 2;
  return s;
}

Value Shape::chunks(LaunchBuilder &b, Value made) const {
  std::array<Value, 3> size = planeSizes(b, made);
  return b.mul({b.ceilDiv(elementsOf(b, made, 0, 2), b.constant(planes)), size[0],
                b.ceilDiv(size[1], b.constant(rows)), b.ceilDiv(size[2], b.constant(columns))});
}

void Kernel::findTile() {
  Values at = unravel(e, f.group,
                      {planesOf(to), to.size[0], e.ceilDiv(to.size[1], shape.rows),
                       e.ceilDiv(to.size[2], shape.columns)});
  firstPlane = e.mul(at[0], shape.planes);
  first = {at[1], e.mul(at[2], shape.rows), e.mul(at[3], shape.columns)};
}

void Kernel::fillTables(function_ref<Values(unsigned, Value)> make) {
  for (unsigned i : {1u, 2u}) {
    if (!isThere(i))
      continue;
    int64_t count = i == 1 ? shape.rows : shape.columns;
    e.forThreads(e.index(count), [&](Value number) {
      Values made = make(i, e.min(e.add(first[i], number), e.sub(to.size[i], 1)));
      // attributions belong to the function: where they are made does not matter
      for (Value x : made) {
        Type t = x.getType().isIndex() ? Type(e.getI32Type()) : x.getType();
        tables[i].push_back(e.shared(t, count));
        e.store(x.getType().isIndex() ? e.toInt(x, t) : x, tables[i].back(), number);
      }
    });
  }
  e.barrier();
}

Values Kernel::lookUp(unsigned i, ArrayRef<Value> inside,
                      function_ref<Values(unsigned, Value)> make) {
  if (i == 0)
    return make(0, first[0]);
  Values out;
  for (Value table : tables[i]) {
    Value x = e.load(table, inside[i]);
    out.push_back(isa<IntegerType>(x.getType()) ? e.toIndex(x) : x);
  }
  return out;
}

/// All elements of the tile, `team` threads for each, who take part together.
void Kernel::forElements(int64_t team,
                         function_ref<void(Value, ArrayRef<Value>, ArrayRef<Value>, Value)> body) {
  int64_t total = shape.planes * shape.rows * shape.columns, teams = kResizeThreads / team;
  e.forLoop(e.index(0), e.index(total), e.index(teams), [&](Value turn) {
    Value number = e.add(turn, e.div(e.thread, team));
    Values inside =
        unravel(e, number,
                {e.index(shape.planes), e.index(1), e.index(shape.rows), e.index(shape.columns)});
    Value plane = e.add(firstPlane, inside[0]);
    Value exists = e.both(e.lt(number, e.index(total)), e.lt(plane, planesOf(to)));
    Values at;
    for (unsigned i = 0; i < 3; ++i) {
      at.push_back(e.add(first[i], inside[i + 1]));
      exists = e.both(exists, e.lt(at[i], to.size[i]));
    }
    body(plane, ArrayRef(inside).drop_front(), at, exists);
  });
}

//===----------------------------------------------------------------------===//
// Forward
//===----------------------------------------------------------------------===//

/// The elements at the sources {index, weight} of each dimension; {}: always at 0.
Value Kernel::blend(Value base, ArrayRef<Values> sources) {
  std::function<Value(unsigned, Value)> along = [&](unsigned i, Value at) -> Value {
    if (i == 3)
      return load(from, at);
    if (sources[i].empty())
      return along(i + 1, at);
    Value index = sources[i][0], stride = from.stride[i];
    Value x = along(i + 1, e.add(at, e.mul(index, stride)));
    if (!how.isLinear())
      return x;
    Value weight = sources[i][1], next = e.min(e.add(index, 1), e.sub(from.size[i], 1));
    Value y = along(i + 1, e.add(at, e.mul(next, stride)));
    return e.fma(y, weight, e.mulf(x, e.subf(e.f(1), weight)));
  };
  return along(0, base);
}

LogicalResult Kernel::emitForward(ResizeOp op) {
  if (failed(bind(op.getInput(), op.getResult())))
    return failure();
  auto locate = [&](unsigned i, Value at) -> Values {
    if (!isThere(i))
      return {};
    Resizing::Source s = how.locate(e, at, from.size[i], to.size[i], e.getI32Type());
    return s.weight ? Values{s.index, s.weight} : Values{s.index};
  };
  findTile();
  fillTables(locate);
  Value some = e.gt(from.elements(e), e.index(0));
  forElements(1, [&](Value plane, ArrayRef<Value> inside, ArrayRef<Value> at, Value exists) {
    e.ifThen(exists, [&] {
      auto blended = [&]() -> Values {
        SmallVector<Values> sources;
        for (unsigned i = 0; i < 3; ++i)
          sources.push_back(lookUp(i, inside, locate));
        return {blend(baseOf(from, plane), sources)};
      };
      Values x = e.ifElse(some, TypeRange{e.f32()}, blended, [&] { return Values{e.f(0)}; });
      store(x[0], to, positionOf(to, plane, at));
    });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Gradient
//===----------------------------------------------------------------------===//

/// What an element of the gradient adds of itself to `element`; null: all.
Value Kernel::weightOf(unsigned i, Value element, Value reader) {
  if (!how.isLinear() || !isThere(i))
    return {};
  Resizing::Source s = how.locate(e, reader, to.size[i], from.size[i], e.getI32Type());
  Value next = e.min(e.add(s.index, 1), e.sub(to.size[i], 1));
  auto part = [&](Value at, Value x) { return e.select(e.eq(at, element), x, e.f(0)); };
  return e.addf(part(s.index, e.subf(e.f(1), s.weight)), part(next, s.weight));
}

/// `ranges`: per dimension the first of those that read the element, and one past the last.
Value Kernel::sumOfReaders(Value base, ArrayRef<Values> ranges, ArrayRef<Value> at, Value lane,
                           int64_t team) {
  std::function<Value(unsigned, Value, Value, Value)> along =
      [&](unsigned i, Value position, Value weight, Value sum) -> Value {
    if (i == 3) {
      Value x = load(from, position);
      return weight ? e.fma(x, weight, sum) : e.addf(x, sum);
    }
    if (ranges[i].empty())
      return along(i + 1, position, weight, sum);
    Value low = i == 2 ? e.add(ranges[i][0], lane) : ranges[i][0];
    return e.forLoop(low, ranges[i][1], e.index(i == 2 ? team : 1), sum,
                     [&](Value reader, ValueRange carried) -> Values {
                       Value own = weightOf(i, at[i], reader);
                       if (own && weight)
                         own = e.mulf(weight, own);
                       Value here = e.add(position, e.mul(reader, from.stride[i]));
                       return {along(i + 1, here, own ? own : weight, carried[0])};
                     })[0];
  };
  return along(0, base, {}, e.f(0));
}

LogicalResult Kernel::emitGrad(ResizeGradOp op) {
  if (failed(bind(op.getGrad(), op.getResult())))
    return failure();
  int64_t team = f.strategyInt("team");
  auto readers = [&](unsigned i, Value at) -> Values {
    if (!isThere(i))
      return {};
    Value in = to.size[i], out = from.size[i], last = e.add(at, 1);
    Value start = how.isLinear() ? e.max(e.sub(at, 1), e.index(0)) : at;
    return {how.firstFrom(e, start, in, out), how.firstFrom(e, last, in, out)};
  };
  findTile();
  fillTables(readers);
  Value lane = e.rem(e.thread, team);
  forElements(team, [&](Value plane, ArrayRef<Value> inside, ArrayRef<Value> at, Value exists) {
    SmallVector<Values> ranges;
    for (unsigned i = 0; i < 3; ++i)
      ranges.push_back(lookUp(i, inside, readers));
    Value sum = e.ifElse(
        exists, TypeRange{e.f32()},
        [&] { return Values{sumOfReaders(baseOf(from, plane), ranges, at, lane, team)}; },
        [&] { return Values{e.f(0)}; })[0];
    sum = e.reduceTeam(sum, team, [&](Value a, Value b) { return e.addf(a, b); });
    e.ifThen(e.both(exists, e.eq(lane, e.index(0))),
             [&] { store(sum, to, positionOf(to, plane, at)); });
  });
  return success();
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

/// Threads that share the readers of an element of the gradient: of many times more columns, some.
static int64_t teamOf(ResizeGradOp op, const GPUTarget &target) {
  int64_t out = op.getGrad().getType().getShape().back();
  int64_t in = op.getResult().getType().getShape().back();
  bool many = !ShapedType::isDynamic(out) && !ShapedType::isDynamic(in) && out >= 8 * in;
  return many ? std::min<int64_t>(target.subgroup, 8) : 1;
}

namespace {
class GPUResizeEmitter final : public GPUKernelEmitter {
public:
  StringRef getName() const override { return "resize"; }
  bool match(exec::KernelOp kernel) const override { return findResize(kernel); }
  LogicalResult select(exec::KernelOp kernel, const GPUTarget &target) const override {
    Operation *op = findResize(kernel);
    Value made = op->getResult(0);
    Shape s = Shape::choose(made);
    SmallVector<std::pair<StringRef, int64_t>> numbers = {
        {kThreads, kResizeThreads}, {"planes", s.planes}, {"rows", s.rows}, {"columns", s.columns}};
    if (auto grad = dyn_cast<ResizeGradOp>(op))
      numbers.push_back({"team", teamOf(grad, target)});
    setStrategy(kernel, numbers);
    LaunchBuilder b(kernel);
    b.finish(s.chunks(b, made), b.constant(0), b.mul(elementsOf(b, made), b.constant(8)),
             bytesTouched(b, kernel));
    return success();
  }
  LogicalResult emit(exec::KernelOp kernel, GPUKernelFrame &frame) const override {
    return emitResize<Kernel>(kernel, frame);
  }
};
} // namespace

const GPUKernelEmitter *linnet::codegen::getGPUResizeEmitter() {
  static const GPUResizeEmitter emitter;
  return &emitter;
}
