//===- EmitGPUKernels.cpp - the code of GPU kernels, to read ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Codegen/GPU.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace linnet;

namespace {
/// Puts a gpu.module with the code of every exec.kernel in front of it. Programs are compiled from
/// exec.kernel; this is for readers.
struct EmitGPUKernels : PassWrapper<EmitGPUKernels, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(EmitGPUKernels)
  EmitGPUKernels() = default;
  EmitGPUKernels(const EmitGPUKernels &other) : PassWrapper(other) {}
  StringRef getArgument() const override { return "linnet-emit-gpu-kernels"; }
  StringRef getDescription() const override {
    return "show the code of kernels with a strategy for a GPU";
  }
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<gpu::GPUDialect, memref::MemRefDialect, scf::SCFDialect, vector::VectorDialect,
                    math::MathDialect, arith::ArithDialect, LLVM::LLVMDialect, NVVM::NVVMDialect>();
  }

  void runOnOperation() override {
    ModuleOp program = getOperation();
    FailureOr<codegen::GPUTarget> found =
        codegen::findGPUTarget(target, chip, [&] { return program.emitError(); });
    if (failed(found))
      return signalPassFailure();
    bool ok = true;
    for (auto kernel : llvm::make_early_inc_range(program.getOps<exec::KernelOp>()))
      ok &= succeeded(show(kernel, *found));
    program->setAttr(gpu::GPUDialect::getContainerModuleAttrName(), UnitAttr::get(&getContext()));
    if (!ok)
      signalPassFailure();
  }

  LogicalResult show(exec::KernelOp kernel, const codegen::GPUTarget &gpu) {
    auto emitted = codegen::emitGPUKernel(kernel, gpu, prepared);
    if (failed(emitted))
      return failure();
    for (auto code : llvm::make_early_inc_range((*emitted)->getOps<mlir::gpu::GPUModuleOp>())) {
      code->remove();
      code.setName((kernel.getSymName() + "_code").str());
      kernel->getBlock()->getOperations().insert(kernel->getIterator(), code);
    }
    return success();
  }

  Option<std::string> target{*this, "target", llvm::cl::desc("vulkan or cuda"),
                             llvm::cl::init("vulkan")};
  Option<std::string> chip{*this, "chip", llvm::cl::desc("of a GPU; empty: the target's first")};
  Option<bool> prepared{*this, "prepared",
                        llvm::cl::desc("show what the back ends take: 16-bit floats as integers, "
                                       "math functions as arithmetic"),
                        llvm::cl::init(false)};
};
} // namespace

void linnet::codegen::registerEmitGPUKernels() { PassRegistration<EmitGPUKernels>(); }
