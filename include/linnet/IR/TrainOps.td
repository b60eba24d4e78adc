//===- TrainOps.td - ops of the train family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_TRAINOPS_TD
#define LINNET_IR_TRAINOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "linnet/IR/LinnetTypes.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Linnet_ValueAndGradOp : Linnet_Op<"value_and_grad", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "calls a function and differentiates its first result";
  let description = [{
    The results of the function `callee` for these operands, then the gradient of its first
    result, a float scalar, with respect to every entry of `wrt`: the position of an operand,
    or the symbol of an `ml_program.global` that the function reads. `--linnet-autodiff`
    expands it.

    ```mlir
    %loss, %dx, %dw = linnet.value_and_grad @loss(%x, %y) wrt [0, @w]
        : (tensor<?x8xf32>, tensor<?xi64>) -> (tensor<f32>, tensor<?x8xf32>, tensor<8x3xf32>)
    ```

    A gradient is zeros where the loss does not depend on the value. Whatever the function does
    besides, also to other results, happens once.

    Constraints:
    - (C1) `callee` is a function of this module with a body, with the operands' types
    - (C2) the first result of the function is a float or a rank-0 tensor of one
    - (C3) the results are those of the function, then one per entry of `wrt`
    - (C4) an entry of `wrt` is the position of an operand that is a float or a tensor of
      floats, or the symbol of a global of such a type
    - (C5) a gradient has the type of what it belongs to
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<AnyType>:$operands_, ArrayAttr:$wrt);
  let results = (outs Variadic<AnyType>:$results_);
  let assemblyFormat = [{
    $callee `(` $operands_ `)` `wrt` $wrt attr-dict `:` functional-type($operands_, $results_)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// How many of the results are those of the function.
    unsigned getNumValues() { return getNumResults() - getWrt().size(); }
  }];
}

def Linnet_StopGradientOp : Linnet_Op<"stop_gradient", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "the value, as a constant of differentiation";
  let description = [{
    ```mlir
    %y = linnet.stop_gradient %x : tensor<?x8xf32>
    ```

    Constraints:
    - (C1) the result has the input's type
  }];
  let arguments = (ins AnyType:$input);
  let results = (outs AnyType:$result);
  let assemblyFormat = "$input attr-dict `:` type($result)";
}

def Linnet_CustomVjpOp : Linnet_Op<"custom_vjp", [
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "calls a function that has a derivative of its own";
  let description = [{
    The results of `callee`. In reverse mode `backward` is called with the operands, the
    results, and the gradients of the results of float type; it returns the gradients of
    the operands of float type.

    ```mlir
    %y = linnet.custom_vjp @clip backward @clip_backward(%x) : (tensor<?xf32>) -> tensor<?xf32>
    // func.func @clip(tensor<?xf32>) -> tensor<?xf32>
    // func.func @clip_backward(%x: tensor<?xf32>, %y: tensor<?xf32>, %dy: tensor<?xf32>) -> tensor<?xf32>
    ```

    Constraints:
    - (C1) `callee` is a function of this module with the types of the operands and results
    - (C2) `backward` is a function of this module that takes operands, results, and a gradient
      per result of float type, and returns one per operand of float type, of these types
  }];
  let arguments = (ins FlatSymbolRefAttr:$callee, FlatSymbolRefAttr:$backward,
                       Variadic<AnyType>:$operands_);
  let results = (outs Variadic<AnyType>:$results_);
  let assemblyFormat = [{
    $callee `backward` $backward `(` $operands_ `)` attr-dict
    `:` functional-type($operands_, $results_)
  }];
}

def Linnet_CheckpointOp : Linnet_Op<"checkpoint", [
    SingleBlockImplicitTerminator<"::linnet::YieldOp">, RecursiveMemoryEffects,
    DeclareOpInterfaceMethods<RegionBranchOpInterface>]> {
  let summary = "a part of a model that the backward pass computes again";
  let description = [{
    The results are what the region yields. Nothing that is computed inside is kept for the
    backward pass: `--linnet-autodiff` computes the region again, from the values that it
    captures, right before their gradients. Without differentiation the region is inlined.

    ```mlir
    %y = linnet.checkpoint -> tensor<?x8xf32> {
      %h = math.tanh %x : tensor<?x8xf32>
      %z = arith.mulf %h, %h : tensor<?x8xf32>
      linnet.yield %z : tensor<?x8xf32>
    }
    ```

    Constraints:
    - (C1) the yielded values have the types of the results
  }];
  let results = (outs Variadic<AnyType>:$results_);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "(`->` type($results_)^)? $body attr-dict";
  let hasVerifier = 1;
}

def Linnet_YieldOp : Linnet_Op<"yield", [
    Pure, Terminator, ReturnLike, ParentOneOf<["::linnet::CheckpointOp"]>]> {
  let summary = "results of a region";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ (void)$_builder; (void)$_state; }]>];
}

// No Pure and no memory effects: upstream CSE must neither merge nor drop it.
def Linnet_BarrierOp : Linnet_Op<"barrier", [
    AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "a value that upstream passes do not look through";
  let description = [{
    The operand, unchanged. What is computed from the result is not the same expression as what
    is computed from the operand, so that a recomputation that starts here stays one, and it is
    not computed before `after`. Dispatch formation drops it.

    ```mlir
    %a = linnet.barrier %x after(%dy : tensor<?x4xf32>) : tensor<?x8xf32>
    ```

    Constraints:
    - (C1) the result has the operand's type
  }];
  let arguments = (ins AnyType:$input, Optional<AnyType>:$after);
  let results = (outs AnyType:$result);
  let assemblyFormat = [{
    $input (`after` `(` $after^ `:` type($after) `)`)? attr-dict `:` type($result)
  }];
}

#endif // LINNET_IR_TRAINOPS_TD
