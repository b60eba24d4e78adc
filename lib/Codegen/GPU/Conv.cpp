//===- Conv.cpp - the strategy of convolutions on GPUs ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Conv.h"
#include "Emitters.h"
#include "ProductTile.h"
#include "WindowTile.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

static int64_t staticSize(Value tensor, unsigned dim) {
  return cast<ShapedType>(tensor.getType()).getDimSize(dim);
}

/// Sizes of the result's spatial dimensions, filled up in front; kDynamic: not known.
static std::array<int64_t, 3> staticOutputs(const Conv &c) {
  std::array<int64_t, 3> out;
  for (unsigned i = 0; i < 3; ++i) {
    auto dim = c.dim(i);
    out[i] = dim ? staticSize(c.result(), *dim) : 1;
  }
  return out;
}

/// Groups of one channel with few filters: there is nothing that a product would share.
static std::optional<WindowShape> depthwiseShape(const Conv &c) {
  int64_t filters = staticSize(c.filter, 0);
  bool few = c.depthwise || (staticSize(c.filter, 1) == 1 && !ShapedType::isDynamic(filters) &&
                             filters <= 4 * c.groups);
  return few ? WindowShape::choose(c, staticOutputs(c)) : std::nullopt;
}

static GPUTile chooseTile(const Conv &c, const GPUTarget &target) {
  auto known = [](int64_t size) { return ShapedType::isDynamic(size) ? 4096 : size; };
  int64_t groups = c.depthwise ? known(staticSize(c.filter, 0)) : c.groups;
  int64_t filters = c.depthwise ? 1 : llvm::divideCeil(known(staticSize(c.filter, 0)), groups);
  int64_t n = staticSize(c.input, 0), k = c.taps();
  for (int64_t size : staticOutputs(c))
    n = ShapedType::isDynamic(n) || ShapedType::isDynamic(size) ? ShapedType::kDynamic : n * size;
  if (!c.depthwise)
    k *= std::min<int64_t>(known(staticSize(c.filter, 1)), 4096);
  return GPUTile::chooseDeep(filters, known(n), k, groups, c.compute.getIntOrFloatBitWidth() <= 32,
                             target);
}

namespace {
class GPUConvEmitter : public GPUKernelEmitter {
public:
  StringRef getName() const override { return "conv"; }
  bool match(exec::KernelOp kernel) const override { return succeeded(Conv::match(kernel)); }
  LogicalResult select(exec::KernelOp kernel, const GPUTarget &target) const override;
  LogicalResult emit(exec::KernelOp kernel, GPUKernelFrame &frame) const override {
    FailureOr<Conv> c = Conv::match(kernel);
    if (failed(c))
      return failure();
    return WindowShape::isIn(frame) ? emitDepthwise(*c, frame) : emitConvProduct(*c, frame);
  }
};
} // namespace

LogicalResult GPUConvEmitter::select(exec::KernelOp kernel, const GPUTarget &target) const {
  FailureOr<Conv> c = Conv::match(kernel);
  if (failed(c))
    return failure();
  LaunchBuilder b(kernel);
  FailureOr<ConvSizes> s = ConvSizes::of(b, *c);
  if (failed(s))
    return failure();
  Value filters = b.mul(s->groups, s->filters), chunks;
  if (std::optional<WindowShape> shape = depthwiseShape(*c)) {
    shape->select(kernel);
    chunks = shape->chunks(b, b.mul(s->batch, filters), s->out);
  } else {
    GPUTile tile = chooseTile(*c, target);
    tile.select(kernel);
    chunks =
        tile.chunks(b, s->groups, s->filters, b.mul({s->batch, s->out[0], s->out[1], s->out[2]}));
  }
  Value flops = b.mul({s->outputs, s->channels, b.constant(2 * c->taps())});
  b.finish(chunks, b.constant(0), flops, s->bytes(b, *c));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPUConvEmitter() {
  static const GPUConvEmitter emitter;
  return &emitter;
}

//===----------------------------------------------------------------------===//
// Operands and results
//===----------------------------------------------------------------------===//

LogicalResult ConvOperands::prepare() {
  FailureOr<View> in = f.view(c.input), w = f.view(c.filter);
  if (failed(in) || failed(w) || failed(epilogue.prepare()))
    return failure();
  input = Planes(e, *in);
  filter = *w;
  if (c.bias) {
    FailureOr<View> v = f.view(c.bias);
    if (failed(v))
      return failure();
    bias = *v;
  }
  sizes = ConvSizes::of(f, c, input.view, filter);
  return success();
}

void ConvOperands::finish(Value sum, Value batch, Value number, ArrayRef<Value> at) {
  Values coordinates = {batch, number};
  coordinates.append(at.end() - c.spatial, at.end());
  if (bias) {
    Value x = f.load(*bias, f.position(*bias, number));
    sum = e.addf(sum, e.convert(x, c.compute));
  }
  if (failed(epilogue.apply(sum, coordinates, kNoDim, 0, {})))
    status = failure();
}
