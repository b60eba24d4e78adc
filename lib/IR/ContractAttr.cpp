//===- ContractAttr.cpp - the contract attribute ---------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/LinnetDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringSet.h"
#include <cmath>

using namespace mlir;
using namespace linnet;

namespace {
/// The parameters of the attribute while they are collected.
struct Parameters {
  std::optional<double> bound, failure;
  std::string method = "auto";
  int64_t seed = 0;
  ContractMetric metric = ContractMetric::rel_max;
  ContractEvidence evidence = ContractEvidence::proven;
  ContractScope scope = ContractScope::inference;
  ContractFallback fallback = ContractFallback::exact;
};
} // namespace

/// Integers are numbers, too. `1e-2` is none of MLIR's.
static ParseResult parseNumber(AsmParser &p, StringRef name, std::optional<double> &out) {
  SMLoc loc = p.getCurrentLocation();
  const char *text = loc.getPointer();
  double number;
  if (text[0] == '0' && text[1] == 'x') { // the bits of one that has no short form
    if (p.parseFloat(number))
      return failure();
    out = number;
    return success();
  }
  Attribute value;
  if (OptionalParseResult parsed = p.parseOptionalAttribute(value);
      parsed.has_value() && failed(*parsed))
    return failure();
  if (auto real = dyn_cast_or_null<FloatAttr>(value))
    out = real.getValueAsDouble();
  else if (auto integer = dyn_cast_or_null<IntegerAttr>(value); integer && !isa<BoolAttr>(value))
    out = integer.getValue().roundToDouble(/*isSigned=*/true);
  char next = *p.getCurrentLocation().getPointer();
  if (out && next != 'e' && next != 'E')
    return success();
  return p.emitError(loc) << "expects a number like 1.0e-2 as '" << name << "' of a contract";
}

template <typename Enum>
static ParseResult parseCase(AsmParser &p, StringRef name, Enum &out,
                             std::optional<Enum> (*symbolize)(StringRef), StringRef expected) {
  StringRef keyword;
  SMLoc loc = p.getCurrentLocation();
  if (p.parseKeyword(&keyword))
    return failure();
  auto value = symbolize(keyword);
  if (!value)
    return p.emitError(loc) << "unknown " << name << " '" << keyword << "', expected " << expected;
  out = *value;
  return success();
}

/// The value of the parameter `name`.
static ParseResult parseValue(AsmParser &p, SMLoc loc, StringRef name, Parameters &out) {
  if (name == "bound")
    return parseNumber(p, name, out.bound);
  if (name == "failure")
    return parseNumber(p, name, out.failure);
  if (name == "seed")
    return p.parseInteger(out.seed);
  if (name == "metric")
    return parseCase(p, name, out.metric, symbolizeContractMetric, "rel_max or max_abs");
  if (name == "evidence")
    return parseCase(p, name, out.evidence, symbolizeContractEvidence, "static");
  if (name == "scope")
    return parseCase(p, name, out.scope, symbolizeContractScope, "inference or training");
  if (name == "fallback")
    return parseCase(p, name, out.fallback, symbolizeContractFallback, "exact or error");
  if (name != "method")
    return p.emitError(loc) << "unknown parameter '" << name
                            << "' of a contract, expected bound, method, metric, failure, seed, "
                               "evidence, scope or fallback";
  StringRef method;
  if (p.parseKeyword(&method))
    return failure();
  out.method = method.str();
  return success();
}

Attribute ContractAttr::parse(AsmParser &p, Type) {
  Parameters c;
  llvm::StringSet<> seen;
  SMLoc start = p.getCurrentLocation();
  auto parameter = [&]() -> ParseResult {
    StringRef name;
    SMLoc loc = p.getCurrentLocation();
    if (p.parseKeyword(&name))
      return failure();
    if (!seen.insert(name).second)
      return p.emitError(loc) << "parameter '" << name << "' of a contract is given twice";
    return failure(p.parseEqual() || parseValue(p, loc, name, c));
  };
  if (p.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, parameter))
    return {};
  if (!c.bound) {
    p.emitError(start, "expects a contract with a bound");
    return {};
  }
  Builder b(p.getContext());
  return p.getChecked<ContractAttr>(start, p.getContext(), b.getF64FloatAttr(*c.bound),
                                    b.getStringAttr(c.method), c.metric,
                                    c.failure ? b.getF64FloatAttr(*c.failure) : FloatAttr(), c.seed,
                                    c.evidence, c.scope, c.fallback);
}

void ContractAttr::print(AsmPrinter &p) const {
  Parameters usual;
  p << "<bound = ";
  p.printFloat(getBoundAttr().getValue());
  if (getMethod() != usual.method)
    p << ", method = " << getMethod();
  if (getMetric() != usual.metric)
    p << ", metric = " << stringifyContractMetric(getMetric());
  if (getFailureAttr()) {
    p << ", failure = ";
    p.printFloat(getFailureAttr().getValue());
  }
  if (getSeed() != usual.seed)
    p << ", seed = " << getSeed();
  if (getEvidence() != usual.evidence)
    p << ", evidence = " << stringifyContractEvidence(getEvidence());
  if (getScope() != usual.scope)
    p << ", scope = " << stringifyContractScope(getScope());
  if (getFallback() != usual.fallback)
    p << ", fallback = " << stringifyContractFallback(getFallback());
  p << ">";
}

LogicalResult ContractAttr::verify(function_ref<InFlightDiagnostic()> emitError, FloatAttr bound,
                                   StringAttr, ContractMetric, FloatAttr failure, int64_t,
                                   ContractEvidence, ContractScope, ContractFallback) {
  double limit = bound.getValueAsDouble();
  if (!std::isfinite(limit) || limit <= 0)
    return emitError() << "expects a bound that is finite and positive, found " << limit;
  if (failure && !(failure.getValueAsDouble() > 0 && failure.getValueAsDouble() < 1))
    return emitError() << "expects a failure probability between 0 and 1, found "
                       << failure.getValueAsDouble();
  return success();
}
