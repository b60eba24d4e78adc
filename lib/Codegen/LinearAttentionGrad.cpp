//===- LinearAttentionGrad.cpp - what all kernels of it know ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LinearAttentionGrad.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

using Grad = LinearAttentionGradOp;

LogicalResult LinearAttentionGradViews::bind(LinearAttentionGradOp op, KernelViews &frame) {
  SmallVector<View *> operands = inOrder();
  operands.append({&dout, &dfinal});
  if (failed(bindOperandsOf(op, frame, operands)))
    return failure();
  return bindResults(frame, {{op.getGradientOf(Grad::Q), &dq},
                             {op.getGradientOf(Grad::K), &dk},
                             {op.getGradientOf(Grad::V), &dv},
                             {op.getGradientOf(Grad::Decay), &ddecay},
                             {op.getGradientOf(Grad::EraseA), &deraseA},
                             {op.getGradientOf(Grad::EraseB), &deraseB},
                             {op.getGradientOf(Grad::Beta), &dbeta},
                             {op.getGradientOf(Grad::Bonus), &dbonus},
                             {op.getGradientOf(Grad::State), &dstate}});
}

LogicalResult linnet::codegen::expectGradientsPerHead(LinearAttentionGradOp op) {
  for (auto [i, gradient] : llvm::enumerate(op.getGrads())) {
    auto shape = cast<RankedTensorType>(gradient.getType()).getShape();
    SmallVector<int64_t> perHead = op.getShapePerHead(i);
    if (shape.size() != perHead.size() || shape[1] != perHead[1])
      return op.emitOpError() << "expects gradients per head for a kernel, found "
                              << gradient.getType();
  }
  return success();
}
