//===- ConvProduct.cpp - convolutions as matrix products on GPUs ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// chunk = (group, tile of filters, tile of positions), positions running fastest and on across the
// images of a batch. A thread gathers for one position alone, whose coordinates it finds once.
//
//===----------------------------------------------------------------------===//
#include "../OneOp.h"
#include "Conv.h"
#include "ProductTile.h"
#include "WindowGather.h"

using namespace mlir;
using namespace linnet::codegen;

namespace {

class Product {
public:
  Product(const Conv &c, GPUKernelFrame &frame)
      : c(c), f(frame), e(frame.e), conv(c, frame), tile(e, GPUTile::of(frame), c.compute) {}
  LogicalResult run();

private:
  void findTile();
  void fillFilters(Value from);
  void fillInput(Value from);
  void finish(Value sum, Value row, Value column);
  /// Batch and coordinates of a position's number.
  Values unravelled(Value number) {
    const auto &out = conv.sizes.out;
    return unravel(e, number, {conv.sizes.batch, out[0], out[1], out[2]});
  }
  Value strideOfTap(unsigned i) {
    auto d = c.dim(i, c.firstTap());
    return d ? conv.filter.strides[*d] : e.index(0);
  }
  bool liesTogether();

  const Conv &c;
  GPUKernelFrame &f;
  GPUEmitter &e;
  ConvOperands conv;
  ProductTile tile;
  Value m, n, k, row0, column0, firstFilter;
  std::unique_ptr<WindowGather> gather;
  WindowGather::Window window; ///< of the thread's column
};

} // namespace

/// Whether a filter is one run of elements.
bool Product::liesTogether() {
  int64_t expected = 1;
  for (unsigned i = 3; i-- > 0; expected *= c.kernel[i])
    if (c.kernel[i] != 1 && CodeBuilder::constantOf(strideOfTap(i)) != expected)
      return false;
  return c.depthwise || CodeBuilder::constantOf(conv.filter.strides[1]) == expected;
}

/// Positions run fastest, so that workgroups at work together share filters.
void Product::findTile() {
  const GPUTile &shape = tile.shape;
  Value across = e.ceilDiv(n, shape.columns), down = e.ceilDiv(m, shape.rows);
  column0 = e.mul(e.rem(f.group, across), shape.columns);
  Value rest = e.div(f.group, across);
  row0 = e.mul(e.rem(rest, down), shape.rows);
  Value group = e.div(rest, down);
  firstFilter = e.mul(group, m);
  Value column = e.add(column0, e.rem(e.thread, shape.columns));
  Values at = unravelled(column);
  Value base = conv.input.base(e, at[0], e.mul(group, conv.sizes.channels));
  window = gather->windowAt(base, ArrayRef(at).drop_front(), e.lt(column, n));
}

void Product::fillFilters(Value from) {
  const View &w = conv.filter;
  bool together = liesTogether();
  int64_t wide = together ? 4 : 1;
  tile.fill(tile.a, /*alongK=*/true, wide, [&](Value inK, Value inS) {
    Value at = e.add(from, inK), row = e.add(row0, inS);
    Value position = e.add(w.offset, e.mul(e.add(firstFilter, row), w.strides[0]));
    if (together) {
      position = e.add(position, at);
    } else {
      Value rest = e.rem(at, c.taps());
      if (!c.depthwise)
        position = e.add(position, e.mul(e.div(at, c.taps()), w.strides[1]));
      for (unsigned i = 3; i-- > 0; rest = e.div(rest, c.kernel[i]))
        position = e.add(position, e.mul(e.rem(rest, c.kernel[i]), strideOfTap(i)));
    }
    return tile.fetch(w, position, wide, false,
                      [&](int64_t i) { return e.both(e.lt(e.add(at, i), k), e.lt(row, m)); });
  });
}

void Product::fillInput(Value from) {
  tile.fill(tile.b, /*alongK=*/false, 1, [&](Value inK, Value) {
    Value at = e.add(from, inK);
    WindowGather::Tap tap = gather->tapAt(at);
    Value inside = e.both(e.lt(at, k), gather->isInside(window, tap));
    return tile.fetch(conv.input.view, gather->position(window, tap), 1, false,
                      [&](int64_t) { return inside; });
  });
}

void Product::finish(Value sum, Value row, Value column) {
  Value r = e.add(row0, row), q = e.add(column0, column);
  e.ifThen(e.both(e.lt(r, m), e.lt(q, n)), [&] {
    Values at = unravelled(q);
    conv.finish(sum, at[0], e.add(firstFilter, r), ArrayRef(at).drop_front());
  });
}

LogicalResult Product::run() {
  if (failed(conv.prepare()))
    return failure();
  const ConvSizes &s = conv.sizes;
  m = s.filters;
  n = product(e, {s.batch, s.out[0], s.out[1], s.out[2]});
  k = e.mul(s.channels, c.taps());
  gather = std::make_unique<WindowGather>(e, c, conv.input, s.out);
  findTile();
  Values sums = tile.steps(k, tile.zeros(), [&](Value from) {
    fillFilters(from);
    fillInput(from);
  });
  tile.finishThroughMemory(sums,
                           [&](Value sum, Value row, Value column) { finish(sum, row, column); });
  return conv.status;
}

LogicalResult linnet::codegen::emitConvProduct(const Conv &c, GPUKernelFrame &frame) {
  return Product(c, frame).run();
}
