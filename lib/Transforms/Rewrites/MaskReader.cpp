//===- MaskReader.cpp - conditions on positions ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "MaskReader.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

/// A condition of the form difference >= 0.
bool MaskReader::readInequality(AffineExpr difference) {
  if (g.isNonNegative(g.simplify(difference)))
    return true; // everywhere
  if (!row)
    return false;
  AffineExpr i = g.variable(*row), j = g.variable(key);
  auto constantOf = [&](AffineExpr e) -> std::optional<int64_t> {
    auto c = dyn_cast<AffineConstantExpr>(g.simplify(e));
    return c ? std::optional(c.getValue()) : std::nullopt;
  };
  if (auto c = constantOf(difference - i + j)) { // j <= i + c
    if (causal && *offset != *c)
      return false;
    causal = true;
    offset = c;
    return true;
  }
  auto c = constantOf(difference + i - j); // i - c <= j
  if (!c || left)
    return false;
  left = c;
  return true;
}

/// A constant whose elements say j <= i + c for all rows i and keys j.
bool MaskReader::readPattern(const Element &atom, bool negated) {
  auto op = atom.value.getDefiningOp<arith::ConstantOp>();
  auto values = op ? dyn_cast<DenseElementsAttr>(op.getValue()) : DenseElementsAttr();
  if (!values || !row || causal)
    return false;
  int64_t rowDim = -1, keyDim = -1;
  for (auto [d, x] : llvm::enumerate(atom.at)) {
    if (x == g.variable(*row))
      rowDim = d;
    else if (x == g.variable(key))
      keyDim = d;
    else if (values.getType().getDimSize(d) != 1)
      return false;
  }
  if (rowDim < 0 || keyDim < 0)
    return false;
  int64_t rows = values.getType().getDimSize(rowDim), keys = values.getType().getDimSize(keyDim);
  SmallVector<bool> all;
  if (values.getElementType().isInteger(1)) {
    llvm::append_range(all, values.getValues<bool>());
  } else if (isa<FloatType>(values.getElementType())) {
    for (const APFloat &x : values.getValues<APFloat>()) { // ones and zeros
      if (!x.isZero() && !x.isExactlyValue(1.0))
        return false;
      all.push_back(!x.isZero());
    }
  } else {
    return false;
  }
  auto visible = [&](int64_t i, int64_t j) {
    return all[rowDim < keyDim ? i * keys + j : j * rows + i] != negated;
  };
  int64_t shift = -1; // of the first row's last visible key
  while (shift + 1 < keys && visible(0, shift + 1))
    ++shift;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < keys; ++j)
      if (visible(i, j) != (j <= i + shift))
        return false;
  causal = true;
  offset = shift;
  return true;
}

bool MaskReader::readAtom(Element atom, bool negated) {
  atom = g.source(atom);
  if (auto c = g.constant(atom); c && (*c != 0) != negated)
    return true;
  if (auto invert = g.op<arith::XOrIOp>(atom))
    for (unsigned i = 0; i < 2; ++i)
      if (auto c = g.constant(g.operand(atom, i)); c && *c != 0)
        return readAtom(g.operand(atom, 1 - i), !negated);
  bool both = negated ? g.op<arith::OrIOp>(atom) != nullptr : g.op<arith::AndIOp>(atom) != nullptr;
  if (both)
    return readAtom(g.operand(atom, 0), negated) && readAtom(g.operand(atom, 1), negated);
  auto compare = g.op<arith::CmpIOp>(atom);
  if (!compare)
    return readPattern(atom, negated);
  AffineExpr l = g.index(g.operand(atom, 0)), r = g.index(g.operand(atom, 1));
  if (!l || !r)
    return false;
  auto p = compare.getPredicate();
  bool isUnsigned = p >= arith::CmpIPredicate::ult;
  if (isUnsigned && !(g.isNonNegative(l) && g.isNonNegative(r)))
    return false;
  if (negated)
    p = arith::invertPredicate(p);
  switch (p) {
  case arith::CmpIPredicate::eq:
    return g.simplify(l - r) == getAffineConstantExpr(0, l.getContext());
  case arith::CmpIPredicate::sge:
  case arith::CmpIPredicate::uge:
    return readInequality(g.simplify(l - r));
  case arith::CmpIPredicate::sgt:
  case arith::CmpIPredicate::ugt:
    return readInequality(g.simplify(l - r - 1));
  case arith::CmpIPredicate::sle:
  case arith::CmpIPredicate::ule:
    return readInequality(g.simplify(r - l));
  case arith::CmpIPredicate::slt:
  case arith::CmpIPredicate::ult:
    return readInequality(g.simplify(r - l - 1));
  default:
    return false;
  }
}

/// Whether every query certainly has a visible key among those that causal and window leave.
bool MaskReader::everyRowSees() const {
  if (!row || !causal || *offset < 0)
    return false;
  int64_t rows = g.extent(*row).size, keys = g.extent(key).size;
  if (!left || ShapedType::isDynamic(rows) || ShapedType::isDynamic(keys))
    return !left;
  for (int64_t i = 0; i < rows; ++i)
    if (i - *left > std::min(i + *offset, keys - 1))
      return false;
  return true;
}

bool MaskReader::read(const Element &condition, bool negated) {
  auto before = std::tuple(causal, left, offset);
  if (readAtom(condition, negated))
    return true;
  std::tie(causal, left, offset) = before;
  return false;
}
