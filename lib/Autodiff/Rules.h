//===- Rules.h - derivative rules by family ---------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Rules are external models of DifferentiableOpInterface. A rule reads the gradients of the
// results, builds those of the operands at the adjoints' builder, and adds them.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_AUTODIFF_RULES_H
#define LINNET_LIB_AUTODIFF_RULES_H

#include "linnet/IR/Formula.h"
#include "linnet/Interfaces/Differentiable.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"

namespace linnet {

void registerArithRules(mlir::DialectRegistry &registry);
void registerAttentionRules(mlir::DialectRegistry &registry);
void registerBatchNormRules(mlir::DialectRegistry &registry);
void registerControlFlowRules(mlir::DialectRegistry &registry);
void registerConvRules(mlir::DialectRegistry &registry);
void registerGatherRules(mlir::DialectRegistry &registry);
void registerLinearAttentionRules(mlir::DialectRegistry &registry);
void registerLossRules(mlir::DialectRegistry &registry);
void registerMathRules(mlir::DialectRegistry &registry);
void registerNormRules(mlir::DialectRegistry &registry);
void registerPlainRules(mlir::DialectRegistry &registry);
void registerPoolRules(mlir::DialectRegistry &registry);
void registerRandomRules(mlir::DialectRegistry &registry);
void registerResizeRules(mlir::DialectRegistry &registry);
void registerScanRules(mlir::DialectRegistry &registry);
void registerTensorRules(mlir::DialectRegistry &registry);

/// The rule of `Op` is the function `rule`.
template <typename Op, mlir::LogicalResult (*rule)(Op, Adjoints &)>
struct DerivativeRule : DifferentiableOpInterface::ExternalModel<DerivativeRule<Op, rule>, Op> {
  mlir::LogicalResult differentiate(mlir::Operation *op, Adjoints &adjoints) const {
    return rule(mlir::cast<Op>(op), adjoints);
  }
};

template <typename Op, mlir::LogicalResult (*rule)(Op, Adjoints &)>
void attachRule(mlir::MLIRContext *context) {
  Op::template attachInterface<DerivativeRule<Op, rule>>(*context);
}

//===----------------------------------------------------------------------===//
// Building gradients
//===----------------------------------------------------------------------===//

/// `value` in element type f32, or as it is if it has that or f64.
mlir::Value toF32(mlir::ImplicitLocOpBuilder &b, mlir::Value value);
/// `value` rounded to the element type of `like`.
mlir::Value roundLike(mlir::ImplicitLocOpBuilder &b, mlir::Value value, mlir::Value like);
/// The dynamic sizes of `value` among its dimensions from `first` on, in order.
llvm::SmallVector<mlir::Value> dynamicSizes(mlir::ImplicitLocOpBuilder &b, mlir::Value value,
                                            int64_t first = 0);
/// The sum over `axes`; they stay with size 1 with `keepdims`.
mlir::Value sumOver(mlir::ImplicitLocOpBuilder &b, mlir::Value value, llvm::ArrayRef<int64_t> axes,
                    bool keepdims = false);
/// `value`, whose dimension i is dimension dims[i] of `like`, repeated to the shape of `like`.
mlir::Value broadcastLike(mlir::ImplicitLocOpBuilder &b, mlir::Value value, mlir::Value like,
                          llvm::ArrayRef<int64_t> dims);
/// The sum of `gradient` over the positions that `value` was repeated to by a broadcast with
/// `dims`; of the type of `value`, a tensor or a scalar.
mlir::Value sumToOperand(mlir::ImplicitLocOpBuilder &b, mlir::Value gradient, mlir::Value value,
                         llvm::ArrayRef<int64_t> dims);

} // namespace linnet

#endif // LINNET_LIB_AUTODIFF_RULES_H
