//===- KernelFrame.h - a CPU kernel's function and its operands -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Turns the convention of Bundle/KernelABI.h into views.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_CODEGEN_KERNELFRAME_H
#define LINNET_CODEGEN_KERNELFRAME_H

#include "linnet/Codegen/Emitter.h"
#include "linnet/Codegen/KernelViews.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace linnet::codegen {

class KernelFrame : public KernelViews {
public:
  /// Creates the kernel's function in `module`; `e` inserts at its entry from then on.
  KernelFrame(exec::KernelOp kernel, mlir::ModuleOp module, Emitter &e);
  /// Ends the function.
  void finish();

  Emitter &e;                    ///< that of KernelViews, with what CPUs have
  Value env, begin, end, worker; ///< begin, end: index; worker: i32

  /// This worker's scratch from byte `at` on, as memory of `element`.
  Value scratch(Value at, Type element);
  Value scratch(int64_t at, Type element) { return scratch(e.index(at), element); }
  /// An atomic minimum of (site, position) in the error word.
  void fault(unsigned site, Value position) override;
  /// Whether stores to `view`, a result, shall go past the caches: no cache holds it, and it is not
  /// the memory of an argument, whose lines are in the cache.
  Value mayStream(const View &view);

private:
  mlir::func::FuncOp function;
  Value buffers, scalars, faultSite;
};

} // namespace linnet::codegen

#endif // LINNET_CODEGEN_KERNELFRAME_H
