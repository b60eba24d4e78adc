//===- PlainOpsEinsum.cpp - einsum and its equations ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Shapes.h"
#include "linnet/IR/LinnetOps.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace linnet;

/// An error for a group with something else than letters or with a letter twice.
static std::string checkGroup(StringRef group) {
  for (auto [i, c] : llvm::enumerate(group)) {
    if (!llvm::isAlpha(c))
      return ("expects letters, found '" + Twine(c) + "' in the equation").str();
    if (group.take_front(i).contains(c))
      return ("expects no letter twice in one group, found '" + group + "'").str();
  }
  return "";
}

std::optional<EinsumEquation> EinsumEquation::parse(StringRef text, std::string &error) {
  size_t arrow = text.find("->");
  if (arrow == StringRef::npos) {
    error = ("expects '->' in the equation, found '" + text + "'").str();
    return std::nullopt;
  }
  EinsumEquation equation;
  SmallVector<StringRef> groups;
  text.take_front(arrow).split(groups, ',');
  for (StringRef group : groups)
    equation.operands.push_back(group.str());
  equation.result = text.drop_front(arrow + 2).str();
  groups.push_back(equation.result);
  for (StringRef group : groups) {
    error = checkGroup(group);
    if (!error.empty())
      return std::nullopt;
  }
  for (char c : equation.result)
    if (llvm::none_of(equation.operands, [&](StringRef group) { return group.contains(c); })) {
      error = ("expects '" + Twine(c) + "' of the result in an operand").str();
      return std::nullopt;
    }
  return equation;
}

EinsumEquation EinsumOp::getParsedEquation() {
  std::string error;
  return *EinsumEquation::parse(getEquation(), error);
}

/// (C6): may a result of `to` hold the sum of products of `from`?
static bool isSumType(Type from, Type to) {
  return from == to || (isa<FloatType>(from) == isa<FloatType>(to) &&
                        from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth());
}

static FailureOr<RankedTensorType> inferType(EinsumOp::Adaptor op, std::optional<Location> loc) {
  std::string error;
  auto equation = EinsumEquation::parse(op.getEquation(), error);
  if (!equation)
    return emitOptionalError(loc, "'linnet.einsum' op ", error);
  ValueRange operands = op.getOperands_();
  if (equation->operands.size() != operands.size()) // (C2)
    return emitOptionalError(loc, "'linnet.einsum' op expects ", equation->operands.size(),
                             " operands for '", op.getEquation(), "', found ", operands.size());
  llvm::SmallDenseMap<char, int64_t> sizes;
  Type element = getElementTypeOrSelf(operands[0]);
  for (auto [i, group] : llvm::enumerate(equation->operands)) {
    auto type = cast<RankedTensorType>(operands[i].getType());
    if (static_cast<int64_t>(group.size()) != type.getRank()) // (C3)
      return emitOptionalError(loc,
                               "'linnet.einsum' op expects one letter per dimension of "
                               "operand ",
                               i, ", found '", group, "' for ", type);
    if (type.getElementType() != element) // (C6)
      return emitOptionalError(loc,
                               "'linnet.einsum' op expects operands of one element type, "
                               "found ",
                               element, " and ", type.getElementType());
    for (auto [c, size] : llvm::zip(group, type.getShape())) {
      int64_t &known = sizes.try_emplace(c, size).first->second;
      if (!mayBeEqual(known, size)) // (C5)
        return emitOptionalError(loc, "'linnet.einsum' op expects equal sizes for '",
                                 StringRef(&c, 1), "', found ", known, " and ", size);
      known = mergeSizes(known, size);
    }
  }
  SmallVector<int64_t> shape;
  for (char c : equation->result)
    shape.push_back(sizes.lookup(c));
  return RankedTensorType::get(shape, element);
}

LogicalResult EinsumOp::inferReturnTypes(MLIRContext *, std::optional<Location>, Adaptor op,
                                         SmallVectorImpl<Type> &types) {
  return inferOrGuess(inferType(op, std::nullopt), op.getOperands_().front(), types);
}

bool EinsumOp::isCompatibleReturnTypes(TypeRange, TypeRange) {
  return true; /* verify() compares */
}

LogicalResult EinsumOp::verify() {
  FailureOr<RankedTensorType> inferred = inferType(*this, getLoc());
  if (failed(inferred))
    return failure();
  RankedTensorType type = getResult().getType();
  if (!isSumType(inferred->getElementType(), type.getElementType())) // (C6)
    return emitOpError() << "expects result element type " << inferred->getElementType()
                         << " or a wider one, found " << type.getElementType();
  return verifyResult(*this, inferred->clone(type.getElementType()));
}

LogicalResult EinsumOp::reifyResultShapes(OpBuilder &b, ReifiedRankedShapedTypeDims &shapes) {
  EinsumEquation equation = getParsedEquation();
  RankedTensorType type = getResult().getType();
  SmallVector<OpFoldResult> sizes;
  for (auto [i, c] : llvm::enumerate(equation.result))
    for (auto [operand, group] : llvm::zip(getOperands_(), equation.operands)) {
      size_t dim = group.find(c);
      if (dim == std::string::npos)
        continue;
      sizes.push_back(sizeOf(b, getLoc(), operand, dim, type, i));
      break;
    }
  shapes.push_back(std::move(sizes));
  return success();
}

void EinsumOp::getEqualSizes(SmallVectorImpl<EqualSizes> &pairs) {
  llvm::SmallDenseMap<char, SizeRef> first;
  for (auto [operand, group] : llvm::enumerate(getParsedEquation().operands))
    for (auto [dim, c] : llvm::enumerate(group)) {
      SizeRef here = {static_cast<unsigned>(operand), static_cast<unsigned>(dim)};
      auto [it, isNew] = first.try_emplace(c, here);
      if (!isNew)
        pairs.push_back({it->second, here});
    }
}
