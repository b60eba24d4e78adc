//===- linnet-compile.cpp - compiles a model to a bundle ------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Pipelines/Compile.h"
#include "linnet/Pipelines/PluginLoader.h"
#include "linnet/Pipelines/Tools.h"
#include "linnet/Rules.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/TargetSelect.h"
#include <algorithm>
#include <csignal>

using namespace linnet;
namespace cl = llvm::cl;

namespace {

/// Made after LLVM's own options are gone: the command line is ours alone.
struct CommandLine {
  cl::opt<std::string> input{cl::Positional, cl::desc("FILE.mlir|FILE.mlirbc|-"), cl::Required};
  cl::opt<std::string> output{"o", cl::desc("output file"), cl::value_desc("OUT.lnb")};
  cl::list<std::string> targets{
      "target", cl::desc("devices that the bundle is for: cpu, vulkan, cuda (default cpu)"),
      cl::CommaSeparated};
  cl::list<std::string> chips{
      "chip",
      cl::desc("chips of the GPUs, such as sm_90 (CUDA) or subgroup32 (Vulkan); CUDA's first one "
               "is the oldest that the bundle runs on"),
      cl::CommaSeparated};
  cl::opt<bool> tensorCores{
      "tensor-cores",
      cl::desc("CUDA: products of bf16 by tensor cores where sizes are whole tiles; "
               "this code has not run on a GPU yet")};
  cl::opt<Positions> positions{
      "positions",
      cl::desc("GPUs: bits of positions in tensors that are not 2^31 elements by their type"),
      cl::init(Positions::Guarded),
      cl::values(clEnumValN(Positions::Narrow, "narrow", "32, larger tensors are refused"),
                 clEnumValN(Positions::Guarded, "guarded",
                            "32, and kernels with 64 beside them where sizes have no bound below "
                            "that (default)"),
                 clEnumValN(Positions::Wide, "wide", "64"))};
  cl::list<std::string> cpus{
      "cpu",
      cl::desc("CPU levels, one image each: x86-64-v3, x86-64-v4, native (default "
               "x86-64-v3,x86-64-v4)"),
      cl::CommaSeparated};
  cl::list<std::string> weights{"weights", cl::desc("safetensors files with the extern weights"),
                                cl::value_desc("F.safetensors"), cl::CommaSeparated};
  cl::opt<bool> external{"weights-external",
                         cl::desc("leave the weights in their files; linnet-run maps them")};
  cl::opt<unsigned> threads{"threads", cl::desc("threads that the program is planned for"),
                            cl::init(1)};
  cl::opt<unsigned> jobs{"jobs", cl::desc("kernels compiled at once (default: one per core)"),
                         cl::init(0)};
  cl::opt<Stage> compileTo{
      "compile-to", cl::desc("stop after a stage and write its IR"), cl::init(Stage::Kernels),
      cl::values(
          clEnumValN(Stage::Input, "input", "the input, verified"),
          clEnumValN(Stage::Structured, "structured", "linalg and structured ops on tensors"),
          clEnumValN(Stage::Dispatches, "dispatches", "dispatch graph and its kernels"),
          clEnumValN(Stage::Commands, "commands", "planned command lists"),
          clEnumValN(Stage::Kernels, "kernels", "everything (default)"))};
  cl::opt<Emit> emitKind{
      "emit", cl::desc("what to write"), cl::init(Emit::Bundle),
      cl::values(clEnumValN(Emit::Bundle, "bundle", "a bundle (default)"),
                 clEnumValN(Emit::Exe, "exe", "a program that runs it"),
                 clEnumValN(Emit::So, "so", "a library with the runtime"),
                 clEnumValN(Emit::Obj, "obj", "an object to link"),
                 clEnumValN(Emit::LLVM, "llvm",
                            "the kernels' LLVM IR for one CPU level (default "
                            "native)"),
                 clEnumValN(Emit::PTX, "ptx", "the kernels' PTX for one chip (target cuda)"),
                 clEnumValN(Emit::SPIRV, "spirv", "the kernels as a SPIR-V binary (target vulkan)"),
                 clEnumValN(Emit::MLIR, "mlir", "the planned program"))};
  cl::opt<std::string> dumpDirectory{
      "dump-intermediates", cl::desc("write the IR after every stage"), cl::value_desc("DIR")};
  cl::opt<std::string> report{"report", cl::desc("write what was decided, as JSON"),
                              cl::value_desc("F.json")};
  cl::opt<bool> foldWeights{"fold-weights", cl::init(true),
                            cl::desc("compute what depends on weights alone now (default true)")};
  cl::opt<bool> strictDonation{"strict-donation",
                               cl::desc("fail where a donated buffer needs a copy")};
  cl::opt<std::string> memoryBudget{"memory-budget",
                                    cl::desc("recompute until every function fits these bytes"),
                                    cl::value_desc("BYTES|64MiB")};
  cl::opt<std::string> activationBudget{
      "activation-budget",
      cl::desc("recompute until a train step keeps these bytes between forward and backward"),
      cl::value_desc("BYTES|64MiB")};
  cl::opt<std::string> dispatchTimes{
      "dispatch-times",
      cl::desc("measured times for budgets: what linnet-run --benchmark --trace wrote"),
      cl::value_desc("F.json")};
  cl::list<std::string> rules{"linnet-pdl", cl::desc("rewrite rules for the input"),
                              cl::value_desc("F.pdll|F.mlir"), cl::CommaSeparated};
  cl::list<std::string> ruleNames{
      "linnet-apply-rules",
      cl::desc("registered rules for the input: of plugins (--plugin=P.so) and files "
               "(--rules=F.pdll)"),
      cl::value_desc("NAME"), cl::CommaSeparated};
  cl::list<std::string> scripts{"linnet-script", cl::desc("transform scripts for the input"),
                                cl::value_desc("F.mlir"), cl::CommaSeparated};
  cl::opt<Linearize> linearize{
      "linearize", cl::desc("rewrites of attention and of products"), cl::init(Linearize::Exact),
      cl::values(clEnumValN(Linearize::Never, "never", "none"),
                 clEnumValN(Linearize::Exact, "exact",
                            "those that are equal in real arithmetic "
                            "(default)"),
                 clEnumValN(Linearize::Contract, "contract", "also those that meet a contract"))};
  cl::opt<std::string> contract{
      "contract", cl::desc("contract of all attention that has none, for --linearize=contract"),
      cl::value_desc("\"bound = 1e-2, ...\"")};
  cl::opt<std::string> costModel{"cost-model",
                                 cl::desc("speeds of the target: what linnet-bench "
                                          "--calibrate-cost wrote"),
                                 cl::value_desc("F.json")};
  cl::opt<bool> emitPair{
      "emit-pair", cl::desc("every function without rewrites and rules too, as NAME.exact, to "
                            "compare (linnet-run --pair)")};
  cl::opt<bool> verbose{"v", cl::desc("say more: in errors, and what was rewritten or almost")};

  CompileOptions read() const;
};

} // namespace

// libLLVM registers hundreds of options of its own, some with our names.
static void removeForeignOptions() {
  llvm::SmallVector<cl::Option *> foreign;
  for (auto &entry : cl::getRegisteredOptions())
    if (entry.first != "help" && entry.first != "version")
      foreign.push_back(entry.second);
  for (cl::Option *option : foreign)
    option->removeArgument();
}

static const char *const overview =
    "Linnet compiler: model IR to a bundle\n\n"
    "  linnet-compile model.mlir --weights=model.safetensors -o model.lnb\n"
    "  linnet-compile model.mlir --cpu=native -o model.lnb\n"
    "  linnet-compile model.mlir --target=cpu,vulkan -o model.lnb\n"
    "  linnet-compile model.mlir --compile-to=dispatches -o -\n"
    "  linnet-compile model.mlir --emit=exe -o model\n"
    "  linnet-compile model.mlir --emit=ptx --chip=sm_90\n"
    "  linnet-compile train.mlir --memory-budget=64MiB --report=plan.json -o train.lnb\n";

static int usage(const llvm::Twine &message) {
  llvm::errs() << "linnet-compile: " << message << " (see linnet-compile --help)\n";
  return 1;
}

/// "1000", "64KiB", "1.5MiB", "2GiB"; nothing for another text.
static std::optional<int64_t> parseBytes(llvm::StringRef text) {
  int64_t unit = 1;
  for (auto [suffix, bytes] :
       {std::pair("KiB", int64_t(1) << 10), std::pair("MiB", int64_t(1) << 20),
        std::pair("GiB", int64_t(1) << 30)})
    if (text.consume_back(suffix))
      unit = bytes;
  double value;
  if (text.empty() || text.getAsDouble(value) || !(value > 0) || value * unit >= 9e18)
    return std::nullopt;
  return static_cast<int64_t>(value * unit);
}

/// What is code alone, for one target and one level or chip of it; null for other kinds of output.
static const char *codeFor(Emit kind) {
  switch (kind) {
  case Emit::LLVM:
    return "cpu";
  case Emit::PTX:
    return "cuda";
  case Emit::SPIRV:
    return "vulkan";
  default:
    return nullptr;
  }
}

/// What is wrong with what to write, or nothing.
static std::string checkEmit(const CompileOptions &options) {
  const char *target = codeFor(options.emit);
  if (!target)
    return "";
  std::string flag = options.emit == Emit::LLVM  ? "--emit=llvm"
                     : options.emit == Emit::PTX ? "--emit=ptx"
                                                 : "--emit=spirv";
  if (options.targets != std::vector<std::string>{target})
    return flag + " expects the target " + target + " alone";
  if (options.emit == Emit::LLVM && options.cpus.size() != 1)
    return flag + " expects one CPU level";
  if (options.chips.size() > 1)
    return flag + " expects one chip";
  return "";
}

CompileOptions CommandLine::read() const {
  CompileOptions o;
  o.input = input;
  o.output = output;
  if (emitKind == Emit::LLVM)
    o.cpus = {"native"};
  if (!cpus.empty())
    o.cpus.assign(cpus.begin(), cpus.end());
  if (emitKind == Emit::PTX || emitKind == Emit::SPIRV)
    o.targets = {emitKind == Emit::PTX ? "cuda" : "vulkan"};
  if (!targets.empty())
    o.targets.assign(targets.begin(), targets.end());
  o.chips.assign(chips.begin(), chips.end());
  o.tensorCores = tensorCores;
  o.positions = positions;
  o.weights.assign(weights.begin(), weights.end());
  o.externalWeights = external;
  o.threads = threads;
  o.jobs = jobs;
  o.compileTo = emitKind == Emit::MLIR ? Stage::Commands : Stage(compileTo);
  o.emit = emitKind;
  o.dumpDirectory = dumpDirectory;
  o.report = report;
  o.strictDonation = strictDonation;
  o.foldWeights = foldWeights;
  o.memoryBudget = parseBytes(memoryBudget.getValue()).value_or(0);
  o.keptBudget = parseBytes(activationBudget.getValue()).value_or(0);
  o.dispatchTimes = dispatchTimes;
  o.rules.assign(rules.begin(), rules.end());
  o.ruleNames.assign(ruleNames.begin(), ruleNames.end());
  o.scripts.assign(scripts.begin(), scripts.end());
  o.linearize = linearize;
  o.emitPair = emitPair;
  o.contract = contract;
  o.costModel = costModel;
  o.verbose = verbose;
  return o;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  std::signal(SIGXFSZ, SIG_IGN); // a file that may not grow is an error of its write
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  registerAllPasses();
  llvm::SmallVector<char *> args(argv, argv + argc);
  if (!loadPlugins(args, registry) || !loadRuleFiles(args, registry))
    return 1;
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  removeForeignOptions();
  CommandLine line;
  cl::SetVersionPrinter(printVersion);
  std::string parsing;
  llvm::raw_string_ostream complaints(parsing);
  if (!cl::ParseCommandLineOptions(args.size(), args.data(), overview, &complaints)) {
    llvm::errs() << parsing;
    return 1;
  }
  for (const auto &[i, target] : llvm::enumerate(line.targets)) {
    if (target != "cpu" && target != "vulkan" && target != "cuda") {
      llvm::errs() << "linnet-compile: error: unknown target '" << target
                   << "', expected cpu, vulkan or cuda\n";
      return 1;
    }
    if (std::find(line.targets.begin(), line.targets.begin() + i, target) !=
        line.targets.begin() + i)
      return usage("--target names " + target + " twice");
  }
  for (auto *option : {&line.memoryBudget, &line.activationBudget})
    if (!option->empty() && !parseBytes(*option))
      return usage("--" + option->ArgStr + " expects bytes like 1000000, 64MiB or 1.5GiB, found '" +
                   option->getValue() + "'");
  if (!line.dispatchTimes.empty() && line.memoryBudget.empty() && line.activationBudget.empty())
    return usage("--dispatch-times is for --memory-budget and --activation-budget");
  if (line.compileTo.getNumOccurrences() && line.emitKind.getNumOccurrences())
    return usage("--compile-to writes IR: expects no --emit");
  if (!line.contract.empty() && line.linearize != Linearize::Contract)
    return usage("--contract is for --linearize=contract");
  CompileOptions options = line.read();
  if (options.threads == 0)
    return usage("--threads expects at least 1");
  if (options.compileTo != Stage::Kernels && options.targets.size() != 1)
    return usage("--compile-to and --emit=mlir expect one target");
  if (options.tensorCores && !llvm::is_contained(options.targets, "cuda"))
    return usage("--tensor-cores is for --target=cuda");
  std::string wrong = checkEmit(options);
  if (!wrong.empty())
    return usage(wrong);
  if (options.output.empty()) {
    if (options.compileTo == Stage::Kernels && !codeFor(options.emit))
      return usage("expects -o OUT");
    options.output = "-";
  }
  mlir::MLIRContext context(registry);
  context.printOpOnDiagnostic(options.verbose);
  return mlir::succeeded(compile(context, options)) ? 0 : 1;
}
