//===- GPULowering.h - from a gpu.module to SPIR-V and PTX ------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_GPULOWERING_H
#define LINNET_LIB_CODEGEN_GPU_GPULOWERING_H

#include "linnet/Codegen/GPU.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVOps.h"

namespace linnet::codegen {

/// What both back ends take: elements of 16 bits become i16 with arithmetic in f32, math functions
/// become arithmetic, casts from 64-bit integers to indices saturate unless those are `wide`.
mlir::LogicalResult prepareForGPU(mlir::ModuleOp module, const GPUTarget &target, bool wide);

/// Whether a kernel itself computes positions in 64 bits: where it or its module asks for that, and
/// where a tensor has 2^31 elements or more by its type.
bool computesWide(exec::KernelOp kernel);
/// Whether it has a variant that does, in its place where buffers are large.
bool hasVariant(exec::KernelOp kernel);

/// On a math.fma of a math function: no driver may take it apart and join it with others.
inline constexpr llvm::StringLiteral kKeepOrder = "linnet.keep_order";

/// Replaces math functions by the arithmetic of Support/Math.cc: the bits of the CPU.
mlir::LogicalResult inlineMathFunctions(mlir::ModuleOp module);

/// Checks that every barrier is reached by all threads of a workgroup: no condition or loop around
/// it depends on the thread.
mlir::LogicalResult checkBarriers(mlir::ModuleOp module);

/// Lowers a prepared module to one spirv.module.
mlir::FailureOr<mlir::spirv::ModuleOp> lowerToSPIRV(mlir::ModuleOp module, const GPUTarget &target,
                                                    bool wide);
/// LNT_GPU_NEEDS_* of a module's capabilities. An error where the target does not have one.
mlir::FailureOr<uint32_t> needsOf(mlir::spirv::ModuleOp module, const GPUTarget &target);
mlir::FailureOr<GPUCode> serializeSPIRV(mlir::spirv::ModuleOp module);

/// Lowers a prepared module to the LLVM dialect and that to PTX.
mlir::FailureOr<GPUCode> compilePTX(mlir::ModuleOp module, const GPUTarget &target, bool wide);
/// Assembles PTX by ptxas (LINNET_PTXAS, or found on the path): fills in cubin, registers and
/// spills. Nothing where there is no ptxas; an error where it refuses.
mlir::LogicalResult assemblePTX(GPUKernel &kernel, const GPUTarget &target);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_GPULOWERING_H
