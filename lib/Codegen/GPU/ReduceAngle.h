//===- ReduceAngle.h - large angles within a quarter of a turn --*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_GPU_REDUCEANGLE_H
#define LINNET_LIB_CODEGEN_GPU_REDUCEANGLE_H

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace linnet::codegen {

struct ReducedAngle {
  mlir::Value rest;     ///< within [-pi/4, pi/4], f64
  mlir::Value quadrant; ///< i64
};

/// x = quadrant * pi/2 + rest for an f64 from 2^28 on, or infinite. `twoOverPi`: the table of
/// CPU/Support/MathDouble.inc.
ReducedAngle reduceLargeAngle(mlir::ImplicitLocOpBuilder &b, mlir::Value x,
                              llvm::ArrayRef<uint64_t> twoOverPi);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_GPU_REDUCEANGLE_H
