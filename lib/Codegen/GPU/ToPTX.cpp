//===- ToPTX.cpp - from a gpu.module to PTX ---------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "GPULowering.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/GPUToNVVM/GPUToNVVMPass.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Conversion/UBToLLVM/UBToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/DialectConversion.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include <mutex>

extern "C" {
void LLVMInitializeNVPTXTarget();
void LLVMInitializeNVPTXTargetInfo();
void LLVMInitializeNVPTXTargetMC();
void LLVMInitializeNVPTXAsmPrinter();
}

using namespace mlir;
using namespace linnet::codegen;

/// Bare pointers are for memory of a known size: the largest that indices reach.
static void giveSizes(gpu::GPUFuncOp f, int64_t most) {
  SmallVector<Type> types;
  for (BlockArgument arg : f.getArguments().take_front(f.getFunctionType().getNumInputs())) {
    if (auto memory = dyn_cast<MemRefType>(arg.getType()))
      arg.setType(MemRefType::get({most}, memory.getElementType()));
    types.push_back(arg.getType());
  }
  f.setFunctionType(FunctionType::get(f.getContext(), types, {}));
}

static LogicalResult convertModule(gpu::GPUModuleOp kernels, unsigned indexWidth) {
  MLIRContext *ctx = kernels.getContext();
  LowerToLLVMOptions options(ctx, DataLayout(kernels));
  options.overrideIndexBitwidth(indexWidth);
  options.useBarePtrCallConv = true;
  LLVMTypeConverter types(ctx, options);
  configureGpuToNVVMTypeConverter(types);
  RewritePatternSet patterns(ctx);
  arith::populateArithToLLVMConversionPatterns(types, patterns);
  cf::populateControlFlowToLLVMConversionPatterns(types, patterns);
  index::populateIndexToLLVMConversionPatterns(types, patterns);
  // before those of populateGpuToNVVM..., which call libdevice
  populateMathToLLVMConversionPatterns(types, patterns, /*approximateLog1p=*/false, /*benefit=*/2);
  populateFinalizeMemRefToLLVMConversionPatterns(types, patterns);
  populateVectorToLLVMConversionPatterns(types, patterns);
  ub::populateUBToLLVMConversionPatterns(types, patterns);
  populateGpuToNVVMConversionPatterns(types, patterns);
  LLVMConversionTarget target(*ctx);
  configureGpuToNVVMConversionLegality(target);
  target.addLegalOp<LLVM::SqrtOp, LLVM::FMAOp, LLVM::FAbsOp, LLVM::FFloorOp, LLVM::FCeilOp,
                    LLVM::FTruncOp, LLVM::RoundEvenOp, LLVM::CopySignOp>();
  return applyPartialConversion(kernels, target, std::move(patterns));
}

template <typename From, typename To> static bool toIntrinsic(Operation *op) {
  if (!isa<From>(op))
    return false;
  OpBuilder b(op);
  auto made = To::create(b, op->getLoc(), op->getResult(0).getType(), op->getOperands());
  op->getResult(0).replaceAllUsesWith(made->getResult(0));
  op->erase();
  return true;
}

/// What is left of math are instructions; the conversion of the gpu dialect would call libdevice.
static void useIntrinsics(ModuleOp module) {
  module.walk([](Operation *op) {
    (void)(toIntrinsic<math::SqrtOp, LLVM::SqrtOp>(op) ||
           toIntrinsic<math::FmaOp, LLVM::FMAOp>(op) ||
           toIntrinsic<math::AbsFOp, LLVM::FAbsOp>(op) ||
           toIntrinsic<math::FloorOp, LLVM::FFloorOp>(op) ||
           toIntrinsic<math::CeilOp, LLVM::FCeilOp>(op) ||
           toIntrinsic<math::TruncOp, LLVM::FTruncOp>(op) ||
           toIntrinsic<math::RoundEvenOp, LLVM::RoundEvenOp>(op) ||
           toIntrinsic<math::CopySignOp, LLVM::CopySignOp>(op));
  });
}

/// The functions of the gpu.module, lowered, as a module of their own.
static FailureOr<OwningOpRef<ModuleOp>> lowerToNVVM(ModuleOp module, bool wide) {
  module.walk([&](gpu::GPUFuncOp f) { giveSizes(f, wide ? INT64_MAX : INT32_MAX); });
  useIntrinsics(module);
  PassManager flow(module.getContext(), ModuleOp::getOperationName());
  flow.nest<gpu::GPUModuleOp>().addPass(createSCFToControlFlowPass());
  if (failed(flow.run(module)))
    return failure();
  OwningOpRef<ModuleOp> result = ModuleOp::create(module.getLoc());
  for (auto kernels : module.getOps<gpu::GPUModuleOp>()) {
    if (failed(convertModule(kernels, wide ? 64 : 32)))
      return failure();
    for (Operation &op : llvm::make_early_inc_range(*kernels.getBody()))
      op.moveBefore(result->getBody(), result->getBody()->end());
  }
  PassManager casts(module.getContext(), ModuleOp::getOperationName());
  casts.addPass(createReconcileUnrealizedCastsPass());
  if (failed(casts.run(*result)))
    return failure();
  return result;
}

static std::unique_ptr<llvm::TargetMachine> createMachine(const GPUTarget &target) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeNVPTXTargetInfo();
    LLVMInitializeNVPTXTarget();
    LLVMInitializeNVPTXTargetMC();
    LLVMInitializeNVPTXAsmPrinter();
  });
  llvm::Triple triple("nvptx64-nvidia-cuda");
  std::string message;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(triple, message);
  if (!found)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict; // fma is written where it is meant
  return std::unique_ptr<llvm::TargetMachine>(
      found->createTargetMachine(triple, target.chip, "+ptx80", options, std::nullopt, std::nullopt,
                                 llvm::CodeGenOptLevel::Aggressive));
}

static void optimise(llvm::Module &m, llvm::TargetMachine &machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = false;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  builder.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(m, modules);
}

static int64_t workgroupBytes(ModuleOp module) {
  int64_t bytes = 0;
  module.walk([&](gpu::GPUFuncOp f) {
    for (BlockArgument memory : f.getWorkgroupAttributions()) {
      auto type = cast<MemRefType>(memory.getType());
      bytes += llvm::alignTo(type.getNumElements() * type.getElementTypeBitWidth() / 8, 16);
    }
  });
  return bytes;
}

/// What the code asks for itself ends at 48 KiB: beyond that, the launch gives it all.
static void takeWorkgroupMemoryFromLaunch(llvm::Module &m) {
  constexpr unsigned kShared = 3;
  auto *byte = llvm::Type::getInt8Ty(m.getContext());
  llvm::SmallVector<llvm::GlobalVariable *> own;
  for (llvm::GlobalVariable &g : m.globals())
    if (g.getAddressSpace() == kShared)
      own.push_back(&g);
  llvm::StringRef kernel;
  for (llvm::Function &f : m)
    if (!f.isDeclaration())
      kernel = f.getName();
  auto *all = new llvm::GlobalVariable(
      m, llvm::ArrayType::get(byte, 0), /*isConstant=*/false, llvm::GlobalValue::ExternalLinkage,
      nullptr, kernel + "_workgroup", nullptr, llvm::GlobalValue::NotThreadLocal, kShared);
  all->setAlignment(llvm::Align(16));
  uint64_t next = 0;
  for (llvm::GlobalVariable *g : own) {
    auto *offset = llvm::ConstantInt::get(llvm::Type::getInt32Ty(m.getContext()), next);
    g->replaceAllUsesWith(llvm::ConstantExpr::getGetElementPtr(byte, all, offset));
    next += llvm::alignTo(m.getDataLayout().getTypeAllocSize(g->getValueType()), 16);
    g->eraseFromParent();
  }
}

FailureOr<GPUCode> linnet::codegen::compilePTX(ModuleOp module, const GPUTarget &target,
                                               bool wide) {
  bool fromLaunch = workgroupBytes(module) > LNT_GPU_STATIC_SHARED;
  FailureOr<OwningOpRef<ModuleOp>> lowered = lowerToNVVM(module, wide);
  if (failed(lowered))
    return failure();
  std::unique_ptr<llvm::TargetMachine> machine = createMachine(target);
  if (!machine)
    return module.emitError("this build of LLVM has no NVPTX target");
  llvm::LLVMContext ctx;
  std::unique_ptr<llvm::Module> m = translateModuleToLLVMIR(**lowered, ctx, "kernel");
  if (!m)
    return failure();
  m->setTargetTriple(machine->getTargetTriple());
  m->setDataLayout(machine->createDataLayout());
  optimise(*m, *machine);
  if (fromLaunch)
    takeWorkgroupMemoryFromLaunch(*m);
  GPUCode text;
  llvm::raw_svector_ostream os(text);
  llvm::legacy::PassManager passes;
  if (machine->addPassesToEmitFile(passes, os, nullptr, llvm::CodeGenFileType::AssemblyFile))
    return module.emitError("the NVPTX target cannot write PTX");
  passes.run(*m);
  return text;
}
