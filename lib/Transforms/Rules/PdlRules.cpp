//===- PdlRules.cpp - rewrite rules from PDL and PDLL files -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Rules.h"
#include "linnet/Transforms/Passes.h"
#include "mlir/Dialect/PDL/IR/PDL.h"
#include "mlir/Dialect/PDL/IR/PDLOps.h"
#include "mlir/Dialect/PDLInterp/IR/PDLInterp.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Program.h"
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
    llvm::sys::fs::remove(output);
    llvm::sys::fs::remove(complaints);
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

FailureOr<PDLPatternModule> linnet::loadPdlRules(MLIRContext *context, StringRef file,
                                                 ArrayRef<std::string> includes) {
  context->loadDialect<pdl::PDLDialect, pdl_interp::PDLInterpDialect>();
  Location loc = FileLineColLoc::get(context, file, 0, 0);
  if (!llvm::sys::fs::exists(file))
    return emitError(loc) << "no such file", failure();
  OwningOpRef<ModuleOp> module;
  if (file.ends_with(".pdll")) {
    auto text = translate(loc, file, includes);
    if (failed(text))
      return failure();
    module = parseSourceString<ModuleOp>(*text, ParserConfig(context), file);
  } else {
    module = parseSourceFile<ModuleOp>(file, ParserConfig(context));
  }
  if (!module || failed(checkNatives(*module)))
    return failure();
  if (module->getOps<pdl::PatternOp>().empty())
    return emitError(loc) << "has no pattern", failure();
  PDLPatternModule rules(std::move(module));
  registerPdlNatives(rules);
  return rules;
}

namespace {
class Pdl : public linnet::impl::PdlBase<Pdl> {
public:
  using PdlBase::PdlBase;
  Pdl(const Pdl &other) : PdlBase(other), rules(other.rules) {}

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    for (const std::string &file : files) {
      auto loaded =
          loadPdlRules(context, file, SmallVector<std::string>(includes.begin(), includes.end()));
      if (failed(loaded))
        return failure();
      set.add(std::move(*loaded));
    }
    rules = std::make_shared<FrozenRewritePatternSet>(std::move(set));
    return success();
  }

  void runOnOperation() override {
    bool changed = false;
    if (failed(applyPatternsGreedily(getOperation(), *rules, GreedyRewriteConfig(), &changed))) {
      getOperation()->emitError("the rules do not come to an end");
      return signalPassFailure();
    }
    if (require && !changed) {
      getOperation()->emitError("no rule applies");
      signalPassFailure();
    }
  }

private:
  std::shared_ptr<const FrozenRewritePatternSet> rules; ///< copies of the pass share them
};
} // namespace
