//===- LinearizeAttention.cpp - attention under a contract -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Sites.h"
#include "linnet/IR/Locations.h"
#include "linnet/Transforms/Linearize.h"
#include "linnet/Transforms/Passes.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Regex.h"

namespace linnet {
#define GEN_PASS_DEF_LINEARIZEATTENTION
#include "linnet/Transforms/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;
using namespace linnet::linearize;

namespace {

/// What the contract's metric makes of a certificate.
struct Errors {
  double total = 0, approximation = 0, rounding = 0;
  std::string print() const {
    return printNumber(total) + " (approximation " + printNumber(approximation) + ", rounding " +
           printNumber(rounding) + ")";
  }
};

/// The choice at one site.
class Decision {
public:
  explicit Decision(AttentionSite &site) : site(site) {}
  /// The fastest form that meets the contract and pays, or null with `why`.
  const LinearForm *choose();
  std::string why;
  bool vacuous = true; ///< no bound at all
  Errors errors;       ///< of the form, or of the one nearest to the contract
  const LinearForm *nearest = nullptr;

private:
  bool measure(const Certificate &certificate, Errors &out);
  bool accept(const LinearForm &form, const Errors &errors);
  bool findRange();

  AttentionSite &site;
  SmallVector<LinearForm> forms;
  std::optional<Interval> values;
};

class LinearizeAttention : public linnet::impl::LinearizeAttentionBase<LinearizeAttention> {
public:
  using LinearizeAttentionBase::LinearizeAttentionBase;
  void runOnOperation() override;

private:
  LogicalResult readOptions();
  ContractAttr contractOf(AttentionOp op);
  void nameSites(ArrayRef<AttentionOp> ops);
  LogicalResult visit(AttentionOp op, SiteRecords &records);
  LogicalResult keep(AttentionSite &site, SiteRecord &record, const Twine &why, bool refused);
  LogicalResult rewrite(AttentionSite &site, SiteRecord &record);

  ContractAttr given;
  CostModel model;
  llvm::DenseSet<Operation *> differentiated;
};

} // namespace

//===----------------------------------------------------------------------===//
// Decision
//===----------------------------------------------------------------------===//

/// The values' range, which an absolute error is measured by.
bool Decision::findRange() {
  if (!values) {
    ValueBounds bounds(site.op.getContext());
    values = bounds.range(site.op.getV());
    if (!values->isBounded())
      why = "metric max_abs needs the range of the values: " +
            describeValue(bounds.getUnknown() ? bounds.getUnknown() : site.op.getV()) +
            " may have any size";
  }
  return values->isBounded();
}

bool Decision::measure(const Certificate &c, Errors &out) {
  double rounding = c.rounding;
  Type type = site.op.getO().getType().getElementType();
  if (!type.isF32())
    rounding += (1 + rounding) * (type.isBF16() ? 0x1p-8 : 0x1p-11);
  out = {0, 2 * c.weights, rounding};
  if (site.contract.getMetric() == ContractMetric::max_abs) {
    if (!findRange())
      return false;
    out.approximation = c.weights * (values->high - values->low);
    out.rounding = rounding * values->magnitude();
  }
  out.total = out.approximation + out.rounding;
  return !std::isnan(out.total);
}

bool Decision::accept(const LinearForm &form, const Errors &e) {
  const Certificate &c = form.certificate;
  double bound = site.contract.getBound();
  if (e.total > bound) {
    why = llvm::formatv("{0} has the bound {1}, {2} times the contract's {3}", c.method, e.print(),
                        printNumber(e.total / bound), printNumber(bound));
    return false;
  }
  if (c.failure > site.contract.getFailure()) {
    why = llvm::formatv("{0} exceeds its bound with a probability of {1}, and the contract "
                        "allows {2}",
                        c.method, printNumber(c.failure), printNumber(site.contract.getFailure()));
    return false;
  }
  double exact = site.exactSeconds();
  if (c.seconds >= site.cost.gain * exact && !(c.saves && !site.knowsKeys)) {
    why = llvm::formatv("{0} is certified but does not pay: {1} ms predicted, exact attention "
                        "takes {2} ms",
                        c.method, printNumber(c.seconds * 1e3), printNumber(exact * 1e3));
    return false;
  }
  return true;
}

const LinearForm *Decision::choose() {
  SmallVector<std::pair<std::string, std::string>> refusals; // reason, and the methods that have it
  for (const LinearizeMethod *method : getLinearizeMethods()) {
    if (site.contract.getMethod() != "auto" && site.contract.getMethod() != method->getName())
      continue;
    std::string refusal;
    method->propose(site, forms, refusal);
    auto same = llvm::find_if(refusals, [&](auto &r) { return r.first == refusal; });
    if (same != refusals.end())
      same->second += ", " + method->getName().str();
    else if (!refusal.empty())
      refusals.push_back({refusal, method->getName().str()});
  }
  const LinearForm *best = nullptr;
  std::string nearestWhy;
  Errors bestErrors;
  bool nearestMeets = false;
  for (const LinearForm &form : forms) {
    Errors e;
    if (!measure(form.certificate, e))
      continue;
    // weights that may be anything are off by 1 at most
    vacuous &= !(form.certificate.weights < 0.99 && std::isfinite(e.total));
    if (accept(form, e)) {
      if (!best || form.certificate.seconds < best->certificate.seconds)
        best = &form, bestErrors = e;
      continue;
    }
    // what to say if none is taken: certified ones that do not pay before those that miss the bound
    bool meets = e.total <= site.contract.getBound();
    bool better =
        !nearest || (meets && !nearestMeets) ||
        (meets == nearestMeets && (meets ? form.certificate.seconds < nearest->certificate.seconds
                                         : e.total < errors.total));
    if (better)
      nearest = &form, errors = e, nearestMeets = meets, nearestWhy = why;
  }
  if (best) {
    errors = bestErrors;
    return best;
  }
  if (!nearestWhy.empty())
    why = nearestWhy;
  else if (why.empty())
    for (auto &[reason, methods] : refusals)
      why += (Twine(why.empty() ? "" : "; ") + methods + ": " + reason).str();
  return nullptr;
}

//===----------------------------------------------------------------------===//
// Pass
//===----------------------------------------------------------------------===//

FailureOr<ContractAttr> linnet::parseContract(MLIRContext *context, StringRef given,
                                              std::string &error) {
  // parsed as the attribute is, so that its messages are the same, but for "1e-2"
  std::string text = given.str(), reason;
  llvm::Regex whole("(^|[^0-9.])([0-9]+)([eE][-+]?[0-9])");
  while (whole.match(text))
    text = whole.sub("\\1\\2.0\\3", text);
  if (!StringRef(text).starts_with("#"))
    text = "#linnet.contract<" + text + ">";
  ScopedDiagnosticHandler handler(context, [&](Diagnostic &d) {
    if (reason.empty())
      reason = d.str();
    return success();
  });
  context->getOrLoadDialect<LinnetDialect>();
  if (auto contract = dyn_cast_or_null<ContractAttr>(parseAttribute(text, context)))
    return contract;
  error = llvm::formatv("contract expects parameters like \"bound = 1e-2, method = taylor\", "
                        "found '{0}'{1}{2}",
                        given, reason.empty() ? "" : ": ", reason);
  return failure();
}

LogicalResult LinearizeAttention::readOptions() {
  Operation *module = getOperation();
  FailureOr<CostModel> loaded = CostModel::read(costModel, module->getLoc());
  if (failed(loaded))
    return failure();
  model = *loaded;
  given = {};
  if (contract.empty())
    return success();
  std::string error;
  auto parsed = parseContract(&getContext(), contract, error);
  if (failed(parsed))
    return emitError(UnknownLoc::get(&getContext())) << error;
  given = *parsed;
  return success();
}

ContractAttr LinearizeAttention::contractOf(AttentionOp op) {
  for (Operation *at = op; at; at = at->getParentOp())
    if (auto contract = at->getAttrOfType<ContractAttr>(kContractAttr))
      return contract;
  return given;
}

/// By where they are in the source, and by their order where that is not unique. Contracts come
/// along: inlined ops have left the function that had one.
void LinearizeAttention::nameSites(ArrayRef<AttentionOp> ops) {
  llvm::StringSet<> taken;
  for (AttentionOp op : ops)
    taken.insert(getSite(op.getLoc()));
  if (auto earlier = getOperation()->getAttrOfType<ArrayAttr>(kSitesAttr))
    for (auto site : earlier.getAsRange<DictionaryAttr>())
      if (auto name = site.getAs<StringAttr>("site"))
        taken.insert(name.getValue());
  for (AttentionOp op : ops) {
    if (ContractAttr contract = contractOf(op))
      op->setAttr(kContractAttr, contract);
    if (!getSite(op.getLoc()).empty())
      continue;
    std::string where = describeLocation(op.getLoc()), name = where;
    for (unsigned i = 1; !taken.insert(name).second; ++i)
      name = (where + "#" + Twine(i)).str();
    op->setLoc(nameSite(op.getLoc(), name));
  }
}

LogicalResult LinearizeAttention::keep(AttentionSite &site, SiteRecord &record, const Twine &why,
                                       bool refused) {
  record.reason = why.str();
  if (explain && final)
    emitRemark(site.op.getLoc(), "attention kept exact: ") << why;
  if (refused && site.contract.getFallback() == ContractFallback::error)
    return site.op.emitOpError() << "does not meet its contract: " << why;
  return success();
}

LogicalResult LinearizeAttention::rewrite(AttentionSite &site, SiteRecord &record) {
  Decision decision(site);
  const LinearForm *form = decision.choose();
  record.takeBound(decision.vacuous ? std::nullopt : std::optional(decision.errors.total));
  if (const LinearForm *seen = form ? form : decision.nearest)
    record.take(seen->certificate, decision.errors.approximation, decision.errors.rounding);
  if (!form)
    return keep(site, record, decision.why, /*refused=*/true);
  ImplicitLocOpBuilder b(site.op.getLoc(), site.op);
  Value result = form->build(b);
  record.certified = true;
  if (explain)
    emitRemark(site.op.getLoc(), "attention linearized: ")
        << form->certificate.method << ", bound " << decision.errors.print() << "; "
        << form->certificate.condition;
  site.op.getO().replaceAllUsesWith(result);
  if (!compare || !compareForms(site.op, result))
    site.op.erase();
  return success();
}

LogicalResult LinearizeAttention::visit(AttentionOp op, SiteRecords &records) {
  if (op->hasAttr(kCertifiedAttr))
    return success();
  AttentionSite site = describeSite(op, model);
  site.contract = contractOf(op);
  SiteRecord &record = records.add(site);
  if (!site.contract)
    return success();
  StringRef method = site.contract.getMethod();
  auto known = llvm::map_range(getLinearizeMethods(), [](auto *m) { return m->getName(); });
  if (method != "auto" && !llvm::is_contained(known, method))
    return op.emitOpError() << "has a contract with the unknown method '" << method
                            << "', expected auto, " << llvm::join(known, ", ");
  if (!rewrites)
    return keep(site, record, "contracts are for --linearize=contract", /*refused=*/false);
  if (site.contract.getScope() == ContractScope::inference &&
      differentiated.contains(op->getParentOfType<FunctionOpInterface>()))
    return keep(site, record, "its function is differentiated, and the contract is for inference",
                /*refused=*/false);
  site.logits = boundLogits(op);
  return rewrite(site, record);
}

void LinearizeAttention::runOnOperation() {
  if (failed(readOptions()))
    return signalPassFailure();
  differentiated = findDifferentiated(getOperation());
  SiteRecords records(getOperation());
  SmallVector<AttentionOp> ops;
  getOperation().walk([&](AttentionOp op) { ops.push_back(op); });
  if (namesSites)
    nameSites(ops);
  bool ok = true;
  for (AttentionOp op : ops)
    ok &= succeeded(visit(op, records));
  if (!ok)
    return signalPassFailure();
  records.write();
}
