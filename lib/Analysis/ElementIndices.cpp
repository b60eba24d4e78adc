//===- ElementIndices.cpp - numbers that say where an element is read -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Analysis/Elements.h"
#include "linnet/Analysis/SizeOrigin.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

using namespace mlir;
using namespace linnet;

//===----------------------------------------------------------------------===//
// Counters
//===----------------------------------------------------------------------===//

void Elements::rebind(unsigned from, AffineExpr to) {
  for (auto &[value, at] : bound)
    at = simplify(at.replace(variable(from), to));
}

bool Elements::isWithin(Value v) const {
  return llvm::any_of(bound, [&](const auto &b) {
    Value counter = b.first;
    return counter.getParentRegion()->isAncestor(v.getParentRegion());
  });
}

//===----------------------------------------------------------------------===//
// Slices
//===----------------------------------------------------------------------===//

std::optional<Element> Elements::sliced(tensor::ExtractSliceOp op, const Element &e) {
  // of unknown size, it may hold fewer elements than its variables would run over
  for (auto [d, size] : llvm::enumerate(op.getMixedSizes()))
    if (!getConstantIntValue(size) && !(sizeOrigin(size) == sizeOrigin(op.getSource(), d)))
      return std::nullopt;
  if (llvm::any_of(op.getStaticStrides(), ShapedType::isDynamic))
    return std::nullopt;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  ArrayRef<AffineExpr> at = e.at;
  Element out{op.getSource(), {}};
  for (auto [d, offset] : llvm::enumerate(op.getMixedOffsets())) {
    auto number = getConstantIntValue(offset);
    AffineExpr x = number ? getAffineConstantExpr(*number, ctx) : index({cast<Value>(offset), {}});
    if (!x)
      return std::nullopt;
    if (!dropped[d]) {
      x = at.front() * op.getStaticStrides()[d] + x;
      at = at.drop_front();
    }
    out.at.push_back(x);
  }
  return out;
}

/// Where the indices are known and lie within the data: elsewhere zeros are read, and reported.
std::optional<Element> Elements::gathered(GatherOp op, const Element &e) {
  auto data = op.getData().getType();
  unsigned axis = op.getAxis(), batch = op.getBatchDims(),
           rank = op.getIndices().getType().getRank() - batch;
  ArrayRef<AffineExpr> at = e.at;
  Element number{op.getIndices(), llvm::to_vector(at.take_front(batch))};
  llvm::append_range(number.at, at.slice(axis, rank));
  AffineExpr i = index(number);
  if (!i || data.isDynamicDim(axis) || within(i, 0, data.getDimSize(axis)) <= 0)
    return std::nullopt;
  Element out{op.getData(), llvm::to_vector(at.take_front(axis))};
  out.at.push_back(i);
  llvm::append_range(out.at, at.drop_front(axis + rank));
  return out;
}

//===----------------------------------------------------------------------===//
// Indices
//===----------------------------------------------------------------------===//

/// start + step * i for the elements of a constant whose other sizes are 1.
static std::optional<std::pair<int64_t, int64_t>> progression(DenseIntElementsAttr values) {
  auto all = values.getValues<APInt>();
  int64_t n = all.size();
  if (n == 0 || !llvm::is_contained(values.getType().getShape(), n))
    return std::nullopt;
  int64_t first = (*all.begin()).getSExtValue();
  int64_t step = n > 1 ? (*(all.begin() + 1)).getSExtValue() - first : 0, expected = first;
  for (const APInt &v : all) {
    if (v.getSExtValue() != expected)
      return std::nullopt;
    expected += step;
  }
  return std::pair(first, step);
}

/// What keeps an index in range where it is: maximum and minimum, and numbers that count from the
/// end if negative.
AffineExpr Elements::clamped(const Element &e) {
  Operation *op = e.value.getDefiningOp();
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    Element condition = source(operand(e, 0));
    auto compare = this->op<arith::CmpIOp>(condition);
    if (!compare)
      return {};
    bool less = compare.getPredicate() == arith::CmpIPredicate::slt;
    if (!less && compare.getPredicate() != arith::CmpIPredicate::sge)
      return {};
    AffineExpr a = index(operand(condition, 0)), b = index(operand(condition, 1));
    if (a && b && isNonNegative(simplify(a - b)))
      return index(operand(e, less ? 2 : 1));
    return {};
  }
  AffineExpr a = index(operand(e, 0)), b = index(operand(e, 1));
  if (!a || !b)
    return {};
  bool max = isa<arith::MaxSIOp>(op);
  if (isNonNegative(simplify(a - b)))
    return max ? a : b;
  return isNonNegative(simplify(b - a)) ? (max ? b : a) : AffineExpr();
}

AffineExpr Elements::index(const Element &element) {
  Element e = source(element);
  if (AffineExpr at = boundTo(e.value))
    return simplify(at);
  Operation *op = e.value.getDefiningOp();
  if (!op)
    return {};
  if (auto i = dyn_cast<linalg::IndexOp>(op))
    return e.at[i.getDim()];
  if (isa<arith::IndexCastOp, arith::ExtSIOp>(op))
    return index(operand(e, 0));
  if (isa<arith::TruncIOp>(op)) // positions fit 32 bits, not fewer
    return e.type().getIntOrFloatBitWidth() >= 32 ? index(operand(e, 0)) : AffineExpr();
  if (isa<arith::ExtUIOp>(op)) {
    AffineExpr i = index(operand(e, 0));
    return i && isNonNegative(i) ? i : AffineExpr();
  }
  if (auto c = dyn_cast<arith::ConstantOp>(op)) {
    if (!isa<IntegerType, IndexType>(e.type()))
      return {};
    if (auto value = constant(e))
      return getAffineConstantExpr(static_cast<int64_t>(*value), ctx);
    auto dense = dyn_cast<DenseIntElementsAttr>(c.getValue());
    auto steps = dense ? progression(dense) : std::nullopt;
    if (!steps)
      return {};
    auto shape = cast<RankedTensorType>(e.value.getType()).getShape();
    AffineExpr i = e.at[llvm::find(shape, dense.getNumElements()) - shape.begin()];
    return simplify(i * steps->second + steps->first);
  }
  if (isa<arith::MaxSIOp, arith::MinSIOp, arith::SelectOp>(op))
    return clamped(e);
  if (!isa<arith::AddIOp, arith::SubIOp, arith::MulIOp>(op))
    return {};
  AffineExpr a = index(operand(e, 0)), b = index(operand(e, 1));
  if (!a || !b)
    return {};
  if (isa<arith::MulIOp>(op))
    return a.isSymbolicOrConstant() || b.isSymbolicOrConstant() ? simplify(a * b) : AffineExpr();
  return simplify(isa<arith::AddIOp>(op) ? a + b : a - b);
}
