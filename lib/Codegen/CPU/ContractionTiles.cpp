//===- ContractionTiles.cpp - panels and tiles of a matrix product --------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ContractionLoops.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Panel: which form
//===----------------------------------------------------------------------===//

Matrix ContractionLoops::columnsOfB(const Step &step, const PanelOf &panel) {
  Value stride = strideOf(stridesB, c.n), depthStride = strideOf(stridesB, c.k);
  Value base = e.add(step.offsetB, e.mul(panel.column, stride));
  return {viewB.memory, e.add(base, e.mul(step.k, depthStride)), stride, depthStride};
}

// In what was packed ahead of time.
Value ContractionLoops::panelBase(const Chunk &chunk, const Step &step, const PanelOf &panel) {
  int64_t width = t.panel();
  Value number = e.add(e.mul(chunk.panelBatch, e.ceilDiv(n, width)), e.div(panel.column, width));
  Value padded = e.roundUp(k, t.group());
  return e.add(e.mul(e.mul(number, padded), width), e.mul(step.k, width));
}

void ContractionLoops::emitPanel(const Chunk &chunk, const Step &step, const PanelOf &panel) {
  if (panels)
    return panelForm(chunk, step, panel, {panelMemory, panelBase(chunk, step, panel), {}},
                     e.index(0));
  if (step.unpacked)
    return dot ? dotForm(chunk, step, panel) : directForm(chunk, step, panel);
  if (c.stride(c.b, c.n) == 1)
    return packingForm(chunk, step, panel);
  packColumns(e, columnsOfB(step, panel), panel.columns, step.depth, scratchB, e.index(0),
              e.index(t.panel()), t.group(), t.lanes());
  panelForm(chunk, step, panel, {scratchB, e.index(0), {}}, e.index(0));
}

// Register tiles as wide as the columns need; narrower CPUs walk the panel in slices.
void ContractionLoops::panelForm(const Chunk &chunk, const Step &step, const PanelOf &panel,
                                 const Products::Panel &b, Value from) {
  int64_t lanes = t.lanes(), most = products.tileVectors();
  bool prefetches = Emitter::constantOf(m).value_or(64) >= 4 * kTileRows;
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
    if (prefetches)
      here.ahead = ahead(chunk, step, panel, number);
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
  tileRows(chunk, step, panel, from, kTileRows, {kTileRows - 1, (kTileRows + 1) / 2, 1}, tile);
}

// What the kernel reads next from far away is fetched into L2 in the shade of the products: every
// tile takes one line of each step.
SmallVector<Products::Ahead, 2> ContractionLoops::ahead(const Chunk &chunk, const Step &step,
                                                        const PanelOf &panel, Value tile) {
  SmallVector<Products::Ahead, 2> out;
  if (panels || c.stride(c.b, c.n) == 1 || c.stride(c.b, c.k) == 1)
    out.push_back(aheadInB(chunk, step, panel, tile));
  if (limits.packA && c.stride(c.a, c.m) == 1)
    out.push_back(aheadInA(chunk, step, panel, tile));
  return out;
}

// The next panel; behind the last one, the first of the next step.
Products::Ahead ContractionLoops::aheadInB(const Chunk &chunk, const Step &step,
                                           const PanelOf &panel, Value tile) {
  int64_t width = t.panel() * t.group(), line = 64 / limits.bytesB;
  Value part = e.rem(tile, width / line);
  if (panels) {
    Value next = e.mul(e.roundUp(k, t.group()), t.panel());
    return {panelMemory, e.add(panelBase(chunk, step, panel), e.add(next, e.mul(part, line))),
            e.index(width)};
  }
  Matrix b = columnsOfB(step, panel);
  Value first =
      e.add(columnsOfB(step, {chunk.column, n, {}}).base, e.mul(step.depth, b.depthStride));
  Value isLast = e.ge(e.mul(e.add(panel.index, 1), t.panel()), chunk.columns);
  Value base = e.select(isLast, first, e.add(b.base, e.mul(b.stride, t.panel())));
  if (c.stride(c.b, c.n) != 1) {
    int64_t rows = line / t.group();
    part = e.rem(tile, t.panel() / rows);
    base = e.opaque(e.add(base, e.mul(e.mul(part, rows), b.stride)));
    return {b.memory, base, b.stride, rows, line};
  }
  int64_t lines = t.panel() / line;
  base = e.add(base, e.mul(e.rem(part, lines), line));
  base = e.add(base, e.mul(e.div(part, lines), b.depthStride));
  return {b.memory, e.opaque(base), e.mul(b.depthStride, t.group())};
}

// The rows of the next step; behind the last one, those of the next chunk.
Products::Ahead ContractionLoops::aheadInA(const Chunk &chunk, const Step &step,
                                           const PanelOf &panel, Value tile) {
  int64_t line = 64 / limits.bytesA;
  Value depthStride = strideOf(stridesA, c.k);
  Value lines = e.add(e.ceilDiv(blocks->rows, line), 1);
  Value number = e.add(tile, e.mul(panel.index, e.div(blocks->rows, kTileRows)));
  Value part = e.rem(number, e.mul(lines, t.group()));
  Value next = e.mul(e.add(step.k, step.depth), depthStride);
  Value base = e.add(e.add(step.offsetA, chunk.row), e.select(step.last, blocks->rows, next));
  base = e.add(base, e.mul(e.div(part, t.group()), line));
  base = e.add(base, e.mul(e.rem(part, t.group()), depthStride));
  return {viewA.memory, e.opaque(base), e.mul(depthStride, t.group())};
}

// Whether B is a panel as it lies.
Value ContractionLoops::isPanelOfB() {
  if (t.group() != 1)
    return e.boolean(false);
  Value width = e.index(t.panel());
  return e.both(e.eq(n, width), e.eq(strideOf(stridesB, c.k), width));
}

// The first tile reads B where it lies and leaves it behind as a panel for the others.
void ContractionLoops::packingForm(const Chunk &chunk, const Step &step, const PanelOf &panel) {
  Matrix b = columnsOfB(step, panel);
  Products::Panel packed{scratchB, e.index(0), {}};
  auto tile = [&](const Matrix &a, Value rows, const Products::Sums &sums) {
    Value live = e.min(rows, e.index(kTileRows)), whole = e.index(t.panel());
    PanelOf full{panel.column, whole, panel.index};
    e.ifThen(
        e.ge(panel.columns, whole),
        [&] { directRows(step, full, kTileRows, a, live, b, sums, &packed); },
        [&] { directRows(step, panel, kTileRows, a, live, b, sums, &packed); });
  };
  auto pack = [&] {
    tileAt(chunk, step, panel, e.index(0), kTileRows, tile);
    panelForm(chunk, step, panel, packed, e.index(kTileRows));
  };
  auto asItLies = [&] { panelForm(chunk, step, panel, {b.memory, b.base, {}}, e.index(0)); };
  e.ifThen(isPanelOfB(), asItLies, pack);
}

void ContractionLoops::directForm(const Chunk &chunk, const Step &step, const PanelOf &panel) {
  Matrix b = columnsOfB(step, panel);
  auto tile = [&](int64_t rows, const Matrix &a, Value live, Value, const Products::Sums &sums) {
    directRows(step, panel, rows, a, live, b, sums, nullptr);
  };
  tileRows(chunk, step, panel, e.index(0), kTileRows, {kTileRows - 1, (kTileRows + 1) / 2, 1},
           tile);
}

void ContractionLoops::directRows(const Step &step, const PanelOf &panel, int64_t rows,
                                  const Matrix &a, Value live, const Matrix &b,
                                  const Products::Sums &sums, const Products::Panel *copy) {
  int64_t vectors = products.tileVectors(), width = t.lanes() * vectors;
  auto slice = [&](Value s) {
    Value shift = e.mul(s, width);
    Matrix from{b.memory, e.add(b.base, shift), b.stride, b.depthStride};
    Products::Sums at{sums.memory, e.add(sums.base, shift), sums.first};
    Products::Panel to;
    if (copy)
      to = {copy->memory, e.add(copy->base, e.mul(shift, t.group())), {}};
    products.directTile(rows, vectors, a, limits.packA, live, from, e.sub(panel.columns, shift),
                        step.depth, at, copy ? &to : nullptr);
  };
  if (width == t.panel())
    return slice(e.index(0));
  e.forLoop(e.min(e.ceilDiv(panel.columns, width), e.index(t.panel() / width)), slice);
}

void ContractionLoops::dotForm(const Chunk &chunk, const Step &step, const PanelOf &panel) {
  auto tile = [&](int64_t rows, const Matrix &a, Value live, Value, const Products::Sums &sums) {
    dotRows(step, panel, rows, a, live, sums);
  };
  if (e.target.avx512)
    tileRows(chunk, step, panel, e.index(0), 4, {3, 2, 1}, tile);
  else
    tileRows(chunk, step, panel, e.index(0), 2, {1}, tile);
}

void ContractionLoops::dotRows(const Step &step, const PanelOf &panel, int64_t rows,
                               const Matrix &a, Value live, const Products::Sums &sums) {
  Matrix b = columnsOfB(step, panel);
  Value count = e.min(panel.columns, e.index(t.panel()));
  auto walk = [&](Value from, Value to, int64_t columns, int64_t unroll) {
    e.forLoop(from, to, e.index(columns), [&](Value j) {
      Matrix some{b.memory, e.add(b.base, e.mul(j, b.stride)), b.stride, b.depthStride};
      Products::Sums at{sums.memory, e.add(sums.base, j), sums.first};
      products.dotTile(rows, columns, unroll, a, live, some, e.sub(count, j), step.depth, at);
    });
  };
  // many rows compute: reuse in registers
  if (rows > 2)
    return walk(e.index(0), count, 4, 1);
  // one or two rows wait for memory, which more streams of B bring faster
  int64_t streams = e.target.avx512 ? 8 : 4 / rows;
  Value whole = e.mul(e.div(count, streams), streams);
  walk(e.index(0), whole, streams, 1);
  if (!Emitter::constantOf(whole) || Emitter::constantOf(whole) != Emitter::constantOf(count))
    walk(whole, count, 1, 4 / rows);
}

//===----------------------------------------------------------------------===//
// Rows and epilogue
//===----------------------------------------------------------------------===//

Products::Sums ContractionLoops::sumsAt(const Step &step, const PanelOf &panel, Value row) {
  // [panel][rows][columns]; with one step a tile's sums are consumed at once
  Value kept = e.mul(e.add(e.mul(panel.index, blocks->rows), row), t.panel());
  Value base = e.select(e.eq(blocks->steps, e.index(1)), e.index(0), kept);
  return {sumsMemory, base, step.first};
}

void ContractionLoops::tileAt(
    const Chunk &chunk, const Step &step, const PanelOf &panel, Value row, int64_t height,
    function_ref<void(const Matrix &, Value, const Products::Sums &)> tile) {
  Matrix a = rowsOfA(chunk, step);
  Value at = limits.packA ? e.mul(e.div(row, kTileRows), blocks->tileA) : e.mul(row, a.stride);
  Matrix from{a.memory, e.add(a.base, at), a.stride, a.depthStride};
  Products::Sums sums = sumsAt(step, panel, row);
  Value rows = e.sub(chunk.rows, row);
  tile(from, rows, sums);
  Value live = e.min(rows, e.index(height));
  e.ifThen(step.last, [&] { applyEpilogue(chunk, panel, row, live, sums); });
}

// The smallest height that covers the rows left; those past the end repeat the last one.
void ContractionLoops::pickHeight(Value rows, int64_t height, ArrayRef<int64_t> heights,
                                  function_ref<void(int64_t, Value)> tile) {
  std::function<void(unsigned)> shorter = [&](unsigned i) {
    auto run = [&] { tile(heights[i], rows); };
    if (i + 1 == heights.size())
      return run();
    e.ifThen(e.gt(rows, e.index(heights[i + 1])), run, [&] { shorter(i + 1); });
  };
  auto known = Emitter::constantOf(m);
  auto full = [&] { tile(height, Value()); };
  int64_t rest = known ? *known % height : 0; // without rows the loop does not run
  if (known && *known > 0 && *known < height)
    tile(rest, Value());
  else if (known && rest == 0)
    full();
  else if (known)
    e.ifThen(e.ge(rows, e.index(height)), full, [&] { tile(rest, Value()); });
  else
    e.ifThen(e.ge(rows, e.index(height)), full, [&] { shorter(0); });
}

void ContractionLoops::tileRows(const Chunk &chunk, const Step &step, const PanelOf &panel,
                                Value from, int64_t height, ArrayRef<int64_t> heights,
                                TileCode tile) {
  e.forLoop(from, chunk.rows, e.index(height), [&](Value row) {
    tileAt(chunk, step, panel, row, height,
           [&](const Matrix &a, Value rows, const Products::Sums &sums) {
             pickHeight(rows, height, heights,
                        [&](int64_t h, Value live) { tile(h, a, live, e.div(row, height), sums); });
           });
  });
}

void ContractionLoops::applyVector(const Chunk &chunk, Value row, Value column, Value memory,
                                   Value at, Value mask) {
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

void ContractionLoops::applyEpilogue(const Chunk &chunk, const PanelOf &panel, Value row,
                                     Value rows, const Products::Sums &sums) {
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
