//===- ConvLoops.cpp - planes, panels and tiles of a convolution ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// chunk = (batch, group, outer position, block of rows, block of filters)
//   copy the input rows that it needs into padded planes
//   panel of positions
//     tile of filters: sums in registers over channels and taps
//       epilogue by rows of the image
//
//===----------------------------------------------------------------------===//
#include "Columns.h"
#include "ConvBlocks.h"

using namespace mlir;
using namespace linnet::codegen;

namespace {

/// Rows of a depthwise tile.
constexpr int64_t kRowTile = 4;

class Loops {
public:
  Loops(const Conv &c, KernelFrame &frame)
      : c(c), frame(frame), e(frame.e), epilogue(c.epilogue, frame), panel(panelWidth(c.compute)),
        lanes(panel / 4) {}
  LogicalResult run();

private:
  struct Chunk {
    Value batch, group, depth; ///< coordinates; depth: of the outermost spatial dimension
    Value row, rows;           ///< output rows
    Value filter, filters;     ///< within the group
    Value inputBase;
  };
  LogicalResult prepare();
  Chunk chunkAt(Value number);
  void emitChunk(const Chunk &chunk);
  void copyPlanes(const Chunk &chunk);
  void copyPlane(const Chunk &chunk, Value base, Value exists, Value to, int64_t phaseH,
                 int64_t phaseW);
  void copyRow(Value from, Value inside, Value to, int64_t phase);
  void emitRows(const Chunk &chunk);
  Values rowTile(Value row, Value column, const Values &weights);
  void emitPanel(const Chunk &chunk, Value first, Value count);
  void tileOf(const Chunk &chunk, Value first, Value count, Value filter, int64_t rows, Value live);
  void tile(const Chunk &chunk, int64_t rows, int64_t vectors, Value filter, Value live,
            Value position, Value sums);
  Values taps(const Values &rowBase, int64_t vectors, Value planeBase, Value filterBase,
              Values acc);
  Value biasOf(Value f);
  void apply(const Chunk &chunk, Value sums, Value start, Value f, Value row, Value column,
             Value mask);
  void applyEpilogue(const Chunk &chunk, Value first, Value count, Value filter, Value live);
  Value spatialStride(const View &v, unsigned i, unsigned first = 2) {
    auto d = c.dim(i, first);
    return d ? v.strides[*d] : e.index(0);
  }
  Value spatialSize(const View &v, unsigned i) {
    auto d = c.dim(i);
    return d ? v.sizes[*d] : e.index(1);
  }
  Values nest(Value count, Values acc, function_ref<Values(Value, Values)> body);

  const Conv &c;
  KernelFrame &frame;
  Emitter &e;
  EpilogueEmitter epilogue;
  int64_t panel, lanes;
  LogicalResult status = success();

  ConvSizes s;
  std::unique_ptr<ConvBlocks<Emitter>> blocks;
  View input, filter;
  std::optional<View> bias;
  Value sumsMemory, planes;
};

} // namespace

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

LogicalResult Loops::prepare() {
  FailureOr<View> in = frame.view(c.input), w = frame.view(c.filter);
  if (failed(in) || failed(w) || failed(epilogue.prepare()))
    return failure();
  input = *in;
  filter = *w;
  if (c.bias) {
    FailureOr<View> v = frame.view(c.bias);
    if (failed(v))
      return failure();
    bias = *v;
  }
  s = ConvSizes::of(frame, c, input, filter);
  blocks = std::make_unique<ConvBlocks<Emitter>>(e, c, s);
  sumsMemory = frame.scratch(0, c.compute);
  planes = frame.scratch(blocks->bytesSums, c.compute);
  return success();
}

Loops::Chunk Loops::chunkAt(Value number) {
  auto next = [&](Value count) {
    Value at = e.rem(number, count);
    number = e.div(number, count);
    return at;
  };
  Chunk chunk;
  Value filterBlock = next(blocks->filterBlocks), rowBlock = next(blocks->rowBlocks);
  chunk.depth = next(s.out[0]);
  chunk.group = next(s.groups);
  chunk.batch = number;
  chunk.row = e.mul(rowBlock, blocks->rows);
  chunk.rows = e.min(blocks->rows, e.sub(s.out[1], chunk.row));
  chunk.filter = e.mul(filterBlock, blocks->filters);
  chunk.filters = e.min(blocks->filters, e.sub(s.filters, chunk.filter));
  Value channel = e.mul(chunk.group, s.channels);
  chunk.inputBase = e.add(e.add(input.offset, e.mul(chunk.batch, input.strides[0])),
                          e.mul(channel, input.strides[1]));
  return chunk;
}

LogicalResult Loops::run() {
  if (failed(prepare()))
    return failure();
  e.forLoop(frame.begin, frame.end, e.index(1), [&](Value number) { emitChunk(chunkAt(number)); });
  return status;
}

void Loops::emitChunk(const Chunk &chunk) {
  copyPlanes(chunk);
  if (Emitter::constantOf(s.filters) == 1 && Emitter::constantOf(s.channels) == 1 && c.taps() <= 32)
    return emitRows(chunk);
  Value positions = e.add(e.mul(e.sub(chunk.rows, 1), blocks->width), s.out[2]);
  e.forLoop(e.index(0), positions, e.index(panel), [&](Value first) {
    emitPanel(chunk, first, e.min(e.sub(positions, first), e.index(panel)));
  });
}

//===----------------------------------------------------------------------===//
// Planes
//===----------------------------------------------------------------------===//

// One row of a phase: zeros, input, zeros. `inside` (i1): the row exists.
void Loops::copyRow(Value from, Value inside, Value to, int64_t phase) {
  Value size = e.select(inside, spatialSize(input, 2), e.index(0));
  Row row{input.memory, from, spatialStride(input, 2), size};
  e.forLoop(e.index(0), blocks->width, e.index(lanes), [&](Value w) {
    Value column = e.add(e.mul(w, c.stride[2]), phase - c.low[2]);
    Value x = loadColumns(e, row, column, c.stride[2], lanes, c.low[2] == 0);
    e.vstore(e.convert(x, c.compute), planes, e.add(to, w));
  });
}

void Loops::copyPlanes(const Chunk &chunk) {
  // in ascending order of memory: a row's last vector runs over into the next row
  e.forLoop(s.channels, [&](Value channel) {
    Value to = e.mul(channel, blocks->channel);
    for (int64_t d = 0; d < c.kernel[0]; ++d) {
      Value slice = e.add(e.mul(chunk.depth, c.stride[0]), d * c.dilation[0] - c.low[0]);
      Value exists = e.both(e.ge(slice, e.index(0)), e.lt(slice, spatialSize(input, 0)));
      Value base = e.add(e.add(chunk.inputBase, e.mul(channel, input.strides[1])),
                         e.mul(slice, spatialStride(input, 0)));
      for (int64_t h = 0; h < c.phases(1); ++h)
        for (int64_t w = 0; w < c.phases(2); ++w) {
          copyPlane(chunk, base, exists, to, h, w);
          to = e.add(to, blocks->plane);
        }
    }
  });
}

// One phase of one channel's slice.
void Loops::copyPlane(const Chunk &chunk, Value base, Value exists, Value to, int64_t phaseH,
                      int64_t phaseW) {
  e.forLoop(blocks->height, [&](Value q) {
    Value line = e.add(e.mul(e.add(chunk.row, q), c.stride[1]), phaseH - c.low[1]);
    Value inside = e.both(e.ge(line, e.index(0)), e.lt(line, spatialSize(input, 1)));
    Value from = e.add(base, e.mul(line, spatialStride(input, 1)));
    copyRow(from, e.both(exists, inside), e.add(to, e.mul(q, blocks->width)), phaseW);
  });
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

void Loops::emitPanel(const Chunk &chunk, Value first, Value count) {
  auto known = Emitter::constantOf(s.filters);
  auto at = [&](Value f) {
    Value rows = e.sub(chunk.filters, f), filter = e.add(chunk.filter, f);
    auto full = [&] { tileOf(chunk, first, count, filter, kTileRows, {}); };
    auto part = [&](int64_t rest, Value live) { tileOf(chunk, first, count, filter, rest, live); };
    int64_t rest = known ? *known % kTileRows : 0;
    if (known && *known < kTileRows)
      part(rest, {});
    else if (known && rest == 0)
      full();
    else
      e.ifThen(e.ge(rows, e.index(kTileRows)), full, [&] {
        if (known)
          return part(rest, {});
        e.ifThen(
            e.gt(rows, e.index(1)), [&] { part(kTileRows - 1, rows); }, [&] { part(1, rows); });
      });
    applyEpilogue(chunk, first, count, filter, e.min(rows, e.index(kTileRows)));
  };
  if (known && *known <= kTileRows)
    return at(e.index(0));
  e.forLoop(e.index(0), chunk.filters, e.index(kTileRows), at);
}

void Loops::tileOf(const Chunk &chunk, Value first, Value count, Value filter, int64_t rows,
                   Value live) {
  int64_t most = e.target.avx512 ? 4 : 1;
  if (most == 1) {
    e.forLoop(e.index(0), count, e.index(lanes),
              [&](Value p) { tile(chunk, rows, 1, filter, live, e.add(first, p), p); });
    return;
  }
  std::function<void(int64_t)> pick = [&](int64_t vectors) {
    auto run = [&] { tile(chunk, rows, vectors, filter, live, first, e.index(0)); };
    if (vectors == 1)
      return run();
    e.ifThen(e.gt(count, e.index((vectors - 1) * lanes)), run, [&] { pick(vectors - 1); });
  };
  pick(most);
}

// A loop that carries sums; none around a single turn.
Values Loops::nest(Value count, Values acc, function_ref<Values(Value, Values)> body) {
  if (Emitter::constantOf(count) == 1)
    return body(e.index(0), std::move(acc));
  return e.forLoop(e.index(0), count, e.index(1), acc,
                   [&](Value i, ValueRange carried) { return body(i, Values(carried)); });
}

// The taps of one row of the filter.
Values Loops::taps(const Values &rowBase, int64_t vectors, Value planeBase, Value filterBase,
                   Values acc) {
  auto one = [&](Value shift, Value tap, Values sums) {
    Values columns;
    for (int64_t v = 0; v < vectors; ++v)
      columns.push_back(e.vload(planes, e.add(e.add(planeBase, shift), v * lanes), lanes));
    for (auto [i, base] : llvm::enumerate(rowBase)) {
      Value w = e.load(filter.memory, e.add(e.add(base, filterBase), tap));
      Value x = e.splat(e.convert(w, c.compute), lanes);
      for (int64_t v = 0; v < vectors; ++v)
        sums[i * vectors + v] = e.fma(x, columns[v], sums[i * vectors + v]);
    }
    return sums;
  };
  Value stride = spatialStride(filter, 2, c.firstTap());
  auto shiftOf = [&](Value r) {
    Value at = e.mul(r, c.dilation[2]);
    return e.add(e.mul(e.rem(at, c.stride[2]), blocks->plane), e.div(at, c.stride[2]));
  };
  if (c.kernel[2] > 8)
    return nest(e.index(c.kernel[2]), acc, [&](Value r, Values sums) {
      return one(shiftOf(r), e.mul(r, stride), std::move(sums));
    });
  for (int64_t r = 0; r < c.kernel[2]; ++r)
    acc = one(shiftOf(e.index(r)), e.mul(stride, r), acc);
  return acc;
}

void Loops::tile(const Chunk &chunk, int64_t rows, int64_t vectors, Value first, Value live,
                 Value position, Value sums) {
  Values rowBase;
  Value group = e.mul(chunk.group, s.filters);
  for (int64_t i = 0; i < rows; ++i) {
    Value row = live && i ? e.min(e.index(i), e.sub(live, 1)) : e.index(i);
    Value f = e.add(e.add(group, first), row);
    rowBase.push_back(e.add(filter.offset, e.mul(f, filter.strides[0])));
  }
  Value perSlice = e.mul(blocks->plane, c.phases(1) * c.phases(2));
  Values acc(rows * vectors, e.zero(e.vec(c.compute, lanes)));
  acc = nest(s.channels, acc, [&](Value channel, Values outer) {
    Value planeBase = e.add(position, e.mul(channel, blocks->channel));
    Value filterBase = c.depthwise ? e.index(0) : e.mul(channel, filter.strides[1]);
    return nest(e.index(c.kernel[0] * c.kernel[1]), std::move(outer), [&](Value r, Values carried) {
      Value d = e.div(r, c.kernel[1]), at = e.mul(e.rem(r, c.kernel[1]), c.dilation[1]);
      Value phase = e.mul(e.rem(at, c.stride[1]), e.mul(blocks->plane, c.phases(2)));
      Value shift = e.add(phase, e.mul(e.div(at, c.stride[1]), blocks->width));
      Value plane = e.add(e.add(planeBase, e.mul(d, perSlice)), shift);
      Value weights = e.add(e.mul(d, spatialStride(filter, 0, c.firstTap())),
                            e.mul(e.rem(r, c.kernel[1]), spatialStride(filter, 1, c.firstTap())));
      return taps(rowBase, vectors, plane, e.add(filterBase, weights), std::move(carried));
    });
  });
  for (auto [i, x] : llvm::enumerate(acc))
    e.vstore(x, sumsMemory, e.add(sums, i / vectors * panel + i % vectors * lanes));
}

//===----------------------------------------------------------------------===//
// One filter and one channel a group: rows of the image, straight to the epilogue
//===----------------------------------------------------------------------===//

// kRowTile rows of one vector each; an element of the planes is loaded once for all rows.
Values Loops::rowTile(Value row, Value column, const Values &weights) {
  Values acc(kRowTile, e.zero(e.vec(c.compute, lanes)));
  int64_t phasesH = c.phases(1), phasesW = c.phases(2);
  auto use = [&](Value x, int64_t d, int64_t phaseH, int64_t q, int64_t w) {
    for (int64_t h = 0; h < c.kernel[1]; ++h) {
      int64_t at = h * c.dilation[1], j = q - at / c.stride[1];
      if (at % c.stride[1] == phaseH && j >= 0 && j < kRowTile)
        acc[j] = e.fma(x, weights[(d * c.kernel[1] + h) * c.kernel[2] + w], acc[j]);
    }
  };
  for (int64_t d = 0; d < c.kernel[0]; ++d)
    for (int64_t q = 0; q < kRowTile + c.reach(1); ++q)
      for (int64_t phase = 0; phase < phasesH; ++phase)
        for (int64_t w = 0; w < c.kernel[2]; ++w) {
          int64_t at = w * c.dilation[2];
          int64_t number = (d * phasesH + phase) * phasesW + at % c.stride[2];
          Value line = e.mul(e.add(row, q), blocks->width);
          Value base = e.add(e.add(e.mul(blocks->plane, number), line), column);
          use(e.vload(planes, e.add(base, at / c.stride[2]), lanes), d, phase, q, w);
        }
  return acc;
}

void Loops::emitRows(const Chunk &chunk) {
  Values weights;
  Value base = e.add(filter.offset, e.mul(chunk.group, filter.strides[0]));
  for (int64_t r = 0; r < c.taps(); ++r) {
    std::array<int64_t, 3> at{r / c.kernel[2] / c.kernel[1], r / c.kernel[2] % c.kernel[1],
                              r % c.kernel[2]};
    Value from = base;
    for (unsigned i = 0; i < 3; ++i)
      from = e.add(from, e.mul(spatialStride(filter, i, c.firstTap()), at[i]));
    weights.push_back(e.splat(e.convert(e.load(filter.memory, from), c.compute), lanes));
  }
  Value start = biasOf(chunk.group);
  e.forLoop(e.index(0), chunk.rows, e.index(kRowTile), [&](Value row) {
    e.forLoop(e.index(0), s.out[2], e.index(lanes), [&](Value w) {
      Values acc = rowTile(row, w, weights);
      Value mask = e.mask(e.sub(s.out[2], w), lanes);
      for (int64_t j = 0; j < kRowTile; ++j)
        e.ifThen(e.lt(e.add(row, j), chunk.rows),
                 [&] { apply(chunk, acc[j], start, chunk.group, e.add(row, j), w, mask); });
    });
  });
}

//===----------------------------------------------------------------------===//
// Epilogue
//===----------------------------------------------------------------------===//

Value Loops::biasOf(Value f) {
  if (!bias)
    return {};
  return e.splat(e.convert(frame.load(*bias, frame.position(*bias, f)), c.compute), lanes);
}

void Loops::apply(const Chunk &chunk, Value sums, Value start, Value f, Value row, Value column,
                  Value mask) {
  unsigned rank = 2 + c.spatial;
  Values coordinates(rank, e.index(0));
  coordinates[0] = chunk.batch;
  coordinates[1] = f;
  if (auto d = c.dim(0))
    coordinates[*d] = chunk.depth;
  if (auto d = c.dim(1))
    coordinates[*d] = e.add(chunk.row, row);
  coordinates[rank - 1] = column;
  if (start)
    sums = e.addf(sums, start);
  if (failed(epilogue.apply(sums, coordinates, rank - 1, lanes, mask)))
    status = failure();
}

void Loops::applyEpilogue(const Chunk &chunk, Value first, Value count, Value filterInGroup,
                          Value live) {
  Value end = e.add(first, count);
  // image rows that the panel touches; what lies between their ends is not part of the result
  Value row0 = e.div(first, blocks->width), row1 = e.add(e.div(e.sub(end, 1), blocks->width), 1);
  e.forLoop(row0, row1, e.index(1), [&](Value row) {
    Value start = e.mul(row, blocks->width);
    Value low = e.max(e.sub(first, start), e.index(0));
    Value high = e.min(e.sub(end, start), s.out[2]);
    e.forLoop(live, [&](Value i) {
      Value f = e.add(e.add(e.mul(chunk.group, s.filters), filterInGroup), i);
      Value at = e.add(e.mul(i, panel), e.sub(start, first)), shift = biasOf(f);
      e.forLoop(low, high, e.index(lanes), [&](Value w) {
        Value sums = e.vload(sumsMemory, e.add(at, w), lanes);
        apply(chunk, sums, shift, f, row, w, e.mask(e.sub(high, w), lanes));
      });
    });
  });
}

LogicalResult linnet::codegen::emitConv(const Conv &c, KernelFrame &frame) {
  return Loops(c, frame).run();
}
