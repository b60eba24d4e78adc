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

def OrderDispatches : Pass<"linnet-order-dispatches", "mlir::func::FuncOp"> {
  let summary = "drop dead dispatches and order the rest for little memory";
  let description = [{
    The best of three deterministic orders of every block by its largest live set, the first one
    among equals: the given one; of the ops that are ready, always the one that frees most bytes
    and allocates fewest; the smallest peak that the planner of recomputation finds when
    everything runs once.
  }];
}

def SelectStrategies : Pass<"linnet-select-strategies", "mlir::ModuleOp"> {
  let summary = "let the code generators decide how every kernel is computed";
  let description = [{
    Calls the emitters' `select`, which write `strategy`, the launch region, `faults` and, for
    operands that are constants in every dispatch of a kernel, the packed layout they want.
    Emitters know no CPU at this point: chunks and layouts are the same for every image.

    With `target` vulkan or cuda the emitters of GPUs decide: chunks are workgroups, scratch is
    that of a whole launch, and constants keep the layout they have.
  }];
  let options = [
    Option<"target", "target", "std::string", "\"cpu\"", "cpu, vulkan or cuda">,
    Option<"chip", "chip", "std::string", "", "of a GPU; empty: the target's first">
  ];
}

def Checkpoint : Pass<"linnet-checkpoint", "mlir::ModuleOp"> {
  let summary = "recompute dispatches so that a program fits a budget of bytes";
  let description = [{
    Orders the dispatches of every public function, and runs some of them again instead of
    keeping what they made, such that arguments, states, constants, arena and scratch together
    stay within `budget` and the estimated time is least (docs/rationale/recomputation.md). A
    dispatch that runs again carries `recomputed`; the function's `exec.recompute` says peak,
    extra time, and the table of budgets. A budget that cannot be met is refused with the
    smallest one that can.

    `kept` limits what is kept between forward and backward instead: the arena bytes that are
    live behind the dispatch that most bytes wait for, and read later. `times` is a trace of
    `linnet-run`, whose median times of every kernel replace the estimates.

    Runs behind `--linnet-select-strategies`: a kernel's launch region says its scratch, FLOPs
    and bytes. No pass that merges or moves tensor ops may run afterwards.
  }];
  let options = [
    Option<"budget", "budget", "int64_t", "0", "bytes; 0: no limit">,
    Option<"kept", "kept", "int64_t", "0", "bytes between forward and backward; 0: no limit">,
    Option<"times", "times", "std::string", "", "trace of linnet-run with measured times">,
    Option<"reserve", "reserve", "int64_t", "0", "bytes of the budget that the plan leaves">,
    Option<"rows", "rows", "unsigned", "16", "budgets in the table">,
    Option<"threads", "threads", "unsigned", "1", "threads whose scratch counts">
  ];
  let dependentDialects = ["::linnet::exec::ExecDialect"];
}

def MakeProgram : Pass<"linnet-make-program", "mlir::ModuleOp"> {
  let summary = "turn functions over dispatches into command lists over buffers";
  let description = [{
    Every public function becomes an `exec.program`: tensors get buffers, sizes become index
    arithmetic on the symbols of `linnet.dims`, launch regions are inlined at every run.

    A result is computed where it is returned or carried to the next iteration; elementwise
    work happens in place when its operand dies; a tied operand is updated in place. A result
    with the `linnet.state` of an argument, or the number in an argument's `linnet.donate`,
    takes over the memory of that argument; where a later reader forbids it, a copy is made,
    counted and warned of.
  }];
  let options = [
    Option<"strictDonation", "strict-donation", "bool", "false",
           "fail where a donation needs a copy">
  ];
  let dependentDialects = ["::linnet::exec::ExecDialect", "mlir::arith::ArithDialect",
                           "mlir::scf::SCFDialect"];
}

def PlanMemory : Pass<"linnet-plan-memory", "mlir::ModuleOp"> {
  let summary = "give arena buffers their offsets";
  let description = [{
    Evaluates sizes at the symbols' maxima (interval arithmetic) and packs the lifetimes of
    the arena's buffers. A size without a bound makes the arena unbounded (-1): the runtime
    then plans per call.
  }];
}

def ChoosePositions : Pass<"linnet-choose-positions", "mlir::ModuleOp"> {
  let summary = "find the kernels of a GPU that need a variant with 64-bit positions";
  let description = [{
    Evaluates the sizes of all buffers at the symbols' maxima. A kernel that may get one of 2^31
    elements or more, a size as large, or one without a bound, becomes `guarded`: it has a variant
    whose positions have 64 bits, which is launched for such sizes. For Vulkan only buffers of
    one-byte elements count: a device binds less than 2^32 bytes. Programs for the CPU are left as
    they are.
  }];
}

#endif // LINNET_PROGRAM_PASSES_TD
