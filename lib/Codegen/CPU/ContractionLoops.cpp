//===- ContractionLoops.cpp - blocks of a matrix product ------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ContractionLoops.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

Value ContractionLoops::product(ArrayRef<unsigned> dims) {
  Value size = e.index(1);
  for (unsigned d : dims)
    size = e.mul(size, sizes[d]);
  return size;
}

LogicalResult ContractionLoops::prepare() {
  for (unsigned d = 0; d < c.op.getNumLoops(); ++d) {
    auto [tensor, dim] = c.sizeSource(d);
    int64_t known = c.staticSize(d);
    sizes.push_back(ShapedType::isDynamic(known) ? frame.size(tensor, dim) : e.index(known));
  }
  m = product(c.m);
  n = product(c.n);
  k = product(c.k);
  outerK = product(c.outerK);
  // nothing to sum: the epilogue still runs
  k = e.mul(k, e.min(outerK, e.index(1)));
  if (auto arg = c.wholeArgument())
    panels = frame.layout(*arg);
  FailureOr<View> a = frame.view(c.a.tensor), b = frame.view(c.b.tensor);
  if (failed(a) || failed(b) || failed(epilogue.prepare()))
    return failure();
  viewA = *a;
  viewB = *b;
  stridesA = operandStrides(e, c.a, viewA);
  stridesB = operandStrides(e, c.b, viewB);
  limits = BlockLimits::of(c, panels.has_value());
  blocks =
      std::make_unique<Blocks<Emitter>>(e, m, n, product(c.k), outerK, product(c.batch), limits);
  sumsMemory = frame.scratch(0, t.compute);
  if (limits.packA)
    scratchA = frame.scratch(blocks->bytesC, t.a);
  if (limits.packB)
    scratchB = frame.scratch(e.add(blocks->bytesC, blocks->bytesA), t.b);
  if (panels)
    panelMemory = frame.flatArgument(*c.wholeArgument());
  if (!c.n.empty())
    nDim = c.rootDim[c.n.back()];
  return success();
}

void ContractionLoops::unravel(Value linear, ArrayRef<unsigned> dims, Values &coordinates) {
  for (unsigned d : llvm::reverse(dims)) {
    coordinates[d] = e.opaque(d == dims.front() ? linear : e.rem(linear, sizes[d]));
    linear = e.div(linear, sizes[d]);
  }
}

Value ContractionLoops::offsetOf(const Operand &x, ArrayRef<Value> strides,
                                 ArrayRef<Value> coordinates) {
  Value at = e.index(0);
  for (unsigned d = 0; d < strides.size(); ++d)
    if (x.uses(d))
      at = e.add(at, e.mul(coordinates[d], strides[d]));
  return at;
}

ContractionLoops::Chunk ContractionLoops::chunkAt(Value number) {
  Chunk chunk;
  Value mBlock = e.rem(number, blocks->mBlocks), rest = e.div(number, blocks->mBlocks);
  Value nBlock = e.rem(rest, blocks->nBlocks), batch = e.div(rest, blocks->nBlocks);
  chunk.row = e.opaque(e.mul(mBlock, blocks->rows));
  chunk.rows = e.opaque(e.min(blocks->rows, e.sub(m, chunk.row)));
  chunk.column = e.opaque(e.mul(nBlock, blocks->columns));
  chunk.columns = e.opaque(e.min(blocks->columns, e.sub(n, chunk.column)));
  chunk.coordinates.assign(sizes.size(), e.index(0));
  unravel(batch, c.batch, chunk.coordinates);
  chunk.panelBatch = e.index(0);
  for (unsigned d : c.batch)
    if (c.b.uses(d))
      chunk.panelBatch = e.add(e.mul(chunk.panelBatch, sizes[d]), chunk.coordinates[d]);
  return chunk;
}

LogicalResult ContractionLoops::run() {
  if (failed(prepare()))
    return failure();
  e.forLoop(frame.begin, frame.end, e.index(1), [&](Value number) { emitChunk(chunkAt(number)); });
  return status;
}

//===----------------------------------------------------------------------===//
// Chunk and step
//===----------------------------------------------------------------------===//

// Few rows: B is read where it lies. Otherwise it is packed. k is cut so that what several tiles of
// rows read stays in cache, unless there is one tile.
void ContractionLoops::emitChunk(const Chunk &chunk) {
  auto inBlocks = [&](bool unpacked) {
    emitSteps(chunk, blocks->kBlocks, blocks->depth, unpacked);
  };
  dot = !limits.packA && c.stride(c.b, c.k) == 1;
  if (panels || (!dot && c.stride(c.b, c.n) != 1))
    return inBlocks(false);
  int64_t most = dot ? kRowsDot : t.group() == 1 ? kRowsUnpacked : kTileRows;
  // packing A has room for a block of k only; of blocks for one tile of rows there is one
  auto known = Emitter::constantOf(m);
  bool whole = dot || (!limits.packA && known && *known <= kTileRows);
  auto unpacked = [&] { whole ? emitSteps(chunk, e.index(1), k, true) : inBlocks(true); };
  Value few = e.le(m, e.index(most));
  if (!dot)
    few = e.both(few, e.select(isPanelOfB(), e.boolean(false), e.boolean(true)));
  e.ifThen(few, unpacked, [&] { inBlocks(false); });
}

void ContractionLoops::emitSteps(const Chunk &chunk, Value kBlocks, Value depth, bool unpacked) {
  Value steps = e.mul(kBlocks, e.max(outerK, e.index(1)));
  auto body = [&](Value number) {
    Step step;
    Value block = e.rem(number, kBlocks);
    Chunk here = chunk;
    unravel(e.div(number, kBlocks), c.outerK, here.coordinates);
    step.k = e.opaque(e.mul(block, depth));
    step.depth = e.opaque(e.max(e.min(depth, e.sub(k, step.k)), e.index(0)));
    step.first = e.eq(number, e.index(0));
    step.last = e.eq(number, e.sub(steps, 1));
    step.unpacked = unpacked;
    step.offsetA = e.add(viewA.offset, offsetOf(c.a, stridesA, here.coordinates));
    step.offsetB = e.add(viewB.offset, offsetOf(c.b, stridesB, here.coordinates));
    emitStep(here, step);
  };
  if (Emitter::constantOf(steps) == 1)
    return body(e.index(0));
  e.forLoop(steps, body);
}

Value ContractionLoops::strideOf(ArrayRef<Value> strides, const DimGroup &group) {
  return group.empty() ? e.index(0) : strides[group.back()];
}

Matrix ContractionLoops::rowsOfA(const Chunk &chunk, const Step &step) {
  if (limits.packA)
    return {scratchA, e.index(0), e.index(t.group()), e.index(kTileRows * t.group())};
  Value stride = strideOf(stridesA, c.m), depthStride = strideOf(stridesA, c.k);
  Value base = e.add(step.offsetA, e.mul(chunk.row, stride));
  return {viewA.memory, e.add(base, e.mul(step.k, depthStride)), stride, depthStride};
}

void ContractionLoops::packA(const Chunk &chunk, const Step &step) {
  Value stride = strideOf(stridesA, c.m), depthStride = strideOf(stridesA, c.k);
  Value base = e.add(step.offsetA, e.mul(chunk.row, stride));
  Matrix from{viewA.memory, e.add(base, e.mul(step.k, depthStride)), stride, depthStride};
  packRows(e, from, chunk.rows, step.depth, scratchA, t.group(), blocks->tileA);
}

void ContractionLoops::emitStep(const Chunk &chunk, const Step &step) {
  if (limits.packA)
    packA(chunk, step);
  auto panelAt = [&](Value index) {
    PanelOf panel;
    panel.index = index;
    panel.column = e.add(chunk.column, e.mul(index, t.panel()));
    panel.columns = e.sub(n, panel.column);
    emitPanel(chunk, step, panel);
  };
  if (auto known = Emitter::constantOf(n); known && *known <= t.panel())
    return panelAt(e.index(0));
  e.forLoop(e.ceilDiv(chunk.columns, t.panel()), panelAt);
}

LogicalResult linnet::codegen::emitContraction(const Contraction &c, KernelFrame &frame) {
  return ContractionLoops(c, frame).run();
}
