//===- WindowTile.cpp - windows over pieces of planes -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "WindowTile.h"
#include "PlaneKernel.h"
#include "WindowGather.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

/// Threads of a workgroup that has enough planes, and those below which it has too few.
static constexpr int64_t kManyThreads = 128, kFewThreads = 64;
/// Elements in workgroup memory at most: other workgroups have some, too.
static constexpr int64_t kElements = 4096;
/// Rows of taps that are written one by one.
static constexpr int64_t kUnrolledRows = 8;

std::optional<WindowShape> WindowShape::choose(const Windows &c,
                                               const std::array<int64_t, 3> &windows) {
  bool line = c.spatial == 1;
  WindowShape s;
  s.rows = powerWithin(windows[1], line ? 1 : 16);
  s.columns = powerWithin(windows[2], line ? 128 : 32);
  auto spread = [&] { s.threadRows = std::min<int64_t>(s.rows, 4); };
  spread();
  s.planes = std::max<int64_t>(kManyThreads / s.threadsOfPlane(), 1);
  while (s.planes > 1 && s.planes * s.elements(c) > kElements)
    s.planes /= 2;
  while (s.elements(c) > kElements && s.threads() >= kFewThreads) {
    (s.rows > 4 ? s.rows : s.columns) /= 2;
    spread();
  }
  if (s.threads() < kFewThreads || s.elements(c) > kElements)
    return std::nullopt;
  return s;
}

WindowShape WindowShape::of(const KernelViews &frame) {
  return {frame.strategyInt("planes"), frame.strategyInt("rows"), frame.strategyInt("columns"),
          frame.strategyInt("thread_rows")};
}

bool WindowShape::isIn(const KernelViews &frame) { return frame.strategyInt("planes") > 0; }

void WindowShape::select(exec::KernelOp kernel) const {
  setStrategy(kernel, {{kThreads, threads()},
                       {"planes", planes},
                       {"rows", rows},
                       {"columns", columns},
                       {"thread_rows", threadRows}});
}

Value WindowShape::chunks(LaunchBuilder &b, Value count,
                          const std::array<Value, 3> &windows) const {
  return b.mul({b.ceilDiv(count, b.constant(planes)), windows[0],
                b.ceilDiv(windows[1], b.constant(rows)),
                b.ceilDiv(windows[2], b.constant(columns))});
}

//===----------------------------------------------------------------------===//
// Into workgroup memory
//===----------------------------------------------------------------------===//

Values linnet::codegen::turns(GPUEmitter &e, int64_t count, Values carried,
                              function_ref<Values(Value, Values)> body) {
  if (count == 1)
    return body(e.index(0), std::move(carried));
  return e.forLoop(e.index(0), e.index(count), e.index(1), carried,
                   [&](Value i, ValueRange now) { return body(i, Values(now)); });
}

// Columns of tiles run fastest.
WindowTile::WindowTile(GPUKernelFrame &frame, const Windows &c, const Planes &from, Value planes,
                       const std::array<Value, 3> &windows)
    : shape(WindowShape::of(frame)), e(frame.e), c(c), from(from), planes(planes),
      windows(windows) {
  Values at = unravel(e, frame.group,
                      {planes, windows[0], e.ceilDiv(windows[1], shape.rows),
                       e.ceilDiv(windows[2], shape.columns)});
  firstPlane = e.mul(at[0], shape.planes);
  slice = at[1];
  row0 = e.mul(at[2], shape.rows);
  column0 = e.mul(at[3], shape.columns);
  Value rest = e.div(e.thread, shape.columns);
  int64_t groups = shape.rows / shape.threadRows;
  column = e.rem(e.thread, shape.columns);
  row = e.mul(e.rem(rest, groups), shape.threadRows);
  plane = e.div(rest, groups);
}

void WindowTile::load(Type compute, Value outside, function_ref<Value(Value)> base) {
  int64_t height = c.extent(1, shape.rows), width = c.extent(2, shape.columns);
  int64_t count = shape.planes * shape.elements(c);
  memory = e.shared(compute, count);
  std::array<Value, 3> first = {slice, row0, column0};
  for (unsigned i = 0; i < 3; ++i)
    first[i] = e.sub(e.mul(first[i], c.stride[i]), c.low[i]);
  e.forThreads(e.index(count), [&](Value number) {
    Values at = unravel(
        e, number, {e.index(shape.planes), e.index(c.kernel[0]), e.index(height), e.index(width)});
    Value of = e.add(firstPlane, at[0]), inside = e.lt(of, planes), position = base(of);
    at[1] = e.mul(at[1], c.dilation[0]);
    for (unsigned i = 0; i < 3; ++i) {
      Value x = e.add(first[i], at[i + 1]);
      inside = e.both(inside, isWithin(e, x, from.size[i]));
      position = e.add(position, e.mul(x, from.stride[i]));
    }
    Values x = e.ifElse(
        inside, TypeRange{compute},
        [&] { return Values{e.convert(e.load(from.view.memory, position), compute)}; },
        [&] { return Values{outside}; });
    e.store(x[0], memory, number);
  });
  e.barrier();
}

//===----------------------------------------------------------------------===//
// Windows
//===----------------------------------------------------------------------===//

Values WindowTile::forTaps(Value start, Tap tap) {
  int64_t height = c.extent(1, shape.rows), width = c.extent(2, shape.columns);
  Value line = e.add(e.mul(plane, c.kernel[0] * height), e.mul(row, c.stride[1]));
  Value first = e.add(e.mul(line, width), e.mul(column, c.stride[2]));
  auto alongRows = [&](Value d, Value w, Values carried) {
    Value at = e.add(e.add(first, e.mul(d, height * width)), e.mul(w, c.dilation[2]));
    auto number = [&](Value h) {
      return e.add(e.mul(e.add(e.mul(d, c.kernel[1]), h), c.kernel[2]), w);
    };
    llvm::DenseMap<int64_t, Value> rows; // what several windows see
    auto read = [&](int64_t j, int64_t h) {
      Value &x = rows[j * c.stride[1] + h * c.dilation[1]];
      if (!x)
        x = e.load(memory, e.add(at, (j * c.stride[1] + h * c.dilation[1]) * width));
      return x;
    };
    if (c.kernel[1] <= kUnrolledRows) {
      for (int64_t h = 0; h < c.kernel[1]; ++h) {
        Values x;
        for (int64_t j = 0; j < shape.threadRows; ++j)
          x.push_back(read(j, h));
        carried = tap(number(e.index(h)), x, carried);
      }
      return carried;
    }
    return turns(e, c.kernel[1], carried, [&](Value h, Values now) {
      Values x;
      Value here = e.add(at, e.mul(h, c.dilation[1] * width));
      for (int64_t j = 0; j < shape.threadRows; ++j)
        x.push_back(e.load(memory, e.add(here, j * c.stride[1] * width)));
      return tap(number(h), x, now);
    });
  };
  return turns(e, c.kernel[0], Values(shape.threadRows, start), [&](Value d, Values outer) {
    return turns(e, c.kernel[2], outer,
                 [&](Value w, Values inner) { return alongRows(d, w, std::move(inner)); });
  });
}

void WindowTile::forWindows(const Values &results,
                            function_ref<void(Value, Value, ArrayRef<Value>)> body) {
  Value of = e.add(firstPlane, plane), w = e.add(column0, column);
  Value there = e.both(e.lt(of, planes), e.lt(w, windows[2]));
  for (size_t j = 0; j < results.size(); ++j) {
    Value h = e.add(e.add(row0, row), j);
    e.ifThen(e.both(there, e.lt(h, windows[1])), [&] { body(results[j], of, {slice, h, w}); });
  }
}
