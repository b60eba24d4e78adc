//===- WindowGather.h - elements that windows see ---------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// In a tensor [b, c, spatial...]: where the element lies that a tap of a window meets, and whether
// it is there.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_WINDOWGATHER_H
#define LINNET_LIB_CODEGEN_GPU_WINDOWGATHER_H

#include "../Planes.h"
#include "../Windows.h"
#include "GPUEmitter.h"

namespace linnet::codegen {

class WindowGather {
public:
  /// `windows`: how many there are in each dimension.
  WindowGather(GPUEmitter &e, const Windows &c, const Planes &from,
               const std::array<Value, 3> &windows);

  struct Window {
    Value base;                 ///< of the first tap; may lie outside of the tensor
    std::array<Value, 3> first; ///< its coordinates, which may be negative
    Value exists;
  };
  /// The window at `at` of the channels that begin at `base`.
  Window windowAt(Value base, llvm::ArrayRef<Value> at, Value exists);

  struct Tap {
    Value shift;
    std::array<Value, 3> by;
  };
  /// A pair of channel and tap, from its number in row-major order.
  Tap tapAt(Value number);

  Value position(const Window &w, const Tap &t) { return e.add(w.base, t.shift); }
  Value isInside(const Window &w, const Tap &t);

private:
  GPUEmitter &e;
  const Windows &c;
  const Planes &from;
  std::array<bool, 3> checked; ///< whether windows may reach over the ends of a dimension
};

/// 0 <= v < size.
Value isWithin(GPUEmitter &e, Value v, Value size);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_WINDOWGATHER_H
