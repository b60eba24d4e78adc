//===- Scans.cpp - operands and launches of scans ---------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Scans.h"
#include "Activations.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

LogicalResult ScanViews::bind(KernelViews &frame, SelectiveScanOp op) {
  if (failed(bindOperandsOf(op, frame, {&u, &delta, &a, &b, &c, &skip, &gate, &bias, &state})))
    return failure();
  return bindResults(frame, {{op.getY(), &out}, {op.getFinalState(), &finalState}});
}

LogicalResult ScanGradViews::bind(KernelViews &frame, SelectiveScanGradOp op) {
  if (failed(bindOperandsOf(op, frame,
                            {&u, &delta, &a, &b, &c, &skip, &gate, &bias, &state, &dy, &dfinal})))
    return failure();
  std::optional<View> *views[] = {&du, &ddelta, &da, &db, &dc, &dskip, &dgate, &dbias, &dstate};
  for (auto [i, view] : llvm::enumerate(views))
    if (failed(bindResults(frame, {{op.getGradientOf(i), view}})))
      return failure();
  return success();
}

LogicalResult CausalConvViews::bind(KernelViews &frame, CausalConvOp op) {
  if (failed(bindOperandsOf(op, frame, {&x, &weight, &bias, &state})))
    return failure();
  return bindResults(frame, {{op.getY(), &out}, {op.getFinalState(), &finalState}});
}

LogicalResult CausalConvGradViews::bind(KernelViews &frame, CausalConvGradOp op) {
  if (failed(bindOperandsOf(op, frame, {&x, &weight, &bias, &state, &dy, &dfinal})))
    return failure();
  return bindResults(frame, {{op.getGradientOf(0), &dx},
                             {op.getGradientOf(1), &dweight},
                             {op.getGradientOf(2), &dbias},
                             {op.getGradientOf(3), &dstate}});
}

//===----------------------------------------------------------------------===//
// Launches
//===----------------------------------------------------------------------===//

FailureOr<ScanSizes> ScanSizes::of(LaunchBuilder &b, Operation *op, Value input) {
  auto sizes = launchSizes(b, op, {{input, 0}, {input, 1}, {input, 2}});
  if (failed(sizes))
    return failure();
  auto [batch, length, channels] = *sizes;
  return ScanSizes{batch, length, channels};
}

// The exponential counts as eight; the gradient finds it twice.
Value ScanSizes::flops(LaunchBuilder &b, SelectiveScanOp op) const {
  return flops(b, 14 * statesOf(op));
}
Value ScanSizes::flops(LaunchBuilder &b, SelectiveScanGradOp op) const {
  return flops(b, 38 * statesOf(op));
}

// The gradient finds again what was activated.
Value ScanSizes::flops(LaunchBuilder &b, CausalConvOp op) const {
  return flops(b, 2 * widthOf(op));
}
Value ScanSizes::flops(LaunchBuilder &b, CausalConvGradOp op) const {
  bool again = op.getActivation() != ConvActivation::none;
  return flops(b, (again ? 6 : 4) * widthOf(op));
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

Value linnet::codegen::scanStep(CodeBuilder &e, Value delta, Value bias, bool isSoftplus) {
  Value step = bias ? e.addf(delta, bias) : delta;
  return isSoftplus ? softplus(e, step) : step;
}
