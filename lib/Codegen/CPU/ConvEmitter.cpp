//===- ConvEmitter.cpp - strategy of convolutions -------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ConvBlocks.h"
#include "Emitters.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Blocks
//===----------------------------------------------------------------------===//

static Value constant(LaunchBuilder &b, int64_t v) { return b.constant(v); }
static Value constant(Emitter &e, int64_t v) { return e.index(v); }

/// Elements of the planes of a chunk, as a goal: a part of L2 that leaves room for the filters.
static constexpr int64_t kPlaneGoal = int64_t{40} * 1024;

template <class Builder>
ConvBlocks<Builder>::ConvBlocks(Builder &b, const Conv &c, const ConvSizes &s) {
  auto k = [&](int64_t v) { return constant(b, v); };
  auto atLeastOne = [&](Value v) { return b.max(v, k(1)); };
  int64_t panel = panelWidth(c.compute), lanes = panel / 4;
  int64_t perChannel = c.kernel[0] * c.phases(1) * c.phases(2);
  width = b.add(s.out[2], k(c.reach(2)));
  // rows of a chunk: as many as fit, a panel's worth of positions at least
  Value perRow = atLeastOne(b.mul(b.mul(s.channels, k(perChannel)), width));
  Value fit = b.sub(b.ceilDiv(k(kPlaneGoal), perRow), k(c.reach(1)));
  Value most = b.max(fit, b.ceilDiv(k(panel), atLeastOne(width)));
  Value outRows = atLeastOne(s.out[1]);
  Value parts = b.ceilDiv(outRows, atLeastOne(b.min(most, outRows)));
  rows = b.ceilDiv(outRows, parts);
  rowBlocks = b.ceilDiv(outRows, rows);
  Value positions = b.mul(s.out[0], b.mul(s.out[1], s.out[2]));
  work = b.mul(b.mul(b.mul(s.batch, s.groups), b.mul(s.filters, s.channels)),
               b.mul(positions, k(c.taps())));
  // filters of a chunk: all, unless there are too few chunks for several threads
  Value wanted = atLeastOne(b.min(b.ceilDiv(work, k(1 << 20)), k(16)));
  Value have = b.mul(b.mul(s.batch, s.groups), b.mul(s.out[0], rowBlocks));
  Value splits = atLeastOne(
      b.min(b.ceilDiv(wanted, atLeastOne(have)), b.ceilDiv(s.filters, k(4 * kTileRows))));
  filters = b.mul(b.ceilDiv(b.ceilDiv(atLeastOne(s.filters), splits), k(kTileRows)), k(kTileRows));
  filterBlocks = b.ceilDiv(s.filters, filters);
  chunks = b.mul(b.mul(have, filterBlocks), b.min(positions, k(1)));
  height = b.add(rows, k(c.reach(1)));
  plane = b.mul(height, width);
  // vectors run over the end of a plane, and tiles of rows over its last row
  channel = b.add(b.mul(b.ceilDiv(b.mul(plane, k(perChannel)), k(16)), k(16)), k(16));
  int64_t bytes = c.compute.getIntOrFloatBitWidth() / 8;
  bytesSums = k((kTileRows * panel + lanes) * bytes);
  bytesPlanes =
      b.mul(b.add(b.mul(s.channels, channel), b.add(b.mul(width, k(4)), k(2 * panel))), k(bytes));
}

template struct linnet::codegen::ConvBlocks<LaunchBuilder>;
template struct linnet::codegen::ConvBlocks<Emitter>;

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

namespace {
class ConvEmitter : public KernelEmitter {
public:
  StringRef getName() const override { return "conv"; }
  bool match(exec::KernelOp kernel) const override { return succeeded(Conv::match(kernel)); }
  LogicalResult select(exec::KernelOp kernel, const llvm::BitVector &constant) const override;
  LogicalResult emit(exec::KernelOp kernel, KernelFrame &frame) const override {
    FailureOr<Conv> c = Conv::match(kernel);
    return failed(c) ? failure() : emitConv(*c, frame);
  }
};
} // namespace

LogicalResult ConvEmitter::select(exec::KernelOp kernel, const llvm::BitVector &) const {
  FailureOr<Conv> c = Conv::match(kernel);
  if (failed(c))
    return failure();
  LaunchBuilder b(kernel);
  FailureOr<ConvSizes> s = ConvSizes::of(b, *c);
  if (failed(s))
    return failure();
  ConvBlocks<LaunchBuilder> blocks(b, *c, *s);
  Value bytes = s->bytes(b, *c);
  b.finish(blocks.chunks, b.add(blocks.bytesSums, blocks.bytesPlanes),
           b.mul(blocks.work, b.constant(2)), bytes);
  kernel.setStrategyAttr(DictionaryAttr::get(kernel.getContext()));
  return success();
}

const KernelEmitter *linnet::codegen::getConvEmitter() {
  static const ConvEmitter emitter;
  return &emitter;
}
