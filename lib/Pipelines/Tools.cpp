//===- Tools.cpp - registration and the mains of the tools ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Pipelines/Tools.h"
#include "linnet/Autodiff/Passes.h"
#include "linnet/IR/Exec.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/IR/Locations.h"
#include "linnet/Interfaces/Differentiable.h"
#include "linnet/Pipelines/Pipelines.h"
#include "linnet/Pipelines/PluginLoader.h"
#include "linnet/Program/Passes.h"
#include "linnet/Rules.h"
#include "linnet/Transforms/Passes.h"
#include "linnet/Transforms/TransformOps.h"
#include "linnet/Version.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/ErrorHandling.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/ToolOutputFile.h"
#include <deque>

using namespace mlir;

void linnet::registerAllDialects(DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<LinnetDialect, exec::ExecDialect>();
  registerTransformOps(registry);
  registerDerivativeRules(registry);
}

void linnet::registerAllPasses() {
  // registering twice is an error upstream
  static bool done = [] {
    mlir::registerAllPasses();
    registerLinnetTransformsPasses();
    registerLinnetAutodiffPasses();
    registerLinnetProgramPasses();
    registerPipelines();
    registerBuiltinRules();
    return true;
  }();
  (void)done;
}

void linnet::printVersion(llvm::raw_ostream &os) {
  os << "linnet " LINNET_VERSION_STRING " (LLVM " LLVM_VERSION_STRING ")\n";
}

static constexpr char kOptOverview[] =
    "Linnet optimizer driver\n\n"
    "  linnet-opt model.mlir --canonicalize\n"
    "  linnet-opt model.mlir --linnet-lower-to-structured --linnet-form-dispatches\n"
    "  linnet-opt --plugin=my-passes.so model.mlir --my-pass\n"
    "  linnet-opt --linnet-pdl=rules.pdll model.mlir\n"
    "  linnet-opt --linnet-script=script.mlir model.mlir\n"
    "  linnet-opt --rules=rules.pdll --linnet-apply-rules=a-rule model.mlir\n"
    "  linnet-opt --list-rules           names of rules, with --plugin= and --rules= those of "
    "files\n"
    "  linnet-opt --show-derivatives     names of the ops that have a derivative rule\n";

static void showDerivatives(const DialectRegistry &registry, llvm::raw_ostream &os) {
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  SmallVector<StringRef> names;
  for (RegisteredOperationName name : context.getRegisteredOperations())
    if (name.hasInterface<linnet::DifferentiableOpInterface>())
      names.push_back(name.getStringRef());
  llvm::sort(names);
  for (StringRef name : names)
    os << name << "\n";
}

/// `--linnet-pdl=F` is what people write; the passes have options of their own.
static void expandShortForms(SmallVectorImpl<char *> &args, std::deque<std::string> &texts) {
  for (char *&arg : args) {
    for (auto [flag, option] : {std::pair("--linnet-pdl=", "files="),
                                {"--linnet-script=", "file="},
                                {"--linnet-apply-rules=", "names="}}) {
      StringRef text(arg);
      if (!text.consume_front(flag) || text.contains('='))
        continue;
      texts.push_back(std::string(flag) + option + text.str());
      arg = texts.back().data();
    }
  }
}

/// LLVM's libraries bring hundreds, which --help-hidden still shows.
static void hideForeignOptions() {
  for (auto &[name, option] : llvm::cl::getRegisteredOptions())
    if (name != "help" && name != "version")
      option->setHiddenFlag(llvm::cl::Hidden);
}

/// Upstream prints the op behind every error of a verifier or a pass, which may be pages of IR: a
/// place and a sentence are what people get here, and --mlir-print-op-on-diagnostic the rest.
static void leaveOpsOutOfErrors() {
  registerMLIRContextCLOptions();
  if (llvm::cl::Option *option =
          llvm::cl::getRegisteredOptions().lookup("mlir-print-op-on-diagnostic"))
    static_cast<llvm::cl::opt<bool> *>(option)->setInitialValue(false);
}

/// Runs passes as upstream's main does, which prints line 0 of a file that is at fault as a whole.
static LogicalResult runPasses(const MlirOptMainConfig &config, StringRef input, StringRef output,
                               DialectRegistry &registry) {
  std::string error;
  std::unique_ptr<llvm::MemoryBuffer> source = openInputFile(input, &error);
  std::unique_ptr<llvm::ToolOutputFile> result = source ? openOutputFile(output, &error) : nullptr;
  if (!result) {
    llvm::errs() << error << "\n";
    return failure();
  }
  MlirOptMainConfig ours = config;
  ours.setPassPipelineSetupFn([&](PassManager &pm) {
    pm.getContext()->getDiagEngine().registerHandler(
        [](Diagnostic &d) { return success(linnet::printOfFile(d)); });
    return config.setupPassPipeline(pm);
  });
  if (failed(MlirOptMain(result->os(), std::move(source), registry, ours)))
    return failure();
  result->keep();
  return success();
}

int linnet::optMain(int argc, char **argv) {
  leaveOpsOutOfErrors();
  hideForeignOptions();
  DialectRegistry registry;
  linnet::registerAllDialects(registry);
  linnet::registerAllPasses();
  llvm::cl::AddExtraVersionPrinter(printVersion);
  SmallVector<char *> args(argv, argv + argc);
  if (!loadPlugins(args, registry) || !loadRuleFiles(args, registry))
    return 1;
  auto asks = [&](StringRef flag) {
    return llvm::any_of(args, [&](char *arg) { return flag == arg; });
  };
  if (asks("--show-derivatives")) {
    showDerivatives(registry, llvm::outs());
    return 0;
  }
  if (asks("--list-rules")) {
    listRules(llvm::outs());
    return 0;
  }
  std::deque<std::string> texts;
  expandShortForms(args, texts);
  args.push_back(nullptr);
  int count = static_cast<int>(args.size()) - 1;
  auto [input, output] = registerAndParseCLIOptions(count, args.data(), kOptOverview, registry);
  auto config = MlirOptMainConfig::createFromCLOptions();
  bool upstreams = config.shouldShowDialects() || config.shouldListPasses() ||
                   config.shouldVerifyDiagnostics(); // what is expected is not printed
  return asMainReturnCode(upstreams ? MlirOptMain(count, args.data(), input, output, registry)
                                    : runPasses(config, input, output, registry));
}

int linnet::lspMain(int argc, char **argv) {
  leaveOpsOutOfErrors();
  hideForeignOptions();
  DialectRegistry registry;
  linnet::registerAllDialects(registry);
  return asMainReturnCode(MlirLspServerMain(argc, argv, registry));
}

/// What ends a tool inside of LLVM is the caller's affair there (a test script that is missing), no
/// crash.
static void exitWithMessage(void *name, const char *message, bool) {
  llvm::errs() << static_cast<const char *>(name) << ": " << message << "\n";
  std::exit(1);
}

int linnet::reduceMain(int argc, char **argv) {
  leaveOpsOutOfErrors();
  hideForeignOptions();
  static char name[] = "linnet-reduce";
  llvm::install_fatal_error_handler(exitWithMessage, name);
  DialectRegistry registry;
  linnet::registerAllDialects(registry);
  linnet::registerAllPasses();
  MLIRContext context(registry);
  return asMainReturnCode(mlirReduceMain(argc, argv, context));
}
