//===- CPU.h - from kernels to machine code ---------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The stages below a kernel emitter, each usable alone: loops to the LLVM dialect, that to an
// object in memory, objects to the relocation-free image that a bundle carries.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_CODEGEN_CPU_H
#define LINNET_CODEGEN_CPU_H

#include "linnet/Codegen/KernelEmitter.h"
#include "mlir/IR/BuiltinOps.h"

namespace llvm {
class LLVMContext;
class Module;
class raw_ostream;
} // namespace llvm

namespace linnet::codegen {

using Bytes = llvm::SmallVector<char, 0>;

/// Loads the dialects and registers the translations that the functions below need. Call it
/// before several threads work in one context.
void prepareContext(mlir::MLIRContext *ctx);

/// Lowers functions of func, arith, math, scf, vector, index, LLVM and 1-D memref ops to the LLVM
/// dialect. Float arithmetic keeps its bits: no contraction, no fast math; bf16 and f16 compute
/// in f32; math functions become calls of Support/Math.cc.
mlir::LogicalResult lowerToLLVMDialect(mlir::ModuleOp module);

/// The LLVM module of a lowered module, with the support functions that it reaches linked in,
/// optimised for `target`. Null after a diagnostic.
std::unique_ptr<llvm::Module> translateToLLVM(mlir::ModuleOp module, const CPUTarget &target,
                                              llvm::LLVMContext &ctx);

enum class FileKind { Object, Assembly };

/// Compiles a lowered module to a relocatable ELF object that refers to nothing outside.
mlir::FailureOr<Bytes> compileObject(mlir::ModuleOp module, const CPUTarget &target,
                                     FileKind kind = FileKind::Object);

/// One kernel's object; `name` is the symbol of its function.
struct KernelObject {
  std::string name;
  mlir::Location loc;
  Bytes object;
};

/// Links the objects into one position-independent ELF image with a read-only and an executable
/// segment, whose table lists the kernels in this order. What the image cannot hold (an outside
/// symbol, an absolute address, writable data) is an error at the kernel.
mlir::FailureOr<Bytes> buildImage(llvm::ArrayRef<KernelObject> objects);

/// Emits, lowers and compiles one kernel that has a strategy.
mlir::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> emitKernel(exec::KernelOp kernel,
                                                              const CPUTarget &target);
mlir::FailureOr<KernelObject> compileKernel(exec::KernelOp kernel, const CPUTarget &target);

/// Compiles every exec.kernel of the module, in order, on up to `threads` threads (0: one per
/// core). Diagnostics come in the order of the kernels; the bytes do not depend on `threads`.
mlir::FailureOr<llvm::SmallVector<KernelObject>>
compileKernels(mlir::ModuleOp program, const CPUTarget &target, unsigned threads);
/// The image of all kernels of the module.
mlir::FailureOr<Bytes> compileImage(mlir::ModuleOp program, const CPUTarget &target,
                                    unsigned threads);

/// Writes the LLVM IR of every exec.kernel as one module, as it goes to instruction selection.
mlir::LogicalResult printKernels(mlir::ModuleOp program, const CPUTarget &target,
                                 llvm::raw_ostream &os);

} // namespace linnet::codegen

#endif // LINNET_CODEGEN_CPU_H
