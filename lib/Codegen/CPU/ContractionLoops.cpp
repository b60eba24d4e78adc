//===- ContractionLoops.cpp - blocks, panels and tiles of a product -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// chunk = (batch, block of columns, block of rows)
//   step = (outer k, block of k): A is copied here if it has to be
//     panel of columns: B is copied here if it has to be
//       tile of rows: sums in registers over the block of k, then in scratch
//         after the last step: the epilogue, tile by tile, while the sums are in L1
//
//===----------------------------------------------------------------------===//
#include "ContractionCode.h"

using namespace mlir;
using namespace linnet::codegen;

namespace {

class Loops {
public:
  Loops(const Contraction &c, KernelFrame &frame)
      : c(c), frame(frame), e(frame.e), t(c.arithmetic), products(frame.e, c.arithmetic),
        epilogue(c.epilogue, frame) {}
  LogicalResult run();

private:
  struct Chunk {
    Value row, rows, column, columns; ///< first and count, within m and n
    Values coordinates;               ///< per loop dimension
    Value panelBatch;
  };
  struct Step {
    Value k, depth; ///< first and count, within k
    Value offsetA, offsetB;
    Value first, last; ///< i1
    bool unpacked;     ///< B is read where it lies
  };
  struct PanelOf {
    Value column, columns; ///< first, within n; how many exist from there on
    Value index;           ///< of the panel in the chunk
  };

  LogicalResult prepare();
  Value product(ArrayRef<unsigned> dims);
  Value staticOr(int64_t known, Value v) {
    return ShapedType::isDynamic(known) ? v : e.index(known);
  }
  SmallVector<Value> stridesOf(const Operand &x, const View &v);
  Value offsetOf(const Operand &x, ArrayRef<Value> strides, ArrayRef<Value> coordinates);
  void unravel(Value linear, ArrayRef<unsigned> dims, Values &coordinates);

  Chunk chunkAt(Value number);
  void emitChunk(const Chunk &chunk);
  void emitSteps(const Chunk &chunk, Value kBlocks, Value depth, bool unpacked);
  void emitStep(const Chunk &chunk, const Step &step);
  Matrix rowsOfA(const Chunk &chunk, const Step &step);
  void packA(const Chunk &chunk, const Step &step);
  Matrix columnsOfB(const Chunk &chunk, const Step &step, const PanelOf &panel);
  void emitPanel(const Chunk &chunk, const Step &step, const PanelOf &panel);
  void panelForm(const Chunk &chunk, const Step &step, const PanelOf &panel,
                 const Products::Panel &b);
  void directForm(const Chunk &chunk, const Step &step, const PanelOf &panel);
  void dotForm(const Chunk &chunk, const Step &step, const PanelOf &panel);
  void dotRows(const Chunk &chunk, const Step &step, const PanelOf &panel, int64_t rows,
               const Matrix &a, Value live, const Products::Sums &sums);

  /// Walks tiles of up to `height` rows; `tile` writes the code for one height.
  void tileRows(const Chunk &chunk, const Step &step, const PanelOf &panel, int64_t height,
                ArrayRef<int64_t> heights,
                function_ref<void(int64_t, const Matrix &, Value, Value, const Products::Sums &)>);
  Products::Sums sumsAt(const Chunk &chunk, const Step &step, const PanelOf &panel, Value row);
  void applyEpilogue(const Chunk &chunk, const PanelOf &panel, Value row, Value rows,
                     const Products::Sums &sums);
  void applyVector(const Chunk &chunk, Value row, Value column, Value sumsMemory, Value at,
                   Value mask);

  const Contraction &c;
  KernelFrame &frame;
  Emitter &e;
  const Arithmetic &t;
  Products products;
  EpilogueEmitter epilogue;
  LogicalResult status = success();

  Values sizes; ///< per loop dimension
  Value m, n, k, outerK;
  View viewA, viewB;
  SmallVector<Value> stridesA, stridesB;
  std::optional<PanelLayout> panels;
  BlockLimits limits;
  bool dot = false; ///< the unpacked form: rows times rows, or columns
  std::unique_ptr<Blocks<Emitter>> blocks;
  Value sumsMemory, scratchA, scratchB, panelMemory;
  int nDim = kNoDim; ///< dimension of the root that vectors run along
};

} // namespace

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

Value Loops::product(ArrayRef<unsigned> dims) {
  Value size = e.index(1);
  for (unsigned d : dims)
    size = e.mul(size, sizes[d]);
  return size;
}

// A stride per loop dimension, constant where types say so.
SmallVector<Value> Loops::stridesOf(const Operand &x, const View &v) {
  SmallVector<Value> out(x.strides.size(), e.index(0));
  std::function<void(AffineExpr, Value)> add = [&](AffineExpr expr, Value stride) {
    if (auto d = dyn_cast<AffineDimExpr>(expr)) {
      out[d.getPosition()] = e.add(out[d.getPosition()], stride);
    } else if (auto binary = dyn_cast<AffineBinaryOpExpr>(expr)) {
      if (binary.getKind() == AffineExprKind::Add) {
        add(binary.getLHS(), stride);
        add(binary.getRHS(), stride);
      } else {
        add(binary.getLHS(), e.mul(stride, cast<AffineConstantExpr>(binary.getRHS()).getValue()));
      }
    }
  };
  for (auto [expr, stride] : llvm::zip(x.map.getResults(), v.strides))
    add(expr, stride);
  for (auto [d, known] : llvm::enumerate(x.strides))
    out[d] = staticOr(known, out[d]);
  return out;
}

LogicalResult Loops::prepare() {
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
  stridesA = stridesOf(c.a, viewA);
  stridesB = stridesOf(c.b, viewB);
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

void Loops::unravel(Value linear, ArrayRef<unsigned> dims, Values &coordinates) {
  for (unsigned d : llvm::reverse(dims)) {
    coordinates[d] = d == dims.front() ? linear : e.rem(linear, sizes[d]);
    linear = e.div(linear, sizes[d]);
  }
}

Value Loops::offsetOf(const Operand &x, ArrayRef<Value> strides, ArrayRef<Value> coordinates) {
  Value at = e.index(0);
  for (unsigned d = 0; d < strides.size(); ++d)
    if (x.uses(d))
      at = e.add(at, e.mul(coordinates[d], strides[d]));
  return at;
}

Loops::Chunk Loops::chunkAt(Value number) {
  Chunk chunk;
  Value mBlock = e.rem(number, blocks->mBlocks), rest = e.div(number, blocks->mBlocks);
  Value nBlock = e.rem(rest, blocks->nBlocks), batch = e.div(rest, blocks->nBlocks);
  chunk.row = e.mul(mBlock, blocks->rows);
  chunk.rows = e.min(blocks->rows, e.sub(m, chunk.row));
  chunk.column = e.mul(nBlock, blocks->columns);
  chunk.columns = e.min(blocks->columns, e.sub(n, chunk.column));
  chunk.coordinates.assign(sizes.size(), e.index(0));
  unravel(batch, c.batch, chunk.coordinates);
  chunk.panelBatch = e.index(0);
  for (unsigned d : c.batch)
    if (c.b.uses(d))
      chunk.panelBatch = e.add(e.mul(chunk.panelBatch, sizes[d]), chunk.coordinates[d]);
  return chunk;
}

LogicalResult Loops::run() {
  if (failed(prepare()))
    return failure();
  e.forLoop(frame.begin, frame.end, e.index(1), [&](Value number) { emitChunk(chunkAt(number)); });
  return status;
}

//===----------------------------------------------------------------------===//
// Chunk and step
//===----------------------------------------------------------------------===//

// Few rows: B is read once where it lies, all of k at a time. Otherwise it is packed, and k is
// cut so that what is packed stays in cache.
void Loops::emitChunk(const Chunk &chunk) {
  auto inBlocks = [&] { emitSteps(chunk, blocks->kBlocks, blocks->depth, false); };
  dot = !limits.packA && c.stride(c.b, c.k) == 1;
  if (panels || (!dot && c.stride(c.b, c.n) != 1))
    return inBlocks();
  Value most = e.index(dot ? kRowsDot : kRowsUnpacked);
  // packing A has room for a block of k only
  Value one = limits.packA ? blocks->kBlocks : e.index(1);
  Value depth = limits.packA ? blocks->depth : k;
  e.ifThen(e.le(m, most), [&] { emitSteps(chunk, one, depth, true); }, inBlocks);
}

void Loops::emitSteps(const Chunk &chunk, Value kBlocks, Value depth, bool unpacked) {
  Value steps = e.mul(kBlocks, e.max(outerK, e.index(1)));
  auto body = [&](Value number) {
    Step step;
    Value block = e.rem(number, kBlocks);
    Chunk here = chunk;
    unravel(e.div(number, kBlocks), c.outerK, here.coordinates);
    step.k = e.mul(block, depth);
    step.depth = e.max(e.min(depth, e.sub(k, step.k)), e.index(0));
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

static Value strideOf(Emitter &e, ArrayRef<Value> strides, const DimGroup &group) {
  return group.empty() ? e.index(0) : strides[group.back()];
}

Matrix Loops::rowsOfA(const Chunk &chunk, const Step &step) {
  if (limits.packA)
    return {scratchA, e.index(0), e.index(t.group()), e.mul(blocks->widthA, t.group())};
  Value stride = strideOf(e, stridesA, c.m), depthStride = strideOf(e, stridesA, c.k);
  Value base = e.add(step.offsetA, e.mul(chunk.row, stride));
  return {viewA.memory, e.add(base, e.mul(step.k, depthStride)), stride, depthStride};
}

void Loops::packA(const Chunk &chunk, const Step &step) {
  Value stride = strideOf(e, stridesA, c.m), depthStride = strideOf(e, stridesA, c.k);
  Value base = e.add(step.offsetA, e.mul(chunk.row, stride));
  Matrix from{viewA.memory, e.add(base, e.mul(step.k, depthStride)), stride, depthStride};
  packColumns(e, from, chunk.rows, step.depth, scratchA, e.index(0), blocks->widthA, t.group(),
              t.lanes());
}

void Loops::emitStep(const Chunk &chunk, const Step &step) {
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

//===----------------------------------------------------------------------===//
// Panel: which form
//===----------------------------------------------------------------------===//

Matrix Loops::columnsOfB(const Chunk &chunk, const Step &step, const PanelOf &panel) {
  Value stride = strideOf(e, stridesB, c.n), depthStride = strideOf(e, stridesB, c.k);
  Value base = e.add(step.offsetB, e.mul(panel.column, stride));
  return {viewB.memory, e.add(base, e.mul(step.k, depthStride)), stride, depthStride};
}

void Loops::emitPanel(const Chunk &chunk, const Step &step, const PanelOf &panel) {
  int64_t width = t.panel();
  if (panels) {
    Value padded = e.roundUp(k, t.group());
    Value count = e.ceilDiv(n, width);
    Value number = e.add(e.mul(chunk.panelBatch, count), e.div(panel.column, width));
    Value base = e.add(e.mul(e.mul(number, padded), width), e.mul(step.k, width));
    return panelForm(chunk, step, panel, {panelMemory, base, e.add(base, e.mul(padded, width))});
  }
  if (step.unpacked)
    return dot ? dotForm(chunk, step, panel) : directForm(chunk, step, panel);
  packColumns(e, columnsOfB(chunk, step, panel), panel.columns, step.depth, scratchB, e.index(0),
              e.index(width), t.group(), t.lanes());
  panelForm(chunk, step, panel, {scratchB, e.index(0), {}});
}

// Register tiles as wide as the columns need; narrower CPUs walk the panel in slices.
void Loops::panelForm(const Chunk &chunk, const Step &step, const PanelOf &panel,
                      const Products::Panel &b) {
  int64_t lanes = t.lanes(), most = products.tileVectors();
  bool ahead = b.ahead && Emitter::constantOf(m).value_or(64) >= 4 * kTileRows;
  auto tile = [&](int64_t rows, const Matrix &a, Value live, Value number,
                  const Products::Sums &sums) {
    if (most == 1) {
      Value slices = e.min(e.ceilDiv(panel.columns, lanes), e.index(t.panel() / lanes));
      e.forLoop(slices, [&](Value s) {
        Products::Panel slice{b.memory, e.add(b.base, e.mul(s, lanes * t.group())), {}};
        Products::Sums at{sums.memory, e.add(sums.base, e.mul(s, lanes)), sums.first};
        products.panelTile(rows, 1, a, limits.packA, live, slice, step.depth, at);
      });
      return;
    }
    Products::Panel here = b;
    // each of four tiles fetches one line of every row of the next panel
    here.ahead = ahead ? e.add(b.ahead, e.mul(e.rem(number, 4), lanes * t.group())) : Value();
    std::function<void(int64_t)> pick = [&](int64_t vectors) {
      auto run = [&] {
        products.panelTile(rows, vectors, a, limits.packA, live, here, step.depth, sums);
      };
      if (vectors == 1)
        return run();
      e.ifThen(e.gt(panel.columns, e.index((vectors - 1) * lanes)), run,
               [&] { pick(vectors - 1); });
    };
    pick(most);
  };
  tileRows(chunk, step, panel, kTileRows, {kTileRows - 1, (kTileRows + 1) / 2, 1}, tile);
}

void Loops::directForm(const Chunk &chunk, const Step &step, const PanelOf &panel) {
  int64_t lanes = t.lanes(), vectors = products.tileVectors();
  Matrix b = columnsOfB(chunk, step, panel);
  auto tile = [&](int64_t rows, const Matrix &a, Value live, Value, const Products::Sums &sums) {
    Value most = e.index(t.panel() / (lanes * vectors));
    Value slices = e.min(e.ceilDiv(panel.columns, lanes * vectors), most);
    auto slice = [&](Value s) {
      Value shift = e.mul(s, lanes * vectors);
      Matrix from{b.memory, e.add(b.base, shift), b.stride, b.depthStride};
      Products::Sums at{sums.memory, e.add(sums.base, shift), sums.first};
      products.directTile(rows, vectors, a, limits.packA, live, from, e.sub(panel.columns, shift),
                          step.depth, at);
    };
    if (Emitter::constantOf(most) == 1)
      return slice(e.index(0));
    e.forLoop(slices, slice);
  };
  tileRows(chunk, step, panel, kTileRows, {kTileRows - 1, (kTileRows + 1) / 2, 1}, tile);
}

void Loops::dotForm(const Chunk &chunk, const Step &step, const PanelOf &panel) {
  auto tile = [&](int64_t rows, const Matrix &a, Value live, Value, const Products::Sums &sums) {
    dotRows(chunk, step, panel, rows, a, live, sums);
  };
  if (e.target.avx512)
    tileRows(chunk, step, panel, 4, {3, 2, 1}, tile);
  else
    tileRows(chunk, step, panel, 2, {1}, tile);
}

void Loops::dotRows(const Chunk &chunk, const Step &step, const PanelOf &panel, int64_t rows,
                    const Matrix &a, Value live, const Products::Sums &sums) {
  // one or two rows wait for memory: B as one stream. More of them compute: reuse in registers
  int64_t columns = rows <= 2 ? 1 : 4, unroll = rows <= 2 ? 4 / rows : 1;
  Matrix b = columnsOfB(chunk, step, panel);
  Value count = e.min(panel.columns, e.index(t.panel()));
  e.forLoop(e.index(0), count, e.index(columns), [&](Value j) {
    Matrix from{b.memory, e.add(b.base, e.mul(j, b.stride)), b.stride, b.depthStride};
    Products::Sums at{sums.memory, e.add(sums.base, j), sums.first};
    products.dotTile(rows, columns, unroll, a, live, from, e.sub(count, j), step.depth, at);
  });
}

//===----------------------------------------------------------------------===//
// Rows and epilogue
//===----------------------------------------------------------------------===//

Products::Sums Loops::sumsAt(const Chunk &chunk, const Step &step, const PanelOf &panel,
                             Value row) {
  // [panel][rows][columns]; with one step a tile's sums are consumed at once
  Value kept = e.mul(e.add(e.mul(panel.index, blocks->rows), row), t.panel());
  Value base = e.select(e.eq(blocks->steps, e.index(1)), e.index(0), kept);
  return {sumsMemory, base, step.first};
}

void Loops::tileRows(
    const Chunk &chunk, const Step &step, const PanelOf &panel, int64_t height,
    ArrayRef<int64_t> heights,
    function_ref<void(int64_t, const Matrix &, Value, Value, const Products::Sums &)> tile) {
  Matrix a = rowsOfA(chunk, step);
  auto known = Emitter::constantOf(m);
  auto at = [&](Value row, Value rows) {
    Products::Sums sums = sumsAt(chunk, step, panel, row);
    Matrix from{a.memory, e.add(a.base, e.mul(row, a.stride)), a.stride, a.depthStride};
    Value number = e.div(row, height);
    // the smallest height that covers what is left; rows past the end repeat the last one
    std::function<void(unsigned)> shorter = [&](unsigned i) {
      auto run = [&] { tile(heights[i], from, rows, number, sums); };
      if (i + 1 == heights.size())
        return run();
      e.ifThen(e.gt(rows, e.index(heights[i + 1])), run, [&] { shorter(i + 1); });
    };
    auto full = [&] { tile(height, from, Value(), number, sums); };
    int64_t rest = known ? *known % height : 0; // without rows the loop does not run
    if (known && *known > 0 && *known < height)
      tile(rest, from, Value(), number, sums);
    else if (known && rest == 0)
      full();
    else if (known)
      e.ifThen(e.ge(rows, e.index(height)), full, [&] { tile(rest, from, Value(), number, sums); });
    else
      e.ifThen(e.ge(rows, e.index(height)), full, [&] { shorter(0); });
    Value live = e.min(rows, e.index(height));
    e.ifThen(step.last, [&] { applyEpilogue(chunk, panel, row, live, sums); });
  };
  e.forLoop(e.index(0), chunk.rows, e.index(height),
            [&](Value row) { at(row, e.sub(chunk.rows, row)); });
}

void Loops::applyVector(const Chunk &chunk, Value row, Value column, Value memory, Value at,
                        Value mask) {
  Values coordinates(cast<RankedTensorType>(c.epilogue.root.getType()).getRank(), e.index(0));
  for (auto [d, dim] : llvm::enumerate(c.rootDim))
    if (dim != kNoDim)
      coordinates[dim] = chunk.coordinates[d];
  if (!c.m.empty())
    coordinates[c.rootDim[c.m.back()]] = row;
  if (!c.n.empty())
    coordinates[nDim] = column;
  Value sums = e.vload(memory, at, t.lanes());
  if (failed(epilogue.apply(sums, coordinates, nDim, t.lanes(), mask)))
    status = failure();
}

void Loops::applyEpilogue(const Chunk &chunk, const PanelOf &panel, Value row, Value rows,
                          const Products::Sums &sums) {
  int64_t lanes = t.lanes();
  auto known = Emitter::constantOf(n);
  e.forLoop(rows, [&](Value i) {
    Value r = e.add(chunk.row, e.add(row, i));
    Value at = e.add(sums.base, e.mul(i, t.panel()));
    auto whole = [&] {
      for (int64_t v = 0; v < t.panel(); v += lanes)
        applyVector(chunk, r, e.add(panel.column, v), sums.memory, e.add(at, v), {});
    };
    auto part = [&] {
      e.forLoop(e.index(0), panel.columns, e.index(lanes), [&](Value v) {
        Value mask = e.mask(e.sub(panel.columns, v), lanes);
        applyVector(chunk, r, e.add(panel.column, v), sums.memory, e.add(at, v), mask);
      });
    };
    if (known && *known < t.panel())
      part();
    else if (known && *known % t.panel() == 0)
      whole();
    else
      e.ifThen(e.ge(panel.columns, e.index(t.panel())), whole, part);
  });
}

LogicalResult linnet::codegen::emitContraction(const Contraction &c, KernelFrame &frame) {
  return Loops(c, frame).run();
}
