//===- Contraction.cpp - the strategy of matrix products on GPUs ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "../OneOp.h"
#include "Emitters.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

/// From so many tiles on a device has enough to do with large ones.
static constexpr int64_t kManyTiles = 96;

static int64_t staticProduct(const Contraction &c, ArrayRef<unsigned> dims) {
  int64_t n = 1;
  for (unsigned d : dims) {
    int64_t size = c.staticSize(d);
    if (ShapedType::isDynamic(size))
      return 4096;
    n *= size;
  }
  return n;
}

GPUTile GPUTile::choose(const Contraction &c, const GPUTarget &target) {
  int64_t m = staticProduct(c, c.m), n = staticProduct(c, c.n), batch = staticProduct(c, c.batch);
  auto tiles = [&](int64_t rows, int64_t columns) {
    return batch * llvm::divideCeil(m, rows) * llvm::divideCeil(n, columns);
  };
  bool narrow = c.arithmetic.compute.getIntOrFloatBitWidth() <= 32;
  if (m <= 16 && n > 16)
    return {16, 64, 32, 2, 4};
  if (n <= 16 && m > 16)
    return {64, 16, 32, 4, 2};
  if (m <= 16)
    return {16, 16, 32, 2, 2};
  if (narrow && tiles(128, 128) >= kManyTiles && target.maxWorkgroup >= 256)
    return {128, 128, 16, 8, 8};
  if (tiles(64, 64) >= kManyTiles / 2 || (m > 512 && n > 512))
    return {64, 64, 16, 4, 4};
  return {32, 32, 32, 2, 4};
}

GPUTile GPUTile::of(const KernelViews &frame) {
  return {frame.strategyInt("rows"), frame.strategyInt("columns"), frame.strategyInt("depth"),
          frame.strategyInt("thread_rows"), frame.strategyInt("thread_columns")};
}

namespace {
class GPUContractionEmitter : public GPUKernelEmitter {
public:
  StringRef getName() const override { return "contraction"; }
  bool match(exec::KernelOp kernel) const override { return succeeded(Contraction::match(kernel)); }
  LogicalResult select(exec::KernelOp kernel, const GPUTarget &target) const override;
  LogicalResult emit(exec::KernelOp kernel, GPUKernelFrame &frame) const override {
    FailureOr<Contraction> c = Contraction::match(kernel);
    return failed(c) ? failure() : GPUContraction(*c, frame).run();
  }
};
} // namespace

LogicalResult GPUContractionEmitter::select(exec::KernelOp kernel, const GPUTarget &target) const {
  FailureOr<Contraction> c = Contraction::match(kernel);
  if (failed(c))
    return failure();
  GPUTile tile = GPUTile::choose(*c, target);
  setStrategy(kernel, {{kThreads, tile.threads()},
                       {"rows", tile.rows},
                       {"columns", tile.columns},
                       {"depth", tile.depth},
                       {"thread_rows", tile.threadRows},
                       {"thread_columns", tile.threadColumns}});
  LaunchBuilder b(kernel);
  FailureOr<ContractionSizes> s = ContractionSizes::of(b, *c);
  if (failed(s))
    return kernel.emitError("has a size that its launch cannot compute");
  Value chunks = b.mul({s->batch, b.ceilDiv(s->m, b.constant(tile.rows)),
                        b.ceilDiv(s->n, b.constant(tile.columns))});
  b.finish(chunks, b.constant(0), s->flops(b), s->bytes(b, *c));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPUContractionEmitter() {
  static const GPUContractionEmitter emitter;
  return &emitter;
}
