//===- Compile.cpp - compiles the kernels of a program ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Codegen/CPU.h"
#include "linnet/Codegen/KernelFrame.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/ThreadPool.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static const KernelEmitter *findEmitter(StringRef name) {
  for (const KernelEmitter *emitter : getCPUEmitters())
    if (emitter->getName() == name)
      return emitter;
  return nullptr;
}

FailureOr<OwningOpRef<ModuleOp>> linnet::codegen::emitKernel(exec::KernelOp kernel,
                                                             const CPUTarget &target) {
  DictionaryAttr strategy = kernel.getStrategy().value_or(nullptr);
  auto name = strategy ? strategy.getAs<StringAttr>("emitter") : StringAttr();
  if (!name)
    return kernel.emitError("has no strategy: run --linnet-select-strategies first");
  const KernelEmitter *emitter = findEmitter(name);
  if (!emitter)
    return kernel.emitError() << "names the emitter '" << name.getValue()
                              << "', which this compiler does not have";
  OwningOpRef<ModuleOp> module = ModuleOp::create(kernel.getLoc());
  Emitter e(kernel.getLoc(), target);
  KernelFrame frame(kernel, *module, e);
  if (failed(emitter->emit(kernel, frame)))
    return failure();
  frame.finish();
  return module;
}

static FailureOr<OwningOpRef<ModuleOp>> lowerKernel(exec::KernelOp kernel,
                                                    const CPUTarget &target) {
  FailureOr<OwningOpRef<ModuleOp>> module = emitKernel(kernel, target);
  if (failed(module) || failed(lowerToLLVMDialect(**module)))
    return failure();
  return module;
}

FailureOr<KernelObject> linnet::codegen::compileKernel(exec::KernelOp kernel,
                                                       const CPUTarget &target) {
  FailureOr<OwningOpRef<ModuleOp>> module = lowerKernel(kernel, target);
  if (failed(module))
    return failure();
  FailureOr<Bytes> object = compileObject(**module, target);
  if (failed(object))
    return failure();
  return KernelObject{kernel.getSymName().str(), kernel.getLoc(), std::move(*object)};
}

FailureOr<SmallVector<KernelObject>>
linnet::codegen::compileKernels(ModuleOp program, const CPUTarget &target, unsigned threads) {
  MLIRContext *ctx = program.getContext();
  prepareContext(ctx);
  SmallVector<exec::KernelOp> kernels(program.getOps<exec::KernelOp>());
  SmallVector<FailureOr<KernelObject>> objects(kernels.size(), failure());
  ParallelDiagnosticHandler diagnostics(ctx);
  auto compile = [&](size_t i) {
    diagnostics.setOrderIDForThread(i);
    objects[i] = compileKernel(kernels[i], target);
    diagnostics.eraseOrderIDForThread();
  };
  if (!ctx->isMultithreadingEnabled() || threads == 1) {
    for (size_t i = 0; i < kernels.size(); ++i)
      compile(i);
  } else {
    llvm::StdThreadPool pool(llvm::hardware_concurrency(threads));
    for (size_t i = 0; i < kernels.size(); ++i)
      pool.async(compile, i);
    pool.wait();
  }
  SmallVector<KernelObject> result;
  for (FailureOr<KernelObject> &object : objects) {
    if (failed(object))
      return failure();
    result.push_back(std::move(*object));
  }
  return result;
}

FailureOr<Bytes> linnet::codegen::compileImage(ModuleOp program, const CPUTarget &target,
                                               unsigned threads) {
  FailureOr<SmallVector<KernelObject>> objects = compileKernels(program, target, threads);
  if (failed(objects))
    return failure();
  return buildImage(*objects);
}

LogicalResult linnet::codegen::printKernels(ModuleOp program, const CPUTarget &target,
                                            raw_ostream &os) {
  prepareContext(program.getContext());
  llvm::LLVMContext ctx;
  llvm::Module all("kernels", ctx);
  for (auto kernel : program.getOps<exec::KernelOp>()) {
    FailureOr<OwningOpRef<ModuleOp>> module = lowerKernel(kernel, target);
    if (failed(module))
      return failure();
    std::unique_ptr<llvm::Module> one = translateToLLVM(**module, target, ctx);
    if (!one)
      return failure();
    all.setTargetTriple(one->getTargetTriple());
    all.setDataLayout(one->getDataLayout());
    if (llvm::Linker::linkModules(all, std::move(one)))
      return kernel.emitError("does not link with the kernels before it");
  }
  all.print(os, nullptr);
  return success();
}
