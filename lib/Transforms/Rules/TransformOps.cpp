//===- TransformOps.cpp - ops for transform scripts -------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Transforms/TransformOps.h"
#include "Conditions.h"
#include "linnet/Rules.h"
#include "mlir/Dialect/PDL/IR/PDL.h"
#include "mlir/Dialect/PDLInterp/IR/PDLInterp.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace linnet;

#define GET_OP_CLASSES
#include "linnet/Transforms/TransformOps.cpp.inc"

//===----------------------------------------------------------------------===//
// apply_patterns.linnet.rules
//===----------------------------------------------------------------------===//

LogicalResult linnet::ApplyRulesOp::verify() {
  for (auto name : getNames().getAsRange<StringAttr>())
    if (!findRule(name))
      return emitError() << describeMissingRule(name); // (C1)
  return success();
}

void linnet::ApplyRulesOp::populatePatterns(RewritePatternSet &patterns) {
  for (auto name : getNames().getAsRange<StringAttr>())
    populateRule(name, patterns);
}

//===----------------------------------------------------------------------===//
// match.linnet.attention
//===----------------------------------------------------------------------===//

LogicalResult MatchAttentionOp::verify() {
  for (NamedAttribute attr : (*this)->getDiscardableAttrs())
    return emitError() << "unknown condition '" << attr.getName().getValue()
                       << "', expected one of: " << llvm::join(getAttributeNames(), ", "); // (C1)
  return success();
}

/// The condition that does not hold; empty: all do.
static StringRef findUnmet(MatchAttentionOp match, AttentionOp op) {
  auto q = cast<RankedTensorType>(op.getQ().getType());
  auto k = cast<RankedTensorType>(op.getK().getType());
  int64_t group = op.getGroupSize();
  auto atMost = [](int64_t size, int64_t most) {
    return !ShapedType::isDynamic(size) && size <= most;
  };
  const std::pair<StringRef, bool> unmet[] = {
      {"causal", match.getCausal() && *match.getCausal() != op.getMaskSet().getCausal()},
      {"plain", match.getPlain() && *match.getPlain() != rules::isPlain(op)},
      {"grouped", match.getGrouped() && (group == 0 || *match.getGrouped() != (group > 1))},
      {"min_keys", match.getMinKeys() && !rules::atLeast(k.getDimSize(2), *match.getMinKeys())},
      {"max_keys", match.getMaxKeys() && !atMost(k.getDimSize(2), *match.getMaxKeys())},
      {"min_queries",
       match.getMinQueries() && !rules::atLeast(q.getDimSize(2), *match.getMinQueries())},
      {"max_queries", match.getMaxQueries() && !atMost(q.getDimSize(2), *match.getMaxQueries())},
      {"head_dim",
       match.getHeadDim() && q.getDimSize(3) != static_cast<int64_t>(*match.getHeadDim())},
      {"element_type", match.getElementType() && *match.getElementType() != q.getElementType()}};
  for (auto [name, failed] : unmet)
    if (failed)
      return name;
  return {};
}

DiagnosedSilenceableFailure MatchAttentionOp::matchOperation(Operation *current,
                                                             transform::TransformResults &,
                                                             transform::TransformState &) {
  auto attention = dyn_cast<AttentionOp>(current);
  if (!attention)
    return emitSilenceableError() << "expects linnet.attention, found '" << current->getName()
                                  << "'";
  StringRef unmet = findUnmet(*this, attention);
  if (!unmet.empty())
    return emitSilenceableError() << "condition '" << unmet << "' does not hold";
  return DiagnosedSilenceableFailure::success();
}

//===----------------------------------------------------------------------===//
// Registration
//===----------------------------------------------------------------------===//

namespace {
class LinnetTransforms : public transform::TransformDialectExtension<LinnetTransforms> {
public:
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(LinnetTransforms)

  void init() {
    declareDependentDialect<pdl::PDLDialect>();
    declareDependentDialect<pdl_interp::PDLInterpDialect>();
    declareGeneratedDialect<LinnetDialect>();
    registerTransformOps<
#define GET_OP_LIST
#include "linnet/Transforms/TransformOps.cpp.inc"
        >();
  }
};
} // namespace

void linnet::registerTransformOps(DialectRegistry &registry) {
  registry.addExtensions<LinnetTransforms>();
}
