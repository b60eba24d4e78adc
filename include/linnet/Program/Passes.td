//===- Passes.td - from structured ops to a planned program -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_PROGRAM_PASSES_TD
#define LINNET_PROGRAM_PASSES_TD

include "mlir/Pass/PassBase.td"

def FormDispatches : Pass<"linnet-form-dispatches", "mlir::ModuleOp"> {
  let summary = "fuse structured ops and group them into dispatches";
  let description = [{
    Fuses elementwise producers and consumers, then puts every op that works on tensors into
    the body of an `exec.dispatch` of one kernel class (Program/KernelContract.h): contractions
    and convolutions with elementwise epilogues, structured ops alone, and groups of other ops
    over a common outer iteration space, so that softmax or a normalisation with the residual
    before it is one dispatch. Reshapes and slices that lie together stay between dispatches:
    they are other names for the same bytes. Index arithmetic and control flow stay, too.
  }];
  let dependentDialects = ["::linnet::exec::ExecDialect", "mlir::affine::AffineDialect",
                           "mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
                           "mlir::tensor::TensorDialect"];
}

def OutlineKernels : Pass<"linnet-outline-kernels", "mlir::ModuleOp"> {
  let summary = "move dispatch bodies into kernels, one per distinct body";
  let description = [{
    Bodies that differ in nothing but locations share one `exec.kernel`. Kernels are numbered
    in the order of their first dispatch and named after class and shape.
  }];
}

def SelectStrategies : Pass<"linnet-select-strategies", "mlir::ModuleOp"> {
  let summary = "let the code generators decide how every kernel is computed";
  let description = [{
    Calls the emitters' `select`, which write `strategy`, the launch region, `faults` and, for
    operands that are constants in every dispatch of a kernel, the packed layout they want.
    Emitters know no CPU at this point: chunks and layouts are the same for every image.
  }];
}

#endif // LINNET_PROGRAM_PASSES_TD
