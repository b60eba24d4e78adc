//===- ExecOps.td - the program dialect --------------------*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_EXECOPS_TD
#define LINNET_IR_EXECOPS_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributeInterfaces.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Exec_Dialect : Dialect {
  let name = "exec";
  let cppNamespace = "::linnet::exec";
  let summary = "what a compiled program does";
  let description = [{
    Two forms, in this order.

    **Dispatch graph**: functions over tensors whose work is in `exec.dispatch` ops. A
    dispatch first carries its body; `--linnet-outline-kernels` moves the bodies into
    `exec.kernel` symbols, one per distinct body. A dispatch is neither pure nor does it
    declare memory effects, so that upstream CSE and DCE leave the graph as it was planned.

    **Command list**: an `exec.program` per function. Its values are sizes (`index`,
    integers; upstream `arith`), control flow is `scf.if` and `scf.while` without tensors,
    and commands (`exec.run`, `exec.copy`, `exec.fill`, `exec.load`, `exec.store`) work on
    buffers (`exec.ref`), whose arena offsets are planned.
  }];
  let useDefaultTypePrinterParser = 1;
}

class Exec_Op<string mnemonic, list<Trait> traits = []> : Op<Exec_Dialect, mnemonic, traits>;

def Exec_BufferType : TypeDef<Exec_Dialect, "Buffer"> {
  let mnemonic = "buffer";
  let summary = "a range of bytes that commands work on";
}

//===----------------------------------------------------------------------===//
// Dispatch graph
//===----------------------------------------------------------------------===//

def Exec_DispatchOp : Exec_Op<"dispatch", [
    IsolatedFromAbove, AttrSizedOperandSegments, SingleBlock, NoTerminator,
    DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "one launch of one kernel";
  let description = [{
    Runs a body, or after outlining the kernel `kernel`, on tensors and scalars.

    ```mlir
    %r = exec.dispatch ins(%x = %a : tensor<?x64xf32>, %n = %size : index) sizes(%size) -> (tensor<?x64xf32>) {
      %0 = ...
      exec.yield %0 : tensor<?x64xf32>
    }
    %r = exec.dispatch @kernel_0 ins(%a, %size : tensor<?x64xf32>, index) sizes(%size) -> (tensor<?x64xf32>)
    ```

    `sizes` are the dynamic sizes of the results that are not tied, in order. `tied`
    (absent: none) holds for every result the position in `ins` of the tensor whose memory it
    takes over, or -1; a tied result has its operand's type. `recomputed` marks one that does
    again what another does, to save memory.

    Constraints:
    - (C1) a body or a `kernel`, not both
    - (C2) the body's arguments have the types of `ins`; its `exec.yield` those of the results
    - (C3) `sizes` has one entry for every dynamic size of an untied result
    - (C4) `tied` has one entry per result, each -1 or the position of a tensor operand of the
      result's type, no position twice
    - (C5) `kernel` names an `exec.kernel` with the types of `ins` and results and equal `tied`
  }];
  let arguments = (ins Variadic<AnyType>:$inputs, Variadic<Index>:$sizes,
                       OptionalAttr<FlatSymbolRefAttr>:$kernel,
                       OptionalAttr<DenseI64ArrayAttr>:$tied, UnitAttr:$recomputed);
  let results = (outs Variadic<AnyRankedTensor>:$outputs);
  let regions = (region AnyRegion:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// Position in `inputs` of the operand that result `i` takes over, or -1.
    int64_t getTiedInput(unsigned i) { return getTied() ? (*getTied())[i] : -1; }
    bool isOutlined() { return getKernel().has_value(); }
    /// The dynamic sizes of result `i`, in order; none when it is tied.
    ::mlir::OperandRange getResultSizes(unsigned i);
  }];
}

def Exec_YieldOp : Exec_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let summary = "results of a dispatch or a kernel";
  let arguments = (ins Variadic<AnyType>:$values);
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
  let builders = [OpBuilder<(ins), [{ (void)$_builder; (void)$_state; }]>];
}

def Exec_KernelOp : Exec_Op<"kernel", [
    IsolatedFromAbove, Symbol]> {
  let summary = "the body of one or more dispatches";
  let description = [{
    A function over tensors and scalars that one code generator emits as a whole, with the
    calling convention of Bundle/KernelABI.h. The second region, filled by
    `--linnet-select-strategies`, computes what a launch needs from the kernel's scalars:

    ```mlir
    exec.kernel @k(%a: tensor<?x64xf32>) -> tensor<?x64xf32> {
      ...
      exec.yield %r : tensor<?x64xf32>
    } launch {
    ^bb0(%n: index, %m: index):       // scalars, in the order of KernelABI.h
      %chunks = arith.ceildivsi %n, %c16 : index
      exec.launch chunks(%chunks) scratch(%c0) flops(%f) bytes(%b)
    }
    ```

    Attributes: `tied` as on `exec.dispatch`; `strategy`, a dictionary that the emitter's
    `select` wrote and its `emit` reads; `faults`, how many fault sites the body has, and
    `fault_sites`, what each of them says; `layouts`, in which layout (codegen::PanelLayout) it
    takes an argument that is a constant, `unit` where plain. On a GPU positions have 32 bits;
    `wide` says 64, and `guarded` that a variant with 64 is there beside the kernel, for launches
    whose buffers have 2^31 elements or more, or whose sizes are as large.

    Constraints:
    - (C1) `tied` as on `exec.dispatch`
    - (C2) `fault_sites` has `faults` entries, each the strings `op` and `message`
    - (C3) `layouts` has one entry per argument, each a dictionary or `unit`
    - (C4) the body ends with an `exec.yield` of the result types
    - (C5) the launch region has one argument per scalar and ends with `exec.launch`
    - (C6) `wide` or `guarded`, not both
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<FunctionType>:$function_type,
                       OptionalAttr<DenseI64ArrayAttr>:$tied,
                       OptionalAttr<DictionaryAttr>:$strategy,
                       DefaultValuedAttr<I64Attr, "0">:$faults,
                       OptionalAttr<DictArrayAttr>:$fault_sites,
                       OptionalAttr<ArrayAttr>:$layouts, UnitAttr:$wide, UnitAttr:$guarded);
  let regions = (region SizedRegion<1>:$body, AnyRegion:$launch);
  let hasCustomAssemblyFormat = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() { return getFunctionType().getInputs(); }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() { return getFunctionType().getResults(); }
    ::mlir::Block::BlockArgListType getArguments() { return getBody().getArguments(); }

    int64_t getTiedInput(unsigned i) { return getTied() ? (*getTied())[i] : -1; }
    YieldOp getYield();
    /// How many scalars a launch passes, see Bundle/KernelABI.h.
    unsigned getNumScalars();
    /// How many buffers a launch passes.
    unsigned getNumBuffers();
  }];
}

def Exec_LaunchOp : Exec_Op<"launch", [Pure, Terminator, HasParent<"KernelOp">]> {
  let summary = "chunk count, scratch bytes per worker, FLOPs and bytes of a launch";
  let arguments = (ins Index:$chunks, Index:$scratch, Index:$flops, Index:$bytes);
  let assemblyFormat = [{
    `chunks` `(` $chunks `)` `scratch` `(` $scratch `)` `flops` `(` $flops `)`
    `bytes` `(` $bytes `)` attr-dict
  }];
}

//===----------------------------------------------------------------------===//
// Command list
//===----------------------------------------------------------------------===//

def Exec_ProgramOp : Exec_Op<"program", [IsolatedFromAbove, Symbol, SingleBlock, NoTerminator]> {
  let summary = "a function as a list of commands";
  let description = [{
    The block's arguments are the values of `symbols`, as `index`. `arguments` and `results`
    are arrays of dictionaries `{name, type, state?}` where `type` is the tensor type (a scalar
    is a tensor of rank 0) and `dims` names the symbol of every dynamic size of an argument.
    `exec.return` gives the sizes of the results.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, DictArrayAttr:$symbols,
                       DictArrayAttr:$arguments, DictArrayAttr:$results,
                       DenseI64ArrayAttr:$result_alias,
                       DefaultValuedAttr<I64Attr, "0">:$arena_bytes,
                       DefaultValuedAttr<I64Attr, "0">:$scratch_bytes,
                       DefaultValuedAttr<I64Attr, "0">:$largest_live,
                       DefaultValuedAttr<I64Attr, "0">:$forced_copies);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name attr-dict-with-keyword $body";
}

def Exec_ReturnOp : Exec_Op<"return", [Pure, Terminator, HasParent<"ProgramOp">]> {
  let summary = "dynamic sizes of the results, in order";
  let arguments = (ins Variadic<Index>:$sizes);
  let assemblyFormat = "($sizes^)? attr-dict";
}

def Exec_BufferKind : I32EnumAttr<"BufferKind", "where a buffer lives", [
    I32EnumAttrCase<"argument", 0>, I32EnumAttrCase<"result", 1>,
    I32EnumAttrCase<"constant", 2>, I32EnumAttrCase<"arena", 3>]> {
  let cppNamespace = "::linnet::exec";
}

def Exec_RefOp : Exec_Op<"ref"> {
  let summary = "names a buffer";
  let description = [{
    `argument`, `result`: number `index`. `constant`: the pool entry `symbol`, with `layout`
    packed in panels (codegen::PanelLayout). `arena`: `size` bytes; after planning at `offset`,
    where the largest size is `max_size` (-1: unbounded).

    An arena buffer is live from the first to the last op, in the block of its `exec.ref`, that
    uses it or a view of it, at any depth: a buffer that outlives an iteration is named outside
    of the loop.
  }];
  let arguments = (ins Exec_BufferKind:$kind, OptionalAttr<I64Attr>:$index,
                       OptionalAttr<FlatSymbolRefAttr>:$symbol,
                       OptionalAttr<DictionaryAttr>:$layout, Optional<Index>:$size,
                       OptionalAttr<I64Attr>:$offset, OptionalAttr<I64Attr>:$max_size);
  let results = (outs Exec_BufferType:$buffer);
  let assemblyFormat = [{
    $kind ($symbol^)? (`as` $layout^)? ($index^)? (`size` `(` $size^ `)`)? (`at` $offset^)? (`max` $max_size^)? attr-dict
  }];
}

def Exec_ViewOp : Exec_Op<"view"> {
  let summary = "a buffer from a byte offset on";
  let arguments = (ins Exec_BufferType:$source, Index:$offset);
  let results = (outs Exec_BufferType:$buffer);
  let assemblyFormat = "$source `at` $offset attr-dict";
}

def Exec_RunOp : Exec_Op<"run", [AttrSizedOperandSegments]> {
  let summary = "runs a kernel";
  let description = [{
    `op` is what traces, benchmarks and errors call it: "linnet.attention", "linalg.matmul + 2".
  }];
  let arguments = (ins FlatSymbolRefAttr:$kernel, Variadic<Exec_BufferType>:$buffers,
                       Variadic<AnyType>:$scalars, Index:$chunks, Index:$scratch,
                       Optional<Index>:$flops, Optional<Index>:$bytes, OptionalAttr<StrAttr>:$op);
  let assemblyFormat = [{
    $kernel `(` $buffers `)` `[` $scalars (`:` type($scalars)^)? `]` `chunks` $chunks
    `scratch` $scratch (`flops` $flops^)? (`bytes` $bytes^)? attr-dict
  }];
}

def Exec_CopyOp : Exec_Op<"copy"> {
  let summary = "copies bytes";
  let arguments = (ins Exec_BufferType:$source, Exec_BufferType:$target, Index:$bytes);
  let assemblyFormat = "$source `to` $target `bytes` $bytes attr-dict";
}

def Exec_FillOp : Exec_Op<"fill"> {
  let summary = "fills bytes with a repeated value of 1, 2, 4 or 8 bytes";
  let arguments = (ins Exec_BufferType:$target, AnyType:$value, Index:$bytes);
  let assemblyFormat = "$target `with` $value `:` type($value) `bytes` $bytes attr-dict";
}

def Exec_LoadOp : Exec_Op<"load"> {
  let summary = "reads one element";
  let arguments = (ins Exec_BufferType:$source, I64Attr:$position);
  let results = (outs AnyType:$value);
  let assemblyFormat = "$source `[` $position `]` attr-dict `:` type($value)";
}

def Exec_StoreOp : Exec_Op<"store"> {
  let summary = "writes one element";
  let arguments = (ins AnyType:$value, Exec_BufferType:$target, I64Attr:$position);
  let assemblyFormat = "$value `to` $target `[` $position `]` attr-dict `:` type($value)";
}

def Exec_CheckOp : Exec_Op<"check"> {
  let summary = "ends the call with a fault where the condition does not hold";
  let description = [{
    What `cf.assert` says between dispatches. A condition on sizes alone is checked before any
    command runs. `op` is the op whose operands are checked, such as `tensor.extract_slice`;
    without it the condition is the program's own.

    Constraints:
    - (C1) `op`, where there is one, is not empty
  }];
  let arguments = (ins I1:$condition, StrAttr:$message, OptionalAttr<StrAttr>:$op);
  let hasVerifier = 1;
  let assemblyFormat = "$condition `,` $message attr-dict";
}

#endif // LINNET_IR_EXECOPS_TD
