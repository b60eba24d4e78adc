//===- ScatterAdd.cpp - operands of sums of slices ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ScatterAdd.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

LogicalResult ScatterAddViews::bind(KernelViews &frame) {
  std::optional<View> result;
  if (failed(bindOperandsOf(op, frame, {&updates, &indices})) ||
      failed(bindResults(frame, {{op.getResult(), &result}})))
    return failure();
  out = *result;
  unsigned added = indices.rank() - batch;
  left.emplace(frame.e, updates, 0, axis);
  places.emplace(frame.e, updates, axis, axis + added);
  rest.emplace(frame.e, updates, axis + added, updates.rank());
  return success();
}

void ScatterAddViews::enter(CodeBuilder &e, Value outer) {
  updatesBase = e.add(updates.offset, left->position(e, updates, outer, 0));
  outBase = e.add(out.offset, left->position(e, out, outer, 0));
  // the batch dimensions are the first of those on the left
  Value batchNumber = outer;
  for (unsigned d = axis; d-- > batch;)
    batchNumber = e.div(batchNumber, updates.sizes[d]);
  indicesBase =
      e.add(indices.offset, ViewDims(e, updates, 0, batch).position(e, indices, batchNumber, 0));
}
