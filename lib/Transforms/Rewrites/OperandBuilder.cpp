//===- OperandBuilder.cpp - tensors in the order that an op wants -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "OperandBuilder.h"
#include "linnet/Analysis/SizeOrigin.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::rewrites;

static RankedTensorType typeOf(Value x) { return cast<RankedTensorType>(x.getType()); }

/// As many dimensions as `counts` has entries, each of so many of x.
static SmallVector<ReassociationIndices> consecutive(ArrayRef<int64_t> counts) {
  SmallVector<ReassociationIndices> groups;
  int64_t at = 0;
  for (int64_t n : counts) {
    groups.emplace_back(llvm::to_vector<2>(llvm::seq<int64_t>(at, at + n)));
    at += n;
  }
  return groups;
}

//===----------------------------------------------------------------------===//
// Reshapes
//===----------------------------------------------------------------------===//

Value OperandBuilder::transposed(Value x, ArrayRef<int64_t> order) {
  if (llvm::equal(order, llvm::seq<int64_t>(0, order.size())))
    return x;
  SmallVector<OpFoldResult> sizes;
  for (int64_t d : order)
    sizes.push_back(tensor::getMixedSize(b, loc, x, d));
  Value init = tensor::EmptyOp::create(b, loc, sizes, typeOf(x).getElementType());
  return linalg::TransposeOp::create(b, loc, x, init, order)->getResult(0);
}

/// Groups of dimensions, each with exactly one that is kept, or none at all.
static SmallVector<ReassociationIndices> groupsAround(ArrayRef<bool> unit) {
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices group;
  bool kept = false;
  for (auto [d, isUnit] : llvm::enumerate(unit)) {
    if (!isUnit && kept) {
      groups.push_back(std::move(group));
      group = {};
    }
    kept |= !isUnit;
    group.push_back(d);
  }
  if (kept)
    groups.push_back(std::move(group));
  return groups;
}

Value OperandBuilder::dropUnits(Value x, ArrayRef<bool> unit) {
  if (!llvm::is_contained(unit, true))
    return x;
  return tensor::CollapseShapeOp::create(b, loc, x, groupsAround(unit));
}

Value OperandBuilder::insertUnits(Value x, ArrayRef<bool> unit) {
  if (!llvm::is_contained(unit, true))
    return x;
  SmallVector<OpFoldResult> sizes;
  SmallVector<int64_t> shape;
  unsigned at = 0;
  for (bool isUnit : unit) {
    sizes.push_back(isUnit ? OpFoldResult(b.getIndexAttr(1)) : tensor::getMixedSize(b, loc, x, at));
    shape.push_back(isUnit ? 1 : typeOf(x).getDimSize(at));
    at += !isUnit;
  }
  auto type = RankedTensorType::get(shape, typeOf(x).getElementType());
  return tensor::ExpandShapeOp::create(b, loc, type, x, groupsAround(unit), sizes);
}

Value OperandBuilder::merged(Value x, ArrayRef<int64_t> counts) {
  if (llvm::all_of(counts, [](int64_t n) { return n == 1; }))
    return x;
  return tensor::CollapseShapeOp::create(b, loc, x, consecutive(counts));
}

Value OperandBuilder::split(Value x, ArrayRef<int64_t> counts, ArrayRef<unsigned> variables) {
  if (llvm::all_of(counts, [](int64_t n) { return n == 1; }))
    return x;
  SmallVector<OpFoldResult> sizes;
  SmallVector<int64_t> shape;
  for (unsigned v : variables) {
    sizes.push_back(sizeOf(v));
    shape.push_back(g.extent(v).size);
  }
  auto type = RankedTensorType::get(shape, typeOf(x).getElementType());
  return tensor::ExpandShapeOp::create(b, loc, type, x, consecutive(counts), sizes);
}

/// Repeats x, whose dimensions are `present`, along the variables of `all` that it lacks.
Value OperandBuilder::repeated(Value x, ArrayRef<unsigned> present, ArrayRef<unsigned> all) {
  if (present.size() == all.size())
    return x;
  SmallVector<int64_t> shape, dims;
  SmallVector<Value> sizes;
  for (auto [d, v] : llvm::enumerate(all)) {
    const unsigned *own = llvm::find(present, v);
    if (own != present.end()) {
      dims.push_back(d);
      shape.push_back(typeOf(x).getDimSize(own - present.begin()));
      if (ShapedType::isDynamic(shape.back()))
        sizes.push_back(tensor::DimOp::create(b, loc, x, own - present.begin()));
      continue;
    }
    shape.push_back(g.extent(v).size);
    if (ShapedType::isDynamic(shape.back()))
      sizes.push_back(cast<Value>(sizeOf(v)));
  }
  auto type = RankedTensorType::get(shape, typeOf(x).getElementType());
  return BroadcastOp::create(b, loc, type, x, /*like=*/Value(), sizes,
                             b.getDenseI64ArrayAttr(dims));
}

/// Cut to the elements that limited variables count.
Source OperandBuilder::limited(Source s) {
  for (auto &[element, holder] : known)
    if (holder.tensor == s.tensor) // made of so many
      return s;
  SmallVector<OpFoldResult> sizes = tensor::getMixedSizes(b, loc, s.tensor);
  bool cut = false;
  for (auto [d, variables] : llvm::enumerate(s.dims)) {
    auto count = variables.size() == 1 ? limits.find(variables[0]) : limits.end();
    if (count == limits.end() || sizeOrigin(s.tensor, d) == sizeOrigin(count->second))
      continue;
    sizes[d] = count->second;
    cut = true;
  }
  SmallVector<OpFoldResult> zeros(sizes.size(), b.getIndexAttr(0)),
      ones(sizes.size(), b.getIndexAttr(1));
  if (cut)
    s.tensor = tensor::ExtractSliceOp::create(b, loc, s.tensor, zeros, sizes, ones);
  return s;
}

Value OperandBuilder::get(const Source &source, ArrayRef<Variables> axes, bool stretch) {
  const Source s = limits.empty() ? source : limited(source);
  SmallVector<bool> unit;
  SmallVector<unsigned> kept;
  SmallVector<int64_t> parts, order, counts;
  for (const Variables &d : s.dims) {
    unit.push_back(d.empty());
    llvm::append_range(kept, d);
    if (!d.empty())
      parts.push_back(d.size());
  }
  Value x = split(dropUnits(s.tensor, unit), parts, kept);
  SmallVector<bool> unitAxes;
  SmallVector<unsigned> present, all;
  for (const Variables &axis : axes) {
    bool any = llvm::any_of(axis, [&](unsigned v) { return s.uses(v); });
    unitAxes.push_back(axis.empty() || (!any && !stretch));
    if (unitAxes.back())
      continue;
    counts.push_back(axis.size());
    for (unsigned v : axis) {
      all.push_back(v);
      if (!s.uses(v))
        continue;
      present.push_back(v);
      order.push_back(llvm::find(kept, v) - kept.begin());
    }
  }
  if (order.size() != kept.size())
    return {};
  x = repeated(transposed(x, order), present, all);
  return insertUnits(merged(x, counts), unitAxes);
}

Value OperandBuilder::get(const Element &e, ArrayRef<Variables> axes, bool stretch) {
  SmallVector<Source> all = sources(e);
  for (const Source &s : llvm::reverse(all))
    if (Value x = get(s, axes, stretch))
      return x;
  return {};
}

Value OperandBuilder::getColumns(const Element &e, Variables &order) {
  auto found = findColumns(e);
  if (!found)
    return {};
  Source s{found->first, {}};
  SmallVector<int64_t> counts, shape;
  SmallVector<OpFoldResult> whole, sizes, offsets;
  for (auto [d, columns] : llvm::enumerate(found->second)) {
    bool isSplit = columns.slice && columns.variables.size() == 2;
    counts.push_back(isSplit ? 2 : 1);
    if (isSplit) {
      s.dims.push_back({columns.variables[0]});
      shape.push_back(g.extent(columns.variables[0]).size);
      whole.push_back(b.getIndexAttr(shape.back()));
      sizes.push_back(whole.back());
      offsets.push_back(b.getIndexAttr(0));
    }
    s.dims.push_back(isSplit ? Variables{columns.variables[1]} : columns.variables);
    shape.push_back(columns.slice ? columns.slice->first : typeOf(s.tensor).getDimSize(d));
    whole.push_back(columns.slice ? b.getIndexAttr(shape.back())
                                  : tensor::getMixedSize(b, loc, s.tensor, d));
    sizes.push_back(columns.slice ? b.getIndexAttr(g.extent(columns.variables.back()).size)
                                  : whole.back());
    offsets.push_back(b.getIndexAttr(columns.slice ? columns.slice->second : 0));
  }
  if (llvm::is_contained(counts, 2))
    s.tensor = tensor::ExpandShapeOp::create(
        b, loc, RankedTensorType::get(shape, typeOf(s.tensor).getElementType()), s.tensor,
        consecutive(counts), whole);
  if (llvm::any_of(found->second, [](const Columns &c) { return c.slice.has_value(); })) {
    SmallVector<OpFoldResult> strides(sizes.size(), b.getIndexAttr(1));
    s.tensor = tensor::ExtractSliceOp::create(b, loc, s.tensor, offsets, sizes, strides);
  }
  SmallVector<Variables> axes;
  for (const Variables &d : s.dims)
    for (unsigned v : d) {
      order.push_back(v);
      axes.push_back({v});
    }
  return get(s, axes, /*stretch=*/false);
}

Value OperandBuilder::getNearest(const Element &e, ArrayRef<Variables> axes) {
  SmallVector<Source> all = sources(e);
  auto width = [](const Source &s) {
    return getElementTypeOrSelf(s.tensor).getIntOrFloatBitWidth();
  };
  const Source *best = nullptr;
  for (const Source &s : all)
    if (!best || (s.dims == best->dims && width(s) < width(*best)))
      best = &s;
  bool known = llvm::all_of(axes, [&](const Variables &axis) { return knowsSizes(axis); });
  return best && known ? get(*best, axes, /*stretch=*/true) : Value();
}

Value OperandBuilder::back(Value x, ArrayRef<Variables> axes, ArrayRef<Variables> dims,
                           RankedTensorType type) {
  SmallVector<bool> unit, unitDims;
  SmallVector<int64_t> counts, permutation, merges;
  SmallVector<unsigned> all;
  for (const Variables &axis : axes) {
    unit.push_back(axis.empty());
    if (axis.empty())
      continue;
    counts.push_back(axis.size());
    llvm::append_range(all, axis);
  }
  x = split(dropUnits(x, unit), counts, all);
  for (const Variables &d : dims) {
    unitDims.push_back(d.empty());
    if (!d.empty())
      merges.push_back(d.size());
    for (unsigned v : d)
      permutation.push_back(llvm::find(all, v) - all.begin());
  }
  x = insertUnits(merged(transposed(x, permutation), merges), unitDims);
  return x.getType() == type ? x : Value(tensor::CastOp::create(b, loc, type, x));
}
