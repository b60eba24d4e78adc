//===- TransformOps.h - ops for transform scripts ---------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TRANSFORMS_TRANSFORMOPS_H
#define LINNET_TRANSFORMS_TRANSFORMOPS_H

#include "mlir/Dialect/Transform/IR/TransformDialect.h"
#include "mlir/Dialect/Transform/IR/TransformTypes.h"
#include "mlir/Dialect/Transform/Interfaces/MatchInterfaces.h"
#include "mlir/Dialect/Transform/Interfaces/TransformInterfaces.h"
#include "mlir/IR/OpImplementation.h"

#define GET_OP_CLASSES
#include "linnet/Transforms/TransformOps.h.inc"

namespace linnet {

/// Adds the ops of this file to the transform dialect.
void registerTransformOps(mlir::DialectRegistry &registry);

} // namespace linnet

#endif // LINNET_TRANSFORMS_TRANSFORMOPS_H
