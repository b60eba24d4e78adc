//===- Planes.h - tensors of images as planes -------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Pooling and resizing: the tensors are [B, C, up to three spatial sizes]; a plane is one image of
// one channel.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_PLANES_H
#define LINNET_LIB_CODEGEN_PLANES_H

#include "linnet/Codegen/KernelViews.h"
#include <array>

namespace linnet::codegen {

/// A row in memory: column c at `from` + c * `stride`, for c in [0, size).
struct Row {
  Value memory, from, stride, size;
};

/// A tensor as planes; spatial dimensions are filled up in front to three.
struct Planes {
  View view;
  std::array<Value, 3> size, stride;

  Planes() = default;
  Planes(CodeBuilder &e, View v);
  /// Where the plane of batch and channel begins.
  Value base(CodeBuilder &e, Value batch, Value channel) const;
  /// The row at depth `d` and height `h` of the plane that begins at `base`.
  Row row(CodeBuilder &e, Value base, Value d, Value h) const;
  Value elements(CodeBuilder &e) const { return e.mul(size[0], e.mul(size[1], size[2])); }
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_PLANES_H
