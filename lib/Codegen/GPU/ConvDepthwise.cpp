//===- ConvDepthwise.cpp - convolutions of single channels on GPUs ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A plane of the result is made from one plane of the input and one filter, by WindowTile.
//
//===----------------------------------------------------------------------===//
#include "../OneOp.h"
#include "Conv.h"
#include "WindowTile.h"

using namespace mlir;
using namespace linnet::codegen;

/// The filters of a workgroup's planes, [planes][taps].
static Value loadFilters(const ConvOperands &conv, const WindowTile &tile, Value planes,
                         Value filters) {
  GPUEmitter &e = conv.e;
  const Conv &c = conv.c;
  const View &w = conv.filter;
  int64_t count = tile.shape.planes * c.taps();
  Value memory = e.shared(c.compute, count);
  e.forThreads(e.index(count), [&](Value number) {
    Values at = unravel(e, number,
                        {e.index(tile.shape.planes), e.index(c.kernel[0]), e.index(c.kernel[1]),
                         e.index(c.kernel[2])});
    Value plane = e.add(tile.firstPlane, at[0]);
    e.ifThen(e.lt(plane, planes), [&] {
      Value position = e.add(w.offset, e.mul(e.rem(plane, filters), w.strides[0]));
      for (unsigned i = 0; i < 3; ++i)
        if (auto d = c.dim(i, c.firstTap()))
          position = e.add(position, e.mul(at[i + 1], w.strides[*d]));
      e.store(e.convert(e.load(w.memory, position), c.compute), memory, number);
    });
  });
  return memory;
}

LogicalResult linnet::codegen::emitDepthwise(const Conv &c, GPUKernelFrame &frame) {
  GPUEmitter &e = frame.e;
  ConvOperands conv(c, frame);
  if (failed(conv.prepare()))
    return failure();
  const ConvSizes &s = conv.sizes;
  Value filters = e.mul(s.groups, s.filters), planes = e.mul(s.batch, filters);
  WindowTile tile(frame, c, conv.input, planes, s.out);
  Value weights = loadFilters(conv, tile, planes, filters);
  tile.load(c.compute, e.zero(c.compute), [&](Value plane) {
    return conv.input.base(e, e.div(plane, filters), e.div(e.rem(plane, filters), s.filters));
  });
  Value own = e.mul(tile.planeOfThread(), c.taps());
  Values sums = tile.forTaps(e.zero(c.compute), [&](Value tap, ValueRange x, Values carried) {
    Value weight = e.load(weights, e.add(own, tap));
    for (auto [sum, element] : llvm::zip_equal(carried, x))
      sum = e.fma(weight, element, sum);
    return carried;
  });
  tile.forWindows(sums, [&](Value sum, Value plane, ArrayRef<Value> at) {
    conv.finish(sum, e.div(plane, filters), e.rem(plane, filters), at);
  });
  return conv.status;
}
