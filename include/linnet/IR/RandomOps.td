//===- RandomOps.td - ops of the random family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_RANDOMOPS_TD
#define LINNET_IR_RANDOMOPS_TD

include "linnet/IR/LinnetAttrs.td"
include "linnet/IR/LinnetTypes.td"
include "linnet/Interfaces/EqualSizes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Linnet_RandomOp : Linnet_Op<"random", [
    Pure, DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "counter-based random numbers (Philox4x32-10)";
  let description = [{
    A pure function of key, counter and position: the same operands give the same numbers,
    wherever and how often it is computed.

    Element `i` of the row-major flattened result is made of word `w = philox(c, k)[i mod 4]`
    with

        c = (lo(n), hi(n), 0, 0)   n = counter + i / 4   (modulo 2^64)
        k = (lo(key), hi(key))

    where `lo` and `hi` are the lower and upper 32 bits, and `philox` is ten rounds of

        (c0, c1, c2, c3) <- (hi(M1 c2) ^ c1 ^ k0, lo(M1 c2), hi(M0 c0) ^ c3 ^ k1, lo(M0 c0))
        (k0, k1)         <- (k0 + 0x9E3779B9, k1 + 0xBB67AE85)       between two rounds

    with M0 = 0xD2511F53, M1 = 0xCD9E8D57 (Salmon et al., "Parallel random numbers: as easy
    as 1, 2, 3", SC 2011). An i32 result is `w` itself. A float result is uniform in [0, 1)
    and exact: `(w >> 8) 2^-24` for f32, `(w >> 21) 2^-11` for f16, `(w >> 24) 2^-8` for bf16.

    A result of `n` elements uses up `ceil(n / 4)` counter values: the next call adds that.

    ```mlir
    %u = linnet.random %key, %counter : i64, tensor<i64> -> tensor<4x8xf32>
    %b = linnet.random %key, %counter sizes(%n) : i64, i64 -> tensor<?xi32>
    ```

    Constraints:
    - (C1) key and counter are i64 or `tensor<i64>`
    - (C2) the result has element type f32, f16, bf16 or i32
    - (C3) `sizes` has one entry per dynamic size of the result
  }];
  defvar seed = AnyTypeOf<[I64, 0DTensorOf<[I64]>]>;
  let arguments = (ins seed:$key, seed:$counter, Variadic<Index>:$sizes);
  let results = (outs RankedTensorOf<[F32, F16, BF16, I32]>:$result);
  let assemblyFormat = [{
    $key `,` $counter (`sizes` `(` $sizes^ `)`)? attr-dict
    `:` type($key) `,` type($counter) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Linnet_DropoutOp : Linnet_Op<"dropout", [
    Pure, AllTypesMatch<["input", "result"]>,
    DeclareOpInterfaceMethods<ReifyRankedShapedTypeOpInterface, ["reifyResultShapes"]>]> {
  let summary = "zeroes elements at random, counter-based";
  let description = [{
    Element `i` of the row-major flattened input stays, multiplied by `1 / (1 - rate)`, where

        (w >> 8) 2^-24 >= rate        w: word of element i in `linnet.random` of key and counter

    and is 0 elsewhere: the f32 numbers of `linnet.random`, whatever the element type. The same
    key and counter give the same mask, so that the gradient is this op on the gradient of
    the result. With a rate of 1 everything is 0. It uses up `ceil(n / 4)` counter values, as
    `linnet.random` does. 16-bit floats are multiplied in f32.

    ```mlir
    %y = linnet.dropout %x, %key, %counter rate 1.0e-1 : tensor<?x768xbf16>, i64, tensor<i64>
    ```

    Constraints:
    - (C1) key and counter are i64 or `tensor<i64>`
    - (C2) `rate` is at least 0 and at most 1
    - (C3) the result has the type of the input
  }];
  defvar seed = AnyTypeOf<[I64, 0DTensorOf<[I64]>]>;
  let arguments = (ins RankedTensorOf<Linnet_ModelFloats>:$input, seed:$key, seed:$counter,
                       F64Attr:$rate);
  let results = (outs RankedTensorOf<Linnet_ModelFloats>:$result);
  let assemblyFormat = [{
    $input `,` $key `,` $counter `rate` $rate attr-dict
    `:` type($input) `,` type($key) `,` type($counter)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

#endif // LINNET_IR_RANDOMOPS_TD
