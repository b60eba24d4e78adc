//===- PdlNatives.cpp - functions for PDL and PDLL files --------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Conditions.h"
#include "linnet/IR/LinnetOps.h"
#include "linnet/Rules.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace linnet;

// PDL passes whatever the file gives: an argument of another kind does not match.
static StringRef text(Attribute a) {
  auto s = dyn_cast_or_null<StringAttr>(a);
  return s ? s.getValue() : StringRef();
}

static std::optional<int64_t> number(Attribute a) {
  auto i = dyn_cast_or_null<IntegerAttr>(a);
  return i ? std::optional(i.getInt()) : std::nullopt;
}

static RankedTensorType tensorType(Value v) { return dyn_cast<RankedTensorType>(v.getType()); }

static LogicalResult isPlain(Operation *op, bool orCausal) {
  auto attention = dyn_cast<AttentionOp>(op);
  return success(attention && rules::isPlain(attention) &&
                 (orCausal || !attention.getMaskSet().getCausal()));
}

static LogicalResult hasDim(Value v, Attribute dim, Attribute size) {
  RankedTensorType t = tensorType(v);
  auto d = number(dim), n = number(size);
  if (!t || !d || !n)
    return failure();
  int64_t at = *d < 0 ? *d + t.getRank() : *d;
  return success(at >= 0 && at < t.getRank() && t.getDimSize(at) == *n);
}

static LogicalResult seqAtLeast(Value v, Attribute least) {
  RankedTensorType t = tensorType(v);
  auto n = number(least);
  if (!t || !n || t.getRank() < 2)
    return failure();
  return success(rules::atLeast(t.getDimSize(t.getRank() - 2), *n));
}

static void addNatives(PDLPatternModule &module) {
  using Rewriter = PatternRewriter;
  module.registerConstraintFunction("IsEmpty",
                                    [](Rewriter &, ValueRange vs) { return success(vs.empty()); });
  module.registerConstraintFunction("OneUse",
                                    [](Rewriter &, Value v) { return success(v.hasOneUse()); });
  module.registerConstraintFunction("HasAttr", [](Rewriter &, Operation *op, Attribute name) {
    return success(op->hasAttr(text(name)));
  });
  module.registerConstraintFunction(
      "AttrIs", [](Rewriter &rewriter, Operation *op, Attribute name, Attribute value) {
        Attribute own = op->getAttr(text(name));
        return success(own && own == parseAttribute(text(value), rewriter.getContext()));
      });
  module.registerConstraintFunction("IsCausal", [](Rewriter &, Operation *op) {
    auto attention = dyn_cast<AttentionOp>(op);
    return success(attention && attention.getMaskSet().getCausal());
  });
  module.registerConstraintFunction("IsUnmasked",
                                    [](Rewriter &, Operation *op) { return isPlain(op, false); });
  module.registerConstraintFunction("IsPlain",
                                    [](Rewriter &, Operation *op) { return isPlain(op, true); });
  module.registerConstraintFunction("Rank", [](Rewriter &, Value v, Attribute n) {
    RankedTensorType t = tensorType(v);
    return success(t && number(n) == t.getRank());
  });
  module.registerConstraintFunction("Dim", [](Rewriter &, Value v, Attribute dim, Attribute size) {
    return hasDim(v, dim, size);
  });
  module.registerConstraintFunction(
      "SeqAtLeast", [](Rewriter &, Value v, Attribute n) { return seqAtLeast(v, n); });
  module.registerConstraintFunction("ElementType", [](Rewriter &, Value v, Type type) {
    return success(getElementTypeOrSelf(v) == type);
  });
  module.registerRewriteFunction("ParseAttr", [](Rewriter &rewriter, Attribute source) {
    return parseAttribute(text(source), rewriter.getContext());
  });
  module.registerRewriteFunction(
      "GetAttr", [](Rewriter &, Operation *op, Attribute name) { return op->getAttr(text(name)); });
  module.registerRewriteFunction(
      "CopyAttr", [](Rewriter &rewriter, Operation *from, Operation *to, Attribute name) {
        if (Attribute a = from->getAttr(text(name)))
          rewriter.modifyOpInPlace(to, [&] { to->setAttr(text(name), a); });
      });
}

/// Where an argument of a constraint is; nothing for one that is no part of the program.
static std::optional<Location> locate(ArrayRef<PDLValue> values) {
  for (PDLValue value : values) {
    if (auto op = value.dyn_cast<Operation *>())
      return op->getLoc();
    if (auto v = value.dyn_cast<Value>())
      return v.getLoc();
  }
  return std::nullopt;
}

void linnet::registerPdlNatives(PDLPatternModule &module) {
  PDLPatternModule natives;
  addNatives(natives);
  // a constraint that does not hold says so to who listens
  for (auto &entry : natives.takeConstraintFunctions()) {
    std::string name = entry.first().str();
    PDLConstraintFunction holds = entry.second;
    module.registerConstraintFunction(
        name,
        [name, holds](PatternRewriter &rewriter, PDLResultList &results,
                      ArrayRef<PDLValue> values) -> LogicalResult {
          if (succeeded(holds(rewriter, results, values)))
            return success();
          if (auto loc = locate(values))
            return rewriter.notifyMatchFailure(*loc, "constraint '" + name + "' does not hold");
          return failure();
        });
  }
  for (auto &entry : natives.takeRewriteFunctions())
    module.registerRewriteFunction(entry.first(), entry.second);
}
