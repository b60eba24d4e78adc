//===- PdlRules.cpp - rewrite rules from PDL and PDLL files -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "RuleScope.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/IR/Locations.h"
#include "linnet/Transforms/Passes.h"
#include "linnet/Transforms/RulesPass.h"
#include "mlir/Dialect/PDL/IR/PDL.h"
#include "mlir/Dialect/PDL/IR/PDLOps.h"
#include "mlir/Dialect/PDLInterp/IR/PDLInterp.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/SourceMgr.h"
#include <dlfcn.h>

namespace linnet {
#define GEN_PASS_DEF_PDL
#include "linnet/Transforms/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

//===----------------------------------------------------------------------===//
// mlir-pdll
//===----------------------------------------------------------------------===//

/// The folder of our .td files: beside the library where it is installed, else the sources'.
static std::string ownIncludes() {
  Dl_info info;
  if (dladdr(reinterpret_cast<void *>(&registerPdlNatives), &info) && info.dli_fname) {
    SmallString<256> path(info.dli_fname);
    (void)llvm::sys::fs::make_absolute(path);
    llvm::sys::path::remove_filename(path);
    llvm::sys::path::append(path, "..", "include");
    if (llvm::sys::fs::exists(path + "/linnet/IR/AttentionOps.td"))
      return path.str().str();
  }
  return LINNET_SOURCE_INCLUDE;
}

static FailureOr<std::string> findTranslator(Location loc) {
  auto found = llvm::sys::findProgramByName("mlir-pdll", {LINNET_LLVM_BIN});
  if (!found)
    found = llvm::sys::findProgramByName("mlir-pdll");
  if (!found)
    return emitError(loc) << "needs mlir-pdll for .pdll files (Debian: mlir-22-tools)", failure();
  return *found;
}

/// PDLL to PDL; what mlir-pdll complains of is part of the error.
static FailureOr<std::string> translate(Location loc, StringRef file,
                                        ArrayRef<std::string> includes) {
  auto tool = findTranslator(loc);
  if (failed(tool))
    return failure();
  SmallString<128> output, complaints;
  if (llvm::sys::fs::createTemporaryFile("linnet-rules", "mlir", output) ||
      llvm::sys::fs::createTemporaryFile("linnet-rules", "txt", complaints))
    return emitError(loc) << "cannot make a temporary file", failure();
  auto remove = llvm::make_scope_exit([&] {
    (void)llvm::sys::fs::remove(output);
    (void)llvm::sys::fs::remove(complaints);
  });
  std::string own = ownIncludes();
  SmallVector<StringRef> args = {*tool, "-x=mlir",           file, "-o", output,
                                 "-I",  LINNET_LLVM_INCLUDE, "-I", own};
  for (const std::string &folder : includes)
    args.append({"-I", folder});
  std::string error;
  std::optional<StringRef> redirects[] = {std::nullopt, std::nullopt, StringRef(complaints)};
  int code = llvm::sys::ExecuteAndWait(*tool, args, std::nullopt, redirects, 0, 0, &error);
  auto read = [](StringRef path) {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    return buffer ? (*buffer)->getBuffer().str() : std::string();
  };
  if (code != 0)
    return emitError(loc) << "is no PDLL that mlir-pdll takes:\n"
                          << StringRef(error + read(complaints)).rtrim(),
           failure();
  return read(output);
}

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

/// An unknown native would call whatever is at hand in a release build: refuse all at once.
static LogicalResult checkNatives(ModuleOp module) {
  PDLPatternModule known;
  registerPdlNatives(known);
  bool failed = false;
  auto check = [&](Operation *op, StringRef name, bool exists, StringRef kind) {
    if (!exists)
      op->emitError() << "no " << kind << " '" << name << "': linnet/Rules.h lists those there are";
    failed |= !exists;
  };
  module.walk([&](Operation *op) {
    if (auto c = dyn_cast<pdl::ApplyNativeConstraintOp>(op))
      check(op, c.getName(), known.getConstraintFunctions().contains(c.getName()), "constraint");
    if (auto r = dyn_cast<pdl::ApplyNativeRewriteOp>(op))
      check(op, r.getName(), known.getRewriteFunctions().contains(r.getName()), "rewrite");
  });
  return failure(failed);
}

/// The patterns of a file, each by its name.
static FailureOr<OwningOpRef<ModuleOp>> parseRules(MLIRContext *context, StringRef file,
                                                   ArrayRef<std::string> includes) {
  context->loadDialect<pdl::PDLDialect, pdl_interp::PDLInterpDialect>();
  FailureOr<Location> loc = rules::locate(context, file);
  if (failed(loc))
    return failure();
  OwningOpRef<ModuleOp> module;
  if (file.ends_with(".pdll")) {
    auto text = translate(*loc, file, includes);
    if (failed(text))
      return failure();
    module = parseSourceString<ModuleOp>(*text, ParserConfig(context), file);
  } else {
    module = parseSourceFile<ModuleOp>(file, ParserConfig(context));
  }
  if (!module || failed(checkNatives(*module)))
    return failure();
  if (module->getOps<pdl::PatternOp>().empty())
    return emitError(*loc) << "has no pattern", failure();
  return module;
}

namespace {
/// Says which pattern it is that rewrites.
struct RuleName : PDLPatternConfigBase<RuleName> {
  explicit RuleName(std::string name) : name(std::move(name)) {}
  void notifyRewriteBegin(PatternRewriter &) override { rules::currentPdlRule = name; }
  std::string name;
};
} // namespace
MLIR_DECLARE_EXPLICIT_TYPE_ID(RuleName)
MLIR_DEFINE_EXPLICIT_TYPE_ID(RuleName)

static PDLPatternModule makeRules(OwningOpRef<ModuleOp> module, StringRef name) {
  PDLPatternModule rules(std::move(module), RuleName(name.str()));
  registerPdlNatives(rules);
  return rules;
}

FailureOr<PDLPatternModule> linnet::loadPdlRules(MLIRContext *context, StringRef file,
                                                 ArrayRef<std::string> includes) {
  auto module = parseRules(context, file, includes);
  if (failed(module))
    return failure();
  PDLPatternModule all;
  for (auto pattern : llvm::make_early_inc_range((*module)->getOps<pdl::PatternOp>())) {
    OwningOpRef<ModuleOp> own = ModuleOp::create(pattern.getLoc());
    pattern->moveBefore(own->getBody(), own->getBody()->end());
    all.mergeIn(makeRules(std::move(own), pattern.getSymName().value_or(file)));
  }
  return all;
}

LogicalResult linnet::registerRuleFile(StringRef file, const DialectRegistry &registry) {
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  llvm::SourceMgr sources;
  SourceMgrDiagnosticHandler printer(sources, &context);
  ScopedDiagnosticHandler ofFiles(&context, [](Diagnostic &d) { return success(printOfFile(d)); });
  auto module = parseRules(&context, file, {});
  if (failed(module))
    return failure();
  for (auto pattern : (*module)->getOps<pdl::PatternOp>()) {
    if (!pattern.getSymName())
      return emitError(pattern.getLoc()) << "a rule expects a name: 'Pattern NAME {'";
    std::string name = pattern.getSymName()->str(), text;
    llvm::raw_string_ostream(text) << *pattern;
    // the patterns of every context that uses the rule are its own
    auto populate = [text, name](RewritePatternSet &patterns) {
      MLIRContext *context = patterns.getContext();
      context->loadDialect<pdl::PDLDialect, pdl_interp::PDLInterpDialect>();
      patterns.add(makeRules(parseSourceString<ModuleOp>(text, ParserConfig(context)), name));
    };
    if (!registerRule({name, ("from " + file).str(), populate}))
      return failure();
  }
  return success();
}

bool linnet::loadRuleFiles(SmallVectorImpl<char *> &args, const DialectRegistry &registry) {
  SmallVector<char *> kept;
  for (char *arg : args) {
    StringRef text(arg ? arg : "");
    if (!text.consume_front("--rules="))
      kept.push_back(arg);
    else if (failed(registerRuleFile(text, registry)))
      return false;
  }
  args.assign(kept.begin(), kept.end());
  return true;
}

namespace {
class Pdl : public RulesPass<linnet::impl::PdlBase<Pdl>> {
public:
  using RulesPass::RulesPass;

  LogicalResult gather(RewritePatternSet &set) override {
    SmallVector<std::string> folders(includes.begin(), includes.end());
    for (const std::string &file : files) {
      auto loaded = loadPdlRules(set.getContext(), file, folders);
      if (failed(loaded))
        return failure();
      set.add(std::move(*loaded));
    }
    return success();
  }
};
} // namespace
