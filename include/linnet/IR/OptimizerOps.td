//===- OptimizerOps.td - ops of the optimizer family -*- tablegen -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_IR_OPTIMIZEROPS_TD
#define LINNET_IR_OPTIMIZEROPS_TD

include "linnet/IR/LinnetAttrs.td"
include "linnet/IR/LinnetTypes.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

defvar Linnet_Params = Variadic<RankedTensorOf<Linnet_ModelFloats>>;
defvar Linnet_States = Variadic<RankedTensorOf<[F32]>>;
def Linnet_StepCount : 0DTensorOf<[I64]>,
    BuildableType<"::mlir::RankedTensorType::get({}, $_builder.getI64Type())">;
def Linnet_Rate : 0DTensorOf<[F32]>,
    BuildableType<"::mlir::RankedTensorType::get({}, $_builder.getF32Type())">;

// One step on many tensors: lists of one tensor per parameter go in and come out.
class Linnet_OptimizerOp<string mnemonic>
    : Linnet_Op<mnemonic, [Pure, AttrSizedOperandSegments]> {
  let results = (outs Variadic<RankedTensorOf<Linnet_ModelFloats>>:$updated);
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// The lists that come out, in order: parameters, states, masters.
    ::llvm::SmallVector<::mlir::ValueRange> getUpdatedLists();
  }];
}

// What every optimizer's description ends with.
defvar Linnet_OptimizerRules = [{

    All arithmetic is f32; what depends on betas and the step alone is computed in f64. A
    16-bit parameter is the rounded value of its f32 master, which is what is updated.

    Constraints:
    - (C1) there are as many gradients, and tensors of every state, as parameters; each gradient
      has its parameter's type, each state its shape and element type f32
    - (C2) masters are absent, or there is one per parameter, of its shape and f32; they are
      there if any parameter has 16 bits
    - (C3) the results are the parameters, the states, and the masters, with their types
    - (C4) attributes are finite; decay factors are at least 0 and below 1
}];

def Linnet_SgdOp : Linnet_OptimizerOp<"sgd"> {
  let summary = "stochastic gradient descent with momentum";
  let description = !strconcat([{
    As PyTorch's `SGD` with `foreach`: with momentum `mu` and one buffer per parameter

        g = grad + weight_decay * p
        buf = g                                  where step = 1
        buf = mu * buf + (1 - dampening) * g     else
        d = g + mu * buf                         with nesterov, else buf
        p = p - lr * d

    Without momentum `d = g` and there are no buffers and no step.

    ```mlir
    %w1, %b1 = linnet.sgd params(%w : tensor<8xf32>) grads(%g : tensor<8xf32>)
        momenta(%b : tensor<8xf32>) lr(%lr) step(%t) momentum(0.9) nesterov -> tensor<8xf32>, tensor<8xf32>
    ```
  }], Linnet_OptimizerRules, [{
    - (C5) momenta and step are there exactly when momentum is positive; nesterov needs it and
      excludes dampening
  }]);
  let arguments = (ins Linnet_Params:$params, Linnet_Params:$grads, Linnet_States:$momenta,
    Linnet_States:$masters, Linnet_Rate:$lr, Optional<Linnet_StepCount>:$step,
    DefaultValuedAttr<F64Attr, "0.0">:$momentum, DefaultValuedAttr<F64Attr, "0.0">:$dampening,
    DefaultValuedAttr<F64Attr, "0.0">:$weight_decay, UnitAttr:$nesterov);
  let assemblyFormat = [{
    `params` `(` $params `:` type($params) `)` `grads` `(` $grads `:` type($grads) `)`
    (`momenta` `(` $momenta^ `:` type($momenta) `)`)?
    (`masters` `(` $masters^ `:` type($masters) `)`)? `lr` `(` $lr `)` (`step` `(` $step^ `)`)?
    (`momentum` `(` $momentum^ `)`)? (`dampening` `(` $dampening^ `)`)?
    (`weight_decay` `(` $weight_decay^ `)`)? (`nesterov` $nesterov^)? attr-dict
    `->` type($updated)
  }];
}

class Linnet_AdamLikeOp<string mnemonic, string decay> : Linnet_OptimizerOp<mnemonic> {
  let arguments = (ins Linnet_Params:$params, Linnet_Params:$grads, Linnet_States:$means,
    Linnet_States:$variances, Linnet_States:$masters, Linnet_Rate:$lr, Linnet_StepCount:$step,
    DefaultValuedAttr<F64Attr, "0.9">:$beta1, DefaultValuedAttr<F64Attr, "0.999">:$beta2,
    DefaultValuedAttr<F64Attr, "1.0e-8">:$eps, DefaultValuedAttr<F64Attr, decay>:$weight_decay);
  let assemblyFormat = [{
    `params` `(` $params `:` type($params) `)` `grads` `(` $grads `:` type($grads) `)`
    `means` `(` $means `:` type($means) `)` `variances` `(` $variances `:` type($variances) `)`
    (`masters` `(` $masters^ `:` type($masters) `)`)? `lr` `(` $lr `)` `step` `(` $step `)`
    (`beta1` `(` $beta1^ `)`)? (`beta2` `(` $beta2^ `)`)? (`eps` `(` $eps^ `)`)?
    (`weight_decay` `(` $weight_decay^ `)`)? attr-dict `->` type($updated)
  }];
}

def Linnet_AdamOp : Linnet_AdamLikeOp<"adam", "0.0"> {
  let summary = "Adam (arXiv:1412.6980)";
  let description = !strconcat([{
    As PyTorch's `Adam`; `step` counts from 1:

        g = grad + weight_decay * p
        m = m + (1 - beta1) * (g - m)
        v = beta2 * v + (1 - beta2) * g * g
        p = p - lr / (1 - beta1^step) * m / (sqrt(v) / sqrt(1 - beta2^step) + eps)

    ```mlir
    %w1, %m1, %v1 = linnet.adam params(%w : tensor<8xf32>) grads(%g : tensor<8xf32>)
        means(%m : tensor<8xf32>) variances(%v : tensor<8xf32>) lr(%lr) step(%t)
        -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
    ```
  }], Linnet_OptimizerRules);
}

def Linnet_AdamWOp : Linnet_AdamLikeOp<"adamw", "0.01"> {
  let summary = "Adam with decoupled weight decay (arXiv:1711.05101)";
  let description = !strconcat([{
    As PyTorch's `AdamW`: `p = p * (1 - lr * weight_decay)`, then `linnet.adam` without decay.

    ```mlir
    %w1, %m1, %v1 = linnet.adamw params(%w : tensor<8xf32>) grads(%g : tensor<8xf32>)
        means(%m : tensor<8xf32>) variances(%v : tensor<8xf32>) lr(%lr) step(%t) weight_decay(0.1)
        -> tensor<8xf32>, tensor<8xf32>, tensor<8xf32>
    ```
  }], Linnet_OptimizerRules);
}

def Linnet_LionOp : Linnet_OptimizerOp<"lion"> {
  let summary = "Lion (arXiv:2302.06675)";
  let description = !strconcat([{
        p = p * (1 - lr * weight_decay)
        p = p - lr * sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g

    ```mlir
    %w1, %m1 = linnet.lion params(%w : tensor<8xf32>) grads(%g : tensor<8xf32>)
        means(%m : tensor<8xf32>) lr(%lr) -> tensor<8xf32>, tensor<8xf32>
    ```
  }], Linnet_OptimizerRules);
  let arguments = (ins Linnet_Params:$params, Linnet_Params:$grads, Linnet_States:$means,
    Linnet_States:$masters, Linnet_Rate:$lr, DefaultValuedAttr<F64Attr, "0.9">:$beta1,
    DefaultValuedAttr<F64Attr, "0.99">:$beta2, DefaultValuedAttr<F64Attr, "0.0">:$weight_decay);
  let assemblyFormat = [{
    `params` `(` $params `:` type($params) `)` `grads` `(` $grads `:` type($grads) `)`
    `means` `(` $means `:` type($means) `)`
    (`masters` `(` $masters^ `:` type($masters) `)`)? `lr` `(` $lr `)`
    (`beta1` `(` $beta1^ `)`)? (`beta2` `(` $beta2^ `)`)?
    (`weight_decay` `(` $weight_decay^ `)`)? attr-dict `->` type($updated)
  }];
}

def Linnet_RmsPropOp : Linnet_OptimizerOp<"rmsprop"> {
  let summary = "RMSProp";
  let description = !strconcat([{
    As PyTorch's `RMSprop`, not centred:

        g = grad + weight_decay * p
        v = alpha * v + (1 - alpha) * g * g
        buf = momentum * buf + g / (sqrt(v) + eps)
        p = p - lr * buf

    Without momentum there are no buffers and `buf = g / (sqrt(v) + eps)`.

    ```mlir
    %w1, %v1 = linnet.rmsprop params(%w : tensor<8xf32>) grads(%g : tensor<8xf32>)
        variances(%v : tensor<8xf32>) lr(%lr) -> tensor<8xf32>, tensor<8xf32>
    ```
  }], Linnet_OptimizerRules, [{
    - (C5) momenta are there exactly when momentum is positive
  }]);
  let arguments = (ins Linnet_Params:$params, Linnet_Params:$grads, Linnet_States:$variances,
    Linnet_States:$momenta, Linnet_States:$masters, Linnet_Rate:$lr,
    DefaultValuedAttr<F64Attr, "0.99">:$alpha, DefaultValuedAttr<F64Attr, "1.0e-8">:$eps,
    DefaultValuedAttr<F64Attr, "0.0">:$momentum, DefaultValuedAttr<F64Attr, "0.0">:$weight_decay);
  let assemblyFormat = [{
    `params` `(` $params `:` type($params) `)` `grads` `(` $grads `:` type($grads) `)`
    `variances` `(` $variances `:` type($variances) `)`
    (`momenta` `(` $momenta^ `:` type($momenta) `)`)?
    (`masters` `(` $masters^ `:` type($masters) `)`)? `lr` `(` $lr `)`
    (`alpha` `(` $alpha^ `)`)? (`eps` `(` $eps^ `)`)? (`momentum` `(` $momentum^ `)`)?
    (`weight_decay` `(` $weight_decay^ `)`)? attr-dict `->` type($updated)
  }];
}

def Linnet_AdagradOp : Linnet_OptimizerOp<"adagrad"> {
  let summary = "Adagrad (Duchi, Hazan, Singer, JMLR 2011)";
  let description = !strconcat([{
    As PyTorch's `Adagrad`; `step` counts from 1:

        g = grad + weight_decay * p
        s = s + g * g
        p = p - lr / (1 + (step - 1) * lr_decay) * g / (sqrt(s) + eps)

    ```mlir
    %w1, %s1 = linnet.adagrad params(%w : tensor<8xf32>) grads(%g : tensor<8xf32>)
        sums(%s : tensor<8xf32>) lr(%lr) step(%t) -> tensor<8xf32>, tensor<8xf32>
    ```
  }], Linnet_OptimizerRules);
  let arguments = (ins Linnet_Params:$params, Linnet_Params:$grads, Linnet_States:$sums,
    Linnet_States:$masters, Linnet_Rate:$lr, Linnet_StepCount:$step,
    DefaultValuedAttr<F64Attr, "0.0">:$lr_decay, DefaultValuedAttr<F64Attr, "1.0e-10">:$eps,
    DefaultValuedAttr<F64Attr, "0.0">:$weight_decay);
  let assemblyFormat = [{
    `params` `(` $params `:` type($params) `)` `grads` `(` $grads `:` type($grads) `)`
    `sums` `(` $sums `:` type($sums) `)`
    (`masters` `(` $masters^ `:` type($masters) `)`)? `lr` `(` $lr `)` `step` `(` $step `)`
    (`lr_decay` `(` $lr_decay^ `)`)? (`eps` `(` $eps^ `)`)?
    (`weight_decay` `(` $weight_decay^ `)`)? attr-dict `->` type($updated)
  }];
}

def Linnet_RobbinsMonroOp : Linnet_Op<"robbins_monro", [Pure]> {
  let summary = "a decreasing learning rate";
  let description = [{
    `base * (1 + step / offset)^(-power)`, in f64 and rounded once. For `power` above 1/2 and at
    most 1 the rates sum to infinity and their squares do not: the conditions of Robbins and
    Monro (Annals of Mathematical Statistics, 1951) under which stochastic approximation
    converges.

    ```mlir
    %lr = linnet.robbins_monro %step base(0.1) offset(100.0) power(0.75)
    ```

    Constraints:
    - (C1) base and offset are finite and positive
    - (C2) power is above 0.5 and at most 1
  }];
  let arguments = (ins Linnet_StepCount:$step, F64Attr:$base,
                       DefaultValuedAttr<F64Attr, "1.0">:$offset,
                       DefaultValuedAttr<F64Attr, "1.0">:$power);
  let results = (outs Linnet_Rate:$rate);
  let assemblyFormat = [{
    $step `base` `(` $base `)` (`offset` `(` $offset^ `)`)? (`power` `(` $power^ `)`)? attr-dict
  }];
  let hasVerifier = 1;
}

def Linnet_ClipByGlobalNormOp : Linnet_Op<"clip_by_global_norm", [Pure]> {
  let summary = "scales gradients down to a largest common norm";
  let description = [{
    As PyTorch's `clip_grad_norm_`: `norm` is the Euclidean norm of all gradients together, and
    each is multiplied by `min(1, max_norm / (norm + 1e-6))`. Sums are f32, tensor by tensor.

    ```mlir
    %c:2, %norm = linnet.clip_by_global_norm %g0, %g1 max_norm(%m)
        : tensor<8x3xf32>, tensor<3xf32> -> tensor<8x3xf32>, tensor<3xf32>
    ```

    Constraints:
    - (C1) the results are the gradients, with their types, and the norm
  }];
  let arguments = (ins Linnet_Params:$grads, Linnet_Rate:$max_norm);
  let results = (outs Linnet_Params:$clipped, Linnet_Rate:$norm);
  let assemblyFormat = [{
    $grads `max_norm` `(` $max_norm `)` attr-dict `:` type($grads) `->` type($clipped)
  }];
  let hasVerifier = 1;
}

#endif // LINNET_IR_OPTIMIZEROPS_TD
