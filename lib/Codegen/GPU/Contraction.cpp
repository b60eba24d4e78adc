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

static GPUTile chooseTile(const Contraction &c, const GPUTarget &target) {
  bool narrow = c.arithmetic.compute.getIntOrFloatBitWidth() <= 32;
  return GPUTile::choose(staticProduct(c, c.m), staticProduct(c, c.n), staticProduct(c, c.batch),
                         narrow, target);
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
  GPUTile tile = chooseTile(*c, target);
  tile.select(kernel);
  LaunchBuilder b(kernel);
  FailureOr<ContractionSizes> s = ContractionSizes::of(b, *c);
  if (failed(s))
    return kernel.emitError("has a size that its launch cannot compute");
  Value chunks = tile.chunks(b, s->batch, s->m, s->n);
  b.finish(chunks, b.constant(0), s->flops(b), s->bytes(b, *c));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPUContractionEmitter() {
  static const GPUContractionEmitter emitter;
  return &emitter;
}
