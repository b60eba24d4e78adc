//===- Sites.cpp - what is known and decided at every attention --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Sites.h"
#include "linnet/Analysis/SizeOrigin.h"
#include "linnet/IR/Locations.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include <cmath>

using namespace mlir;
using namespace linnet;
using namespace linnet::linearize;

//===----------------------------------------------------------------------===//
// Sites
//===----------------------------------------------------------------------===//

namespace {
/// What is known of a dimension's size: a number, or the symbol that names it and its maximum.
struct KnownSize {
  std::optional<int64_t> number, most;
  StringAttr symbol;
};
} // namespace

/// Symbols count of functions that are called from outside only: the runtime checks them there.
static bool isEnteredOnly(FunctionOpInterface fn) {
  auto module = fn->getParentOfType<ModuleOp>();
  return module && fn.isPublic() && SymbolTable::symbolKnownUseEmpty(fn, module);
}

static KnownSize sizeOf(Value tensor, int64_t dim) {
  SizeOrigin origin = sizeOrigin(tensor, dim);
  if (!origin.value)
    return {origin.dim, origin.dim, {}};
  auto arg = dyn_cast<BlockArgument>(origin.value);
  auto fn = arg ? dyn_cast<FunctionOpInterface>(arg.getOwner()->getParentOp()) : nullptr;
  if (!fn || origin.dim < 0 || !arg.getOwner()->isEntryBlock() || !isEnteredOnly(fn))
    return {};
  KnownSize known;
  if (auto names = fn.getArgAttrOfType<ArrayAttr>(arg.getArgNumber(), kDimsAttr))
    known.symbol = dyn_cast<StringAttr>(names[origin.dim]);
  auto symbols = fn->getAttrOfType<DictionaryAttr>(kSymbolsAttr);
  auto bounds = symbols && known.symbol ? symbols.getAs<DictionaryAttr>(known.symbol.getValue())
                                        : DictionaryAttr();
  if (auto most = bounds ? bounds.getAs<IntegerAttr>("max") : IntegerAttr())
    known.most = most.getInt();
  return known;
}

static bool haveSameLengths(AttentionOp op) {
  KnownSize queries = sizeOf(op.getQ(), 2), keys = sizeOf(op.getK(), 2);
  if (queries.number || keys.number)
    return queries.number == keys.number;
  return (queries.symbol && queries.symbol == keys.symbol) ||
         sizeOrigin(op.getQ(), 2) == sizeOrigin(op.getK(), 2);
}

/// A query sees the keys up to its own place, and there are as many of both.
static bool isPlainlyCausal(AttentionOp op) {
  MaskAttr masks = op.getMaskSet();
  return masks.getCausal() && !masks.getWindow() && !masks.getKvLengths() && !op.getQOffset() &&
         haveSameLengths(op);
}

AttentionSite linnet::linearize::describeSite(AttentionOp op, const CostModel &model) {
  AttentionSite site;
  site.op = op;
  site.cost = model;
  bool bounded = true;
  auto size = [&](Value x, unsigned d) -> double {
    KnownSize known = sizeOf(x, d);
    bounded &= known.most.has_value();
    return known.most.value_or(model.unknownSize);
  };
  site.keys = size(op.getK(), 2);
  site.mostKeys = bounded ? site.keys : std::numeric_limits<double>::infinity();
  site.knowsKeys = !op.getK().getType().isDynamicDim(2);
  site.batch = size(op.getQ(), 0);
  site.heads = size(op.getQ(), 1);
  site.queries = size(op.getQ(), 2);
  double pairs = site.batch * site.heads * site.queries * site.keys;
  site.mostPairs = bounded ? pairs : std::numeric_limits<double>::infinity();
  site.depth = size(op.getQ(), 3);
  site.keyHeads = size(op.getK(), 1);
  site.valueDepth = size(op.getV(), 3);
  site.scale = op.getScale() ? op.getScale()->convertToDouble() : 1 / std::sqrt(site.depth);
  site.sameLengths = haveSameLengths(op);
  site.causal = isPlainlyCausal(op);
  return site;
}

Work AttentionSite::exactWork() const {
  return {2 * scores() * (depth + valueDepth),
          4 * batch * (heads * queries + keyHeads * keys) * (depth + valueDepth)};
}

double AttentionSite::exactSeconds() const {
  double pairs = batch * heads * queries * (causal ? CostModel::causalKeys(keys) : keys);
  return cost.attentionSeconds(pairs, depth, valueDepth, exactWork().bytes);
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

DictionaryAttr SiteRecord::print(Builder &b) const {
  SmallVector<NamedAttribute> out;
  auto text = [&](StringRef name, const Twine &value) {
    out.push_back(b.getNamedAttr(name, b.getStringAttr(value)));
  };
  auto number = [&](StringRef name, double value) {
    out.push_back(b.getNamedAttr(name, b.getF64FloatAttr(value)));
  };
  text("location", location);
  if (!site.empty())
    text("site", site);
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
  record.site = getSite(site.op.getLoc()).str();
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
