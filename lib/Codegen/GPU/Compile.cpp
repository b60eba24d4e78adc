//===- Compile.cpp - compiles the kernels of a program for a GPU ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../OneOp.h"
#include "Emitters.h"
#include "GPULowering.h"
#include "LoopTurns.h"
#include "WorkgroupMemory.h"
#include "linnet/Codegen/GPUProgram.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Support/ThreadPool.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static ArrayRef<const GPUKernelEmitter *> getGPUEmitters() {
  static const SmallVector<const GPUKernelEmitter *> emitters = {LINNET_GPU_EMITTERS};
  return emitters;
}

LogicalResult linnet::codegen::selectGPUStrategy(exec::KernelOp kernel, const GPUTarget &target) {
  for (const GPUKernelEmitter *emitter : getGPUEmitters()) {
    if (!emitter->match(kernel))
      continue;
    if (failed(emitter->select(kernel, target)))
      return failure();
    addToStrategy(kernel, "emitter", StringAttr::get(kernel.getContext(), emitter->getName()));
    declareTurnsSite(kernel, target);
    return success();
  }
  return reportNoEmitter(kernel, target.name);
}

//===----------------------------------------------------------------------===//
// One kernel
//===----------------------------------------------------------------------===//

static FailureOr<const GPUKernelEmitter *> findEmitter(exec::KernelOp kernel) {
  DictionaryAttr strategy = kernel.getStrategy().value_or(nullptr);
  auto name = strategy ? strategy.getAs<StringAttr>("emitter") : StringAttr();
  if (!name || !strategy.contains(kThreads) || kernel.getLaunch().empty())
    return kernel.emitError("has no strategy for a GPU: run --linnet-select-strategies with a "
                            "target first");
  for (const GPUKernelEmitter *emitter : getGPUEmitters())
    if (emitter->getName() == name)
      return emitter;
  return kernel.emitError() << "names the emitter '" << name.getValue()
                            << "', which this compiler does not have for GPUs";
}

namespace {
struct Emitted {
  OwningOpRef<ModuleOp> module;
  std::string name;
  bool wide = false;
  int64_t threads = 0, sharedBytes = 0;
};
} // namespace

static FailureOr<Emitted> emit(exec::KernelOp kernel, const GPUTarget &target, bool variant) {
  FailureOr<const GPUKernelEmitter *> emitter = findEmitter(kernel);
  if (failed(emitter))
    return failure();
  Emitted out;
  out.module = ModuleOp::create(kernel.getLoc());
  out.wide = variant || computesWide(kernel);
  out.name = (kernel.getSymName() + (variant ? StringRef(kWideSuffix) : "")).str();
  GPUEmitter e(kernel.getLoc(), target, out.wide);
  GPUKernelFrame frame(kernel, *out.module, e, out.name);
  if (failed((*emitter)->emit(kernel, frame)))
    return failure();
  checkTurns(frame);
  frame.finish();
  out.threads = e.threads;
  out.sharedBytes = e.sharedBytes();
  if (out.threads > target.maxWorkgroup)
    return kernel.emitError("asks for ") << out.threads << " threads a workgroup, target "
                                         << target.name << " has " << target.maxWorkgroup;
  if (int64_t most = mostWorkgroupMemory(target); out.sharedBytes > most)
    return kernel.emitError("asks for ")
           << out.sharedBytes << " bytes of workgroup memory, target " << target.name << " has "
           << most << (target.isCUDA() ? " on " + target.chip : "");
  return out;
}

FailureOr<OwningOpRef<ModuleOp>> linnet::codegen::emitGPUKernel(exec::KernelOp kernel,
                                                                const GPUTarget &target,
                                                                bool prepared, bool variant) {
  FailureOr<Emitted> emitted = emit(kernel, target, variant);
  if (failed(emitted) ||
      (prepared && failed(prepareForGPU(*emitted->module, target, emitted->wide))))
    return failure();
  return std::move(emitted->module);
}

bool linnet::codegen::computesWide(exec::KernelOp kernel) {
  if (kernel.getWide() || kernel->getParentOp()->hasAttr(kWidePositionsAttr))
    return true;
  auto isLarge = [](Type t) {
    auto tensor = dyn_cast<RankedTensorType>(t);
    return tensor && tensor.hasStaticShape() && tensor.getNumElements() > INT32_MAX;
  };
  return llvm::any_of(kernel.getArgumentTypes(), isLarge) ||
         llvm::any_of(kernel.getResultTypes(), isLarge);
}

bool linnet::codegen::hasVariant(exec::KernelOp kernel) {
  return kernel.getGuarded() && !computesWide(kernel);
}

static GPUKernel describe(exec::KernelOp kernel, const Emitted &emitted) {
  GPUKernel out{emitted.name, kernel.getLoc(), {}, {}};
  GPUSignature signature(kernel, emitted.wide);
  out.workgroupSize = emitted.threads;
  out.sharedBytes = emitted.sharedBytes;
  out.buffers = signature.buffers;
  out.words = signature.words;
  out.faults = kernel.getFaults();
  out.scratch = hasScratch(kernel);
  out.wide = emitted.wide;
  return out;
}

/// A variant is rarely launched: on CUDA its PTX is left to the driver, and no ptxas runs.
static FailureOr<GPUKernel> compile(exec::KernelOp kernel, const GPUTarget &target, bool variant) {
  FailureOr<Emitted> emitted = emit(kernel, target, variant);
  if (failed(emitted) || failed(prepareForGPU(*emitted->module, target, emitted->wide)))
    return failure();
  GPUKernel out = describe(kernel, *emitted);
  if (target.isCUDA()) {
    FailureOr<GPUCode> ptx = compilePTX(*emitted->module, target, out.wide);
    if (failed(ptx))
      return failure();
    out.bytes = std::move(*ptx);
    if (!variant && failed(assemblePTX(out, target)))
      return failure();
    return out;
  }
  FailureOr<spirv::ModuleOp> module = lowerToSPIRV(*emitted->module, target, out.wide);
  if (failed(module))
    return failure();
  FailureOr<uint32_t> needs = needsOf(*module, target);
  FailureOr<GPUCode> bytes = serializeSPIRV(*module);
  if (failed(needs) || failed(bytes))
    return failure();
  out.needs = *needs;
  if (out.needs & LNT_GPU_NEEDS_SHUFFLE)
    out.subgroup = target.subgroup;
  out.bytes = std::move(*bytes);
  return out;
}

//===----------------------------------------------------------------------===//
// All kernels
//===----------------------------------------------------------------------===//

FailureOr<SmallVector<GPUKernel>> linnet::codegen::compileGPUKernels(ModuleOp program,
                                                                     const GPUTarget &target,
                                                                     unsigned threads,
                                                                     bool variants) {
  MLIRContext *ctx = program.getContext();
  prepareGPUContext(ctx);
  SmallVector<exec::KernelOp> kernels(program.getOps<exec::KernelOp>());
  SmallVector<std::pair<unsigned, bool>> jobs; // of which kernel, and whether its variant
  for (bool variant : {false, true})
    for (auto [i, kernel] : llvm::enumerate(kernels))
      if (!variant || (variants && hasVariant(kernel)))
        jobs.emplace_back(i, variant);
  SmallVector<FailureOr<GPUKernel>> compiled(jobs.size(), failure());
  ParallelDiagnosticHandler diagnostics(ctx);
  auto one = [&](size_t i) {
    diagnostics.setOrderIDForThread(i);
    auto [kernel, variant] = jobs[i];
    compiled[i] = compile(kernels[kernel], target, variant);
    if (variant && succeeded(compiled[i]))
      compiled[i]->variantOf = kernel;
    diagnostics.eraseOrderIDForThread();
  };
  if (!ctx->isMultithreadingEnabled() || threads == 1) {
    for (size_t i = 0; i < jobs.size(); ++i)
      one(i);
  } else {
    llvm::StdThreadPool pool(llvm::hardware_concurrency(threads));
    for (size_t i = 0; i < jobs.size(); ++i)
      pool.async(one, i);
    pool.wait();
  }
  SmallVector<GPUKernel> result;
  for (FailureOr<GPUKernel> &kernel : compiled) {
    if (failed(kernel))
      return failure();
    result.push_back(std::move(*kernel));
  }
  return result;
}
