//===- Gather.cpp - derivatives of gather and scatter_add ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Rules.h"
#include "linnet/IR/LinnetOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace linnet;

static LogicalResult differentiateGather(GatherOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  if (!a.wants(op.getData()))
    return success();
  RankedTensorType type = op.getData().getType();
  if (type.getElementType().isF64())
    return op.emitOpError() << "has a derivative in f32, f16 and bf16, found " << type;
  int64_t axis = op.getAxis();
  Value size;
  if (type.isDynamicDim(axis))
    size = tensor::DimOp::create(b, op.getData(), axis);
  a.add(op.getData(), ScatterAddOp::create(b, type, a.of(op.getResult()), op.getIndices(), size,
                                           op.getAxisAttr(), op.getBatchDimsAttr()));
  return success();
}

static LogicalResult differentiateScatterAdd(ScatterAddOp op, Adjoints &a) {
  ImplicitLocOpBuilder &b = a.builder();
  a.add(op.getUpdates(),
        GatherOp::create(b, op.getUpdates().getType(), a.of(op.getResult()), op.getIndices(),
                         op.getAxisAttr(), op.getBatchDimsAttr()));
  return success();
}

void linnet::registerGatherRules(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, LinnetDialect *) {
    attachRule<GatherOp, differentiateGather>(context);
    attachRule<ScatterAddOp, differentiateScatterAdd>(context);
  });
}
