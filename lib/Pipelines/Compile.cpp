//===- Compile.cpp - from a source to a bundle ----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Pipelines/Compile.h"
#include "FoldWeights.h"
#include "MemoryBudget.h"
#include "Output.h"
#include "Pair.h"
#include "WeightRepeats.h"
#include "linnet/Bundle/CPULevel.h"
#include "linnet/Bundle/Write.h"
#include "linnet/Codegen/CPU.h"
#include "linnet/Codegen/GPU.h"
#include "linnet/Codegen/GPUProgram.h"
#include "linnet/IR/Locations.h"
#include "linnet/Pipelines/Pipelines.h"
#include "linnet/Transforms/Linearize.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace linnet;

namespace {

class Compiler {
public:
  Compiler(MLIRContext &context, const CompileOptions &options)
      : context(context), options(options) {}
  LogicalResult run();

private:
  LogicalResult parse();
  LogicalResult run(StringRef name, llvm::function_ref<void(OpPassManager &)> build);
  LogicalResult stage(StringRef name, llvm::function_ref<void(OpPassManager &)> build);
  LogicalResult dump(StringRef name);
  LogicalResult fold();
  LogicalResult makeStructured(const StructuredOptions &structured);
  LogicalResult makeCommands();
  LogicalResult planWithinBudget();
  FailureOr<int64_t> largestExcess();
  bool isNews(Diagnostic &d);
  std::vector<std::string> chipsOf(StringRef target) const;
  LogicalResult checkLevels() const;
  LogicalResult checkChips() const;
  LogicalResult makePrograms();
  LogicalResult generate();
  LogicalResult generateCPU(bundle::WriteOptions &write);
  FailureOr<bundle::DeviceProgram> generateGPU(StringRef target);
  LogicalResult writeLLVM();
  LogicalResult writeGPU();
  bool stopsAt(Stage stage) const { return options.compileTo == stage; }
  InFlightDiagnostic error() { return emitError(module->getLoc()); }
  /// Of the command line, not of the input.
  static LogicalResult optionError(const Twine &message);

  MLIRContext &context;
  const CompileOptions &options;
  llvm::SourceMgr sources;
  OwningOpRef<ModuleOp> module; // of the target at hand
  std::string current = "cpu";
  /// The programs of all targets, in the order of the options.
  std::vector<std::pair<std::string, OwningOpRef<ModuleOp>>> programs;
  llvm::StringSet<> remarks;
  unsigned errors = 0, dumped = 0;
};

} // namespace

LogicalResult Compiler::optionError(const Twine &message) {
  llvm::errs() << "linnet-compile: error: " << message << "\n";
  return failure();
}

LogicalResult Compiler::parse() {
  std::string message;
  auto file = openInputFile(options.input, &message);
  if (!file)
    return optionError(message);
  sources.AddNewSourceBuffer(std::move(file), SMLoc());
  ParserConfig config(&context);
  module = parseSourceFile<ModuleOp>(sources, config);
  return success(static_cast<bool>(module));
}

LogicalResult Compiler::dump(StringRef name) {
  if (options.dumpDirectory.empty())
    return success();
  if (std::error_code failed = llvm::sys::fs::create_directories(options.dumpDirectory))
    return error() << "cannot make folder " << options.dumpDirectory << ": " << failed.message();
  SmallString<256> path(options.dumpDirectory);
  std::string suffix = current == "cpu" ? "" : "-" + current;
  llvm::sys::path::append(path, std::to_string(dumped++) + "-" + name + suffix + ".mlir");
  return writeText(path, [&](raw_ostream &os) { module->print(os); });
}

LogicalResult Compiler::stage(StringRef name, llvm::function_ref<void(OpPassManager &)> build) {
  return failed(run(name, build)) ? failure() : dump(name);
}

LogicalResult Compiler::run(StringRef name, llvm::function_ref<void(OpPassManager &)> build) {
  PassManager pm(&context);
  build(pm);
  if (succeeded(pm.run(*module)))
    return success();
  // a pass that failed without a word is our fault, not the input's: keep what shows it
  if (errors == 0) {
    std::string path = options.output + ".reproducer.mlir";
    (void)writeText(path, [&](raw_ostream &os) { module->print(os); });
    return error() << "internal error in stage '" << name << "'; the program as it stood is in "
                   << path;
  }
  return failure();
}

LogicalResult Compiler::fold() {
  FoldOptions fold;
  fold.weights = options.weights;
  fold.external = options.externalWeights;
  fold.jobs = options.jobs;
  fold.explain = options.verbose;
  return foldWeights(*module, fold);
}

LogicalResult Compiler::makeStructured(const StructuredOptions &structured) {
  auto run = [&](StringRef name, const StructuredOptions &how) {
    return stage(name, [&](OpPassManager &pm) { buildStructuredPipeline(pm, how); });
  };
  if (!options.emitPair)
    return run("structured", structured);
  OwningOpRef<ModuleOp> exact = module->clone(), both = module->clone();
  StructuredOptions named = structured;
  named.nameSites = true;
  if (failed(run("structured", named)))
    return failure();
  auto add = [&](OwningOpRef<ModuleOp> &form, StringRef name, const StructuredOptions &how,
                 StringRef suffix) {
    std::swap(module, form);
    LogicalResult made = run(name, how);
    std::swap(module, form);
    if (failed(made))
      return failure();
    if (how.compare)
      keepComparisons(*form);
    return addForms(*module, *form, suffix);
  };
  // what the input says, without rules and rewrites
  StructuredOptions plain;
  plain.reassociate = false;
  plain.nameSites = true;
  plain.weightsKnown = structured.weightsKnown;
  if (failed(add(exact, "exact-forms", plain, kExactSuffix)))
    return failure();
  if (!structured.linearize)
    return success();
  StructuredOptions compared = named;
  compared.compare = true;
  compared.explain = false;
  compared.recordProducts = false;
  return add(both, "both-forms", compared, kSitesSuffix);
}

LogicalResult Compiler::makeCommands() {
  ProgramOptions program;
  program.strictDonation = options.strictDonation;
  program.guardPositions = options.positions == Positions::Guarded;
  return stage("commands", [&](OpPassManager &pm) { buildProgramPipeline(pm, program); });
}

/// By how much the largest program is over the budget.
FailureOr<int64_t> Compiler::largestExcess() {
  int64_t most = INT64_MIN;
  for (auto program : module->getOps<exec::ProgramOp>()) {
    FailureOr<int64_t> bytes = plannedBytes(*module, program, options.threads);
    if (failed(bytes))
      return failure();
    most = std::max(most, *bytes - options.memoryBudget);
  }
  return most;
}

/// The graph's planner knows neither what packed weights take nor where a value cannot be computed
/// in place after all: a program that is over the budget is planned again with that left free.
LogicalResult Compiler::planWithinBudget() {
  OwningOpRef<ModuleOp> dispatches(module->clone());
  BudgetOptions checkpoint;
  checkpoint.budget = options.memoryBudget;
  checkpoint.kept = options.keptBudget;
  checkpoint.times = options.dispatchTimes;
  checkpoint.threads = options.threads;
  for (int attempt = 0; attempt < 8; ++attempt) {
    if (attempt)
      module = dispatches->clone();
    if (failed(stage("checkpoint",
                     [&](OpPassManager &pm) { buildCheckpointPipeline(pm, checkpoint); })) ||
        failed(makeCommands()))
      return failure();
    if (!options.memoryBudget)
      return success();
    FailureOr<int64_t> excess = largestExcess();
    if (failed(excess))
      return failure();
    if (*excess <= 0)
      return success();
    checkpoint.reserve += *excess;
  }
  return error() << "no plan within the memory budget of " << options.memoryBudget
                 << " bytes was found";
}

static std::vector<std::string> featuresOf(StringRef level) {
  if (level == "x86-64-v3")
    return bundle::featuresOfV3();
  if (level == "x86-64-v4")
    return bundle::featuresOfV4();
  return bundle::hostFeatures();
}

LogicalResult Compiler::writeLLVM() {
  if (options.cpus.size() != 1)
    return error() << "expects one CPU level to write LLVM IR for, found " << options.cpus.size();
  auto target = codegen::getCPUTarget(options.cpus.front());
  std::string text;
  llvm::raw_string_ostream os(text);
  if (failed(codegen::printKernels(*module, *target, os)))
    return failure();
  return writeText(options.output, [&](raw_ostream &out) { out << text; });
}

/// PTX or SPIR-V of the only program there is.
LogicalResult Compiler::writeGPU() {
  const std::string &name = options.targets.front();
  auto target = codegen::getGPUTarget(name, chipsOf(name).front());
  if (failed(target))
    return failure();
  auto code = codegen::writeGPUKernels(*module, *target);
  if (failed(code))
    return failure();
  return writeText(options.output,
                   [&](raw_ostream &out) { out << StringRef(code->data(), code->size()); });
}

/// Those of the options that the target knows, or its first.
std::vector<std::string> Compiler::chipsOf(StringRef target) const {
  SmallVector<StringRef> known = codegen::getGPUChips(target);
  std::vector<std::string> chips;
  for (StringRef chip : known) // in this order: PTX of the first is for all that follow
    if (llvm::is_contained(options.chips, chip))
      chips.push_back(chip.str());
  if (chips.empty() && !known.empty())
    chips.push_back(known.front().str());
  return chips;
}

LogicalResult Compiler::checkLevels() const {
  for (const std::string &level : options.cpus)
    if (llvm::is_contained(options.targets, "cpu") && failed(codegen::getCPUTarget(level)))
      return optionError(
          level == "native"
              ? "this machine's CPU does not reach x86-64-v3, which --cpu=native needs"
              : "unknown CPU level '" + level + "', expected x86-64-v3, x86-64-v4 or native");
  return success();
}

LogicalResult Compiler::checkChips() const {
  SmallVector<StringRef> known;
  for (const std::string &target : options.targets)
    llvm::append_range(known, codegen::getGPUChips(target));
  for (const std::string &chip : options.chips)
    if (known.empty())
      return optionError("--chip=" + chip + " is for --target=vulkan or cuda");
    else if (!llvm::is_contained(known, chip))
      return optionError("unknown chip '" + chip + "', expected one of " + llvm::join(known, ", "));
  return success();
}

LogicalResult Compiler::generateCPU(bundle::WriteOptions &write) {
  for (const std::string &level : options.cpus) {
    auto target = codegen::getCPUTarget(level); // checked
    auto image = codegen::compileImage(*module, *target, options.jobs);
    if (failed(image))
      return failure();
    write.images.push_back({level, target->cpu, featuresOf(level), std::move(*image)});
  }
  return success();
}

/// A kernel's strategy is that for the chip with the least memory; all chips get it compiled.
FailureOr<bundle::DeviceProgram> Compiler::generateGPU(StringRef name) {
  bundle::DeviceProgram program;
  program.module = *module;
  for (const std::string &chip : chipsOf(name)) {
    auto target = codegen::getGPUTarget(name, chip);
    if (failed(target))
      return failure();
    // the driver compiles variants' PTX for later chips
    bool variants = program.chips.empty();
    auto kernels = codegen::compileGPUKernels(*module, *target, options.jobs, variants);
    if (failed(kernels))
      return failure();
    program.chips.push_back(*target);
    program.kernels.push_back(std::move(*kernels));
    if (!target->isCUDA())
      break; // one form of SPIR-V is for all
  }
  return program;
}

LogicalResult Compiler::generate() {
  if (options.emit == Emit::LLVM)
    return writeLLVM();
  if (options.emit == Emit::PTX || options.emit == Emit::SPIRV)
    return writeGPU();
  bundle::WriteOptions write;
  write.threads = options.threads;
  write.cpu = false;
  ModuleOp first = *programs.front().second;
  for (auto &[name, program] : programs) {
    module = std::move(program);
    if (name == "cpu") {
      write.cpu = true;
      first = *module;
      if (failed(generateCPU(write)))
        return failure();
    } else {
      FailureOr<bundle::DeviceProgram> made = generateGPU(name);
      if (failed(made))
        return failure();
      write.devices.push_back(std::move(*made));
    }
    program = std::move(module);
  }
  module = OwningOpRef<ModuleOp>(first.clone()); // where errors are reported
  bundle::Weights weights;
  if (failed(weights.load(first, options.weights, options.externalWeights)))
    return failure();
  return writeOutput(first, weights, write, options);
}

/// From one graph of dispatches every target's own program.
LogicalResult Compiler::makePrograms() {
  OwningOpRef<ModuleOp> graph = std::move(module);
  llvm::json::Array reports;
  for (const std::string &target : options.targets) {
    module = graph->clone();
    current = target;
    if (options.tensorCores && target == "cuda")
      (*module)->setAttr(codegen::kTensorCoresAttr, UnitAttr::get(&context));
    if (options.positions == Positions::Wide && target != "cpu")
      (*module)->setAttr(codegen::kWidePositionsAttr, UnitAttr::get(&context));
    std::vector<std::string> chips = chipsOf(target);
    if (failed(stage("dispatches", [&](OpPassManager &pm) {
          buildStrategyPipeline(pm, target, codegen::getTightestChip(target, chips));
        })))
      return failure();
    if (!stopsAt(Stage::Dispatches)) {
      bool budget = options.memoryBudget || options.keptBudget;
      if (failed(budget ? planWithinBudget() : makeCommands()))
        return failure();
      if (!options.report.empty())
        reports.push_back(describeProgram(*module, target));
    }
    programs.emplace_back(target, std::move(module));
  }
  current = "cpu";
  module = programs.front().second->clone();
  return options.report.empty() || stopsAt(Stage::Dispatches)
             ? success()
             : writeReport(std::move(reports), options);
}

/// What almost matched is looked at by two runs of a pass, in front of derivatives and behind
/// `tosa`: a remark is made once.
bool Compiler::isNews(Diagnostic &d) {
  errors += d.getSeverity() == DiagnosticSeverity::Error;
  if (d.getSeverity() != DiagnosticSeverity::Remark)
    return true;
  std::string text;
  llvm::raw_string_ostream(text) << d.getLocation() << d;
  return remarks.insert(text).second;
}

LogicalResult Compiler::run() {
  SourceMgrDiagnosticHandler printer(sources, &context);
  ScopedDiagnosticHandler counter(&context, [&](Diagnostic &d) {
    return success(!isNews(d) || printOfFile(d)); // failure: on to the printer
  });
  if (failed(checkLevels()) || failed(checkChips()) || failed(parse()) || failed(dump("input")))
    return failure();
  auto writeIR = [&] {
    return writeText(options.output, [&](raw_ostream &os) { module->print(os); });
  };
  if (stopsAt(Stage::Input))
    return writeIR();
  noteRepeats(*module, options.externalWeights ? std::vector<std::string>() : options.weights);
  StructuredOptions structured;
  structured.weightsKnown = options.foldWeights && !options.externalWeights;
  structured.reassociate = options.linearize != Linearize::Never;
  structured.linearize = options.linearize == Linearize::Contract;
  structured.contract = options.contract;
  structured.costModel = options.costModel;
  structured.scripts = options.scripts;
  structured.rules = options.rules;
  structured.ruleNames = options.ruleNames;
  structured.explain = options.verbose;
  structured.recordProducts = !options.report.empty();
  if (failed(makeStructured(structured)))
    return failure();
  gatherProducts(*module);
  if (stopsAt(Stage::Structured))
    return writeIR();
  if ((options.foldWeights && failed(fold())) || failed(run("graph", buildGraphPipeline)) ||
      failed(makePrograms()))
    return failure();
  return stopsAt(Stage::Dispatches) || stopsAt(Stage::Commands) ? writeIR() : generate();
}

LogicalResult linnet::compile(MLIRContext &context, const CompileOptions &options) {
  // no place of the input is to blame
  std::string error;
  if (!options.contract.empty() && failed(parseContract(&context, options.contract, error))) {
    llvm::errs() << "linnet-compile: error: --" << error << "\n";
    return failure();
  }
  return Compiler(context, options).run();
}
