//===- LowerToLLVM.cpp - from loops over vectors to the LLVM dialect -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../LoweringPatterns.h"
#include "linnet/Codegen/CPU.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace linnet::codegen;

void linnet::codegen::prepareContext(MLIRContext *ctx) {
  DialectRegistry registry;
  registry.insert<func::FuncDialect, affine::AffineDialect, arith::ArithDialect, math::MathDialect,
                  scf::SCFDialect, cf::ControlFlowDialect, vector::VectorDialect,
                  memref::MemRefDialect, index::IndexDialect, ub::UBDialect, LLVM::LLVMDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  ctx->appendDialectRegistry(registry);
  for (StringRef name : registry.getDialectNames())
    ctx->getOrLoadDialect(name);
  // the passes load what they depend on when they first run, which several threads must not do
  OwningOpRef<ModuleOp> empty = ModuleOp::create(UnknownLoc::get(ctx));
  (void)lowerToLLVMDialect(*empty);
}

/// Upstream folds and rewrites float arithmetic under these flags; ours keeps its bits.
static void stripFastMath(ModuleOp module) {
  auto none = arith::FastMathFlagsAttr::get(module.getContext(), arith::FastMathFlags::none);
  module.walk([&](arith::ArithFastMathInterface op) {
    StringRef name = op.getFastMathAttrName();
    if (op->hasAttr(name) && op.getFastMathFlagsAttr() != none)
      op->setAttr(name, none);
  });
}

namespace {
/// What the conversions to LLVM do not take as it is.
struct ExpandPass : PassWrapper<ExpandPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExpandPass)
  void runOnOperation() override {
    stripFastMath(getOperation());
    RewritePatternSet patterns(&getContext());
    populateFloatPatterns(patterns);
    populateIntegerPatterns(patterns);
    arith::populateCeilFloorDivExpandOpsPatterns(patterns);
    vector::populateVectorTransposeLoweringPatterns(patterns,
                                                    vector::VectorTransposeLowering::Shuffle16x16);
    GreedyRewriteConfig config;
    config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    if (failed(callMathFunctions(getOperation())))
      return signalPassFailure();
    eraseHalfTypes(getOperation());
  }
};
} // namespace

LogicalResult linnet::codegen::lowerToLLVMDialect(ModuleOp module) {
  // What an emitter made is verified once; again after each of upstream's conversions would take an
  // eighth of the time that a kernel's compilation takes.
  if (failed(verify(module)))
    return failure();
  PassManager pm(module.getContext(), ModuleOp::getOperationName());
  pm.enableVerifier(false);
  pm.addPass(createLowerAffinePass()); // sizes that ops reify
  pm.addPass(createCSEPass());
  pm.addPass(std::make_unique<ExpandPass>());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createConvertIndexToLLVMPass());
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createConvertFuncToLLVMPass());
  pm.addPass(createUBToLLVMConversionPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  if (failed(pm.run(module)))
    return failure();
  adaptMaskedMemory(module);
  return success();
}
