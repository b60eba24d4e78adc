//===- Sites.cpp - what is known and decided at every attention --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Sites.h"
#include "linnet/IR/Locations.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::linearize;

//===----------------------------------------------------------------------===//
// Sites
//===----------------------------------------------------------------------===//

/// A query sees the keys up to its own place, and there are as many of both.
static bool isPlainlyCausal(AttentionOp op) {
  MaskAttr masks = op.getMaskSet();
  int64_t queries = op.getQ().getType().getDimSize(2), keys = op.getK().getType().getDimSize(2);
  return masks.getCausal() && !masks.getWindow() && !masks.getKvLengths() && !op.getQOffset() &&
         queries == keys && !ShapedType::isDynamic(queries);
}

AttentionSite linnet::linearize::describeSite(AttentionOp op, const CostModel &model) {
  AttentionSite site;
  site.op = op;
  site.cost = model;
  auto size = [&](auto type, unsigned d, bool *known) -> double {
    int64_t n = type.getDimSize(d);
    if (ShapedType::isDynamic(n) && known)
      *known = false;
    return ShapedType::isDynamic(n) ? model.unknownSize : n;
  };
  auto q = op.getQ().getType(), k = op.getK().getType(), v = op.getV().getType();
  site.batch = size(q, 0, &site.knowsRows);
  site.heads = size(q, 1, &site.knowsRows);
  site.queries = size(q, 2, &site.knowsRows);
  site.depth = size(q, 3, nullptr);
  site.keyHeads = size(k, 1, &site.knowsRows);
  site.keys = size(k, 2, &site.knowsKeys);
  site.valueDepth = size(v, 3, nullptr);
  site.scale = op.getScale() ? op.getScale()->convertToDouble() : 1 / std::sqrt(site.depth);
  site.causal = isPlainlyCausal(op);
  return site;
}

Work AttentionSite::exactWork() const {
  return {2 * scores() * (depth + valueDepth),
          4 * batch * (heads * queries + keyHeads * keys) * (depth + valueDepth)};
}

double AttentionSite::exactSeconds() const {
  return cost.attentionSeconds(exactWork().flops, scores());
}

llvm::DenseSet<Operation *> linnet::linearize::findDifferentiated(ModuleOp module) {
  llvm::DenseSet<Operation *> found;
  SmallVector<Operation *> left;
  auto add = [&](Operation *user) {
    auto uses = SymbolTable::getSymbolUses(user);
    if (!uses)
      return;
    for (SymbolTable::SymbolUse use : *uses) {
      Operation *fn = SymbolTable::lookupNearestSymbolFrom(use.getUser(), use.getSymbolRef());
      if (isa_and_nonnull<FunctionOpInterface>(fn) && found.insert(fn).second)
        left.push_back(fn);
    }
  };
  module.walk([&](ValueAndGradOp op) {
    Operation *fn = SymbolTable::lookupNearestSymbolFrom(op, op.getCalleeAttr());
    if (fn && found.insert(fn).second)
      left.push_back(fn);
  });
  while (!left.empty())
    add(left.pop_back_val());
  return found;
}

//===----------------------------------------------------------------------===//
// Records
//===----------------------------------------------------------------------===//

void SiteRecord::take(const Certificate &c, double byApproximation, double byRounding) {
  hasForm = true;
  method = c.method;
  condition = c.condition;
  approximation = byApproximation;
  rounding = byRounding;
  failure = c.failure;
  after = c.work;
  secondsAfter = c.seconds;
}

static DictionaryAttr printWork(Builder &b, const Work &work, double seconds) {
  return b.getDictionaryAttr({b.getNamedAttr("flops", b.getF64FloatAttr(work.flops)),
                              b.getNamedAttr("bytes", b.getF64FloatAttr(work.bytes)),
                              b.getNamedAttr("predicted_seconds", b.getF64FloatAttr(seconds))});
}

DictionaryAttr SiteRecord::print(Builder &b) const {
  SmallVector<NamedAttribute> out;
  auto text = [&](StringRef name, const Twine &value) {
    out.push_back(b.getNamedAttr(name, b.getStringAttr(value)));
  };
  auto number = [&](StringRef name, double value) {
    out.push_back(b.getNamedAttr(name, b.getF64FloatAttr(value)));
  };
  text("location", location);
  text("function", function);
  text("decision", certified ? "linearized" : "kept");
  text("class", certified ? "certified" : "exact");
  text("method", certified ? method : "softmax");
  if (contract)
    out.push_back(b.getNamedAttr("contract", contract));
  if (!reason.empty())
    text("reason", reason);
  if (tried && bound)
    number("bound", *bound);
  else if (tried)
    text("bound", "vacuous");
  if (hasForm) {
    text("considered", method);
    number("approximation", approximation);
    number("rounding", rounding);
    if (failure)
      number("failure", failure);
    text("condition", condition);
  }
  out.push_back(b.getNamedAttr("before", printWork(b, before, secondsBefore)));
  if (hasForm)
    out.push_back(b.getNamedAttr("after", printWork(b, after, secondsAfter)));
  return b.getDictionaryAttr(out);
}

SiteRecords::SiteRecords(ModuleOp module) : module(module) {
  if (auto list = module->getAttrOfType<ArrayAttr>(kSitesAttr))
    for (Attribute site : list)
      if (auto dict = dyn_cast<DictionaryAttr>(site);
          dict && dict.getAs<StringAttr>("class") &&
          dict.getAs<StringAttr>("class").getValue() == "certified")
        earlier.push_back(site);
}

SiteRecord &SiteRecords::add(const AttentionSite &site) {
  SiteRecord &record = records.emplace_back();
  record.location = describeLocation(site.op.getLoc());
  if (auto fn = site.op->getParentOfType<FunctionOpInterface>())
    record.function = fn.getName().str();
  record.contract = site.contract;
  record.before = site.exactWork();
  record.secondsBefore = site.exactSeconds();
  return record;
}

void SiteRecords::write() {
  Builder b(module.getContext());
  SmallVector<Attribute> all = earlier;
  for (const SiteRecord &record : records)
    all.push_back(record.print(b));
  if (all.empty())
    module->removeAttr(kSitesAttr);
  else
    module->setAttr(kSitesAttr, b.getArrayAttr(all));
}
