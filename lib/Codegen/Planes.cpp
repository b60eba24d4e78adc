//===- Planes.cpp - tensors of images as planes ---------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Planes.h"

using namespace linnet::codegen;

Planes::Planes(CodeBuilder &e, View v) : view(std::move(v)) {
  unsigned spatial = view.rank() - 2;
  for (unsigned i = 0; i < 3; ++i) {
    bool there = i + spatial >= 3;
    size[i] = there ? view.sizes[i + spatial - 1] : e.index(1);
    stride[i] = there ? view.strides[i + spatial - 1] : e.index(0);
  }
}

Value Planes::base(CodeBuilder &e, Value batch, Value channel) const {
  return e.add(view.offset, e.add(e.mul(batch, view.strides[0]), e.mul(channel, view.strides[1])));
}

Row Planes::row(CodeBuilder &e, Value base, Value d, Value h) const {
  Value at = e.add(base, e.add(e.mul(d, stride[0]), e.mul(h, stride[1])));
  return {view.memory, at, stride[2], size[2]};
}
