//===- GPUKernelFrame.h - a GPU kernel's function and operands --*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Turns the convention of Bundle/GPUKernelABI.h into views, and the interface of those who write
// kernels: docs/adding-an-op.md.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_GPUKERNELFRAME_H
#define LINNET_LIB_CODEGEN_GPU_GPUKERNELFRAME_H

#include "GPUEmitter.h"
#include "linnet/Codegen/KernelViews.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"

namespace linnet::codegen {

/// In `strategy`: threads of a workgroup. Every emitter's select() writes it.
inline constexpr llvm::StringLiteral kThreads = "threads";

class GPUKernelFrame : public KernelViews {
public:
  /// Creates a gpu.module with the kernel's function `name` in `module`; `e` inserts behind its
  /// entry, in what groups below `chunks` do.
  GPUKernelFrame(exec::KernelOp kernel, mlir::ModuleOp module, GPUEmitter &e, llvm::StringRef name);
  /// Ends the function.
  void finish();

  GPUEmitter &e; ///< that of KernelViews, with what GPUs have
  Value group;   ///< the chunk that this workgroup does, as an index
  Value chunks;

  /// The launch's scratch, as memref<?xf32>, and the element at which it starts. Shared by all
  /// workgroups: a group goes to its part of it by itself.
  Value scratchMemory;
  Value scratchStart;

  /// Keeps the lowest `position` of this thread; at the kernel's end an atomic minimum goes to the
  /// word of the site.
  void fault(unsigned site, Value position) override;
  /// Whether elements of a view can be accessed `n` at once (4, say) along its last dimension, from
  /// positions on whose last coordinate is a multiple of n; i1, often known.
  Value isAligned(const View &v, int64_t n);

private:
  mlir::gpu::GPUFuncOp function;
  mlir::Operation *guard = nullptr;
  Value faultWords, faultSite;
  Value noted; ///< a thread's own lowest position of every site
};

/// How many threads share a row of so many elements (kDynamic: not known), at four or more each.
int64_t threadsForRow(int64_t elements, const GPUTarget &target);

/// Whether the kernel's launch region asks for scratch.
bool hasScratch(exec::KernelOp kernel);
/// Words that a scalar argument takes; `wide`: of a kernel whose positions have 64 bits.
unsigned wordsOf(Type scalar, bool wide);
/// Buffers and words of a kernel with its launch region.
struct GPUSignature {
  unsigned buffers = 0, words = 1;
  GPUSignature(exec::KernelOp kernel, bool wide);
};

/// One per kernel class, as KernelEmitter.
class GPUKernelEmitter {
public:
  virtual ~GPUKernelEmitter();
  virtual llvm::StringRef getName() const = 0;
  /// Whether the kernel's body is of this emitter's class. Cheap, emits no diagnostics.
  virtual bool match(exec::KernelOp kernel) const = 0;
  /// Writes `strategy` (with `threads`), the launch region and `faults`.
  virtual mlir::LogicalResult select(exec::KernelOp kernel, const GPUTarget &target) const = 0;
  /// Writes the code of one workgroup.
  virtual mlir::LogicalResult emit(exec::KernelOp kernel, GPUKernelFrame &frame) const = 0;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_GPUKERNELFRAME_H
