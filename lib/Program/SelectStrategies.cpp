//===- SelectStrategies.cpp - how every kernel is computed ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ShareLayouts.h"
#include "linnet/Codegen/GPU.h"
#include "linnet/Codegen/GPUProgram.h"
#include "linnet/Codegen/KernelEmitter.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Program/KernelContract.h"
#include "linnet/Program/Passes.h"
#include "llvm/ADT/MapVector.h"

namespace linnet {
#define GEN_PASS_DEF_SELECTSTRATEGIES
#include "linnet/Program/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

namespace {
struct SelectStrategies : linnet::impl::SelectStrategiesBase<SelectStrategies> {
  using SelectStrategiesBase::SelectStrategiesBase;

  LogicalResult findTarget() {
    if (target == "cpu")
      return success();
    FailureOr<codegen::GPUTarget> found =
        codegen::findGPUTarget(target, chip, [&] { return getOperation().emitError(); });
    if (failed(found))
      return failure();
    gpu = *found;
    return success();
  }

  LogicalResult select(exec::KernelOp kernel, const llvm::BitVector &constant) {
    return gpu ? codegen::selectGPUStrategy(kernel, *gpu)
               : codegen::selectStrategy(kernel, constant);
  }

  void runOnOperation() override {
    if (failed(findTarget()))
      return signalPassFailure();
    llvm::MapVector<StringAttr, llvm::BitVector> constant;
    getOperation().walk([&](exec::DispatchOp dispatch) {
      if (!dispatch.isOutlined())
        return;
      unsigned n = dispatch.getInputs().size();
      auto &bits = constant.try_emplace(dispatch.getKernelAttr().getAttr(), n, true).first->second;
      for (auto [i, input] : llvm::enumerate(dispatch.getInputs()))
        if (!getConstantSymbol(input))
          bits.reset(i);
    });
    bool ok = true;
    for (auto kernel : getOperation().getOps<exec::KernelOp>()) {
      auto it = constant.find(kernel.getSymNameAttr());
      if (it == constant.end() || !kernel.getLaunch().empty())
        continue;
      ok &= succeeded(verifyKernel(kernel)) && succeeded(select(kernel, it->second));
    }
    if (!ok)
      return signalPassFailure();
    if (gpu)
      getOperation()->setAttr(codegen::kTargetAttr, StringAttr::get(&getContext(), gpu->name));
    else
      shareLayouts(getOperation());
  }

  std::optional<codegen::GPUTarget> gpu;
};
} // namespace
