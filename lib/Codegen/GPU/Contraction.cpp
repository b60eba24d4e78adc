//===- Contraction.cpp - the strategy of matrix products on GPUs ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "../OneOp.h"
#include "Emitters.h"
#include "MmaTile.h"
#include "linnet/Codegen/GPUProgram.h"

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

/// Whether tensor cores were asked for and whole tiles of bf16 lie as they take them.
static bool fitsTensorCores(const Contraction &c, exec::KernelOp kernel, const GPUTarget &target) {
  const Arithmetic &t = c.arithmetic;
  if (!target.isCUDA() || !kernel->getParentOp()->hasAttr(kTensorCoresAttr) || !t.a.isBF16() ||
      !t.b.isBF16() || !t.compute.isF32() || !c.outerK.empty() || c.m.empty() || c.n.empty() ||
      c.k.empty())
    return false;
  auto size = [&](ArrayRef<unsigned> dims) {
    bool known =
        llvm::none_of(dims, [&](unsigned d) { return ShapedType::isDynamic(c.staticSize(d)); });
    return known ? staticProduct(c, dims) : -1;
  };
  auto whole = [](int64_t n, int64_t of) { return n > 0 && n % of == 0; };
  if (!whole(size(c.m), MmaTile::kRows) || !whole(size(c.n), MmaTile::kColumns) ||
      !whole(size(c.k), MmaTile::kDepth))
    return false;
  auto lies = [&](const Operand &x, const DimGroup &group) {
    int64_t across = c.stride(x, group), along = c.stride(x, c.k);
    if (across != 1)
      std::swap(across, along);
    auto fits = [&](int64_t stride) {
      return !ShapedType::isDynamic(stride) && stride % MmaTile::kWide == 0;
    };
    return across == 1 && fits(along) &&
           llvm::all_of(c.batch, [&](unsigned d) { return fits(x.strides[d]); });
  };
  return lies(c.a, c.m) && lies(c.b, c.n);
}

namespace {
class GPUContractionEmitter : public GPUKernelEmitter {
public:
  StringRef getName() const override { return "contraction"; }
  /// Products of vectors have no tiles: they are sums of rows, which loops share among threads.
  bool match(exec::KernelOp kernel) const override {
    FailureOr<Contraction> c = Contraction::match(kernel);
    return succeeded(c) && !(c->m.empty() && c->n.empty());
  }
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
  if (fitsTensorCores(*c, kernel, target)) {
    tile = {MmaTile::kRows, MmaTile::kColumns, MmaTile::kDepth, 8, 8};
    static_assert(MmaTile::kRows / 8 * (MmaTile::kColumns / 8) == MmaTile::kThreads);
    tile.select(kernel, {{kMma, 1}});
  } else {
    tile.select(kernel);
  }
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
