//===- ContractionTiles.cpp - a workgroup's tile of a matrix product --------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

FailureOr<GPUContraction::Side> GPUContraction::side(const Operand &x, Type stored, bool isUnsigned,
                                                     const DimGroup &group, int64_t length) {
  Side s;
  s.stored = stored;
  s.isUnsigned = isUnsigned;
  FailureOr<View> view = f.view(x.tensor);
  if (failed(view))
    return failure();
  s.view = *view;
  s.strides = operandStrides(e, x, s.view);
  s.group = &group;
  s.length = length;
  // rows of 16 bytes, shifted against each other
  s.pitch = length + 4;
  auto together = [&](const DimGroup &g) {
    return !g.empty() && CodeBuilder::constantOf(s.strides[g.back()]) == 1;
  };
  s.alongK = !together(group) && together(c.k);
  s.wide = s.alongK || together(group) ? 4 : 1;
  s.memory = e.shared(c.arithmetic.compute, tile.depth * s.pitch);
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
  FailureOr<Side> sideA = side(c.a, t.a, t.unsignedA, c.m, tile.rows);
  FailureOr<Side> sideB = side(c.b, t.b, t.unsignedB, c.n, tile.columns);
  if (failed(sideA) || failed(sideB) || failed(epilogue.prepare()))
    return failure();
  a = *sideA;
  b = *sideB;
  return success();
}

/// Columns of tiles run fastest, so that workgroups at work together share rows.
void GPUContraction::findTile() {
  Value across = e.ceilDiv(n, tile.columns), down = e.ceilDiv(m, tile.rows);
  column0 = e.mul(e.rem(f.group, across), tile.columns);
  Value rest = e.div(f.group, across);
  row0 = e.mul(e.rem(rest, down), tile.rows);
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
  int64_t wideThreads = tile.columns / tile.threadColumns;
  threadRow = e.div(e.thread, wideThreads);
  threadColumn = e.rem(e.thread, wideThreads);
}

/// Register rows come in groups of up to four; the groups lie apart, as far as all threads' reach.
static Value within(GPUEmitter &e, Value thread, int64_t i, int64_t count, int64_t length) {
  int64_t group = std::min<int64_t>(4, count), groups = count / group;
  return e.add(e.mul(thread, group), i / group * (length / groups) + i % group);
}
Value GPUContraction::rowOf(int64_t i) {
  return within(e, threadRow, i, tile.threadRows, tile.rows);
}
Value GPUContraction::columnOf(int64_t j) {
  return within(e, threadColumn, j, tile.threadColumns, tile.columns);
}

//===----------------------------------------------------------------------===//
// Into workgroup memory
//===----------------------------------------------------------------------===//

/// `wide` elements from a position on, at (inK, inS) of the operand; what lies outside is zero.
Values GPUContraction::fetch(const Side &s, Value position, Value inK, Value inS) {
  Type compute = c.arithmetic.compute;
  auto inside = [&](int64_t i) {
    return e.both(e.lt(s.alongK ? e.add(inK, i) : inK, k),
                  e.lt(s.alongK ? inS : e.add(inS, i), s.size));
  };
  auto lanes = [&] {
    Values out;
    for (int64_t i = 0; i < s.wide; ++i)
      out.push_back(e.ifElse(
          inside(i), TypeRange{compute},
          [&] {
            Value x = f.load(s.view, e.add(position, i));
            return Values{convertElement(e, x, compute, s.isUnsigned)};
          },
          [&] { return Values{e.zero(compute)}; })[0]);
    return out;
  };
  if (s.wide == 1)
    return lanes();
  Value together = e.both(inside(s.wide - 1), e.eq(e.rem(position, s.wide), e.index(0)));
  SmallVector<Type> types(s.wide, compute);
  return e.ifElse(
      together, types,
      [&] {
        Value x = e.vload(s.view.memory, position, s.wide);
        x = convertElement(e, x, compute, s.isUnsigned);
        Values out;
        for (int64_t i = 0; i < s.wide; ++i)
          out.push_back(e.extract(x, i));
        return out;
      },
      lanes);
}

/// The step of k from `from` on. Accesses run along what lies together.
void GPUContraction::fill(const Side &s, Value from, Value offset) {
  int64_t line = s.alongK ? tile.depth : s.length, lines = s.alongK ? s.length : tile.depth;
  int64_t perLine = line / s.wide;
  Value strideK = stride(s, c.k), strideS = stride(s, *s.group);
  e.forThreads(e.index(perLine * lines), [&](Value number) {
    Value along = e.mul(e.rem(number, perLine), s.wide), across = e.div(number, perLine);
    Value inK = s.alongK ? along : across, inS = s.alongK ? across : along;
    Value atK = e.add(from, inK), atS = e.add(s.first, inS);
    Value position = e.add(offset, e.add(e.mul(atK, strideK), e.mul(atS, strideS)));
    Values values = fetch(s, position, atK, atS);
    Value to = e.add(e.mul(inK, s.pitch), inS);
    if (!s.alongK && s.wide > 1)
      return e.vstore(e.pack(values), s.memory, to);
    for (int64_t i = 0; i < s.wide; ++i)
      e.store(values[i], s.memory, e.add(to, i * s.pitch));
  });
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// All products of the step that lies in workgroup memory.
Values GPUContraction::products(Values sums) {
  bool floats = isa<FloatType>(c.arithmetic.compute);
  auto read = [&](const Side &s, Value step, int64_t count, bool rows) {
    Values out;
    int64_t group = std::min<int64_t>(4, count);
    for (int64_t i = 0; i < count; i += group) {
      Value at = e.add(e.mul(step, s.pitch), rows ? rowOf(i) : columnOf(i));
      Value x = e.vload(s.memory, at, group);
      for (int64_t j = 0; j < group; ++j)
        out.push_back(e.extract(x, j));
    }
    return out;
  };
  return e.forLoop(
      e.index(0), e.index(tile.depth), e.index(1), sums, [&](Value step, ValueRange carried) {
        Values x = read(a, step, tile.threadRows, true);
        Values y = read(b, step, tile.threadColumns, false), out;
        for (int64_t i = 0; i < registers(); ++i) {
          Value p = x[i / tile.threadColumns], q = y[i % tile.threadColumns];
          out.push_back(floats ? e.fma(p, q, carried[i])
                               : Value(arith::AddIOp::create(
                                     e, carried[i], Value(arith::MulIOp::create(e, p, q)))));
        }
        return out;
      });
}

Values GPUContraction::steps() {
  Values sums(registers(), e.zero(c.arithmetic.compute));
  return e.forLoop(e.index(0), outerK, e.index(1), sums, [&](Value outer, ValueRange carried) {
    Value offsetA = a.offset, offsetB = b.offset, rest = outer;
    for (unsigned d : llvm::reverse(c.outerK)) {
      Value at = d == c.outerK.front() ? rest : e.rem(rest, sizes[d]);
      rest = e.div(rest, sizes[d]);
      offsetA = e.add(offsetA, e.mul(at, a.strides[d]));
      offsetB = e.add(offsetB, e.mul(at, b.strides[d]));
    }
    return e.forLoop(e.index(0), k, e.index(tile.depth), carried,
                     [&](Value from, ValueRange inner) {
                       e.barrier(); // the step before has been read
                       fill(a, from, offsetA);
                       fill(b, from, offsetB);
                       e.barrier();
                       return products(Values(inner));
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

void GPUContraction::finishDirectly(const Values &sums) {
  for (int64_t i = 0; i < registers(); ++i)
    finishAt(sums[i], rowOf(i / tile.threadColumns), columnOf(i % tile.threadColumns));
}

/// One register row of all threads after the other goes through workgroup memory, where
/// neighbouring threads then find neighbouring columns, and the epilogue is written fewer times.
void GPUContraction::finishThroughMemory(const Values &sums) {
  int64_t threadRows = tile.rows / tile.threadRows;
  Value memory = e.shared(c.arithmetic.compute, threadRows * tile.columns);
  for (int64_t i = 0; i < tile.threadRows; ++i) {
    e.barrier();
    for (int64_t j = 0; j < tile.threadColumns; ++j)
      e.store(sums[i * tile.threadColumns + j], memory,
              e.add(e.mul(threadRow, tile.columns), columnOf(j)));
    e.barrier();
    e.forThreads(e.index(threadRows * tile.columns), [&](Value number) {
      Value thread = e.div(number, tile.columns), column = e.rem(number, tile.columns);
      finishAt(e.load(memory, number), within(e, thread, i, tile.threadRows, tile.rows), column);
    });
  }
}

LogicalResult GPUContraction::run() {
  if (failed(prepare()))
    return failure();
  findTile();
  Values sums = steps();
  if (c.epilogue.isTrivial())
    finishDirectly(sums);
  else
    finishThroughMemory(sums);
  return status;
}
