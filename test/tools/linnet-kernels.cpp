//===- linnet-kernels.cpp - compiles exec.kernel ops for tests --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Not installed. Selects a strategy for every exec.kernel of a file, compiles them and writes a
// shared object with, for every kernel `k`, the functions `k` and `k.launch`, and beside it
// OUT.json with the signatures that python/linnet/_src/kernels.py calls them by.
//
//===----------------------------------------------------------------------===//
#include "linnet/Codegen/CPU.h"
#include "linnet/Codegen/Emitter.h"
#include "linnet/Codegen/GPU.h"
#include "linnet/Pipelines/Tools.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Parser/Parser.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;
namespace cl = llvm::cl;

static cl::opt<std::string> input(cl::Positional, cl::desc("FILE.mlir"), cl::init("-"));
static cl::opt<std::string> output("o", cl::desc("output file"), cl::init("-"));
static cl::opt<std::string> cpu("cpu", cl::desc("CPU level"), cl::init("x86-64-v3"));
static cl::list<std::string>
    constants("constant",
              cl::desc("@kernel:POSITIONS, arguments that are constants in every dispatch"));
static cl::opt<bool> print("print", cl::desc("print the emitted MLIR and stop"));
static cl::opt<bool> printLaunch("print-launch", cl::desc("print the selected kernels and stop"));
static cl::opt<std::string>
    emitKind("emit", cl::desc("so, obj, asm, llvm or image; objects: OUTPUT.KERNEL.o of each"),
             cl::init("so"));
static cl::opt<bool> functions("functions",
                               cl::desc("compile the func.func ops of a file of loops instead"));
static cl::opt<std::string> targetName("target",
                                       cl::desc("vulkan or cuda instead of a CPU: code of "
                                                "every kernel as OUT.KERNEL.spv or .ptx"),
                                       cl::init("cpu"));
static cl::opt<std::string> chip("chip", cl::desc("of a GPU"));
static cl::opt<unsigned> jobs("jobs", cl::desc("compile on this many threads"), cl::init(0));

static int fail(const Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return 1;
}

static LogicalResult write(StringRef path, StringRef bytes) {
  std::error_code error;
  llvm::raw_fd_ostream os(path, error);
  if (error)
    return failure(fail(path + ": " + error.message()));
  os << bytes;
  return success();
}

static llvm::BitVector constantArguments(exec::KernelOp kernel) {
  llvm::BitVector bits(kernel.getArgumentTypes().size());
  for (StringRef entry : constants) {
    auto [name, positions] = entry.split(':');
    if (name.ltrim('@') != kernel.getSymName())
      continue;
    SmallVector<StringRef> list;
    positions.split(list, ',');
    for (StringRef p : list) {
      unsigned i;
      if (!p.getAsInteger(10, i) && i < bits.size())
        bits.set(i);
    }
  }
  return bits;
}

/// The launch region as a function of (const int64_t *scalars, int64_t out[4]).
static OwningOpRef<ModuleOp> launchFunction(exec::KernelOp kernel, const CPUTarget &target) {
  OwningOpRef<ModuleOp> module = ModuleOp::create(kernel.getLoc());
  Emitter e(kernel.getLoc(), target);
  e.setInsertionPointToEnd(module->getBody());
  auto f = func::FuncOp::create(e, (kernel.getSymName() + ".launch").str(),
                                e.getFunctionType({e.pointer(), e.pointer()}, {}));
  e.setInsertionPointToStart(f.addEntryBlock());
  Block &launch = kernel.getLaunch().front();
  IRMapping map;
  for (auto [i, arg] : llvm::enumerate(launch.getArguments()))
    map.map(arg, e.toIndex(e.loadField(f.getArgument(0), 8 * i, e.i64())));
  for (Operation &op : launch.without_terminator())
    e.clone(op, map);
  for (auto [i, v] : llvm::enumerate(launch.getTerminator()->getOperands()))
    LLVM::StoreOp::create(e, e.toInt(map.lookup(v), e.i64()),
                          e.offsetPointer(f.getArgument(1), e.index(8 * i)));
  func::ReturnOp::create(e);
  return module;
}

static llvm::json::Object describe(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  std::string element;
  llvm::raw_string_ostream(element) << (tensor ? tensor.getElementType() : type);
  llvm::json::Object o{{"type", element}};
  if (tensor)
    o["dims"] = llvm::json::Array(tensor.getShape());
  return o;
}

static llvm::json::Object describe(exec::KernelOp kernel) {
  llvm::json::Array args, results, tied, layouts;
  for (Type t : kernel.getArgumentTypes())
    args.push_back(describe(t));
  for (auto [i, t] : llvm::enumerate(kernel.getResultTypes())) {
    results.push_back(describe(t));
    tied.push_back(kernel.getTiedInput(i));
  }
  if (ArrayAttr attr = kernel.getLayoutsAttr())
    for (Attribute a : attr) {
      llvm::json::Object layout;
      if (auto dict = dyn_cast<DictionaryAttr>(a))
        for (NamedAttribute n : dict)
          layout[n.getName().getValue()] = cast<IntegerAttr>(n.getValue()).getInt();
      layouts.push_back(std::move(layout));
    }
  return llvm::json::Object{{"arguments", std::move(args)},
                            {"results", std::move(results)},
                            {"tied", std::move(tied)},
                            {"layouts", std::move(layouts)},
                            {"faults", int64_t(kernel.getFaults())}};
}

/// Objects keep their symbols hidden; a shared object shows the function `name`.
static void exportSymbol(Bytes &object, StringRef name) {
  using ELFT = llvm::object::ELF64LE;
  auto file = cantFail(llvm::object::ELFFile<ELFT>::create({object.data(), object.size()}));
  for (const ELFT::Shdr &s : cantFail(file.sections())) {
    if (s.sh_type != llvm::ELF::SHT_SYMTAB)
      continue;
    StringRef names = cantFail(file.getStringTableForSymtab(s));
    for (const ELFT::Sym &y : cantFail(file.symbols(&s)))
      if (cantFail(y.getName(names)) == name)
        const_cast<ELFT::Sym &>(y).setVisibility(llvm::ELF::STV_DEFAULT);
  }
}

static int linkShared(ArrayRef<KernelObject> objects) {
  std::vector<std::string> args = {"/usr/lib/llvm-22/bin/ld.lld",
                                   "-shared",
                                   "--no-undefined",
                                   "-z",
                                   "noexecstack",
                                   "--gc-sections",
                                   "-o",
                                   output};
  for (auto [i, o] : llvm::enumerate(objects)) {
    Bytes bytes = o.object;
    exportSymbol(bytes, o.name);
    args.push_back(output + "." + std::to_string(i) + ".o");
    if (failed(write(args.back(), {bytes.data(), bytes.size()})))
      return 1;
  }
  std::string message;
  int rc = llvm::sys::ExecuteAndWait(args[0], SmallVector<StringRef>(args.begin(), args.end()),
                                     std::nullopt, {}, 0, 0, &message);
  for (size_t i = 0; i < objects.size(); ++i)
    (void)llvm::sys::fs::remove(output + "." + std::to_string(i) + ".o");
  return rc ? fail("ld.lld fails: " + message) : 0;
}

static int writeKernel(exec::KernelOp kernel, const CPUTarget &target) {
  auto module = emitKernel(kernel, target);
  if (failed(module))
    return 1;
  if (print)
    return (*module)->print(llvm::outs()), llvm::outs() << "\n", 0;
  if (failed(lowerToLLVMDialect(**module)))
    return 1;
  if (emitKind == "llvm") {
    llvm::LLVMContext ctx;
    auto m = translateToLLVM(**module, target, ctx);
    if (!m)
      return 1;
    m->print(llvm::outs(), nullptr);
    return 0;
  }
  auto bytes =
      compileObject(**module, target, emitKind == "asm" ? FileKind::Assembly : FileKind::Object);
  if (failed(bytes))
    return 1;
  return failed(write(output, {bytes->data(), bytes->size()}));
}

/// Every function of the file, lowered and compiled as one kernel's module would be.
static int writeFunctions(ModuleOp module, const CPUTarget &target) {
  SmallVector<std::string> names;
  for (auto f : module.getOps<func::FuncOp>())
    names.push_back(f.getSymName().str());
  if (failed(lowerToLLVMDialect(module)))
    return 1;
  if (print)
    return module->print(llvm::outs()), 0;
  auto bytes =
      compileObject(module, target, emitKind == "asm" ? FileKind::Assembly : FileKind::Object);
  if (failed(bytes))
    return 1;
  if (emitKind != "so")
    return failed(write(output, {bytes->data(), bytes->size()}));
  for (StringRef name : names)
    exportSymbol(*bytes, name);
  return linkShared({KernelObject{"", module.getLoc(), *bytes}});
}

/// The launch regions of all kernels, as functions.
static LogicalResult addLaunches(ModuleOp module, const CPUTarget &target,
                                 SmallVectorImpl<KernelObject> &objects) {
  for (auto kernel : module.getOps<exec::KernelOp>()) {
    OwningOpRef<ModuleOp> launch = launchFunction(kernel, target);
    if (failed(lowerToLLVMDialect(*launch)))
      return failure();
    auto object = compileObject(*launch, target);
    if (failed(object))
      return failure();
    objects.push_back({(kernel.getSymName() + ".launch").str(), kernel.getLoc(), *object});
  }
  return success();
}

static LogicalResult writeJson(llvm::json::Object kernels) {
  std::string json;
  llvm::raw_string_ostream(json) << llvm::json::Value(std::move(kernels));
  return write(output + ".json", json);
}

static int writeShared(ModuleOp module, const CPUTarget &target) {
  auto objects = compileKernels(module, target, jobs);
  if (failed(objects))
    return 1;
  if (emitKind == "objects") {
    for (const KernelObject &o : *objects)
      if (failed(write(output + "." + o.name + ".o", {o.object.data(), o.object.size()})))
        return 1;
    return 0;
  }
  auto image = buildImage(*objects);
  if (failed(image))
    return 1;
  if (emitKind == "image")
    return failed(write(output, {image->data(), image->size()}));
  llvm::json::Object kernels;
  for (auto kernel : module.getOps<exec::KernelOp>())
    kernels[kernel.getSymName()] = describe(kernel);
  if (failed(addLaunches(module, target, *objects)) || failed(writeJson(std::move(kernels))))
    return 1;
  return linkShared(*objects);
}

/// Code and demands of every kernel; the shared object holds the launches alone.
static int writeGPU(ModuleOp module, const GPUTarget &target, const CPUTarget &host) {
  if (print) {
    for (auto kernel : module.getOps<exec::KernelOp>()) {
      auto emitted = emitGPUKernel(kernel, target);
      if (failed(emitted))
        return 1;
      (*emitted)->print(llvm::outs());
      llvm::outs() << "\n";
    }
    return 0;
  }
  if (emitKind == "text")
    return failed(printGPUKernels(module, target, llvm::outs()));
  auto compiled = compileGPUKernels(module, target, jobs);
  if (failed(compiled))
    return 1;
  llvm::json::Object kernels;
  for (auto [op, kernel] : llvm::zip_equal(module.getOps<exec::KernelOp>(), *compiled)) {
    llvm::json::Object o = describe(op);
    for (auto [name, n] :
         {std::pair("threads", kernel.workgroupSize), std::pair("shared", kernel.sharedBytes),
          std::pair("buffers", kernel.buffers), std::pair("words", kernel.words),
          std::pair("needs", kernel.needs), std::pair("registers", kernel.registers),
          std::pair("spills", kernel.spills)})
      o[name] = int64_t(n);
    o["scratch"] = kernel.scratch;
    o["wide"] = kernel.wide;
    o["cubin"] = !kernel.cubin.empty();
    kernels[kernel.name] = std::move(o);
    std::string path = output + "." + kernel.name + (target.isCUDA() ? ".ptx" : ".spv");
    if (failed(write(path, {kernel.bytes.data(), kernel.bytes.size()})))
      return 1;
  }
  SmallVector<KernelObject> objects;
  if (failed(addLaunches(module, host, objects)) || failed(writeJson(std::move(kernels))))
    return 1;
  return linkShared(objects);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  registerAsmPrinterCLOptions();
  cl::ParseCommandLineOptions(argc, argv, "Compiles exec.kernel ops for tests\n");
  auto target = getCPUTarget(cpu);
  if (failed(target))
    return fail("unknown CPU level '" + cpu + "'"), 2;
  DialectRegistry registry;
  linnet::registerAllDialects(registry);
  MLIRContext ctx(registry);
  ctx.printOpOnDiagnostic(false);
  prepareContext(&ctx);
  if (targetName != "cpu")
    prepareGPUContext(&ctx);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler diagnostics(sources, &ctx);
  auto module = parseSourceFile<ModuleOp>(input, sources, &ctx);
  if (!module)
    return 1;
  if (functions)
    return writeFunctions(*module, *target);
  std::optional<GPUTarget> gpu;
  if (targetName != "cpu") {
    auto found = findGPUTarget(targetName, chip, [&] { return emitError(module->getLoc()); });
    if (failed(found))
      return 1;
    gpu = *found;
  }
  for (auto kernel : module->getOps<exec::KernelOp>())
    if (failed(gpu ? selectGPUStrategy(kernel, *gpu)
                   : selectStrategy(kernel, constantArguments(kernel))))
      return 1;
  if (printLaunch)
    return module->print(llvm::outs()), 0;
  if (gpu)
    return writeGPU(*module, *gpu, *target);
  if (!print && (emitKind == "so" || emitKind == "image" || emitKind == "objects"))
    return writeShared(*module, *target);
  int rc = 0;
  for (auto kernel : module->getOps<exec::KernelOp>())
    rc |= writeKernel(kernel, *target);
  return rc;
}
