//===- Scans.h - operands and launches of scans -----------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What kernels of selective_scan, causal_conv and their gradients share on all targets: where
// operands lie and results go, and the arithmetic of their launch.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_SCANS_H
#define LINNET_LIB_CODEGEN_SCANS_H

#include "OneOp.h"
#include "linnet/IR/LinnetOps.h"

namespace linnet::codegen {

struct ScanViews {
  View u, delta, a, b, c, skip, gate, bias, state;
  std::optional<View> out, finalState;
  mlir::LogicalResult bind(KernelViews &frame, SelectiveScanOp op);
};

struct ScanGradViews {
  View u, delta, a, b, c, skip, gate, bias, state, dy, dfinal;
  std::optional<View> du, ddelta, da, db, dc, dskip, dgate, dbias, dstate;
  mlir::LogicalResult bind(KernelViews &frame, SelectiveScanGradOp op);
};

struct CausalConvViews {
  View x, weight, bias, state;
  std::optional<View> out, finalState;
  mlir::LogicalResult bind(KernelViews &frame, CausalConvOp op);
};

struct CausalConvGradViews {
  View x, weight, bias, state, dy, dfinal;
  std::optional<View> dx, dweight, dbias, dstate;
  mlir::LogicalResult bind(KernelViews &frame, CausalConvGradOp op);
};

/// Sizes of what a kernel runs over, for its launch. Failure, with an error on `op`, where one is
/// no expression of the kernel's arguments.
struct ScanSizes {
  Value batch, length, channels;
  static mlir::FailureOr<ScanSizes> of(LaunchBuilder &b, mlir::Operation *op, Value input);
  static mlir::FailureOr<ScanSizes> of(LaunchBuilder &b, SelectiveScanOp op) {
    return of(b, op, op.getU());
  }
  static mlir::FailureOr<ScanSizes> of(LaunchBuilder &b, SelectiveScanGradOp op) {
    return of(b, op, op.getU());
  }
  static mlir::FailureOr<ScanSizes> of(LaunchBuilder &b, CausalConvOp op) {
    return of(b, op, op.getX());
  }
  static mlir::FailureOr<ScanSizes> of(LaunchBuilder &b, CausalConvGradOp op) {
    return of(b, op, op.getX());
  }
  /// Parts of `n` channels of all sequences.
  Value parts(LaunchBuilder &b, int64_t n) const {
    return b.mul(batch, b.ceilDiv(channels, b.constant(n)));
  }
  Value flops(LaunchBuilder &b, SelectiveScanOp op) const;
  Value flops(LaunchBuilder &b, SelectiveScanGradOp op) const;
  Value flops(LaunchBuilder &b, CausalConvOp op) const;
  Value flops(LaunchBuilder &b, CausalConvGradOp op) const;

private:
  Value flops(LaunchBuilder &b, int64_t each) const {
    return b.mul({batch, length, channels, b.constant(each)});
  }
};

/// The step of a position: its delta, the channel's bias added where there is one (null: none), and
/// softplus of that.
Value scanStep(CodeBuilder &e, Value delta, Value bias, bool isSoftplus);

inline int64_t statesOf(SelectiveScanOp op) { return op.getA().getType().getDimSize(1); }
inline int64_t statesOf(SelectiveScanGradOp op) { return op.getA().getType().getDimSize(1); }
inline int64_t widthOf(CausalConvOp op) { return op.getWeight().getType().getDimSize(1); }
inline int64_t widthOf(CausalConvGradOp op) { return op.getWeight().getType().getDimSize(1); }

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_SCANS_H
