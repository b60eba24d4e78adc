//===- Signature.cpp - what callers see of a function ---------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ProgramBuilder.h"
#include "linnet/IR/LinnetDialect.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;
using namespace linnet;

namespace {

class SignatureReader {
public:
  explicit SignatureReader(func::FuncOp func) : func(func), b(func.getContext()) {}
  FailureOr<Signature> read();

private:
  unsigned symbolNumber(StringAttr name);
  LogicalResult readArgument(unsigned i);
  LogicalResult readResult(unsigned i);
  LogicalResult readDonation(unsigned result);
  NamedAttrList describe(Type type, Attribute name, Attribute state);

  func::FuncOp func;
  Builder b;
  Signature s;
  llvm::StringMap<unsigned> numbers;
  llvm::StringMap<unsigned> states; ///< argument with a state, by name
};

} // namespace

unsigned SignatureReader::symbolNumber(StringAttr name) {
  auto [it, added] = numbers.try_emplace(name.getValue(), s.symbols.size());
  if (!added)
    return it->second;
  NamedAttrList symbol;
  symbol.set("name", name);
  if (auto bounds = func->getAttrOfType<DictionaryAttr>(kSymbolsAttr))
    if (auto own = bounds.getAs<DictionaryAttr>(name.getValue()))
      symbol.append(own.getValue());
  s.symbols.push_back(symbol.getDictionary(b.getContext()));
  return it->second;
}

/// A scalar is a tensor of rank 0; index is i64 outside.
NamedAttrList SignatureReader::describe(Type type, Attribute name, Attribute state) {
  auto outside = [&](Type element) { return element.isIndex() ? b.getI64Type() : element; };
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    type = RankedTensorType::get(tensor.getShape(), outside(tensor.getElementType()));
  else
    type = RankedTensorType::get({}, outside(type));
  NamedAttrList attrs;
  attrs.set("name", name ? name : b.getStringAttr(""));
  attrs.set("type", TypeAttr::get(type));
  if (state)
    attrs.set("state", state);
  return attrs;
}

LogicalResult SignatureReader::readArgument(unsigned i) {
  Type type = func.getArgumentTypes()[i];
  s.argumentSymbols.emplace_back();
  if (func.getArgAttr(i, kConstantAttr)) {
    s.argumentNumber.push_back(-1);
    if (!isa<RankedTensorType>(type) || !cast<RankedTensorType>(type).hasStaticShape())
      return func.emitError() << "expects a constant of static shape, found argument " << i
                              << " of type " << type;
    return success();
  }
  unsigned number = s.arguments.size();
  s.argumentNumber.push_back(number);
  auto state = func.getArgAttrOfType<StringAttr>(i, kStateAttr);
  NamedAttrList attrs = describe(type, func.getArgAttr(i, kNameAttr), state);
  if (state)
    states[state.getValue()] = i;
  if (Attribute initial = func.getArgAttr(i, kInitialAttr))
    attrs.set("initial", initial);
  auto names = func.getArgAttrOfType<ArrayAttr>(i, kDimsAttr);
  SmallVector<Attribute> dims;
  if (auto tensor = dyn_cast<RankedTensorType>(type)) {
    for (int64_t d = 0; d < tensor.getRank(); ++d) {
      if (!tensor.isDynamicDim(d))
        continue;
      StringAttr name = names ? dyn_cast<StringAttr>(names[d]) : StringAttr();
      if (!name)
        name = b.getStringAttr("arg" + Twine(number) + "." + Twine(d));
      dims.push_back(name);
      s.argumentSymbols.back().push_back(symbolNumber(name));
    }
  } else if (!type.isIntOrIndexOrFloat()) {
    return func.emitError() << "expects arguments that are tensors, integers or floats, found "
                            << type;
  }
  if (!dims.empty())
    attrs.set("dims", b.getArrayAttr(dims));
  s.arguments.push_back(attrs.getDictionary(b.getContext()));
  return success();
}

/// The argument whose memory a result takes over: of the same state, or by `linnet.donate`.
LogicalResult SignatureReader::readDonation(unsigned result) {
  std::optional<unsigned> arg;
  if (auto state = func.getResultAttrOfType<StringAttr>(result, kStateAttr))
    if (auto it = states.find(state.getValue()); it != states.end())
      arg = it->second;
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    if (auto donate = func.getArgAttrOfType<IntegerAttr>(i, kDonateAttr))
      if (donate.getInt() == result)
        arg = i;
  s.resultAlias.push_back(arg ? s.argumentNumber[*arg] : -1);
  if (!arg)
    return success();
  Type from = func.getArgumentTypes()[*arg], to = func.getResultTypes()[result];
  if (s.resultAlias.back() < 0 || from != to)
    return func.emitError() << "expects result " << result << " of type " << to
                            << " to take over memory of that type, found argument " << *arg
                            << " of type " << from;
  return success();
}

LogicalResult SignatureReader::readResult(unsigned i) {
  Type type = func.getResultTypes()[i];
  if (!isa<RankedTensorType>(type) && !type.isIntOrIndexOrFloat())
    return func.emitError() << "expects results that are tensors, integers or floats, found "
                            << type;
  NamedAttrList attrs =
      describe(type, func.getResultAttr(i, kNameAttr), func.getResultAttr(i, kStateAttr));
  s.results.push_back(attrs.getDictionary(b.getContext()));
  return readDonation(i);
}

FailureOr<Signature> SignatureReader::read() {
  for (unsigned i = 0; i < func.getNumArguments(); ++i)
    if (failed(readArgument(i)))
      return failure();
  for (unsigned i = 0; i < func.getNumResults(); ++i)
    if (failed(readResult(i)))
      return failure();
  return std::move(s);
}

FailureOr<Signature> Signature::read(func::FuncOp func) { return SignatureReader(func).read(); }
