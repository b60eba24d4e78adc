//===- Elements.cpp - from an element to those that it is made of -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Analysis/Elements.h"
#include "linnet/IR/Einsum.h"
#include "linnet/IR/LinnetOps.h"
#include "linnet/IR/Repeats.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include <cmath>

using namespace mlir;
using namespace linnet;

static linalg::LinalgOp loopsAround(Value scalar) {
  Block *block = scalar.getParentBlock();
  return block ? dyn_cast_or_null<linalg::LinalgOp>(block->getParentOp()) : nullptr;
}

static SmallVector<AffineExpr> apply(AffineMap map, ArrayRef<AffineExpr> at) {
  SmallVector<AffineExpr> out;
  for (AffineExpr e : map.getResults())
    out.push_back(e.replaceDims(at));
  return out;
}

/// The loops of an op at a coordinate of its result: every loop is a coordinate.
static std::optional<SmallVector<AffineExpr>> loopsAt(AffineMap map, ArrayRef<AffineExpr> at) {
  SmallVector<AffineExpr> loops(map.getNumDims());
  for (auto [e, x] : llvm::zip_equal(map.getResults(), at))
    if (auto d = dyn_cast<AffineDimExpr>(e))
      loops[d.getPosition()] = x;
  return loops;
}

//===----------------------------------------------------------------------===//
// What only moves elements
//===----------------------------------------------------------------------===//

/// An argument of a linalg region is an element of its operand.
std::optional<Element> Elements::stepArgument(const Element &e) {
  auto arg = cast<BlockArgument>(e.value);
  auto op = dyn_cast<linalg::LinalgOp>(arg.getOwner()->getParentOp());
  if (!op)
    return std::nullopt;
  OpOperand &operand = op->getOpOperand(arg.getArgNumber());
  if (op.isDpsInit(&operand) && op.getNumReductionLoops())
    return std::nullopt;
  return Element{operand.get(), apply(op.getMatchingIndexingMap(&operand), e.at)};
}

static std::optional<SmallVector<AffineExpr>> expandedFrom(tensor::ExpandShapeOp op,
                                                           ArrayRef<AffineExpr> at) {
  auto type = op.getResultType();
  SmallVector<AffineExpr> out;
  for (const auto &group : op.getReassociationIndices()) {
    AffineExpr sum = getAffineConstantExpr(0, op.getContext());
    for (int64_t d : group) {
      if (type.getDimSize(d) == 1)
        continue;
      bool first = sum == getAffineConstantExpr(0, op.getContext());
      if (type.isDynamicDim(d) && !first)
        return std::nullopt;
      sum = first ? at[d] : sum * type.getDimSize(d) + at[d];
    }
    out.push_back(sum);
  }
  return out;
}

static std::optional<SmallVector<AffineExpr>> collapsedFrom(tensor::CollapseShapeOp op,
                                                            ArrayRef<AffineExpr> at) {
  auto type = op.getSrcType();
  SmallVector<AffineExpr> out(type.getRank(), getAffineConstantExpr(0, op.getContext()));
  for (auto [x, group] : llvm::zip_equal(at, op.getReassociationIndices())) {
    SmallVector<int64_t> real = llvm::to_vector(
        llvm::make_filter_range(group, [&](int64_t d) { return type.getDimSize(d) != 1; }));
    AffineExpr rest = x;
    for (unsigned i = real.size(); i-- > 0;) {
      int64_t size = type.getDimSize(real[i]);
      if (ShapedType::isDynamic(size) && i)
        return std::nullopt;
      out[real[i]] = i ? rest % size : rest;
      rest = i ? rest.floorDiv(size) : rest;
    }
  }
  return out;
}

static std::optional<SmallVector<AffineExpr>> broadcastFrom(BroadcastOp op,
                                                            ArrayRef<AffineExpr> at) {
  SmallVector<AffineExpr> out;
  auto type = dyn_cast<RankedTensorType>(op.getInput().getType());
  if (!type)
    return out;
  for (auto [d, to] : llvm::enumerate(op.getMappedDims()))
    out.push_back(type.getDimSize(d) == 1 ? getAffineConstantExpr(0, op.getContext()) : at[to]);
  return out;
}

/// Where x lies within [from, from + size): 1, outside of it: -1, or 0 where it may be either.
int Elements::within(AffineExpr x, int64_t from, int64_t size) {
  Range r = range(x);
  if ((r.high && *r.high < from) || (r.low && *r.low >= from + size))
    return -1;
  return r.low && r.high && *r.low >= from && *r.high < from + size ? 1 : 0;
}

/// The part that holds all elements, if one does.
std::optional<Element> Elements::concatenated(tensor::ConcatOp op, const Element &e) {
  int64_t from = 0, dim = op.getDim();
  for (Value part : op.getInputs()) {
    int64_t size = cast<RankedTensorType>(part.getType()).getDimSize(dim);
    int where = ShapedType::isDynamic(size) ? 0 : within(e.at[dim], from, size);
    if (where == 0)
      return std::nullopt;
    if (where > 0) {
      Element out{part, e.at};
      out.at[dim] = e.at[dim] - from;
      return out;
    }
    from += size;
  }
  return std::nullopt;
}

std::optional<Element> Elements::inserted(tensor::InsertSliceOp op, const Element &e) {
  auto known = [](ArrayRef<int64_t> all) { return llvm::none_of(all, ShapedType::isDynamic); };
  if (!known(op.getStaticOffsets()) || !known(op.getStaticSizes()) ||
      llvm::any_of(op.getStaticStrides(), [](int64_t s) { return s != 1; }))
    return std::nullopt;
  llvm::SmallBitVector dropped = op.getDroppedDims();
  Element out{op.getSource(), {}};
  bool all = true;
  for (auto [d, offset] : llvm::enumerate(op.getStaticOffsets())) {
    int where = within(e.at[d], offset, op.getStaticSizes()[d]);
    if (where < 0)
      return Element{op.getDest(), e.at};
    all &= where > 0;
    if (!dropped[d])
      out.at.push_back(e.at[d] - offset);
  }
  return all ? std::optional(out) : std::nullopt;
}

std::optional<Element> Elements::extracted(tensor::ExtractOp op, const Element &e) {
  SmallVector<AffineExpr> at;
  for (Value i : op.getIndices()) {
    at.push_back(index({i, i.getParentBlock() == op->getBlock() ? e.at : decltype(e.at)()}));
    if (!at.back())
      return std::nullopt;
  }
  return Element{op.getTensor(), at};
}

/// Of one operand, of which nothing is summed.
static std::optional<Element> transposed(EinsumOp op, const Element &e) {
  if (op->getNumOperands() != 1)
    return std::nullopt;
  EinsumEquation names = op.getParsedEquation();
  SmallVector<AffineExpr> at;
  for (char c : names.operands[0]) {
    size_t i = names.result.find(c);
    if (i == std::string::npos)
      return std::nullopt;
    at.push_back(e.at[i]);
  }
  return Element{op->getOperand(0), at};
}

std::optional<Element> Elements::stepResult(const Element &e) {
  Operation *op = e.value.getDefiningOp();
  auto from = [](Value source, std::optional<SmallVector<AffineExpr>> at) {
    return at ? std::optional(Element{source, std::move(*at)}) : std::nullopt;
  };
  if (auto expand = dyn_cast<tensor::ExpandShapeOp>(op))
    return from(expand.getSrc(), expandedFrom(expand, e.at));
  if (auto collapse = dyn_cast<tensor::CollapseShapeOp>(op))
    return from(collapse.getSrc(), collapsedFrom(collapse, e.at));
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return sliced(slice, e);
  if (auto parts = dyn_cast<tensor::ConcatOp>(op))
    return concatenated(parts, e);
  if (auto insert = dyn_cast<tensor::InsertSliceOp>(op))
    return inserted(insert, e);
  if (auto repeat = dyn_cast<BroadcastOp>(op))
    return from(repeat.getInput(), broadcastFrom(repeat, e.at));
  if (auto cast = dyn_cast<tensor::CastOp>(op))
    return Element{cast.getSource(), e.at};
  if (auto splat = dyn_cast<tensor::SplatOp>(op))
    return Element{splat.getInput(), {}};
  if (auto gather = dyn_cast<GatherOp>(op))
    return gathered(gather, e);
  if (auto one = dyn_cast<tensor::FromElementsOp>(op); one && one.getElements().size() == 1)
    return Element{one.getElements()[0], {}};
  if (auto extract = dyn_cast<tensor::ExtractOp>(op))
    return extracted(extract, e);
  if (auto einsum = dyn_cast<EinsumOp>(op))
    return transposed(einsum, e);
  auto loops = dyn_cast<linalg::LinalgOp>(op);
  if (!loops || loops.getNumReductionLoops())
    return std::nullopt;
  auto result = cast<OpResult>(e.value);
  AffineMap map = loops.getIndexingMapMatchingResult(result);
  if (!map.isPermutation())
    return std::nullopt;
  Value yielded = loops.getBlock()->getTerminator()->getOperand(result.getResultNumber());
  return Element{yielded, *loopsAt(map, e.at)};
}

std::optional<Element> Elements::step(const Element &e, bool throughCasts) {
  std::optional<Element> next;
  if (isa<BlockArgument>(e.value))
    next = stepArgument(e);
  else if (Operation *cast = e.value.getDefiningOp();
           isa<arith::ExtFOp, arith::TruncFOp>(cast) && throughCasts)
    next = Element{cast->getOperand(0), e.at};
  else
    next = stepResult(e);
  if (!next)
    return std::nullopt;
  // a scalar of the function that a region reads
  if (!next->isTensor() && !loopsAround(next->value))
    next->at.clear();
  simplify(*next);
  return next;
}

Element Elements::source(Element e, bool throughCasts) {
  while (auto next = step(e, throughCasts))
    e = std::move(*next);
  return e;
}

SmallVector<Element> Elements::way(const Element &e, bool throughCasts) {
  SmallVector<Element> all = {e};
  while (auto next = step(all.back(), throughCasts))
    all.push_back(std::move(*next));
  return all;
}

//===----------------------------------------------------------------------===//
// Computation
//===----------------------------------------------------------------------===//

Operation *Elements::op(const Element &e) {
  Operation *op = e.value.getDefiningOp();
  // a constant is a source of its own
  if (!op || op->getNumOperands() == 0 ||
      !isa<arith::ArithDialect, math::MathDialect>(op->getDialect()))
    return nullptr;
  return op;
}

Element Elements::operand(const Element &e, unsigned i) {
  Value v = e.value.getDefiningOp()->getOperand(i);
  Element operand{v, e.at};
  if (!operand.isTensor() && !loopsAround(v))
    operand.at.clear();
  return operand;
}

std::optional<double> Elements::constant(const Element &element) {
  Element e = source(element);
  if (auto negated = op<arith::NegFOp>(e)) {
    auto c = constant(operand(e, 0));
    return c ? std::optional(-*c) : std::nullopt;
  }
  auto op = e.value.getDefiningOp<arith::ConstantOp>();
  if (!op)
    return std::nullopt;
  Attribute value = op.getValue();
  if (auto splat = dyn_cast<SplatElementsAttr>(value))
    value = splat.getSplatValue<Attribute>();
  if (auto f = dyn_cast<FloatAttr>(value))
    return f.getValueAsDouble();
  if (auto i = dyn_cast<IntegerAttr>(value))
    return static_cast<double>(i.getInt());
  return std::nullopt;
}

std::optional<Element> Elements::negated(const Element &element) {
  Element e = source(element);
  Operation *op = this->op(e);
  if (isa_and_nonnull<arith::NegFOp>(op))
    return operand(e, 0);
  if (isa_and_nonnull<arith::MulFOp, arith::DivFOp>(op))
    for (unsigned i = isa<arith::MulFOp>(op) ? 0 : 1; i < 2; ++i)
      if (constant(operand(e, i)) == -1.0)
        return operand(e, 1 - i);
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Reductions
//===----------------------------------------------------------------------===//

static bool isNeutral(std::optional<double> c, Elements::Reduction kind) {
  return c && (kind == Elements::Reduction::Sum ? *c == 0.0 : std::isinf(*c) && *c < 0);
}

static ReduceKind kindOf(Elements::Reduction kind) {
  return kind == Elements::Reduction::Sum   ? ReduceKind::sum
         : kind == Elements::Reduction::Max ? ReduceKind::max
                                            : ReduceKind::mean;
}

ReducedElement Elements::reducedOf(ReduceOp op, const Element &e) {
  ReducedElement out{{op.getInput(), {}}, {}, {}};
  unsigned rank = cast<RankedTensorType>(op.getInput().getType()).getRank(), at = 0;
  for (unsigned d = 0; d < rank; ++d) {
    if (!llvm::is_contained(op.getAxes(), d)) {
      out.element.at.push_back(e.at[at++]);
      continue;
    }
    at += op.getKeepdims();
    out.variables.push_back(addVariable(op.getInput(), d));
    out.element.at.push_back(simplify(variable(out.variables.back())));
  }
  return out;
}

/// What the loops of this result combine with what they have so far, an argument of the region;
/// null: they do not reduce it in this way.
static Value combined(linalg::LinalgOp loops, unsigned result, Elements::Reduction kind) {
  Operation *combiner = loops.getBlock()->getTerminator()->getOperand(result).getDefiningOp();
  bool matches = combiner && (kind == Elements::Reduction::Sum
                                  ? isa<arith::AddFOp>(combiner)
                                  : isa<arith::MaximumFOp, arith::MaxNumFOp>(combiner));
  if (!matches)
    return {};
  Value acc = loops.getRegionOutputArgs()[result];
  unsigned accAt = combiner->getOperand(0) == acc ? 0 : 1;
  Value other = combiner->getOperand(1 - accAt);
  return combiner->getOperand(accAt) == acc && other != acc ? other : Value();
}

/// A new variable over a loop: the dimension of an operand that it runs over; null without one.
AffineExpr Elements::loopVariable(linalg::LinalgOp op, unsigned loop,
                                  SmallVectorImpl<unsigned> &variables) {
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    auto position =
        op.getMatchingIndexingMap(&operand).getResultPosition(getAffineDimExpr(loop, ctx));
    if (!position)
      continue;
    variables.push_back(addVariable(operand.get(), *position));
    return simplify(variable(variables.back()));
  }
  return {};
}

std::optional<ReducedElement> Elements::reducedOf(linalg::LinalgOp op, const Element &e,
                                                  Reduction kind) {
  if (!op.getNumReductionLoops() || !op.hasPureTensorSemantics())
    return std::nullopt;
  auto result = cast<OpResult>(e.value);
  AffineMap map = op.getIndexingMapMatchingResult(result);
  if (!map.isProjectedPermutation(/*allowZeroInResults=*/true))
    return std::nullopt;
  Value element = combined(op, result.getResultNumber(), kind);
  if (!element)
    return std::nullopt;
  ReducedElement out{{element, *loopsAt(map, e.at)}, {}, {}};
  for (auto [d, x] : llvm::enumerate(out.element.at)) {
    if (!x)
      x = loopVariable(op, d, out.variables);
    if (!x)
      return std::nullopt;
  }
  Element start{op.getDpsInits()[result.getResultNumber()], e.at};
  if (!isNeutral(constant(start), kind))
    out.start = start;
  return out;
}

std::optional<ReducedElement> Elements::reduced(const Element &element, Reduction kind) {
  Element e = source(element);
  Operation *op = e.value.getDefiningOp();
  if (auto reduce = dyn_cast_or_null<ReduceOp>(op))
    return reduce.getKind() == kindOf(kind) ? std::optional(reducedOf(reduce, e)) : std::nullopt;
  auto loops = dyn_cast_or_null<linalg::LinalgOp>(op);
  return loops && kind != Reduction::Mean ? reducedOf(loops, e, kind) : std::nullopt;
}

std::optional<FactorSum> Elements::factorSum(const Element &element) {
  Element e = source(element);
  FactorSum out;
  if (auto einsum = e.value.getDefiningOp<EinsumOp>()) {
    EinsumEquation names = einsum.getParsedEquation();
    llvm::DenseMap<char, AffineExpr> at;
    for (auto [c, x] : llvm::zip_equal(names.result, e.at))
      at[c] = x;
    for (auto [operand, letters] : llvm::zip_equal(einsum->getOperands(), names.operands)) {
      Element &factor = out.factors.emplace_back(Element{operand, {}});
      for (auto [d, c] : llvm::enumerate(letters)) {
        if (!at.count(c)) {
          out.variables.push_back(addVariable(operand, d));
          at[c] = simplify(variable(out.variables.back()));
        }
        factor.at.push_back(at[c]);
      }
    }
    return out;
  }
  auto sum = reduced(e, Reduction::Sum);
  if (!sum)
    return std::nullopt;
  Element product = source(sum->element);
  if (op<arith::MulFOp>(product))
    out.factors = {operand(product, 0), operand(product, 1)};
  else
    out.factors = {sum->element};
  out.variables = std::move(sum->variables);
  out.start = sum->start;
  return out;
}

std::optional<ProductSum> Elements::productSum(const Element &e) {
  auto sum = factorSum(e);
  if (!sum || sum->factors.size() != 2)
    return std::nullopt;
  return ProductSum{sum->factors[0], sum->factors[1], sum->variables, sum->start};
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

/// Whether two places of one constant hold the same number, since it repeats itself.
bool Elements::sayTheSame(const Element &a, const Element &b) {
  if (a.value != b.value || !a.isTensor())
    return false;
  Repeats repeats = Repeats::of(a.value);
  if (repeats.empty())
    return false;
  auto equal = [&](unsigned d) {
    AffineExpr x = a.at[d], y = b.at[d];
    int64_t half = cast<RankedTensorType>(a.value.getType()).getDimSize(d) / 2;
    return x == y ||
           (llvm::is_contained(repeats.halves, d) && simplify(x % half) == simplify(y % half)) ||
           (llvm::is_contained(repeats.pairs, d) &&
            simplify(x.floorDiv(2)) == simplify(y.floorDiv(2)));
  };
  return llvm::all_of(llvm::seq<unsigned>(0, a.at.size()), equal);
}

bool Elements::same(const Element &first, const Element &second, int depth) {
  Element a = source(first), b = source(second);
  auto x = constant(a), y = constant(b);
  if (x || y)
    return x && y && *x == *y;
  if ((a.value == b.value && a.at == b.at) || sayTheSame(a, b))
    return true;
  Operation *p = op(a), *q = op(b);
  if (depth == 0 || !mayGoOn())
    return false;
  if (p && q) {
    if (p->getName() != q->getName() || p->getNumOperands() != q->getNumOperands())
      return false;
    if (auto compare = dyn_cast<arith::CmpFOp>(p))
      if (compare.getPredicate() != cast<arith::CmpFOp>(q).getPredicate())
        return false;
    if (auto compare = dyn_cast<arith::CmpIOp>(p))
      if (compare.getPredicate() != cast<arith::CmpIOp>(q).getPredicate())
        return false;
    auto pairwise = [&](bool crossed) {
      for (unsigned i = 0, n = p->getNumOperands(); i < n; ++i)
        if (!same(operand(a, i), operand(b, crossed ? n - 1 - i : i), depth - 1))
          return false;
      return true;
    };
    return pairwise(false) ||
           (p->hasTrait<OpTrait::IsCommutative>() && p->getNumOperands() == 2 && pairwise(true));
  }
  if (p || q)
    return false;
  unsigned before = size();
  for (Reduction kind : {Reduction::Sum, Reduction::Max, Reduction::Mean}) {
    auto r = reduced(a, kind), s = reduced(b, kind);
    if (!r || !s || r->variables.size() != s->variables.size())
      continue;
    for (auto [v, w] : llvm::zip(r->variables, s->variables))
      s->element = replace(s->element, w, simplify(variable(v)));
    bool starts = r->start ? s->start && same(r->start, s->start, depth - 1) : !s->start;
    bool equal = starts && same(r->element, s->element, depth - 1);
    restore(before);
    return equal;
  }
  restore(before);
  return false;
}

bool Elements::dependsOn(const Element &element, unsigned v, int depth) {
  auto mentions = [&](const Element &e) {
    return llvm::any_of(e.at, [&](AffineExpr x) { return x.isFunctionOfDim(v); });
  };
  // a slice within a loop hides that it changes with the counter
  bool hidden = llvm::any_of(bound, [&](auto &b) { return b.second.isFunctionOfDim(v); });
  auto may = [&](const Element &e) { return mentions(e) || (hidden && isWithin(e.value)); };
  if (!may(element))
    return false;
  Element e = source(element);
  if (!may(e) || constant(e))
    return false;
  if (!mayGoOn())
    return true;
  if (Operation *computed = op(e); computed && depth) {
    for (unsigned i = 0; i < computed->getNumOperands(); ++i)
      if (dependsOn(operand(e, i), v, depth - 1))
        return true;
    return false;
  }
  return true;
}
