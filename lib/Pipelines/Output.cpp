//===- Output.cpp - the files that a compilation writes -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Output.h"
#include "linnet/Analysis/CostModel.h"
#include "linnet/Bundle/AtomicFile.h"
#include "linnet/IR/Exec.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/IR/Locations.h"
#include "linnet/Program/Lifetimes.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace linnet;

static LogicalResult fail(const Twine &message) {
  llvm::errs() << "linnet-compile: error: " << message << "\n";
  return failure();
}

LogicalResult linnet::writeText(StringRef path, llvm::function_ref<void(raw_ostream &)> write) {
  if (path == "-" || path.empty()) {
    write(llvm::outs());
    return success();
  }
  std::string text;
  llvm::raw_string_ostream os(text);
  write(os);
  bundle::AtomicFile file(path.str());
  file.write(text.data(), text.size());
  if (bundle::Error error = file.commit())
    return fail(error.message());
  return success();
}

//===----------------------------------------------------------------------===//
// Bundles inside objects
//===----------------------------------------------------------------------===//

// The linker driver of the machine: it knows where the C library is, as no list of ours would.
static LogicalResult drive(ArrayRef<StringRef> arguments, StringRef what) {
  auto driver = llvm::sys::findProgramByName(arguments.front());
  if (!driver)
    return fail("--emit=" + what + " needs '" + arguments.front() + "' on PATH");
  SmallVector<StringRef> args(arguments);
  std::string message;
  int rc = llvm::sys::ExecuteAndWait(*driver, args, std::nullopt, {}, 0, 0, &message);
  return rc == 0 ? success() : fail("'" + arguments.front() + "' failed " + message);
}

// The folder of libLinnetRuntime.a, beside the library that holds this function.
static std::string runtimeFolder() {
  std::string self = llvm::sys::fs::getMainExecutable(nullptr, nullptr);
  SmallString<256> folder(llvm::sys::path::parent_path(llvm::sys::path::parent_path(self)));
  llvm::sys::path::append(folder, "lib");
  return folder.str().str();
}

// An assembler file that includes the bundle: page-aligned, read-only, with its size.
static std::string wrapper(StringRef bundle, StringRef symbol) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << ".section .rodata.linnet,\"a\",@progbits\n.balign 4096\n.globl " << symbol << "\n"
     << symbol << ":\n.incbin \"" << bundle << "\"\n.globl " << symbol << "_end\n"
     << symbol << "_end:\n.byte 0\n.section .note.GNU-stack,\"\",@progbits\n";
  return text;
}

static LogicalResult moveTo(StringRef temporary, StringRef path) {
  if (std::error_code bad = llvm::sys::fs::rename(temporary, path))
    return fail("cannot write '" + path + "': " + bad.message());
  return success();
}

static LogicalResult wrap(StringRef bundle, const CompileOptions &options) {
  SmallString<256> assembly(bundle), object(bundle), map(bundle);
  assembly += ".s";
  map += ".map";
  object += ".o";
  auto cleanup = llvm::make_scope_exit([&] {
    (void)llvm::sys::fs::remove(assembly);
    (void)llvm::sys::fs::remove(map);
    (void)llvm::sys::fs::remove(object);
  });
  if (failed(writeText(assembly, [&](raw_ostream &os) { os << wrapper(bundle, "linnet_bundle"); })))
    return failure();
  if (failed(drive({"cc", "-c", assembly, "-o", object}, "obj")))
    return failure();
  if (options.emit == Emit::Obj)
    return moveTo(object, options.output);
  // the library shows the C ABI and the bundle, not the C++ library inside it
  if (failed(writeText(map, [](raw_ostream &os) {
        os << "{ global: lnt_*; linnet_bundle; linnet_bundle_end; local: *; };\n";
      })))
    return failure();
  std::string temporary = options.output + ".tmp", lib = runtimeFolder();
  std::string folder = "-L" + lib;
  SmallVector<StringRef> args = {"c++", "-o", temporary, object, folder};
  std::string exports = "-Wl,--version-script=" + map.str().str();
  if (options.emit == Emit::So)
    args.push_back(exports);
  if (options.emit == Emit::So)
    args.append(
        {"-shared", "-Wl,--whole-archive", "-l:libLinnetRuntime.a", "-Wl,--no-whole-archive"});
  else
    args.append({"-lLinnetRunMain", "-l:libLinnetRuntime.a"});
  args.append({"-lLinnetBundle", "-lLinnetPlan"});
  args.append({"-pthread", "-static-libstdc++", "-static-libgcc"});
  if (failed(drive(args, options.emit == Emit::So ? "so" : "exe"))) {
    (void)llvm::sys::fs::remove(temporary);
    return failure();
  }
  return moveTo(temporary, options.output);
}

LogicalResult linnet::writeOutput(ModuleOp module, const bundle::Weights &weights,
                                  const bundle::WriteOptions &write,
                                  const CompileOptions &options) {
  if (options.emit == Emit::Bundle)
    return bundle::writeBundle(module, weights, write, options.output);
  std::string inner = options.output + ".lnb.tmp";
  auto cleanup = llvm::make_scope_exit([&] { (void)llvm::sys::fs::remove(inner); });
  if (failed(bundle::writeBundle(module, weights, write, inner)))
    return failure();
  return wrap(inner, options);
}

//===----------------------------------------------------------------------===//
// Report
//===----------------------------------------------------------------------===//

static llvm::json::Value toJson(Attribute attr) {
  if (auto number = dyn_cast<FloatAttr>(attr))
    return number.getValueAsDouble();
  if (auto list = dyn_cast<ArrayAttr>(attr))
    return llvm::json::Array(llvm::map_range(list, toJson));
  if (auto dict = dyn_cast<DictionaryAttr>(attr)) {
    llvm::json::Object object;
    for (NamedAttribute entry : dict)
      object[entry.getName().getValue()] = toJson(entry.getValue());
    return object;
  }
  if (auto i = dyn_cast<IntegerAttr>(attr))
    return i.getInt();
  if (auto s = dyn_cast<StringAttr>(attr))
    return s.getValue();
  std::string text;
  llvm::raw_string_ostream(text) << attr;
  return text;
}

static llvm::json::Object describeKernel(exec::KernelOp kernel, int64_t runs) {
  llvm::json::Object strategy, ops;
  if (DictionaryAttr dict = kernel.getStrategyAttr())
    for (NamedAttribute entry : dict)
      strategy[entry.getName().getValue()] = toJson(entry.getValue());
  for (Operation &op : kernel.getBody().front().without_terminator()) {
    StringRef name = op.getName().getStringRef();
    ops[name] = ops.getInteger(name).value_or(0) + 1;
  }
  std::string type;
  llvm::raw_string_ostream(type) << kernel.getFunctionType();
  return llvm::json::Object{{"name", kernel.getSymName()},
                            {"type", type},
                            {"strategy", std::move(strategy)},
                            {"ops", std::move(ops)},
                            {"dispatches", runs}};
}

static llvm::json::Object describeMaker(Operation *op) {
  if (!op)
    return {};
  auto run = dyn_cast<exec::RunOp>(op);
  llvm::json::Object maker{{"op", run ? describeOp(run) : op->getName().getStringRef().str()},
                           {"location", describeLocation(op->getLoc())}};
  if (run)
    maker["kernel"] = run.getKernel();
  return maker;
}

/// What is in the arena where the most bytes are live, by op and source location.
static llvm::json::Object describePeak(exec::ProgramOp program) {
  LiveSet live = findLargestLiveSet(program);
  llvm::json::Array buffers;
  for (const LiveSet::Buffer &buffer : live.buffers) {
    llvm::json::Object entry = describeMaker(buffer.maker);
    entry["bytes"] = buffer.bytes;
    buffers.push_back(std::move(entry));
  }
  return llvm::json::Object{{"live_bytes", live.bytes},
                            {"during", describeMaker(live.at)},
                            {"buffers", std::move(buffers)}};
}

void linnet::gatherProducts(ModuleOp module) {
  SmallVector<Attribute> all;
  for (auto fn : module.getOps<FunctionOpInterface>())
    if (auto products = dyn_cast_or_null<ArrayAttr>(fn->removeAttr(kProductsAttr)))
      llvm::append_range(all, products);
  if (!all.empty())
    module->setAttr(kProductsAttr, ArrayAttr::get(module.getContext(), all));
}

/// Of every attention that a command of the program is of, the numbers of its dispatches.
static llvm::json::Object describeSites(exec::ProgramOp program) {
  llvm::json::Object sites;
  int64_t number = 0;
  program.walk([&](exec::RunOp run) {
    if (StringRef site = getSite(run.getLoc()); !site.empty()) {
      if (!sites.get(site))
        sites[site] = llvm::json::Array();
      sites.getArray(site)->push_back(number);
    }
    ++number;
  });
  return sites;
}

llvm::json::Value linnet::describeProgram(ModuleOp module, StringRef target) {
  llvm::StringMap<int64_t> runs;
  module.walk([&](exec::RunOp run) { ++runs[run.getKernel()]; });
  llvm::json::Array kernels, functions;
  for (auto kernel : module.getOps<exec::KernelOp>())
    kernels.push_back(describeKernel(kernel, runs.lookup(kernel.getSymName())));
  for (auto program : module.getOps<exec::ProgramOp>()) {
    int64_t dispatches = 0;
    program.walk([&](exec::RunOp) { ++dispatches; });
    functions.push_back(llvm::json::Object{
        {"name", program.getSymName()},
        {"dispatches", dispatches},
        {"arena_bytes", static_cast<int64_t>(program.getArenaBytes())},
        {"scratch_bytes_per_thread", static_cast<int64_t>(program.getScratchBytes())},
        {"largest_live_bytes", static_cast<int64_t>(program.getLargestLive())},
        {"forced_copies", static_cast<int64_t>(program.getForcedCopies())}});
    if (static_cast<int64_t>(program.getArenaBytes()) >= 0)
      (*functions.back().getAsObject())["peak"] = describePeak(program);
    if (llvm::json::Object found = describeSites(program); !found.empty())
      (*functions.back().getAsObject())["sites"] = std::move(found);
    if (Attribute plan = program->getAttr(exec::kRecomputeAttr))
      (*functions.back().getAsObject())["recompute"] = toJson(plan);
  }
  auto list = [&](StringRef name) {
    Attribute entries = module->getAttr(name);
    return entries ? toJson(entries) : llvm::json::Array();
  };
  return llvm::json::Object{{"target", target},
                            {"functions", std::move(functions)},
                            {"kernels", std::move(kernels)},
                            {"attention", list(kSitesAttr)},
                            {"products", list(kProductsAttr)}};
}

LogicalResult linnet::writeReport(llvm::json::Array reports, const CompileOptions &options) {
  llvm::json::Value report = std::move(reports.front());
  reports.erase(reports.begin());
  if (!reports.empty())
    (*report.getAsObject())["others"] = std::move(reports);
  return writeText(options.report,
                   [&](raw_ostream &os) { os << llvm::formatv("{0:2}\n", report); });
}
