//===- WindowGather.cpp - elements that windows see -------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "WindowGather.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet::codegen;

Value linnet::codegen::isWithin(GPUEmitter &e, Value v, Value size) {
  return arith::CmpIOp::create(e, arith::CmpIPredicate::ult, v, size);
}

WindowGather::WindowGather(GPUEmitter &e, const Windows &c, const Planes &from,
                           const std::array<Value, 3> &windows)
    : e(e), c(c), from(from) {
  for (unsigned i = 0; i < 3; ++i) {
    auto count = CodeBuilder::constantOf(windows[i]), size = CodeBuilder::constantOf(from.size[i]);
    checked[i] = c.low[i] || !count || !size || (*count && c.extent(i, *count) > *size);
  }
}

WindowGather::Window WindowGather::windowAt(Value base, ArrayRef<Value> at, Value exists) {
  Window w{base, {}, exists};
  for (unsigned i = 0; i < 3; ++i) {
    w.first[i] = e.sub(e.mul(at[i], c.stride[i]), c.low[i]);
    w.base = e.add(w.base, e.mul(w.first[i], from.stride[i]));
  }
  return w;
}

WindowGather::Tap WindowGather::tapAt(Value number) {
  Tap t{e.mul(e.div(number, c.taps()), from.view.strides[1]), {}};
  Value rest = e.rem(number, c.taps());
  for (unsigned i = 3; i-- > 0;) {
    t.by[i] = e.mul(e.rem(rest, c.kernel[i]), c.dilation[i]);
    rest = e.div(rest, c.kernel[i]);
    t.shift = e.add(t.shift, e.mul(t.by[i], from.stride[i]));
  }
  return t;
}

Value WindowGather::isInside(const Window &w, const Tap &t) {
  Value inside = w.exists;
  for (unsigned i = 0; i < 3; ++i)
    if (checked[i])
      inside = e.both(inside, isWithin(e, e.add(w.first[i], t.by[i]), from.size[i]));
  return inside;
}
