//===- TransformScript.cpp - transform dialect scripts from files -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "RuleScope.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Rules.h"
#include "linnet/Transforms/Passes.h"
#include "linnet/Transforms/TransformOps.h"
#include "mlir/Dialect/Transform/IR/TransformDialect.h"
#include "mlir/Dialect/Transform/Transforms/TransformInterpreterUtils.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

namespace linnet {
#define GEN_PASS_DEF_SCRIPT
#include "linnet/Transforms/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

/// Upstream's own words of one that is missing are not printed: ours name the file.
static bool hasEntryPoint(ModuleOp script) {
  ScopedDiagnosticHandler quiet(script.getContext(), [](Diagnostic &) { return success(); });
  return transform::detail::findTransformEntryPoint(script, ModuleOp()) != nullptr;
}

namespace {
class Script : public linnet::impl::ScriptBase<Script> {
public:
  using ScriptBase::ScriptBase;
  Script(const Script &other) : ScriptBase(other), script(other.script) {}

  // what a rule makes has to be there before it runs
  void getDependentDialects(DialectRegistry &registry) const override {
    ScriptBase::getDependentDialects(registry);
    registerRuleDialects(registry);
    for (const Rule *rule : allRules())
      if (rule->dialects)
        rule->dialects(registry);
  }

  LogicalResult initialize(MLIRContext *context) override {
    FailureOr<Location> loc = rules::locate(context, file);
    if (failed(loc))
      return failure();
    OwningOpRef<ModuleOp> parsed = parseSourceFile<ModuleOp>(file, ParserConfig(context));
    if (!parsed)
      return failure();
    script = std::make_shared<OwningOpRef<ModuleOp>>(std::move(parsed));
    if (!hasEntryPoint(**script))
      return emitError(*loc) << "has no transform.named_sequence @__transform_main";
    return success();
  }

  void runOnOperation() override {
    // a run may change its script
    OwningOpRef<ModuleOp> own = (*script)->clone();
    auto entry = transform::detail::findTransformEntryPoint(*own, ModuleOp());
    (void)takeRuleError();
    LogicalResult ended = transform::applyTransformNamedSequence(getOperation(), entry, ModuleOp(),
                                                                 transform::TransformOptions());
    if (takeRuleError() || failed(ended) || failed(refuseInvalid(*own)))
      signalPassFailure();
  }

private:
  /// Names the rules that the script applies, one of which it was in all likelihood.
  LogicalResult refuseInvalid(ModuleOp own) {
    auto invalid = rules::findInvalid(getOperation());
    if (!invalid)
      return success();
    llvm::SetVector<StringRef> names;
    own.walk([&](ApplyRulesOp op) {
      for (auto name : op.getNames().getAsRange<StringAttr>())
        names.insert(name.getValue());
    });
    InFlightDiagnostic error = emitError(invalid->first) << "the script left invalid IR";
    if (!names.empty())
      error << " with the rules '" << llvm::join(names, "', '") << "'";
    return error << ": " << invalid->second;
  }

  std::shared_ptr<OwningOpRef<ModuleOp>> script; ///< copies of the pass share it
};
} // namespace
