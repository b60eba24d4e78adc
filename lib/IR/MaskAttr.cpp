//===- MaskAttr.cpp - the mask attribute ----------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/LinnetDialect.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace linnet;

namespace {
/// The parameters of the attribute while they are collected.
struct Conditions {
  bool causal = false, window = false, isExplicit = false, kvLengths = false, segments = false;
  std::optional<int64_t> left, right;

  bool *find(StringRef keyword) {
    return llvm::StringSwitch<bool *>(keyword)
        .Case("causal", &causal)
        .Case("window", &window)
        .Case("explicit", &isExplicit)
        .Case("kv_lengths", &kvLengths)
        .Case("segments", &segments)
        .Default(nullptr);
  }
};
} // namespace

/// `<` (`left` | `right`) `=` integer, ... `>`
static ParseResult parseWindow(AsmParser &p, Conditions &c) {
  return p.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, [&]() -> ParseResult {
    StringRef side;
    SMLoc loc = p.getCurrentLocation();
    int64_t size;
    if (p.parseKeyword(&side))
      return failure();
    if (side != "left" && side != "right")
      return p.emitError(loc) << "unknown side '" << side << "', expected left or right";
    auto &slot = side == "left" ? c.left : c.right;
    if (slot)
      return p.emitError(loc) << "side '" << side << "' is given twice";
    if (p.parseEqual() || p.parseInteger(size))
      return failure();
    slot = size;
    return success();
  });
}

static ParseResult parseCondition(AsmParser &p, Conditions &c) {
  StringRef keyword;
  SMLoc loc = p.getCurrentLocation();
  if (p.parseKeyword(&keyword))
    return failure();
  bool *condition = c.find(keyword);
  if (!condition)
    return p.emitError(loc) << "unknown mask '" << keyword
                            << "', expected causal, window, explicit, kv_lengths or segments";
  if (*condition)
    return p.emitError(loc) << "mask '" << keyword << "' is given twice";
  *condition = true;
  return condition == &c.window ? parseWindow(p, c) : success();
}

Attribute MaskAttr::parse(AsmParser &p, Type) {
  Conditions c;
  SMLoc loc = p.getCurrentLocation();
  if (p.parseLess() ||
      p.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                [&] { return parseCondition(p, c); }) ||
      p.parseGreater())
    return {};
  return p.getChecked<MaskAttr>(loc, p.getContext(), c.causal, c.window, c.isExplicit, c.kvLengths,
                                c.segments, c.left, c.right);
}

void MaskAttr::print(AsmPrinter &p) const {
  SmallVector<std::string> parts;
  if (getCausal())
    parts.push_back("causal");
  if (getWindow()) {
    SmallVector<std::string> sides;
    if (getLeft())
      sides.push_back("left = " + std::to_string(*getLeft()));
    if (getRight())
      sides.push_back("right = " + std::to_string(*getRight()));
    parts.push_back("window<" + llvm::join(sides, ", ") + ">");
  }
  if (getIsExplicit())
    parts.push_back("explicit");
  if (getKvLengths())
    parts.push_back("kv_lengths");
  if (getSegments())
    parts.push_back("segments");
  p << "<[" << llvm::join(parts, ", ") << "]>";
}

LogicalResult MaskAttr::verify(function_ref<InFlightDiagnostic()> emitError, bool /*causal*/,
                               bool window, bool /*isExplicit*/, bool /*kvLengths*/,
                               bool /*segments*/, std::optional<int64_t> left,
                               std::optional<int64_t> right) {
  if (window != (left || right))
    return emitError() << "expects a window with a left or a right side, and no side without one";
  for (auto side : {left, right})
    if (side && *side < 0)
      return emitError() << "expects a window side of at least 0, found " << *side;
  return success();
}

std::optional<int64_t> MaskAttr::getReachAfter() const {
  if (!getCausal())
    return getRight();
  return getRight() ? std::min<int64_t>(0, *getRight()) : 0;
}

MaskAttr MaskAttr::withCausal(bool on) const {
  return get(getContext(), on, getWindow(), getIsExplicit(), getKvLengths(), getSegments(),
             getLeft(), getRight());
}

MaskAttr MaskAttr::withExplicit(bool on) const {
  return get(getContext(), getCausal(), getWindow(), on, getKvLengths(), getSegments(), getLeft(),
             getRight());
}

MaskAttr MaskAttr::withWindow(std::optional<int64_t> left, std::optional<int64_t> right) const {
  return get(getContext(), getCausal(), left || right, getIsExplicit(), getKvLengths(),
             getSegments(), left, right);
}
