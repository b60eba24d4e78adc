//===- Passes.td - rewrites of model IR --------------------*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TRANSFORMS_PASSES_TD
#define LINNET_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerToStructured : Pass<"linnet-lower-to-structured", "mlir::func::FuncOp"> {
  let summary = "model IR to linalg on tensors and the structured linnet ops";
  let description = [{
    Elementwise `arith` and `math` on tensors become `linalg.generic`; so do einsum, broadcast,
    reduce, softmax, the norms, gather, argmax, feature_map, rotary and upstream's named linalg
    ops. Contractions and convolutions among the named ops stay, and the linnet ops with kernels
    of their own: attention, linear_attention, selective_scan, causal_conv, gradients of these,
    conv, random and others.

    16-bit floats are widened to f32 inside of reductions, norms and contractions, and rounded
    once. A `tensor.extract` that stands for a gather carries `linnet.checked`, the positions of
    its indices that may be out of range: the kernel reads zero there and reports a fault at
    the extract's location.

    `cf.assert` in a body becomes a fault of its kernel; between kernels it is dropped with a
    warning.

    Whatever is left over that later stages do not take is reported at once: op, count and
    first location.
  }];
  let dependentDialects = ["mlir::arith::ArithDialect", "mlir::linalg::LinalgDialect",
                           "mlir::math::MathDialect", "mlir::tensor::TensorDialect"];
}

def GlobalsToArguments : Pass<"linnet-globals-to-arguments", "mlir::ModuleOp"> {
  let summary = "weights become hidden trailing arguments";
  let description = [{
    A load of an `ml_program.global` becomes a function argument with the attribute
    `linnet.constant = @symbol`, after the arguments that callers see; a function has one per
    global that it reads. A mutable global becomes an argument with `linnet.state` of its name,
    and a result where the function stores to it: a state of the session, which starts with the
    global's value (`linnet.initial`). Constants that are not a splat become
    private globals first, equal ones the same, so that all functions share one pool.
    Run it after inlining: functions that are called keep their signature.
  }];
  let dependentDialects = ["mlir::ml_program::MLProgramDialect"];
}

def CheckInput : Pass<"linnet-check-input", "mlir::ModuleOp"> {
  let summary = "refuse what no later stage can compile";
  let description = [{
    Values whose elements are neither index, integers of up to 64 bits, f16, bf16, f32 nor f64;
    tensors with an encoding; a `tensor.dim` of a dimension that there is not; arguments, or
    results, of one name or one state; calls of functions that have no body or that come back to
    the call.
  }];
}

def CheckSymbols : Pass<"linnet-check-symbols", "mlir::ModuleOp"> {
  let summary = "refuse dynamic sizes that have to be equal and are not known to be";
  let description = [{
    Every dynamic size is taken for a polynomial in the symbols that `linnet.dims` names on the
    arguments of its function; a size without a name is a symbol of its own, and so is whatever
    the analysis cannot see through. Where an op wants two sizes to be equal and they are not
    the same polynomial, both are reported, with the names that would make them equal. All
    such places are reported at once.
  }];
}

def SplitSums : Pass<"linnet-split-sums", "mlir::func::FuncOp"> {
  let summary = "cut long sums with small results, and long caches, into parts that threads share";
  let description = [{
    A product of two tensors whose result is small (at most a few tiles, sizes known) and whose
    sum is long (or of unknown length) becomes three ops: the sums of equal parts, a batch of
    products; the sum of what is left over, if there can be any; and their total, in the order of
    the parts. The cut depends on sizes only, so the bits of the result do not depend on how many
    threads there are. Sums in 16-bit types and products with constants, which are packed as a
    whole, stay as they are.

    Attention of a handful of rows over many keys (or an unknown number) with few key heads
    becomes attention with parts of the keys, weights of the parts from their log-sum-exps, and
    the weighted sum of what the parts gave.
  }];
  let dependentDialects = ["mlir::affine::AffineDialect", "mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect", "mlir::math::MathDialect",
                           "mlir::tensor::TensorDialect"];
}

def Raise : Pass<"linnet-raise", "mlir::func::FuncOp"> {
  let summary = "primitive ops to the linnet ops that they spell out";
  let description = [{
    Finds attention, norms, rotary embeddings, cross entropy and linear recurrences among primitive
    ops. The match is on elements, not on ops: transposes, reshapes, slices, broadcasts and casts of floats may be
    anywhere, and the steps may be `arith` and `math` on tensors, linnet ops, named linalg ops or
    the region of a `linalg.generic`.

    `linnet.attention` becomes of:

    - softmax as an op or as exp (or exp2), sum and division, the division before or behind
      the product with the values, with or without subtraction of anything that is the same for
      all keys
    - scale as factor or divisor of the scores; soft cap
    - grouped heads: keys and values repeated, or queries with a dimension more
    - masks by `select` or by a sum with zeros and `-inf`: causal and window from comparisons
      of indices or from a constant, anything else as an explicit mask. A finite score that hides
      (-1e9 and below) counts as a mask where causal and window leave each query a key; else
      those of -1e30 and below become a bias
    - biases, of any sizes that repeat; that one hides all keys of a row is not looked for

    Equal in real arithmetic, but for queries that see no key: softmax over nothing but `-inf`
    is NaN, and attention gives zeros.

    `linnet.layer_norm` and `linnet.rms_norm` become of x, or x less its mean, times the inverse
    deviation over trailing axes:

    - mean as an op, as a sum times 1/n or over n; squares by a product or a power; the root
      as `rsqrt`, `sqrt` and a division, or a power; eps within the root
    - the variance in two passes or as E[x^2] - E[x]^2, also where that is kept from being negative
    - a scale, for RMS norm also as 1 + w, and for layer norm a bias, over the normalised axes

    `linnet.rotary` with tables becomes of pairs of channels, in halves or interleaved, that are turned
    by one cosine and one sine: as x * cos plus a rotated copy times sin or by parts, with tables of pairs
    or tables that repeat them for both channels, and with channels behind that stay. Tables per
    channel of which nothing is known do not match: they may differ within a pair.

    `linnet.cross_entropy` becomes of minus the logarithm of a softmax at a class number:

    - the logarithm of softmax, x less the logarithm of the sum of exponentials, with or without a
      maximum, or the two picked apart; the class by `linnet.gather`, by `tensor.extract` in a region
      or by a sum over a one-hot condition; the sign anywhere
    - rows whose target is one number set to zero, as `ignore_index`; sums over all rows, and means
      by the number of rows, or of those that are not ignored. Targets of -100, faults before, are
      ignored where no other number is
    - label smoothing: such a loss plus the mean over classes of the same logarithm, each times a number

    `linnet.linear_attention`, or `linnet.selective_scan`, becomes of an `scf.for` over positions that
    carries a state, linear in itself, and inserts rows read out of it:

    - slices at the counter, of any layout and by any op; loops over batch and heads around it, or
      those dimensions in the body; the state in either orientation, from and to outside
    - decays per head or channel that cannot be negative: exp, logistic functions, positive
      constants, and products and powers of such; the delta rule in all its forms (`beta`), or any
      product of two vectors (`erase`); rows read after the step, before it, or with a bonus
    - gates, norms and projections that the step computes of its inputs, and elementwise ops on the
      row: they are done for all positions at once

    Activations in f32 get one form each: 1 / (1 + exp(-x)), x / (1 + exp(-x)),
    0.5 x (1 + erf(x / sqrt(2))) and 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).

    Assertions that a value is not zero go where that is seen from how it is made: importers guard
    reciprocals by them. NaN failed such an assertion, and is now a result like others.

    With `explain`, a remark says at each product with a softmax or with an inverse deviation, at each
    sum that looks like a rotation, at each row of a loss and at each loop whose rows are read out of a
    state, what was found or what did not fit.
  }];
  let options = [Option<"explain", "explain", "bool", "false", "say what was found, and what almost">];
  let dependentDialects = ["::linnet::LinnetDialect", "mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect", "mlir::math::MathDialect",
                           "mlir::tensor::TensorDialect"];
}

def Reassociate : Pass<"linnet-reassociate", "mlir::func::FuncOp"> {
  let summary = "the cheapest order of products, and linear attention where they are causal";
  let description = [{
    Where a sum of products holds another one, and nothing but factors lies between, the order is
    chosen by FLOPs and bytes (`linnet/Analysis/CostModel.h`; a dynamic size counts as 1024):

        sum_j (sum_c q[i,c] k[j,c]) v[j,d]  =  sum_c q[i,c] (sum_j k[j,c] v[j,d])

    - Attention without softmax, (Q K^T) V, becomes Q (K^T V); so do chains of matrices
    - With the weights of j > i set to zero, by a select, a product with zeros and ones, or a constant, and
      as many queries as keys, it becomes `linnet.linear_attention`
    - Sums of weights over keys, the normaliser of kernelised attention, become the same with
      values of one
    - Constants and whatever is the same for all keys are factors of the result
    - A product of two weights (`ml_program.global_load_const`, constants) that is no larger than they are costs
      nothing: `linnet-compile` computes it once

    The match is on elements as in `linnet-raise`, so the spelling does not matter. Where the scores
    are used elsewhere too, or the other order would take longer, nothing changes. The result is equal in
    real arithmetic.
  }];
  let options = [Option<"explain", "explain", "bool", "false", "say what was chosen at each product">,
                 Option<"costModel", "cost-model", "std::string", "\"\"",
                        "JSON file of linnet-bench --calibrate-cost">,
                 Option<"record", "record", "bool", "false",
                        "write `linnet.products`, what was chosen, to the function">,
                 Option<"weightsKnown", "weights-known", "bool", "true",
                        "products of weights are computed when this is compiled">];
  let dependentDialects = ["::linnet::LinnetDialect", "mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"];
}

def AbsorbProjections : Pass<"linnet-absorb-projections", "mlir::func::FuncOp"> {
  let summary = "attention over what keys and values are projections of";
  let description = [{
    Keys and values that are made by a matrix per head from rows that heads share (multi-head
    latent attention, arXiv:2405.04434; attention over an encoder's states) need not be made: with
    `k[h,j] = Wk[h]^T c[j]` and `v[h,j] = Wv[h]^T c[j]`

        dot(q[h,i], k[h,j]) = dot(Wk[h] q[h,i], c[j])
        sum_j p[h,i,j] v[h,j] = Wv[h]^T sum_j p[h,i,j] c[j]

    so that attention runs over `c` with one head of keys that all queries share. Parts of a key that heads
    share already, say the rotated part of a latent key, stay as they are. Where `c` and such
    a part are neighbouring slices of one cache, the cache itself is read.

    Done where FLOPs and bytes (`linnet/Analysis/CostModel.h`; a dynamic size counts as 1024) say that it
    takes less time, as in decoding, and where nothing else needs the keys and values. The
    result is equal in real arithmetic.
  }];
  let options = [Option<"explain", "explain", "bool", "false", "say what was chosen at each attention">,
                 Option<"costModel", "cost-model", "std::string", "\"\"",
                        "JSON file of linnet-bench --calibrate-cost">];
  let dependentDialects = ["::linnet::LinnetDialect", "mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect", "mlir::tensor::TensorDialect"];
}

def ApplyRules : Pass<"linnet-apply-rules"> {
  let summary = "rewrite rules by name";
  let description = [{
    Applies registered rules until none applies: Linnet's own, those of plugins (`registerRule` of
    `linnet/Rules.h`), the patterns of PDLL files that `--rules=F.pdll` names, and Python's
    (`linnet-py`). `linnet-opt --list-rules` lists them.

    On the command line `--linnet-apply-rules=a,b` is short for `--linnet-apply-rules=names=a,b`;
    `linnet-compile` takes it too and applies the rules to the input. A rule that is not there is
    refused, with the names of those there are; one that leaves invalid IR is named.

    With `explain`, remarks say where each rule applies and what it gives as the reason where it does not
    (`notifyMatchFailure`; constraints in PDLL).
  }];
  let options = [
    ListOption<"names", "names", "std::string", "rules">,
    Option<"explain", "explain", "bool", "false", "say what applied, and why a rule did not">,
    Option<"require", "require-match", "bool", "false", "an error where no rule applies">];
}

def LinearizeAttention : Pass<"linnet-linearize-attention", "mlir::ModuleOp"> {
  let summary = "attention under a contract in linear time";
  let description = [{
    Replaces `linnet.attention` that has a contract (`linnet.contract` on the op, on its function or on the
    module; or that of the option, for all that have none) by the fastest form that provably meets it:

    - `taylor`: where the program bounds the scores (normalised or clipped queries and keys), exp is a
      polynomial of degree 1 to 4 of them, and the weights are dot products of monomials
    - `window`: where scores are bounded and constant slopes of ALiBi make far keys weigh little, each key head
      sees the nearest keys that hold all but a known part of the softmax
    - `favor`: exp is an average of positive orthogonal random features of a seed; its bound holds for sure
      with one block of them, and but for the contract's probability of failure with more

    A form has a certificate: the bound of its error against attention in real arithmetic, with f32 rounding,
    and what was proven for it. Where no form meets the contract, or none takes less time by
    `linnet/Analysis/CostModel.h`, attention stays exact, or it is an error if the contract says so.

    What was decided at every attention is recorded in `linnet.sites` of the module, which
    `linnet-compile --report` writes.

    `name-sites` and `compare` are for `linnet-compile --emit-pair`. With `compare`, functions that nothing
    else refers to get two more results per rewritten site in their body, both of f32 and both of the two forms on
    the same queries, keys and values: the largest difference, and the largest one relative to the largest `|v|` of
    its channel, as the metric `rel_max` is.
  }];
  let options = [
    Option<"contract", "contract", "std::string", "\"\"",
           "contract of all attention that has none: bound = 1e-2, ...">,
    Option<"costModel", "cost-model", "std::string", "\"\"",
           "JSON file of linnet-bench --calibrate-cost">,
    Option<"rewrites", "rewrite", "bool", "true", "false: only record the sites">,
    Option<"namesSites", "name-sites", "bool", "false",
           "write names of sites into locations, and contracts to the ops they are for">,
    Option<"compare", "compare", "bool", "false",
           "keep the exact form beside each rewritten one, with the differences as results">,
    Option<"explain", "explain", "bool", "false", "say what was decided at each attention">,
    Option<"final", "final", "bool", "true",
           "false: what stays exact is looked at again by a later run, which explains it">];
  let dependentDialects = ["::linnet::LinnetDialect", "mlir::arith::ArithDialect",
                           "mlir::linalg::LinalgDialect", "mlir::math::MathDialect",
                           "mlir::tensor::TensorDialect"];
}

def Pdl : Pass<"linnet-pdl"> {
  let summary = "rewrite rules from PDLL or PDL files";
  let description = [{
    Applies the patterns of the files until none applies. A `.pdll` file is translated by `mlir-pdll`, with
    the folders of Linnet's and MLIR's .td files to include from; any other file holds `pdl.pattern` ops.
    `linnet/Rules.h` lists the constraints and rewrites that a file may name. `--rules=F.pdll` registers the
    patterns by name instead, for `linnet-apply-rules` and scripts.

    On the command line `--linnet-pdl=rules.pdll` is short for `--linnet-pdl=files=rules.pdll`;
    `linnet-compile` takes it too and applies the rules to the input. An unknown constraint, a file that
    does not parse and one without a pattern are refused before anything is changed.

    With `explain`, remarks say where each pattern applies and which constraint of `linnet/Rules.h` did not
    hold.
  }];
  let options = [
    ListOption<"files", "files", "std::string", "files with rules">,
    ListOption<"includes", "include", "std::string", "more folders for #include">,
    Option<"explain", "explain", "bool", "false", "say what applied, and which constraint did not hold">,
    Option<"require", "require-match", "bool", "false", "an error where no rule applies">];
}

def Script : Pass<"linnet-script", "mlir::ModuleOp"> {
  let summary = "a transform script from a file";
  let description = [{
    Runs `transform.named_sequence @__transform_main` of the file on the module. All passes are there by
    `transform.apply_registered_pass`, those of plugins and `linnet-pdl` too, and rules by their names in
    `transform.apply_patterns.linnet.rules`.

    On the command line `--linnet-script=s.mlir` is short for `--linnet-script=file=s.mlir`;
    `linnet-compile` takes it too and runs it on the input, behind `--linnet-pdl`.
  }];
  let options = [Option<"file", "file", "std::string", "\"\"", "file with the script">];
  let dependentDialects = ["::linnet::LinnetDialect", "mlir::transform::TransformDialect"];
}

#endif // LINNET_TRANSFORMS_PASSES_TD
