//===- LinnetDialect.td - the model dialect ----------------*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_LINNETDIALECT_TD
#define LINNET_IR_LINNETDIALECT_TD

include "mlir/IR/OpBase.td"

def Linnet_Dialect : Dialect {
  let name = "linnet";
  let cppNamespace = "::linnet";
  let summary = "what a sequence or vision model means";
  let description = [{
    Operators of sequence and vision models that upstream MLIR lacks. Elementwise
    mathematics is upstream `arith` and `math` on tensors, shape plumbing is
    upstream `tensor`, weights are upstream `ml_program.global`.

    Attributes that the dialect reads on functions:

    - `linnet.dims = ["B", "N", 64]` on an argument names its dynamic sizes. Equal
      names are equal sizes, checked once when the function is entered. `"N"` may
      be given bounds on the function: `linnet.symbols = {N = {min = 1, max = 4096,
      multiple = 1}}`.
    - `linnet.state = "kv.0"` on an argument and a result makes them one donated
      state; equal names link the functions of a module through a session.
    - `linnet.name = "tokens"` names an argument or a result.
    - `linnet.contract = #linnet.contract<…>` says how far attention may be from exact, in the
      function, in the module, or on one `linnet.attention`.

    And on an `ml_program.global` whose value is elsewhere:

    - `linnet.repeats = {halves = [1], pairs = [0]}`: the second half along dimension 1 is the first, and every
      odd row (along dimension 0) the one before it. `linnet-compile` writes it from what it finds in the
      weights, and takes none from its input.
  }];
  let useDefaultAttributePrinterParser = 1;
  let hasConstantMaterializer = 1;
  let hasOperationAttrVerify = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let extraClassDeclaration = [{
    void registerAttributes();
    void registerAttentionOps();
    void registerSequenceOps();
    void registerConvOps();
    void registerLossOps();
    void registerNormOps();
    void registerPlainOps();
    void registerPoolOps();
    void registerRandomOps();
    void registerResizeOps();
    void registerTrainOps();
    void registerOptimizerOps();
  }];
}

class Linnet_Op<string mnemonic, list<Trait> traits = []>
    : Op<Linnet_Dialect, mnemonic, traits>;

#endif // LINNET_IR_LINNETDIALECT_TD
