//===- Planes.h - kernels that work on one image plane at a time *- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Pooling and resizing: a chunk is some planes, and gradients add up a plane in f32 in scratch, so
// that the order of a sum depends on nothing but the sizes.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CPU_PLANES_H
#define LINNET_LIB_CODEGEN_CPU_PLANES_H

#include "../Planes.h"
#include "Columns.h"
#include "OpKernel.h"

namespace linnet::codegen {

/// Planes of a chunk, by their elements.
template <class Builder> Value planesPerChunk(Builder &b, Value elements, Value goal, Value one) {
  return b.ceilDiv(goal, b.max(elements, one));
}

/// Calls `body` for batch and channel of every plane of the frame's chunks; `elements`: those
/// of a plane that say how much work it is.
void forPlanes(KernelFrame &frame, const Planes &planes, Value elements,
               llvm::function_ref<void(Value batch, Value channel)> body);
/// The scratch of PlaneSums for planes of `tensor`, in bytes.
Value planeBytes(LaunchBuilder &b, Value tensor);
/// Ends a launch region for `forPlanes` with the planes and elements of `like`; scratch in
/// bytes (null: none), flops per element.
void finishPlanes(LaunchBuilder &b, exec::KernelOp kernel, Value like, Value scratch,
                  int64_t flops);

/// A plane of f32 in scratch that is added up and then stored.
class PlaneSums {
public:
  PlaneSums(KernelFrame &frame, const Planes &to) : e(frame.e), frame(frame), to(to) {
    memory = frame.scratch(0, e.f32());
  }
  void clear();
  void storeTo(Value base);
  /// Position of the row, in elements.
  Value row(Value d, Value h) { return e.mul(e.add(e.mul(d, to.size[1]), h), to.size[2]); }
  void add(Value position, Value x); ///< a scalar
  Emitter &e;
  KernelFrame &frame;
  const Planes &to;
  Value memory;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CPU_PLANES_H
