//===- ConvLaunch.cpp - sizes of a convolution ----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Conv.h"

using namespace mlir;
using namespace linnet::codegen;

FailureOr<ConvSizes> ConvSizes::of(LaunchBuilder &b, const Conv &c) {
  auto unknown = [&]() -> LogicalResult {
    return c.op->emitOpError("has a size that its launch cannot compute");
  };
  ConvSizes s;
  s.batch = b.sizeOf(c.input, 0);
  Value filters = b.sizeOf(c.filter, 0);
  if (!s.batch || !filters)
    return unknown();
  s.groups = c.depthwise ? filters : b.constant(c.groups);
  s.channels = c.depthwise ? b.constant(1) : b.sizeOf(c.filter, 1);
  s.filters = c.depthwise     ? b.constant(1)
              : c.groups == 1 ? filters
                              : Value(arith::DivUIOp::create(b, filters, s.groups));
  s.outputs = b.mul(s.batch, filters);
  for (unsigned i = 0; i < 3; ++i) {
    auto dim = c.dim(i);
    s.out[i] = dim ? b.sizeOf(c.result(), *dim) : b.constant(1);
    if (!s.out[i])
      return unknown();
    s.outputs = b.mul(s.outputs, s.out[i]);
  }
  return s;
}

FailureOr<ConvSizes> ConvSizes::of(LaunchBuilder &b, const FilterGrad &c) {
  ConvSizes s;
  s.batch = b.sizeOf(c.op.getInput(), 0);
  s.channels = b.sizeOf(c.op.getResult(), 1);
  s.groups = b.constant(c.groups);
  Value filters = b.sizeOf(c.op.getResult(), 0);
  if (!s.batch || !s.channels || !filters)
    return c.op.emitOpError("has a size that is no expression of the arguments");
  s.filters = c.groups == 1 ? filters : arith::DivUIOp::create(b, filters, s.groups).getResult();
  s.outputs = s.batch;
  for (unsigned i = 0; i < 3; ++i) {
    auto dim = c.dim(i);
    s.out[i] = dim ? b.sizeOf(c.op.getGrad(), *dim) : b.constant(1);
    s.outputs = b.mul(s.outputs, s.out[i]);
  }
  return s;
}

ConvSizes ConvSizes::of(KernelViews &frame, const Conv &c, const View &input, const View &filter) {
  CodeBuilder &e = frame.e;
  ConvSizes s;
  s.batch = input.sizes[0];
  s.groups = c.depthwise ? filter.sizes[0] : e.index(c.groups);
  s.channels = c.depthwise ? e.index(1) : filter.sizes[1];
  s.filters = c.depthwise ? e.index(1) : e.div(filter.sizes[0], s.groups);
  for (unsigned i = 0; i < 3; ++i) {
    auto dim = c.dim(i);
    s.out[i] = dim ? frame.size(c.result(), *dim) : e.index(1);
  }
  return s;
}

Value ConvSizes::bytes(LaunchBuilder &b, const Conv &c) const {
  Value inputs = b.mul(batch, b.mul(groups, channels));
  for (unsigned i = 0; i < 3; ++i)
    if (auto dim = c.dim(i))
      inputs = b.mul(inputs, b.sizeOf(c.input, *dim));
  Value weights = b.mul(b.sizeOf(c.filter, 0), b.mul(channels, b.constant(c.taps())));
  return b.mul(b.add(b.add(inputs, outputs), weights),
               b.constant(c.element.getIntOrFloatBitWidth() / 8));
}
