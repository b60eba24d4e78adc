//===- WindowTile.h - windows over pieces of planes -------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What pooling and convolutions of single channels share: a workgroup makes the windows of a tile
// of some planes. What they see goes into workgroup memory once, with something else where the
// plane ends; a thread makes windows in neighbouring rows, whose common elements it reads once.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_WINDOWTILE_H
#define LINNET_LIB_CODEGEN_GPU_WINDOWTILE_H

#include "../Planes.h"
#include "../Windows.h"
#include "GPUKernelFrame.h"

namespace linnet::codegen {

/// The windows of a workgroup: of one slice (spatial dimension 0) of some planes.
struct WindowShape {
  int64_t planes = 1, rows = 16, columns = 32;
  int64_t threadRows = 4; ///< of a thread
  int64_t threadsOfPlane() const { return rows / threadRows * columns; }
  int64_t threads() const { return planes * threadsOfPlane(); }
  /// What the windows of a plane see, in elements.
  int64_t elements(const Windows &c) const {
    return c.kernel[0] * c.extent(1, rows) * c.extent(2, columns);
  }
  /// For so many windows in each dimension (kDynamic: not known); none where windows are too large
  /// for a workgroup to have enough of them in its memory.
  static std::optional<WindowShape> choose(const Windows &c, const std::array<int64_t, 3> &windows);
  static WindowShape of(const KernelViews &frame);
  static bool isIn(const KernelViews &frame);
  /// Into `strategy`, with the number of threads.
  void select(exec::KernelOp kernel) const;
  Value chunks(LaunchBuilder &b, Value planes, const std::array<Value, 3> &windows) const;
};

class WindowTile {
public:
  /// `from`: what windows see; `planes` and `windows`: how many there are.
  WindowTile(GPUKernelFrame &frame, const Windows &c, const Planes &from, Value planes,
             const std::array<Value, 3> &windows);
  const WindowShape shape;
  Value firstPlane; ///< of the workgroup

  /// Puts elements into workgroup memory, as `compute`. `base` says where a plane of `from`
  /// begins, given the number of a plane of windows; what lies outside is `outside`.
  void load(Type compute, Value outside, llvm::function_ref<Value(Value plane)> base);
  /// Goes through the taps of a thread's windows; carries one value per window. `at` gives the
  /// tap's number, `x` the elements.
  using Tap = llvm::function_ref<Values(Value at, ValueRange x, Values carried)>;
  Values forTaps(Value start, Tap tap);
  /// Calls `body` for the windows of a thread that there are.
  void forWindows(const Values &results,
                  llvm::function_ref<void(Value x, Value plane, llvm::ArrayRef<Value> at)> body);
  Value planeOfThread() const { return plane; } ///< within the workgroup

private:
  GPUEmitter &e;
  const Windows &c;
  const Planes &from;
  Value planes;
  std::array<Value, 3> windows;
  Value slice, row0, column0; ///< of the workgroup
  Value plane, row, column;   ///< of the thread, within the workgroup
  Value memory;               ///< [planes][taps of dimension 0][rows][columns]
};

/// Carries values through `count` turns; no loop around a single one.
Values turns(GPUEmitter &e, int64_t count, Values carried,
             llvm::function_ref<Values(Value, Values)> body);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_WINDOWTILE_H
