//===- GPU.h - from kernels to SPIR-V and PTX -------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The GPU's side of code generation: a target, the strategy of a kernel for it, and a program's
// kernels as code that the runtime hands to a driver. GPUKernelABI.h says how they are called.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_CODEGEN_GPU_H
#define LINNET_CODEGEN_GPU_H

#include "linnet/Bundle/GPUKernelABI.h"
#include "linnet/IR/Exec.h"
#include "mlir/IR/BuiltinOps.h"
#include <string>

namespace llvm {
class raw_ostream;
} // namespace llvm

namespace linnet::codegen {

enum class GPUKind { Vulkan, CUDA };

/// What the code generator may take for granted of a device. A kernel's own demands are in
/// GPUKernel, so that a program without 64-bit integers asks no device for them.
struct GPUTarget {
  GPUKind kind = GPUKind::Vulkan;
  std::string name; ///< "vulkan" or "cuda"
  /// CUDA: "sm_80", "sm_90". Vulkan: "subgroup8" and the like, the least width of a subgroup.
  std::string chip;
  /// Lanes that exchange values. A device may have wider subgroups: positions of lanes are taken
  /// modulo this, which is a power of two.
  int64_t subgroup = 8;
  int64_t workgroupMemory = 32768; ///< bytes of shared memory in a workgroup
  int64_t maxWorkgroup = 1024;     ///< threads of a workgroup
  /// Types that the kernels may compute with and keep in buffers; LNT_GPU_NEEDS_*.
  uint32_t features = 0;
  bool isCUDA() const { return kind == GPUKind::CUDA; }
  bool has(uint32_t feature) const { return (features & feature) == feature; }
};

/// The target of a name ("vulkan" or "cuda") and a chip (empty: "subgroup8", "sm_80"); failure: one
/// of them is not known.
mlir::FailureOr<GPUTarget> getGPUTarget(llvm::StringRef name, llvm::StringRef chip = "");
/// The chips of a target's name, for messages; empty when there is no such target.
llvm::SmallVector<llvm::StringRef> getGPUChips(llvm::StringRef name);
/// The first of those of `chips` with the least workgroup memory: all run what is selected for it.
/// Empty where there is none.
std::string getTightestChip(llvm::StringRef name, llvm::ArrayRef<std::string> chips);

/// The same, with an error that says what there is. `error` starts the diagnostic.
mlir::FailureOr<GPUTarget> findGPUTarget(llvm::StringRef name, llvm::StringRef chip,
                                         llvm::function_ref<mlir::InFlightDiagnostic()> error);

using GPUCode = llvm::SmallVector<char, 0>;

/// One kernel's code and what the runtime must know to launch it.
struct GPUKernel {
  std::string name; ///< of the entry point: that of the exec.kernel, and kWideSuffix of a variant
  mlir::Location loc;
  GPUCode bytes; ///< SPIR-V (little endian words), or PTX as text without a final zero
  GPUCode cubin; ///< for the target's chip; empty where no ptxas was found, and on Vulkan
  uint32_t workgroupSize = 0;
  uint32_t sharedBytes = 0; ///< of workgroup memory, static
  /// Bindings 0, 1, ...: parts 1 to 3 of GPUKernelABI.h. On Vulkan the words are one more where
  /// they are above LNT_GPU_PUSH_WORDS.
  uint32_t buffers = 0;
  uint32_t words = 0;   ///< parts 1 to 3 of the words
  uint32_t faults = 0;  ///< sites; not 0: the last buffer holds the fault words
  bool scratch = false; ///< whether there is a buffer for scratch
  bool wide = false;    ///< computes positions in 64 bits
  /// Of a variant: the position in the list of the kernel whose place it takes.
  std::optional<unsigned> variantOf = {};
  uint32_t needs = 0;     ///< LNT_GPU_NEEDS_*
  uint32_t subgroup = 0;  ///< the least width of a subgroup that it relies on; 0: any
  uint32_t registers = 0; ///< of a thread, as ptxas says; 0: not known
  uint32_t spills = 0;    ///< bytes of spill stores and loads, as ptxas says
};

/// Loads the dialects that GPU kernels need. Call it before several threads work in one context.
void prepareGPUContext(mlir::MLIRContext *ctx);

/// Finds the emitter of the GPU that takes the kernel and lets it write `strategy`, the launch
/// region (chunks: workgroups; scratch: bytes of the launch as a whole) and `faults`. An error on
/// the kernel when no emitter takes it. Constants lie plain: nothing writes `layouts`.
mlir::LogicalResult selectGPUStrategy(exec::KernelOp kernel, const GPUTarget &target);

/// Compiles every exec.kernel of the module, in order, on up to `threads` threads (0: one per
/// core), and behind them, where asked for, the variants of those that are `guarded`. Diagnostics
/// come in the order of the kernels; the bytes do not depend on `threads`.
mlir::FailureOr<llvm::SmallVector<GPUKernel>> compileGPUKernels(mlir::ModuleOp program,
                                                                const GPUTarget &target,
                                                                unsigned threads,
                                                                bool variants = true);

/// One kernel that has a strategy, or its variant, as a gpu.module with a gpu.func: as its emitter
/// wrote it, or prepared for the back ends.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> emitGPUKernel(exec::KernelOp kernel,
                                                                 const GPUTarget &target,
                                                                 bool prepared = false,
                                                                 bool variant = false);

/// All kernels with strategies in one file: PTX, or a SPIR-V binary, with their names as entry
/// points.
mlir::FailureOr<GPUCode> writeGPUKernels(mlir::ModuleOp program, const GPUTarget &target);
/// The same as text: PTX, or the SPIR-V dialect.
mlir::LogicalResult printGPUKernels(mlir::ModuleOp program, const GPUTarget &target,
                                    llvm::raw_ostream &os);

/// --linnet-emit-gpu-kernels, --linnet-check-barriers.
void registerEmitGPUKernels();
void registerCheckBarriers();

} // namespace linnet::codegen

#endif // LINNET_CODEGEN_GPU_H
