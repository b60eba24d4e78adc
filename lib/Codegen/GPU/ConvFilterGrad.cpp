//===- ConvFilterGrad.cpp - gradient of a convolution's filter on GPUs ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A matrix product per group: rows are output channels, columns the pairs of input channel and tap,
// k the positions of all images, along which accesses run. Tiles are few and k is long, so several
// slices of a workgroup make a tile.
//
//===----------------------------------------------------------------------===//
#include "../Conv.h"
#include "Emitters.h"
#include "GPUOpKernel.h"
#include "ProductTile.h"
#include "WindowGather.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

class Kernel {
public:
  Kernel(ConvFilterGradOp op, GPUKernelFrame &frame)
      : c(op), op(op), f(frame), e(frame.e), tile(e, GPUTile::of(frame), e.f32()) {}
  LogicalResult emit();

private:
  LogicalResult prepare();
  void findTile();
  void fill(Value from);
  bool liesTogether();
  void store(Value sum, Value row, Value column);
  Values unravelled(Value number) {
    return unravel(e, number, {input.view.sizes[0], grad.size[0], grad.size[1], grad.size[2]});
  }

  FilterGrad c;
  ConvFilterGradOp op;
  GPUKernelFrame &f;
  GPUEmitter &e;
  ProductTile tile;
  Planes input, grad;
  View out;
  Value channels, m, n, k, row0, column0, firstFilter, firstChannel;
  std::unique_ptr<WindowGather> gather;
};

} // namespace

LogicalResult Kernel::prepare() {
  View images, gradients;
  std::optional<View> result;
  if (failed(bindOperandsOf(op, f, {&images, &gradients})) ||
      failed(bindResults(f, {{op.getResult(), &result}})))
    return failure();
  input = Planes(e, images);
  grad = Planes(e, gradients);
  out = *result;
  gather = std::make_unique<WindowGather>(e, c, input, grad.size);
  channels = out.sizes[1];
  m = e.div(out.sizes[0], c.groups);
  n = e.mul(channels, c.taps());
  k = e.mul(input.view.sizes[0], grad.elements(e));
  return success();
}

/// Columns of tiles run fastest, so that workgroups at work together share gradients.
void Kernel::findTile() {
  Value across = e.ceilDiv(n, tile.shape.columns), down = e.ceilDiv(m, tile.shape.rows);
  column0 = e.mul(e.rem(f.group, across), tile.shape.columns);
  Value rest = e.div(f.group, across);
  row0 = e.mul(e.rem(rest, down), tile.shape.rows);
  Value group = e.div(rest, down);
  firstFilter = e.mul(group, m);
  firstChannel = e.mul(group, channels);
}

/// Whether planes of the gradient are runs of elements, of which four never cross a plane's end.
bool Kernel::liesTogether() {
  auto size = [&](unsigned i) { return CodeBuilder::constantOf(grad.size[i]); };
  int64_t expected = 1;
  for (unsigned i = 3; i-- > 0;) {
    if (!size(i) || (*size(i) != 1 && CodeBuilder::constantOf(grad.stride[i]) != expected))
      return false;
    expected *= *size(i);
  }
  return expected % 4 == 0;
}

void Kernel::fill(Value from) {
  int64_t wide = liesTogether() ? 4 : 1;
  tile.fill(tile.a, /*alongK=*/true, wide, [&](Value inK, Value inS) {
    Value at = e.add(from, inK), row = e.add(row0, inS);
    Values p = unravelled(at);
    Value base = grad.base(e, p[0], e.add(firstFilter, row));
    Row line = grad.row(e, base, p[1], p[2]);
    Value position = e.add(line.from, e.mul(p[3], line.stride));
    return tile.fetch(grad.view, position, wide, false,
                      [&](int64_t i) { return e.both(e.lt(e.add(at, i), k), e.lt(row, m)); });
  });
  tile.fill(tile.b, /*alongK=*/true, 1, [&](Value inK, Value inS) {
    Value at = e.add(from, inK), column = e.add(column0, inS);
    Values p = unravelled(at);
    Value exists = e.both(e.lt(at, k), e.lt(column, n));
    WindowGather::Window window =
        gather->windowAt(input.base(e, p[0], firstChannel), ArrayRef(p).drop_front(), exists);
    WindowGather::Tap tap = gather->tapAt(column);
    return tile.fetch(input.view, gather->position(window, tap), 1, false,
                      [&](int64_t) { return gather->isInside(window, tap); });
  });
}

void Kernel::store(Value sum, Value row, Value column) {
  Value r = e.add(row0, row), q = e.add(column0, column);
  e.ifThen(e.both(e.lt(r, m), e.lt(q, n)), [&] {
    Values at =
        unravel(e, q, {channels, e.index(c.kernel[0]), e.index(c.kernel[1]), e.index(c.kernel[2])});
    Values coordinates = {e.add(firstFilter, r), at[0]};
    coordinates.append(at.end() - c.spatial, at.end());
    f.store(e.convert(sum, out.element), out, f.position(out, coordinates));
  });
}

LogicalResult Kernel::emit() {
  if (failed(prepare()))
    return failure();
  findTile();
  Values sums = tile.steps(k, tile.zeros(), [&](Value from) { fill(from); });
  tile.finishThroughMemory(sums,
                           [&](Value sum, Value row, Value column) { store(sum, row, column); });
  return success();
}

//===----------------------------------------------------------------------===//
// Emitter
//===----------------------------------------------------------------------===//

static GPUTile chooseTile(ConvFilterGradOp op, const GPUTarget &target) {
  FilterGrad c(op);
  auto known = [](int64_t size) { return ShapedType::isDynamic(size) ? 4096 : size; };
  RankedTensorType result = op.getResult().getType(), grad = op.getGrad().getType();
  int64_t k = known(grad.getDimSize(0));
  for (int64_t size : grad.getShape().drop_front(2))
    k *= std::min<int64_t>(known(size), 4096);
  return GPUTile::chooseDeep(llvm::divideCeil(known(result.getDimSize(0)), c.groups),
                             known(result.getDimSize(1)) * c.taps(), k, c.groups, /*narrow=*/true,
                             target);
}

static LogicalResult select(ConvFilterGradOp op, exec::KernelOp kernel, const GPUTarget &target) {
  FilterGrad c(op);
  GPUTile tile = chooseTile(op, target);
  tile.select(kernel);
  LaunchBuilder b(kernel);
  FailureOr<ConvSizes> s = ConvSizes::of(b, c);
  if (failed(s))
    return failure();
  Value taps = b.constant(c.taps());
  Value flops = b.mul({s->outputs, b.sizeOf(op.getResult(), 0), s->channels, taps, b.constant(2)});
  b.finish(tile.chunks(b, s->groups, s->filters, b.mul(s->channels, taps)), b.constant(0), flops,
           bytesTouched(b, kernel));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPUConvFilterGradEmitter() {
  static const GPUOpEmitter<ConvFilterGradOp, Kernel> emitter(
      select, [](ConvFilterGradOp op) { return op.getNumSpatialDims() <= 3; });
  return &emitter;
}
