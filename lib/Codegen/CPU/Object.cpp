//===- Object.cpp - from the LLVM dialect to an object in memory ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The settings here are what makes kernels self-contained and their bits the same on every CPU
// of a level: no library call is formed, no float operation is contracted or reordered.
//
//===----------------------------------------------------------------------===//
#include "NarrowMasks.h"
#include "Support/Bitcode.h"
#include "linnet/Codegen/CPU.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Analysis/TargetLibraryInfo.h"
#include "llvm/Bitcode/BitcodeReader.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace linnet::codegen;

static const llvm::Triple &getTriple() {
  static const llvm::Triple triple("x86_64-unknown-linux-gnu");
  return triple;
}

static std::unique_ptr<llvm::TargetMachine> createTargetMachine(const CPUTarget &target) {
  static const llvm::Target *registered = [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser(); // the support functions' inline assembly
    std::string error;
    return llvm::TargetRegistry::lookupTarget(getTriple(), error);
  }();
  if (!registered)
    return nullptr;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict;
  options.FunctionSections = options.DataSections = true;
  options.NoTrappingFPMath = true;
  return std::unique_ptr<llvm::TargetMachine>(registered->createTargetMachine(
      getTriple(), target.cpu, target.features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small,
      llvm::CodeGenOptLevel::Default));
}

//===----------------------------------------------------------------------===//
// Support functions
//===----------------------------------------------------------------------===//

/// Declares the functions that instruction selection would call, so that the linker below finds
/// them; llvm.used keeps them until then.
static void declareLibraryCalls(llvm::Module &m) {
  llvm::LLVMContext &ctx = m.getContext();
  auto *pointer = llvm::PointerType::get(ctx, 0);
  auto *i64 = llvm::Type::getInt64Ty(ctx), *i32 = llvm::Type::getInt32Ty(ctx);
  for (llvm::Function &f : m)
    for (llvm::Instruction &i : llvm::instructions(f)) {
      if (llvm::isa<llvm::MemCpyInst>(i))
        m.getOrInsertFunction("memcpy", pointer, pointer, pointer, i64);
      else if (llvm::isa<llvm::MemMoveInst>(i))
        m.getOrInsertFunction("memmove", pointer, pointer, pointer, i64);
      else if (llvm::isa<llvm::MemSetInst>(i))
        m.getOrInsertFunction("memset", pointer, pointer, i32, i64);
      else if (i.getOpcode() == llvm::Instruction::FRem)
        m.getOrInsertFunction(i.getType()->getScalarType()->isDoubleTy() ? "fmod" : "fmodf",
                              i.getType()->getScalarType(), i.getType()->getScalarType(),
                              i.getType()->getScalarType());
    }
}

static LogicalResult linkSupport(llvm::Module &m, Location loc) {
  declareLibraryCalls(m);
  llvm::StringSet<> own;
  for (llvm::Function &f : m)
    if (!f.isDeclaration())
      own.insert(f.getName());
  for (llvm::StringRef bitcode : {getMemoryBitcode(), getMathBitcode()}) {
    auto support =
        llvm::getLazyBitcodeModule(llvm::MemoryBufferRef(bitcode, "support"), m.getContext());
    if (!support) {
      emitError(loc) << "support functions: " << llvm::toString(support.takeError());
      return failure();
    }
    (*support)->setTargetTriple(m.getTargetTriple());
    (*support)->setDataLayout(m.getDataLayout());
    if (llvm::Linker::linkModules(m, std::move(*support), llvm::Linker::LinkOnlyNeeded)) {
      emitError(loc) << "support functions do not link";
      return failure();
    }
  }
  // What selection calls by name stays, weak; the rest goes once it is inlined.
  for (llvm::Function &f : m)
    if (!f.isDeclaration() && !own.contains(f.getName()))
      f.setLinkage(f.getName().starts_with("lnt_") ? llvm::GlobalValue::InternalLinkage
                                                   : llvm::GlobalValue::WeakODRLinkage);
  return success();
}

//===----------------------------------------------------------------------===//
// Attributes and passes
//===----------------------------------------------------------------------===//

static void setFunctionAttributes(llvm::Function &f, const CPUTarget &target) {
  for (llvm::StringRef name : {"target-cpu", "target-features", "tune-cpu",
                               "min-legal-vector-width", "stack-protector-buffer-size"})
    f.removeFnAttr(name);
  f.removeFnAttr(llvm::Attribute::StackProtect);
  f.removeFnAttr(llvm::Attribute::StackProtectStrong);
  f.removeFnAttr(llvm::Attribute::StackProtectReq);
  f.addFnAttr("target-cpu", target.cpu);
  if (!target.features.empty())
    f.addFnAttr("target-features", target.features);
  f.addFnAttr(llvm::Attribute::NoUnwind);
  f.setUWTableKind(llvm::UWTableKind::None);
  f.addFnAttr("no-builtins");
  f.addFnAttr("no-trapping-math", "true");
  f.addFnAttr("frame-pointer", "none");
}

static void prepareModule(llvm::Module &m, const CPUTarget &target) {
  // the support functions come with a level of their own
  m.setModuleFlag(llvm::Module::Max, "PIC Level", uint32_t(llvm::PICLevel::BigPIC));
  if (auto *ident = m.getNamedMetadata("llvm.ident"))
    ident->eraseFromParent();
  for (llvm::Function &f : m) {
    if (f.isIntrinsic())
      continue;
    setFunctionAttributes(f, target);
    f.setDSOLocal(true);
    if (!f.hasLocalLinkage())
      f.setVisibility(llvm::GlobalValue::HiddenVisibility);
  }
  for (llvm::GlobalVariable &g : m.globals()) {
    g.setDSOLocal(true);
    if (!g.hasLocalLinkage())
      g.setVisibility(llvm::GlobalValue::HiddenVisibility);
  }
}

/// The emitters leave little to do: no loop passes, no vectorisers.
static void optimise(llvm::Module &m, llvm::TargetMachine &machine) {
  llvm::PipelineTuningOptions tuning;
  tuning.LoopVectorization = tuning.SLPVectorization = tuning.LoopUnrolling = false;
  llvm::PassBuilder builder(&machine, tuning);
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager components;
  llvm::ModuleAnalysisManager modules;
  llvm::TargetLibraryInfoImpl library(machine.getTargetTriple());
  library.disableAllFunctions();
  // The first registration wins.
  functions.registerPass([&] { return llvm::TargetLibraryAnalysis(library); });
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(components);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, components, modules);
  llvm::ModulePassManager passes;
  llvm::cantFail(builder.parsePassPipeline(
      passes,
      "always-inline,globaldce,function(early-cse,instcombine<no-verify-fixpoint>,simplifycfg)"));
  passes.run(m, modules);
  for (llvm::Function &f : m)
    narrowMasks(f);
}

std::unique_ptr<llvm::Module>
linnet::codegen::translateToLLVM(ModuleOp module, const CPUTarget &target, llvm::LLVMContext &ctx) {
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(target);
  if (!machine) {
    module.emitError("this build of LLVM has no X86 target");
    return nullptr;
  }
  std::unique_ptr<llvm::Module> m = mlir::translateModuleToLLVMIR(module, ctx, "kernel");
  if (!m)
    return nullptr;
  m->setTargetTriple(machine->getTargetTriple());
  m->setDataLayout(machine->createDataLayout());
  if (failed(linkSupport(*m, module.getLoc())))
    return nullptr;
  prepareModule(*m, target);
  optimise(*m, *machine);
  return m;
}

FailureOr<Bytes> linnet::codegen::compileObject(ModuleOp module, const CPUTarget &target,
                                                FileKind kind) {
  llvm::LLVMContext ctx;
  std::unique_ptr<llvm::Module> m = translateToLLVM(module, target, ctx);
  if (!m)
    return failure();
  std::unique_ptr<llvm::TargetMachine> machine = createTargetMachine(target);
  Bytes bytes;
  llvm::raw_svector_ostream os(bytes);
  llvm::legacy::PassManager passes;
  llvm::TargetLibraryInfoImpl library(machine->getTargetTriple());
  library.disableAllFunctions();
  passes.add(new llvm::TargetLibraryInfoWrapperPass(library));
  if (machine->addPassesToEmitFile(passes, os, nullptr,
                                   kind == FileKind::Object
                                       ? llvm::CodeGenFileType::ObjectFile
                                       : llvm::CodeGenFileType::AssemblyFile)) {
    module.emitError("the X86 target cannot emit this file");
    return failure();
  }
  passes.run(*m);
  return bytes;
}
