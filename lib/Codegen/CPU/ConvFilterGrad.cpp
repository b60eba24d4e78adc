//===- ConvFilterGrad.cpp - gradient of a convolution's filter ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// dw[o, c, r] is a dot product over all output positions of all images, lanes along positions.
// As in the convolution, input rows lie padded in planes in scratch, split into phases of the
// stride, so that a tap is a constant shift and positions run on across the ends of rows. The
// gradient lies beside them in rows of the same width, filled up with zeros: what a shift reads
// behind the end of a row counts nothing.
//
//   chunk = (group, block of input channels, block of output channels); for it, in order,
//     block of images and of their rows: copy both
//       tile of output channels by (channel, tap): sums over the block's positions
//
//===----------------------------------------------------------------------===//
#include "../Conv.h"
#include "Columns.h"
#include "Emitters.h"
#include "OpKernel.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

/// Positions of a block, as a goal: eight rows of gradients are then half of L1.
constexpr int64_t kPositions = 768;
/// Pairs of (channel, tap) of a chunk, as a goal; output channels at most.
constexpr int64_t kColumns = 72, kFilters = 64;

struct Shape : FilterGrad {
  using FilterGrad::FilterGrad;
  int64_t planes() const { return kernel[0] * phases(1) * phases(2); }
};

/// Blocks and scratch, by the same formulas at launch and in the code.
template <class Builder> struct Blocks {
  Value images, rows, rowBlocks, perBlock; ///< images: of a batch and a depth; of a block
  Value channels, channelBlocks, filters, filterBlocks, chunks;    ///< of a chunk
  Value width, plane, image, gradImage, channelStride, gradStride; ///< in elements
  Value columns, sumsAt, planesAt, gradsAt, bytes;                 ///< tables come first, in bytes

  Blocks(Builder &b, const Shape &c, const ConvSizes &s, llvm::function_ref<Value(int64_t)> k) {
    auto one = k(1);
    auto round = [&](Value v, int64_t to) { return b.mul(b.ceilDiv(v, k(to)), k(to)); };
    width = b.add(s.out[2], k(c.reach(2)));
    Value outRows = b.max(s.out[1], one);
    Value fit = b.max(b.ceilDiv(k(kPositions), b.max(width, one)), one);
    rows = b.ceilDiv(outRows, b.ceilDiv(outRows, b.min(fit, outRows)));
    rowBlocks = b.ceilDiv(outRows, rows);
    images = b.mul(s.batch, s.out[0]);
    Value goal = b.ceilDiv(k(kPositions), b.max(b.mul(rows, width), one));
    perBlock = b.max(b.min(goal, images), one);
    plane = b.mul(b.add(rows, k(c.reach(1))), width);
    image = b.mul(plane, k(c.planes()));
    gradImage = b.add(b.mul(rows, width), k(kLanes));
    Value all = b.max(s.channels, one),
          wanted = b.min(all, k(std::max<int64_t>(kColumns / c.taps(), 1)));
    channels = b.ceilDiv(all, b.ceilDiv(all, wanted));
    channelBlocks = b.ceilDiv(s.channels, channels);
    all = b.max(s.filters, one);
    filters = b.ceilDiv(all, b.ceilDiv(all, k(kFilters)));
    filterBlocks = b.ceilDiv(s.filters, filters);
    chunks = b.mul(b.mul(k(c.groups), channelBlocks), filterBlocks);
    columns = b.mul(channels, k(c.taps()));
    channelStride = b.mul(perBlock, image);
    gradStride = b.mul(perBlock, gradImage);
    sumsAt = round(b.mul(columns, k(8)), 64);
    // tiles of sums, whatever their shape: at most four places for each
    Value places = b.mul(b.add(filters, k(8)), b.mul(b.add(columns, k(4)), k(4)));
    planesAt = round(b.add(sumsAt, b.mul(places, k(4))), 64);
    // a row's last vector, and what a shift reads behind the last plane
    Value planeCount = b.add(b.mul(channels, channelStride), k(2 * kLanes));
    gradsAt = round(b.add(planesAt, b.mul(planeCount, k(4))), 64);
    bytes = b.add(gradsAt, b.mul(b.add(b.mul(filters, gradStride), k(kLanes)), k(4)));
  }
};

class Kernel {
public:
  Kernel(ConvFilterGradOp op, KernelFrame &frame)
      : e(frame.e), frame(frame), op(op), c(op), tileColumns(c.taps() % 3 == 0 ? 3 : 4),
        tileRows(24 / tileColumns) {
    if (!e.target.avx512)
      tileColumns = tileRows = 2;
  }
  LogicalResult emit();

private:
  struct Chunk {
    Value group, channel, channels, filter, filters; ///< within the group
  };
  LogicalResult prepare();
  void emitChunk(const Chunk &chunk);
  void fillTable();
  void copyInput(const Chunk &chunk, Value firstImage, Value images, Value firstRow, Value rows);
  void copyPlane(Value base, Value exists, Value line, Value rows, Value to, int64_t phaseH,
                 int64_t phaseW);
  void copyGrad(const Chunk &chunk, Value firstImage, Value images, Value firstRow, Value rows);
  Value sumOfEach(ArrayRef<Value> x);
  Value slotOf(Value filter, Value column) {
    Value tile = e.add(e.mul(e.div(filter, tileRows), e.ceilDiv(blocks->columns, tileColumns)),
                       e.div(column, tileColumns));
    return e.mul(tile, slot());
  }
  /// Sums of a tile, in vectors.
  int64_t slot() const { return (tileRows * tileColumns + kLanes - 1) / kLanes * kLanes; }
  void tile(Value filter, Value filters, Value column, Value columns, Value images, Value vectors);
  void store(const Chunk &chunk);
  Value strideOf(const View &v, unsigned i) {
    auto d = c.dim(i);
    return d ? v.strides[*d] : e.index(0);
  }
  Value sizeOf(const View &v, unsigned i) {
    auto d = c.dim(i);
    return d ? v.sizes[*d] : e.index(1);
  }

  Emitter &e;
  KernelFrame &frame;
  ConvFilterGradOp op;
  Shape c;
  int64_t tileColumns, tileRows;
  View input, grad, out;
  ConvSizes s;
  std::unique_ptr<Blocks<Emitter>> blocks;
  Value table, sums, planes, grads;
};

} // namespace

//===----------------------------------------------------------------------===//
// Entry
//===----------------------------------------------------------------------===//

LogicalResult Kernel::prepare() {
  std::optional<View> result;
  if (failed(bindOperandsOf(op, frame, {&input, &grad})) ||
      failed(bindResults(frame, {{op.getResult(), &result}})))
    return failure();
  out = *result;
  s.batch = input.sizes[0];
  s.channels = out.sizes[1];
  s.filters = e.div(out.sizes[0], c.groups);
  for (unsigned i = 0; i < 3; ++i)
    s.out[i] = sizeOf(grad, i);
  blocks = std::make_unique<Blocks<Emitter>>(e, c, s, [&](int64_t v) { return e.index(v); });
  table = frame.scratch(0, e.i64());
  sums = frame.scratch(blocks->sumsAt, e.f32());
  planes = frame.scratch(blocks->planesAt, e.f32());
  grads = frame.scratch(blocks->gradsAt, e.f32());
  return success();
}

LogicalResult Kernel::emit() {
  if (failed(prepare()))
    return failure();
  fillTable();
  e.forLoop(frame.begin, frame.end, e.index(1), [&](Value number) {
    Chunk chunk;
    Value filterBlock = e.rem(number, blocks->filterBlocks);
    number = e.div(number, blocks->filterBlocks);
    Value channelBlock = e.rem(number, blocks->channelBlocks);
    chunk.group = e.div(number, blocks->channelBlocks);
    chunk.channel = e.mul(channelBlock, blocks->channels);
    chunk.channels = e.min(blocks->channels, e.sub(s.channels, chunk.channel));
    chunk.filter = e.mul(filterBlock, blocks->filters);
    chunk.filters = e.min(blocks->filters, e.sub(s.filters, chunk.filter));
    emitChunk(chunk);
  });
  return success();
}

// Where the pair (channel, tap) reads in the planes, beside its image.
void Kernel::fillTable() {
  auto inPhase = [&](Value r, unsigned i, Value &phase, Value &shift) {
    Value at = e.mul(r, c.dilation[i]);
    phase = e.rem(at, c.stride[i]);
    shift = e.div(at, c.stride[i]);
  };
  e.forLoop(blocks->columns, [&](Value column) {
    Value channel = e.div(column, c.taps()), r = e.rem(column, c.taps());
    Value phaseH, shiftH, phaseW, shiftW;
    inPhase(e.rem(r, c.kernel[2]), 2, phaseW, shiftW);
    r = e.div(r, c.kernel[2]);
    inPhase(e.rem(r, c.kernel[1]), 1, phaseH, shiftH);
    Value number = e.div(r, c.kernel[1]);
    number = e.add(e.mul(number, c.phases(1)), phaseH);
    number = e.add(e.mul(number, c.phases(2)), phaseW);
    Value at = e.add(e.add(e.mul(channel, blocks->channelStride), e.mul(number, blocks->plane)),
                     e.add(e.mul(shiftH, blocks->width), shiftW));
    e.store(e.toInt(at, e.i64()), table, column);
  });
}

void Kernel::emitChunk(const Chunk &chunk) {
  Value columns = e.mul(chunk.channels, c.taps());
  Value tiles =
      e.mul(e.ceilDiv(blocks->filters, tileRows), e.ceilDiv(blocks->columns, tileColumns));
  e.forLoop(e.index(0), e.mul(tiles, slot()), e.index(kLanes),
            [&](Value i) { e.vstore(e.vf(0), sums, i); });
  Value blocksOfImages = e.ceilDiv(blocks->images, blocks->perBlock);
  e.forLoop(blocksOfImages, [&](Value imageBlock) {
    Value first = e.mul(imageBlock, blocks->perBlock);
    Value images = e.min(blocks->perBlock, e.sub(blocks->images, first));
    e.forLoop(blocks->rowBlocks, [&](Value rowBlock) {
      Value row = e.mul(rowBlock, blocks->rows);
      Value rows = e.min(blocks->rows, e.sub(s.out[1], row));
      copyInput(chunk, first, images, row, rows);
      copyGrad(chunk, first, images, row, rows);
      Value positions = e.add(e.mul(e.sub(rows, 1), blocks->width), s.out[2]);
      Value vectors = e.ceilDiv(e.max(positions, e.index(0)), kLanes);
      e.forLoop(e.index(0), chunk.filters, e.index(tileRows), [&](Value filter) {
        e.forLoop(e.index(0), columns, e.index(tileColumns), [&](Value column) {
          tile(filter, chunk.filters, column, columns, images, vectors);
        });
      });
    });
  });
  store(chunk);
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

// In ascending order of memory: a row's last vector runs over into the next row.
void Kernel::copyInput(const Chunk &chunk, Value firstImage, Value images, Value firstRow,
                       Value rows) {
  Value base = e.add(input.offset,
                     e.mul(e.add(e.mul(chunk.group, s.channels), chunk.channel), input.strides[1]));
  e.forLoop(chunk.channels, [&](Value channel) {
    e.forLoop(images, [&](Value i) {
      Value number = e.add(firstImage, i);
      Value batch = e.div(number, s.out[0]), depth = e.rem(number, s.out[0]);
      Value from =
          e.add(e.add(base, e.mul(channel, input.strides[1])), e.mul(batch, input.strides[0]));
      Value to = e.add(e.mul(channel, blocks->channelStride), e.mul(i, blocks->image));
      for (int64_t d = 0; d < c.kernel[0]; ++d) {
        Value slice = e.add(e.mul(depth, c.stride[0]), d * c.dilation[0] - c.low[0]);
        Value exists = e.both(e.ge(slice, e.index(0)), e.lt(slice, sizeOf(input, 0)));
        Value plane = e.add(from, e.mul(slice, strideOf(input, 0)));
        for (int64_t h = 0; h < c.phases(1); ++h)
          for (int64_t w = 0; w < c.phases(2); ++w) {
            copyPlane(plane, exists, e.mul(firstRow, c.stride[1]), rows, to, h, w);
            to = e.add(to, blocks->plane);
          }
      }
    });
  });
  e.vstore(e.vf(0), planes, e.mul(chunk.channels, blocks->channelStride));
}

// One phase of one channel of one image.
void Kernel::copyPlane(Value base, Value exists, Value line, Value rows, Value to, int64_t phaseH,
                       int64_t phaseW) {
  e.forLoop(e.add(rows, c.reach(1)), [&](Value q) {
    Value at = e.add(e.add(line, e.mul(q, c.stride[1])), phaseH - c.low[1]);
    Value inside = e.both(exists, e.both(e.ge(at, e.index(0)), e.lt(at, sizeOf(input, 1))));
    Row row{input.memory, e.add(base, e.mul(at, strideOf(input, 1))), strideOf(input, 2),
            e.select(inside, sizeOf(input, 2), e.index(0))};
    Value target = e.add(to, e.mul(q, blocks->width));
    e.forLoop(e.index(0), blocks->width, e.index(kLanes), [&](Value w) {
      Value first = e.add(e.mul(w, c.stride[2]), phaseW - c.low[2]);
      Value x = loadColumns(e, row, first, c.stride[2], kLanes, c.low[2] == 0);
      e.vstore(e.convert(x, e.f32()), planes, e.add(target, w));
    });
  });
}

void Kernel::copyGrad(const Chunk &chunk, Value firstImage, Value images, Value firstRow,
                      Value rows) {
  Value first = e.add(e.mul(chunk.group, s.filters), chunk.filter);
  e.forLoop(chunk.filters, [&](Value f) {
    e.forLoop(images, [&](Value i) {
      Value number = e.add(firstImage, i);
      Value batch = e.div(number, s.out[0]), depth = e.rem(number, s.out[0]);
      Value from =
          e.add(e.add(e.add(grad.offset, e.mul(batch, grad.strides[0])),
                      e.mul(e.add(first, f), grad.strides[1])),
                e.add(e.mul(depth, strideOf(grad, 0)), e.mul(firstRow, strideOf(grad, 1))));
      Value to = e.add(e.mul(f, blocks->gradStride), e.mul(i, blocks->gradImage));
      e.forLoop(rows, [&](Value q) {
        Row row{grad.memory, e.add(from, e.mul(q, strideOf(grad, 1))), strideOf(grad, 2), s.out[2]};
        Value target = e.add(to, e.mul(q, blocks->width));
        e.forLoop(e.index(0), blocks->width, e.index(kLanes), [&](Value w) {
          Value x = loadColumns(e, row, w, 1, kLanes, /*inside=*/true);
          e.vstore(e.convert(x, e.f32()), grads, e.add(target, w));
        });
      });
      // the last vector of positions ends within this one
      e.vstore(e.vf(0), grads, e.add(to, e.mul(rows, blocks->width)));
    });
  });
}

//===----------------------------------------------------------------------===//
// Tiles
//===----------------------------------------------------------------------===//

// Rows and columns past the last repeat it; nobody reads their sums.
void Kernel::tile(Value filter, Value filters, Value column, Value columns, Value images,
                  Value vectors) {
  Values row, base, number;
  for (int64_t i = 0; i < tileRows; ++i)
    row.push_back(e.min(e.add(filter, i), e.sub(filters, 1)));
  for (int64_t j = 0; j < tileColumns; ++j) {
    number.push_back(e.min(e.add(column, j), e.sub(columns, 1)));
    base.push_back(e.toIndex(e.load(table, number[j])));
  }
  Values acc(tileRows * tileColumns, e.vf(0));
  acc = e.forLoop(e.index(0), images, e.index(1), acc, [&](Value image, ValueRange outer) {
    Value planeAt = e.mul(image, blocks->image), gradAt = e.mul(image, blocks->gradImage);
    Values x, g;
    for (Value b : base)
      x.push_back(e.add(b, planeAt));
    for (Value r : row)
      g.push_back(e.add(e.mul(r, blocks->gradStride), gradAt));
    return e.forLoop(e.index(0), e.mul(vectors, kLanes), e.index(kLanes), outer,
                     [&](Value q, ValueRange in) {
                       Values next(in), right;
                       for (Value at : x)
                         right.push_back(e.vload(planes, e.add(at, q)));
                       for (int64_t i = 0; i < tileRows; ++i) {
                         Value left = e.vload(grads, e.add(g[i], q));
                         for (int64_t j = 0; j < tileColumns; ++j) {
                           Value &sum = next[i * tileColumns + j];
                           sum = e.fma(left, right[j], sum);
                         }
                       }
                       return next;
                     });
  });
  Value at = slotOf(filter, column);
  for (size_t i = 0; i < acc.size(); i += kLanes) {
    Value here = e.add(at, i);
    Value sum = sumOfEach(ArrayRef(acc).slice(i, std::min<size_t>(kLanes, acc.size() - i)));
    e.vstore(e.addf(e.vload(sums, here), sum), sums, here);
  }
}

// Lane i is the sum of the lanes of x[i]: the halving tree of all of them at once. Each step adds
// half of a vector to the other half, and puts two vectors into one.
Value Kernel::sumOfEach(ArrayRef<Value> x) {
  Values parts(x);
  parts.resize(kLanes, e.vf(0));
  for (int64_t d = kLanes / 2; d >= 1; d /= 2) {
    SmallVector<int64_t> low, high;
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      int64_t from = (lane & ~(2 * d - 1)) + lane % d + (lane & d ? kLanes : 0);
      low.push_back(from);
      high.push_back(from + d);
    }
    for (int64_t i = 0; i < d; ++i)
      parts[i] = e.addf(vector::ShuffleOp::create(e, parts[i], parts[i + d], low),
                        vector::ShuffleOp::create(e, parts[i], parts[i + d], high));
  }
  return parts[0];
}

void Kernel::store(const Chunk &chunk) {
  Value first = e.add(e.mul(chunk.group, s.filters), chunk.filter);
  e.forLoop(chunk.filters, [&](Value f) {
    e.forLoop(chunk.channels, [&](Value channel) {
      Value to = e.add(out.offset, e.add(e.mul(e.add(first, f), out.strides[0]),
                                         e.mul(e.add(chunk.channel, channel), out.strides[1])));
      e.forLoop(e.index(c.taps()), [&](Value r) {
        Value at = e.add(to, e.mul(e.rem(r, c.kernel[2]), strideOf(out, 2)));
        Value rest = e.div(r, c.kernel[2]);
        at = e.add(at, e.add(e.mul(e.rem(rest, c.kernel[1]), strideOf(out, 1)),
                             e.mul(e.div(rest, c.kernel[1]), strideOf(out, 0))));
        Value column = e.add(e.mul(channel, c.taps()), r);
        Value lane = e.add(e.mul(e.rem(f, tileRows), tileColumns), e.rem(column, tileColumns));
        Value sum = e.load(sums, e.add(slotOf(f, column), lane));
        frame.store(e.convert(sum, out.element), out, at);
      });
    });
  });
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static LogicalResult select(ConvFilterGradOp op, exec::KernelOp kernel) {
  Shape c(op);
  setStrategy(kernel, {});
  LaunchBuilder b(kernel);
  FailureOr<ConvSizes> s = ConvSizes::of(b, c);
  if (failed(s))
    return failure();
  Blocks<LaunchBuilder> blocks(b, c, *s, [&](int64_t v) { return b.constant(v); });
  Value flops =
      b.mul({s->outputs, b.sizeOf(op.getResult(), 0), s->channels, b.constant(2 * c.taps())});
  b.finish(blocks.chunks, blocks.bytes, flops, bytesTouched(b, kernel));
  return success();
}

const KernelEmitter *linnet::codegen::getConvFilterGradEmitter() {
  static const OpEmitter<ConvFilterGradOp, Kernel> emitter(
      select, [](ConvFilterGradOp op) { return op.getNumSpatialDims() <= 3; });
  return &emitter;
}
