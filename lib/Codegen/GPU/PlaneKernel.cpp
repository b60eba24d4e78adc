//===- PlaneKernel.cpp - poolings and resizings on GPUs ---------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "PlaneKernel.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

LogicalResult PlaneKernel::bind(Value operand, Value result) {
  FailureOr<View> in = f.view(operand);
  FailureOr<std::optional<View>> out = destination(f, result);
  if (failed(in) || failed(out))
    return failure();
  from = Planes(e, *in);
  to = Planes(e, **out);
  return success();
}

Value PlaneKernel::baseOf(const Planes &planes, Value plane) {
  Value channels = planes.view.sizes[1];
  return planes.base(e, e.div(plane, channels), e.rem(plane, channels));
}

Value PlaneKernel::positionOf(const Planes &planes, Value plane, ArrayRef<Value> at) {
  Row row = planes.row(e, baseOf(planes, plane), at[0], at[1]);
  return e.add(row.from, e.mul(at[2], row.stride));
}

std::array<int64_t, 3> linnet::codegen::staticPlane(Value tensor) {
  std::array<int64_t, 3> sizes = {1, 1, 1};
  ArrayRef<int64_t> space = cast<RankedTensorType>(tensor.getType()).getShape().drop_front(2);
  llvm::copy(space, sizes.end() - space.size());
  return sizes;
}

std::array<Value, 3> linnet::codegen::planeSizes(LaunchBuilder &b, Value tensor) {
  unsigned rank = cast<RankedTensorType>(tensor.getType()).getRank();
  std::array<Value, 3> sizes;
  for (unsigned i = 0; i < 3; ++i)
    sizes[i] = i + rank < 5 ? b.constant(1) : b.sizeOf(tensor, i + rank - 3);
  return sizes;
}

int64_t linnet::codegen::powerWithin(int64_t size, int64_t most) {
  if (ShapedType::isDynamic(size))
    return most;
  return std::min<int64_t>(llvm::PowerOf2Ceil(std::max<int64_t>(size, 1)), most);
}
