//===- ApplyRules.cpp - the driver of users' rules --------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "RuleScope.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/IR/Locations.h"
#include "linnet/Transforms/Passes.h"
#include "linnet/Transforms/RulesPass.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Threading.h"
#include <set>

namespace linnet {
#define GEN_PASS_DEF_APPLYRULES
#include "linnet/Transforms/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

static thread_local bool ruleFailed = false;
thread_local StringRef linnet::rules::currentPdlRule;

void linnet::reportRuleError(Location loc, StringRef rule, const Twine &message) {
  if (!ruleFailed) // the first one: what follows from it is noise
    emitError(loc) << "rule '" << rule << "': " << message;
  ruleFailed = true;
}

bool linnet::hasRuleError() { return ruleFailed; }

bool linnet::takeRuleError() { return std::exchange(ruleFailed, false); }

//===----------------------------------------------------------------------===//
// Listener
//===----------------------------------------------------------------------===//

namespace {

/// Hears which rule changed which op, and why a rule did not apply.
class RuleListener : public RewriterBase::Listener {
public:
  explicit RuleListener(bool explain) : explain(explain) {}

  void notifyPatternBegin(const Pattern &pattern, Operation *op) override {
    ArrayRef<StringRef> labels = pattern.getDebugLabels();
    rule = labels.empty() ? pattern.getDebugName() : labels.back();
    rule.consume_front("(anonymous namespace)::");
    rules::currentPdlRule = {};
    root = op->getLoc();
    rootName = op->getName().getStringRef();
  }
  void notifyPatternEnd(const Pattern &, LogicalResult status) override {
    if (succeeded(status)) {
      applied.insert(current());
      remark(*root, "rule '" + current() + "' applies to '" + rootName + "'");
    }
    rule = rules::currentPdlRule = {};
  }
  void notifyMatchFailure(Location loc, function_ref<void(Diagnostic &)> reason) override {
    Diagnostic text(loc, DiagnosticSeverity::Remark);
    reason(text);
    // PDL checks the constraints of all its rules at once
    std::string who = rule.empty() ? "a rule" : ("rule '" + rule + "'").str();
    remark(loc, who + " does not apply: " + text.str());
  }
  void notifyOperationInserted(Operation *op, OpBuilder::InsertPoint) override { note(op); }
  void notifyOperationModified(Operation *op) override { note(op); }
  void notifyOperationErased(Operation *op) override { makers.erase(op); }

  void emitRemarks() const {
    for (const auto &[loc, text] : remarks)
      emitRemark(loc) << text;
  }

  /// The rule that made or changed what its verifier refuses, else all that applied.
  std::string findCulprit(Operation *top) const {
    StringRef maker;
    top->walk([&](Operation *op) {
      auto found = makers.find(op);
      if (found == makers.end() || succeeded(verify(op, /*verifyRecursively=*/false)))
        return WalkResult::advance();
      maker = found->second;
      return WalkResult::interrupt();
    });
    if (!maker.empty())
      return ("rule '" + maker + "'").str();
    return describeApplied();
  }

  std::string describeApplied() const {
    std::string text;
    llvm::raw_string_ostream os(text);
    os << (applied.size() == 1 ? "rule " : "the rules ");
    llvm::interleaveComma(applied, os, [&](StringRef name) { os << "'" << name << "'"; });
    return text;
  }

  bool anyApplied() const { return !applied.empty(); }

private:
  StringRef current() const { return rules::currentPdlRule.empty() ? rule : rules::currentPdlRule; }
  /// Constants that the driver makes by folding belong to no rule.
  void note(Operation *op) {
    if (!current().empty())
      makers[op] = current();
  }
  /// Once: the driver comes back to an op whenever something near it changes.
  void remark(Location loc, const Twine &text) {
    if (explain && said.insert({loc.getAsOpaquePointer(), text.str()}).second)
      remarks.push_back({loc, text.str()});
  }

  bool explain;
  StringRef rule, rootName;
  std::optional<Location> root;
  llvm::DenseMap<Operation *, StringRef> makers;
  llvm::SetVector<StringRef> applied;
  std::set<std::pair<const void *, std::string>> said;
  std::vector<std::pair<Location, std::string>> remarks;
};

} // namespace

//===----------------------------------------------------------------------===//
// Driver
//===----------------------------------------------------------------------===//

FailureOr<Location> linnet::rules::locate(MLIRContext *context, StringRef file) {
  Location loc = locateFile(context, file);
  if (!llvm::sys::fs::exists(file))
    return emitError(loc) << "no such file", failure();
  return loc;
}

std::optional<std::pair<Location, std::string>> linnet::rules::findInvalid(Operation *root) {
  std::optional<std::pair<Location, std::string>> first;
  uint64_t thread = llvm::get_threadid();
  ScopedDiagnosticHandler quiet(root->getContext(), [&](Diagnostic &d) {
    if (llvm::get_threadid() != thread)
      return failure(); // another function's
    if (!first && d.getSeverity() == DiagnosticSeverity::Error)
      first.emplace(d.getLocation(), d.str());
    return success();
  });
  if (succeeded(verify(root)))
    return std::nullopt;
  if (!first)
    first.emplace(root->getLoc(), "the verifier refuses it");
  return first;
}

static LogicalResult refuseInvalid(Operation *root, const RuleListener &listener) {
  auto invalid = rules::findInvalid(root);
  if (!invalid)
    return success();
  std::string culprit;
  {
    ScopedDiagnosticHandler quiet(root->getContext(), [](Diagnostic &) { return success(); });
    culprit = listener.findCulprit(root);
  }
  return emitError(invalid->first) << culprit << " left invalid IR: " << invalid->second;
}

static constexpr int64_t kRewritesPerOp = 64, kMoreRewrites = 10000;

LogicalResult linnet::applyRules(Operation *root, const FrozenRewritePatternSet &rules,
                                 const RuleDriverOptions &options) {
  (void)takeRuleError();
  RuleListener listener(options.explain);
  int64_t ops = 0;
  root->walk([&](Operation *) { ++ops; });
  GreedyRewriteConfig config;
  config.setListener(&listener);
  // rules that feed each other would go on until memory ends
  config.setMaxNumRewrites(kRewritesPerOp * ops + kMoreRewrites);
  // nothing but what the rules say: folders need not know what a rule got wrong
  config.enableFolding(false).enableConstantCSE(false);
  LogicalResult ended = applyPatternsGreedily(root, rules, config);
  listener.emitRemarks();
  if (takeRuleError())
    return failure();
  if (failed(ended))
    return emitError(root->getLoc())
           << listener.describeApplied() << " did not come to an end on this";
  if (options.requireMatch && !listener.anyApplied())
    return emitError(root->getLoc()) << "no rule applies";
  return listener.anyApplied() ? refuseInvalid(root, listener) : success();
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

namespace {
class ApplyRules : public RulesPass<linnet::impl::ApplyRulesBase<ApplyRules>> {
public:
  using RulesPass::RulesPass;

  void getDependentDialects(DialectRegistry &registry) const override {
    RulesPass::getDependentDialects(registry);
    for (const std::string &name : names)
      if (const Rule *rule = findRule(name); rule && rule->dialects)
        rule->dialects(registry);
  }

  LogicalResult gather(RewritePatternSet &set) override {
    Location loc = UnknownLoc::get(set.getContext());
    if (names.empty())
      return emitError(loc) << "--linnet-apply-rules expects names of rules";
    for (const std::string &name : names) {
      if (!findRule(name))
        return emitError(loc) << describeMissingRule(name);
      populateRule(name, set);
    }
    return success();
  }
};
} // namespace
