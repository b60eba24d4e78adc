//===- ContractionTiles.cpp - a workgroup's tile of a matrix product --------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "MmaTile.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

FailureOr<GPUContraction::Side> GPUContraction::side(const Operand &x, bool isUnsigned,
                                                     const DimGroup &group) {
  Side s;
  s.isUnsigned = isUnsigned;
  FailureOr<View> view = f.view(x.tensor);
  if (failed(view))
    return failure();
  s.view = *view;
  s.strides = operandStrides(e, x, s.view);
  s.group = &group;
  auto together = [&](const DimGroup &g) {
    return !g.empty() && CodeBuilder::constantOf(s.strides[g.back()]) == 1;
  };
  s.alongK = !together(group) && together(c.k);
  s.wide = s.alongK || together(group) ? 4 : 1;
  return s;
}

LogicalResult GPUContraction::prepare() {
  for (unsigned d = 0; d < c.op.getNumLoops(); ++d) {
    auto [tensor, dim] = c.sizeSource(d);
    int64_t known = c.staticSize(d);
    sizes.push_back(ShapedType::isDynamic(known) ? f.size(tensor, dim) : e.index(known));
  }
  auto product = [&](ArrayRef<unsigned> dims) {
    Value size = e.index(1);
    for (unsigned d : dims)
      size = e.mul(size, sizes[d]);
    return size;
  };
  m = product(c.m);
  n = product(c.n);
  k = product(c.k);
  outerK = product(c.outerK);
  const Arithmetic &t = c.arithmetic;
  FailureOr<Side> sideA = side(c.a, t.unsignedA, c.m), sideB = side(c.b, t.unsignedB, c.n);
  if (failed(sideA) || failed(sideB) || failed(epilogue.prepare()))
    return failure();
  a = *sideA;
  b = *sideB;
  return success();
}

/// Columns of tiles run fastest, so that workgroups at work together share rows.
void GPUContraction::findTile() {
  int64_t rows = shape.rows, columns = shape.columns;
  Value across = e.ceilDiv(n, columns), down = e.ceilDiv(m, rows);
  column0 = e.mul(e.rem(f.group, across), columns);
  Value rest = e.div(f.group, across);
  row0 = e.mul(e.rem(rest, down), rows);
  Value batch = e.div(rest, down);
  coordinates.assign(sizes.size(), e.index(0));
  for (unsigned d : llvm::reverse(c.batch)) {
    coordinates[d] = d == c.batch.front() ? batch : e.rem(batch, sizes[d]);
    batch = e.div(batch, sizes[d]);
  }
  for (Side *s : {&a, &b}) {
    s->offset = s->view.offset;
    for (unsigned d : c.batch)
      s->offset = e.add(s->offset, e.mul(coordinates[d], s->strides[d]));
  }
  a.size = m;
  a.first = row0;
  b.size = n;
  b.first = column0;
}

/// The step of k from `from` on. Accesses run along what lies together.
void GPUContraction::fill(ProductTile &tile, const Side &s, const ProductTile::Side &to, Value from,
                          Value offset) {
  Value strideK = stride(s, c.k), strideS = stride(s, *s.group);
  tile.fill(to, s.alongK, s.wide, [&](Value inK, Value inS) {
    Value atK = e.add(from, inK), atS = e.add(s.first, inS);
    Value position = e.add(offset, e.add(e.mul(atK, strideK), e.mul(atS, strideS)));
    return tile.fetch(s.view, position, s.wide, s.isUnsigned, [&](int64_t i) {
      return e.both(e.lt(s.alongK ? e.add(atK, i) : atK, k),
                    e.lt(s.alongK ? atS : e.add(atS, i), s.size));
    });
  });
}

Values GPUContraction::steps(ProductTile &tile) {
  Values sums = tile.zeros();
  return e.forLoop(e.index(0), outerK, e.index(1), sums, [&](Value outer, ValueRange carried) {
    Value offsetA = a.offset, offsetB = b.offset, rest = outer;
    for (unsigned d : llvm::reverse(c.outerK)) {
      Value at = d == c.outerK.front() ? rest : e.rem(rest, sizes[d]);
      rest = e.div(rest, sizes[d]);
      offsetA = e.add(offsetA, e.mul(at, a.strides[d]));
      offsetB = e.add(offsetB, e.mul(at, b.strides[d]));
    }
    return tile.steps(k, carried, [&](Value from) {
      fill(tile, a, tile.a, from, offsetA);
      fill(tile, b, tile.b, from, offsetB);
    });
  });
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

/// The epilogue at one element of the tile, where that exists.
void GPUContraction::finishAt(Value sum, Value row, Value column) {
  Value r = e.add(row0, row), q = e.add(column0, column);
  e.ifThen(e.both(e.lt(r, m), e.lt(q, n)), [&] {
    Values at = coordinates;
    if (!c.m.empty())
      at[c.m.back()] = r;
    if (!c.n.empty())
      at[c.n.back()] = q;
    auto root = cast<ShapedType>(c.op->getResult(0).getType());
    Values rootAt(root.getRank(), e.index(0));
    for (auto [d, dim] : llvm::enumerate(c.rootDim))
      if (dim != kNoDim)
        rootAt[dim] = at[d];
    if (failed(epilogue.apply(sum, rootAt, kNoDim, 0, {})))
      status = failure();
  });
}

void GPUContraction::runOnTiles() {
  ProductTile tile(e, shape, c.arithmetic.compute);
  findTile();
  Values sums = steps(tile);
  auto finish = [&](Value sum, Value row, Value column) { finishAt(sum, row, column); };
  if (c.epilogue.isTrivial())
    tile.finishDirectly(sums, finish);
  else
    tile.finishThroughMemory(sums, finish);
}

void GPUContraction::runOnTensorCores() {
  MmaTile tile(e);
  findTile();
  auto source = [&](const Side &s, Value from) {
    Value strideK = stride(s, c.k), along = stride(s, *s.group);
    Value start = e.add(s.offset, e.add(e.mul(from, strideK), e.mul(s.first, along)));
    return MmaTile::Source{s.view, start, strideK, along, s.alongK};
  };
  Values sums =
      tile.steps(k, [&](Value from) { return MmaTile::Sources(source(a, from), source(b, from)); });
  tile.finish(sums, [&](Value sum, Value row, Value column) { finishAt(sum, row, column); });
}

LogicalResult GPUContraction::run() {
  if (failed(prepare()))
    return failure();
  if (f.strategyInt(kMma, 0))
    runOnTensorCores();
  else
    runOnTiles();
  return status;
}
