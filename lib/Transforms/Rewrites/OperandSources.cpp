//===- OperandSources.cpp - tensors that hold an element ------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "OperandBuilder.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

static RankedTensorType typeOf(Value x) { return cast<RankedTensorType>(x.getType()); }

namespace {
/// offset + sum of factor * variable, the largest factor first.
struct Linear {
  SmallVector<std::pair<int64_t, unsigned>> terms;
  int64_t offset = 0;
};
} // namespace

static std::optional<Linear> readLinear(AffineExpr x) {
  Linear out;
  SmallVector<AffineExpr> rest = {x};
  while (!rest.empty()) {
    AffineExpr e = rest.pop_back_val();
    auto binary = dyn_cast<AffineBinaryOpExpr>(e);
    int64_t factor = 1;
    if (binary && e.getKind() == AffineExprKind::Add) {
      rest.append({binary.getLHS(), binary.getRHS()});
      continue;
    }
    if (auto c = dyn_cast<AffineConstantExpr>(e)) {
      out.offset += c.getValue();
      continue;
    }
    if (binary && e.getKind() == AffineExprKind::Mul)
      if (auto c = dyn_cast<AffineConstantExpr>(binary.getRHS())) {
        factor = c.getValue();
        e = binary.getLHS();
      }
    auto d = dyn_cast<AffineDimExpr>(e);
    if (!d)
      return std::nullopt;
    out.terms.push_back({factor, d.getPosition()});
  }
  llvm::sort(out.terms, std::greater<>());
  return out;
}

std::optional<Variables> OperandBuilder::readDim(AffineExpr x, int64_t size) {
  auto linear = readLinear(g.simplify(x));
  if (!linear || linear->offset)
    return std::nullopt;
  auto &terms = linear->terms;
  Variables out;
  for (auto [factor, v] : terms)
    out.push_back(v);
  if (terms.empty())
    return size == 1 ? std::optional(out) : std::nullopt;
  if (terms.size() == 1 && terms[0].first == 1 && limits.count(out[0]))
    return ShapedType::isDynamic(size) || g.extent(out[0]).size <= size ? std::optional(out)
                                                                        : std::nullopt;
  if (terms.size() == 1)
    return terms[0].first == 1 && g.extent(out[0]).size == size ? std::optional(out) : std::nullopt;
  int64_t expected = 1;
  for (auto [factor, v] : llvm::reverse(terms)) {
    if (factor != expected || ShapedType::isDynamic(g.extent(v).size))
      return std::nullopt;
    expected *= g.extent(v).size;
  }
  return expected == size ? std::optional(out) : std::nullopt;
}

std::optional<OperandBuilder::Columns> OperandBuilder::readColumns(AffineExpr x, int64_t size) {
  if (auto whole = readDim(x, size))
    return Columns{*whole, {}};
  auto linear = readLinear(g.simplify(x));
  if (!linear || linear->terms.empty() || linear->terms.size() > 2 ||
      linear->terms.back().first != 1 || ShapedType::isDynamic(size))
    return std::nullopt;
  Columns out;
  for (auto [factor, v] : linear->terms) {
    if (ShapedType::isDynamic(g.extent(v).size))
      return std::nullopt;
    out.variables.push_back(v);
  }
  int64_t width = linear->terms.size() == 2 ? linear->terms[0].first : size;
  int64_t last = linear->offset + g.extent(out.variables.back()).size;
  if (linear->offset < 0 || last > width ||
      (linear->terms.size() == 2 && g.extent(out.variables[0]).size * width != size))
    return std::nullopt;
  out.slice = std::pair(width, linear->offset);
  return out;
}

std::optional<std::pair<Value, SmallVector<OperandBuilder::Columns>>>
OperandBuilder::findColumns(const Element &e) {
  for (std::optional<Element> at = e; at; at = g.step(*at)) {
    if (!at->isTensor())
      continue;
    SmallVector<Columns> dims;
    Variables seen;
    for (auto [x, size] : llvm::zip_equal(at->at, typeOf(at->value).getShape())) {
      auto columns = readColumns(x, size);
      if (!columns ||
          llvm::any_of(columns->variables, [&](unsigned v) { return llvm::is_contained(seen, v); }))
        break;
      llvm::append_range(seen, columns->variables);
      dims.push_back(*columns);
    }
    if (dims.size() == at->at.size())
      return std::pair(at->value, dims);
  }
  return std::nullopt;
}

SmallVector<Source> OperandBuilder::sources(const Element &e) {
  SmallVector<Source> out;
  for (std::optional<Element> at = e; at; at = g.step(*at, /*throughCasts=*/true)) {
    for (auto &[element, holder] : known)
      if (element.value == at->value && element.at == at->at)
        return {holder};
    if (at->isTensor() && !g.isWithin(at->value)) {
      Source s{at->value, {}};
      for (auto [x, size] : llvm::zip_equal(at->at, typeOf(at->value).getShape())) {
        auto variables = readDim(x, size);
        if (!variables || llvm::any_of(*variables, [&](unsigned v) { return s.uses(v); }))
          break;
        s.dims.push_back(*variables);
      }
      if (s.dims.size() == at->at.size()) {
        for (auto [d, variables] : llvm::enumerate(s.dims))
          if (variables.size() == 1)
            places.try_emplace(variables[0], at->value, d);
        out.push_back(std::move(s));
      }
    }
    // what a narrower type has rounded stays so
    if (at->value.getDefiningOp<arith::TruncFOp>())
      break;
  }
  return out;
}

bool OperandBuilder::knowsSizes(ArrayRef<unsigned> variables) {
  return llvm::all_of(variables, [&](unsigned v) {
    return !ShapedType::isDynamic(g.extent(v).size) || places.count(v) || limits.count(v);
  });
}

OpFoldResult OperandBuilder::sizeOf(unsigned v) {
  int64_t size = g.extent(v).size;
  if (!ShapedType::isDynamic(size))
    return b.getIndexAttr(size);
  if (auto count = limits.find(v); count != limits.end())
    return count->second;
  auto [tensor, dim] = places.lookup(v);
  return OpFoldResult(tensor::DimOp::create(b, loc, tensor, dim).getResult());
}

std::optional<Element> OperandBuilder::sliced(const Element &element) {
  Element e = g.source(element, /*throughCasts=*/false);
  if (!e.isTensor() || g.isWithin(e.value))
    return std::nullopt;
  SmallVector<OpFoldResult> offsets, sizes, strides;
  Element out;
  bool all = true;
  for (auto [d, x] : llvm::enumerate(e.at)) {
    int64_t size = typeOf(e.value).getDimSize(d), offset = 0, stride = 1, count = size;
    out.at.push_back(x);
    if (!readDim(x, size)) {
      auto linear = readLinear(g.simplify(x));
      if (!linear || linear->terms.size() != 1 || linear->terms[0].first < 1)
        return std::nullopt;
      unsigned v = linear->terms[0].second;
      offset = linear->offset, stride = linear->terms[0].first, count = g.extent(v).size;
      if (ShapedType::isDynamic(count) || ShapedType::isDynamic(size) || offset < 0 ||
          offset + stride * (count - 1) >= size)
        return std::nullopt;
      out.at.back() = g.variable(v);
      all = false;
    }
    offsets.push_back(b.getIndexAttr(offset));
    strides.push_back(b.getIndexAttr(stride));
    sizes.push_back(ShapedType::isDynamic(count) ? tensor::getMixedSize(b, loc, e.value, d)
                                                 : OpFoldResult(b.getIndexAttr(count)));
  }
  if (all)
    return std::nullopt;
  out.value = tensor::ExtractSliceOp::create(b, loc, e.value, offsets, sizes, strides);
  return out;
}
