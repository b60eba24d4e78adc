//===- OneFile.cpp - the kernels of a program in one file -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Bundles hold a piece of code per kernel; people and other tools like one file. It has an entry
// point for each kernel.
//
//===----------------------------------------------------------------------===//
#include "GPULowering.h"
#include "mlir/Dialect/SPIRV/Linking/ModuleCombiner.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

/// What starts a file of PTX: one of them is enough.
static StringRef withoutHeader(StringRef ptx) {
  size_t at = ptx.find(".address_size");
  return at == StringRef::npos ? ptx : ptx.substr(ptx.find('\n', at) + 1);
}

/// The kernels, and those again that have a variant.
static SmallVector<std::pair<exec::KernelOp, bool>> listKernels(ModuleOp program) {
  SmallVector<std::pair<exec::KernelOp, bool>> all;
  for (auto kernel : program.getOps<exec::KernelOp>()) {
    all.emplace_back(kernel, false);
    if (hasVariant(kernel))
      all.emplace_back(kernel, true);
  }
  return all;
}

static FailureOr<GPUCode> writePTX(ModuleOp program, const GPUTarget &target) {
  GPUCode text;
  for (auto [kernel, variant] : listKernels(program)) {
    auto prepared = emitGPUKernel(kernel, target, /*prepared=*/true, variant);
    if (failed(prepared))
      return failure();
    FailureOr<GPUCode> ptx = compilePTX(**prepared, target, variant || computesWide(kernel));
    if (failed(ptx))
      return failure();
    StringRef all(ptx->data(), ptx->size());
    llvm::append_range(text, text.empty() ? all : withoutHeader(all));
  }
  return text;
}

namespace {
/// A module with all kernels, and what keeps those alive that it was made of.
struct Combined {
  SmallVector<OwningOpRef<ModuleOp>> parts;
  OwningOpRef<ModuleOp> holder;
  OwningOpRef<spirv::ModuleOp> module;
};
} // namespace

/// Modules that become one have to ask for the same: for what any of them does.
static spirv::VerCapExtAttr joinDemands(ArrayRef<spirv::ModuleOp> modules) {
  llvm::SetVector<spirv::Capability> capabilities;
  llvm::SetVector<spirv::Extension> extensions;
  auto version = spirv::Version::V_1_0;
  for (spirv::ModuleOp module : modules) {
    version = std::max(version, module.getVceTriple()->getVersion());
    capabilities.insert_range(module.getVceTriple()->getCapabilities());
    extensions.insert_range(module.getVceTriple()->getExtensions());
  }
  auto all = spirv::VerCapExtAttr::get(version, capabilities.getArrayRef(),
                                       extensions.getArrayRef(), modules.front()->getContext());
  for (spirv::ModuleOp module : modules)
    module->setAttr(spirv::ModuleOp::getVCETripleAttrName(), all);
  return all;
}

static FailureOr<Combined> combineSPIRV(ModuleOp program, const GPUTarget &target) {
  Combined out;
  SmallVector<spirv::ModuleOp> modules;
  for (auto [kernel, variant] : listKernels(program)) {
    auto prepared = emitGPUKernel(kernel, target, /*prepared=*/true, variant);
    if (failed(prepared))
      return failure();
    FailureOr<spirv::ModuleOp> module =
        lowerToSPIRV(**prepared, target, variant || computesWide(kernel));
    if (failed(module) || failed(needsOf(*module, target)))
      return failure();
    modules.push_back(*module);
    out.parts.push_back(std::move(*prepared));
  }
  spirv::VerCapExtAttr demands = joinDemands(modules);
  out.holder = ModuleOp::create(program.getLoc());
  auto b = OpBuilder::atBlockEnd(out.holder->getBody());
  out.module = spirv::combine(modules, b, nullptr);
  if (!out.module)
    return failure();
  (*out.module)->setAttr(spirv::ModuleOp::getVCETripleAttrName(), demands);
  return out;
}

static LogicalResult prepare(ModuleOp program) {
  prepareGPUContext(program.getContext());
  if (program.getOps<exec::KernelOp>().empty())
    return program.emitError("the program has no kernels: there is no code to write");
  return success();
}

FailureOr<GPUCode> linnet::codegen::writeGPUKernels(ModuleOp program, const GPUTarget &target) {
  if (failed(prepare(program)))
    return failure();
  if (target.isCUDA())
    return writePTX(program, target);
  FailureOr<Combined> combined = combineSPIRV(program, target);
  if (failed(combined))
    return failure();
  return serializeSPIRV(*combined->module);
}

LogicalResult linnet::codegen::printGPUKernels(ModuleOp program, const GPUTarget &target,
                                               raw_ostream &os) {
  if (failed(prepare(program)))
    return failure();
  if (target.isCUDA()) {
    FailureOr<GPUCode> ptx = writePTX(program, target);
    if (failed(ptx))
      return failure();
    os << StringRef(ptx->data(), ptx->size());
    return success();
  }
  FailureOr<Combined> combined = combineSPIRV(program, target);
  if (failed(combined))
    return failure();
  combined->module->print(os);
  os << "\n";
  return success();
}
