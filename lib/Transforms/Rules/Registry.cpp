//===- Registry.cpp - rules by name -----------------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../LowerToStructured.h"
#include "linnet/Rules.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/Support/FormatVariadic.h"
#include <map>

using namespace mlir;
using namespace linnet;

// Rules are registered before a tool reads its command line, on one thread, and then only read.
static std::map<std::string, Rule, std::less<>> &rules() {
  static std::map<std::string, Rule, std::less<>> all;
  return all;
}

static bool sound = true;

bool linnet::registerRule(Rule rule) {
  auto [entry, added] = rules().try_emplace(rule.name, rule);
  if (!added) {
    llvm::errs() << "error: there are two rules '" << rule.name << "'\n";
    sound = false;
  }
  return added;
}

bool linnet::rulesAreSound() { return sound; }

const Rule *linnet::findRule(StringRef name) {
  auto found = rules().find(name);
  return found == rules().end() ? nullptr : &found->second;
}

std::vector<const Rule *> linnet::allRules() {
  std::vector<const Rule *> all;
  for (const auto &entry : rules())
    all.push_back(&entry.second);
  return all;
}

std::string linnet::describeMissingRule(StringRef name) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "no rule '" << name << "', there are: ";
  llvm::interleaveComma(llvm::make_first_range(rules()), os);
  return text;
}

void linnet::listRules(llvm::raw_ostream &os) {
  for (const auto &[name, rule] : rules())
    os << llvm::formatv("{0,-28} {1}\n", name, rule.description);
}

void linnet::populateRule(StringRef name, RewritePatternSet &patterns) {
  const Rule *rule = findRule(name);
  RewritePatternSet own(patterns.getContext());
  rule->populate(own);
  for (auto &pattern : own.getNativePatterns()) {
    pattern->addDebugLabels(rule->name); // what applyRules() calls it
    patterns.add(std::move(pattern));
  }
  patterns.getPDLPatterns().mergeIn(std::move(own.getPDLPatterns()));
}

void linnet::registerRuleDialects(DialectRegistry &registry) {
  registry.insert<LinnetDialect, affine::AffineDialect, arith::ArithDialect, linalg::LinalgDialect,
                  math::MathDialect, scf::SCFDialect, tensor::TensorDialect>();
}

void linnet::registerBuiltinRules() {
  static bool done = [] {
    auto add = [](StringRef family, StringRef ops, void (*populate)(RewritePatternSet &)) {
      registerRule({("lower-" + family).str(), (ops + " to linalg on tensors").str(), populate});
    };
    add("elementwise", "arith and math on tensors", populateElementwiseToStructuredPatterns);
    add("einsum", "linnet.einsum", populateEinsumToStructuredPatterns);
    add("norm", "softmax and the norms", populateNormToStructuredPatterns);
    add("plain", "the plain linnet ops", populatePlainToStructuredPatterns);
    add("batch-norm", "batch norms", populateBatchNormToStructuredPatterns);
    add("conv", "convolutions", populateConvToStructuredPatterns);
    add("loss", "losses", populateLossToStructuredPatterns);
    add("attention", "feature maps, rotary and gradients of attention",
        populateAttentionToStructuredPatterns);
    add("scan", "gradients of scans", populateScanToStructuredPatterns);
    add("optimizer", "optimizers", populateOptimizerToStructuredPatterns);
    add("upstream", "upstream's named linalg ops and loops of tensor",
        populateUpstreamToStructuredPatterns);
    registerRule({"drop-unit-dims", "sizes of 1 out of the maps of linalg.generic",
                  populateDropUnitDimsPatterns});
    return true;
  }();
  (void)done;
}
