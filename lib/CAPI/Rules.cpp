//===- Rules.cpp - rules in another language ------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet-c/Rules.h"
#include "linnet/Pipelines/Tools.h"
#include "linnet/Transforms/RulesPass.h"
#include "mlir/CAPI/IR.h"
#include "mlir/CAPI/Rewrite.h"
#include "mlir/CAPI/Support.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/Threading.h"
#include <atomic>

using namespace mlir;
using namespace linnet;

static thread_local std::string complaint;
static std::atomic<bool> anyFailed = false;

//===----------------------------------------------------------------------===//
// Rules
//===----------------------------------------------------------------------===//

namespace {
class CallbackPattern : public RewritePattern {
public:
  CallbackPattern(MLIRContext *context, StringRef rule, StringRef root, unsigned benefit,
                  LinnetRewriteCallback callback, void *userData)
      : RewritePattern(root, benefit, context), rule(rule), callback(callback), userData(userData) {
  }

  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &rewriter) const override {
    if (hasRuleError())
      return failure(); // the run ends as soon as the driver does
    complaint.clear();
    Location loc = op->getLoc();
    std::string said;
    int status;
    {
      // what MLIR says of a failing call is part of the rule's error
      uint64_t thread = llvm::get_threadid();
      ScopedDiagnosticHandler quiet(op->getContext(), [&](Diagnostic &d) {
        if (llvm::get_threadid() != thread)
          return failure();
        if (d.getSeverity() == DiagnosticSeverity::Error)
          said += (said.empty() ? "" : "; ") + d.str();
        return success();
      });
      status = callback(wrap(op), wrap(&rewriter), userData);
    }
    if (status < 0) {
      anyFailed = true;
      reportRuleError(loc, rule, complaint + (said.empty() ? "" : ": " + said));
    }
    return success(status > 0);
  }

private:
  StringRef rule; ///< the registry's
  LinnetRewriteCallback callback;
  void *userData;
};
} // namespace

bool linnetRegisterRule(const char *name, const char *description, const char *root,
                        unsigned benefit, const char *dialects, LinnetRewriteCallback callback,
                        void *userData) {
  std::string ruleName = name, rootName = root, dialectNames = dialects;
  auto populate = [=](RewritePatternSet &patterns) {
    SmallVector<StringRef> loaded;
    StringRef(dialectNames).split(loaded, ',', -1, /*KeepEmpty=*/false);
    for (StringRef dialect : loaded)
      patterns.getContext()->getOrLoadDialect(dialect);
    patterns.add<CallbackPattern>(patterns.getContext(), findRule(ruleName)->name, rootName,
                                  benefit, callback, userData);
  };
  return registerRule({name, description, populate});
}

void linnetFailRule(MlirStringRef message) { complaint = unwrap(message).str(); }

void linnetNotifyMatchFailure(MlirPatternRewriter rewriter, MlirOperation op,
                              MlirStringRef reason) {
  (void)unwrap(rewriter)->notifyMatchFailure(unwrap(op), Twine(unwrap(reason)));
}

//===----------------------------------------------------------------------===//
// Passes and the tool
//===----------------------------------------------------------------------===//

namespace {
struct RuleOptions : OperationPass<> {
  using OperationPass::OperationPass;
  RuleOptions(const RuleOptions &other) : OperationPass(other) {}
  Option<bool> explain{*this, "explain",
                       llvm::cl::desc("say what applied, and why a rule did not")};
  Option<bool> require{*this, "require-match", llvm::cl::desc("an error where no rule applies")};
};

/// `linnet-apply-rules` with the names given, under a name of its own.
class NamedRules : public PassWrapper<NamedRules, RulesPass<RuleOptions>> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(NamedRules)

  NamedRules(std::string argument, std::string description, std::vector<std::string> names)
      : argument(std::move(argument)), description(std::move(description)),
        names(std::move(names)) {}

  StringRef getArgument() const override { return argument; }
  StringRef getDescription() const override { return description; }
  StringRef getName() const override { return argument; }
  LogicalResult gather(RewritePatternSet &set) override {
    for (const std::string &name : names)
      populateRule(name, set);
    return success();
  }

private:
  std::string argument, description;
  std::vector<std::string> names;
};
} // namespace

void linnetRegisterRulesPass(const char *argument, const char *description,
                             const char *const *rules, intptr_t count) {
  std::string name = argument, text = description;
  std::vector<std::string> names(rules, rules + count);
  registerPass(
      [=]() -> std::unique_ptr<Pass> { return std::make_unique<NamedRules>(name, text, names); });
}

int linnetOptMain(int argc, char **argv) {
  int status = optMain(argc, argv);
  // a pass that is not ours may have gone on
  return status == 0 && anyFailed ? 1 : status;
}
