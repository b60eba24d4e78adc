//===- Rules.h - rewrite rules by name and from files -----------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A rule is a set of patterns with a name. The registry of rules is shared by all ways to write
// them: C++ plugins, PDLL files (`--rules=F.pdll`), Python. A rule is used by name, from
// `--linnet-apply-rules=NAME,…` and from `transform.apply_patterns.linnet.rules ["NAME", …]`.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_RULES_H
#define LINNET_RULES_H

#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Rewrite/FrozenRewritePatternSet.h"

namespace linnet {

//===----------------------------------------------------------------------===//
// Registry
//===----------------------------------------------------------------------===//

struct Rule {
  std::string name, description;
  /// Adds the patterns. Called once per pass or script that names the rule.
  std::function<void(mlir::RewritePatternSet &patterns)> populate;
  /// Where the patterns make ops of a dialect that is not among registerRuleDialects().
  std::function<void(mlir::DialectRegistry &registry)> dialects = nullptr;
};

/// False after a message where a rule of this name is there already; the tools then end.
bool registerRule(Rule rule);
/// Whether every registration has gone well.
bool rulesAreSound();

/// Null where there is none.
const Rule *findRule(llvm::StringRef name);
/// All, by name.
std::vector<const Rule *> allRules();
/// "no rule 'x', there are: a, b".
std::string describeMissingRule(llvm::StringRef name);
/// Names and descriptions, one rule a line.
void listRules(llvm::raw_ostream &os);

/// Adds the patterns of a rule that exists, labelled with its name.
void populateRule(llvm::StringRef name, mlir::RewritePatternSet &patterns);
/// The dialects that any rule may make ops of: linnet, affine, arith, linalg, math, scf, tensor.
void registerRuleDialects(mlir::DialectRegistry &registry);

/// The rules that come with Linnet: the families of `linnet-lower-to-structured`, one each.
/// Safe to call more than once.
void registerBuiltinRules();

/// Registers each pattern of a `.pdll` or PDL file as a rule of the pattern's name. `registry` has
/// the dialects whose attributes the file names. Failure has been reported.
llvm::LogicalResult registerRuleFile(llvm::StringRef file, const mlir::DialectRegistry &registry);

/// Takes every `--rules=FILE` out of `args` and registers what the files hold.
bool loadRuleFiles(llvm::SmallVectorImpl<char *> &args, const mlir::DialectRegistry &registry);

//===----------------------------------------------------------------------===//
// Application
//===----------------------------------------------------------------------===//

struct RuleDriverOptions {
  bool explain = false;      ///< remarks: what applied, and what a rule said why it did not
  bool requireMatch = false; ///< an error where no rule applies
};

/// Applies the patterns to what `root` holds until none applies. It fails after one error: rules
/// that do not come to an end, that reported an error, or that left IR invalid (which is checked).
llvm::LogicalResult applyRules(mlir::Operation *root, const mlir::FrozenRewritePatternSet &rules,
                               const RuleDriverOptions &options = {});

/// For rules that are not C++: reports what went wrong inside of one. applyRules() fails then, and
/// so does a script.
void reportRuleError(mlir::Location loc, llvm::StringRef rule, const llvm::Twine &message);
/// Whether a rule on this thread reported an error; the latter forgets it.
bool hasRuleError();
bool takeRuleError();

//===----------------------------------------------------------------------===//
// PDL
//===----------------------------------------------------------------------===//

/// Registers the functions that PDL and PDLL files may name without defining them; constraints:
///
/// - `IsEmpty(values)`: an optional or variadic operand is absent
/// - `OneUse(value)`: exactly one use
/// - `HasAttr(op, "name")`; `AttrIs(op, "name", "text")`: an attribute of a dialect, as it is
/// written
/// - `IsCausal(op)`: an attention whose mask set has `causal`
/// - `IsUnmasked(op)`: an attention without mask, bias, soft cap and dropout
/// - `IsPlain(op)`: the same, but that it may be causal
/// - `Rank(value, n)`: a tensor of n dimensions
/// - `Dim(value, d, n)`: dimension d (negative: from the end) is known to be n
/// - `SeqAtLeast(value, n)`: the last dimension but one is known to be at least n, or dynamic
/// - `ElementType(value, type)`
///
/// rewrites:
///
/// - `ParseAttr("text") -> Attr`: attributes of dialects, which PDLL cannot spell
/// - `GetAttr(op, "name") -> Attr`
/// - `CopyAttr(from, to, "name")`: where `from` has it
void registerPdlNatives(mlir::PDLPatternModule &module);

/// The patterns of a `.pdll` file (mlir-pdll translates it, with `includes` beside Linnet's and
/// LLVM's folders) or of an `.mlir` file with pdl.pattern ops. Failure has been reported.
mlir::FailureOr<mlir::PDLPatternModule> loadPdlRules(mlir::MLIRContext *context,
                                                     llvm::StringRef file,
                                                     llvm::ArrayRef<std::string> includes = {});

} // namespace linnet

#endif // LINNET_RULES_H
