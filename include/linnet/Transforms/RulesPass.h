//===- RulesPass.h - passes that apply rules --------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TRANSFORMS_RULESPASS_H
#define LINNET_TRANSFORMS_RULESPASS_H

#include "linnet/Rules.h"
#include "mlir/Pass/Pass.h"

namespace linnet {

/// A pass that applies the patterns which `gather` finds. `Base` is the rest of it, with the
/// options `explain` and `require`.
template <typename Base> class RulesPass : public Base {
public:
  using Base::Base;
  RulesPass(const RulesPass &other) : Base(other), patterns(other.patterns) {}

  void getDependentDialects(mlir::DialectRegistry &registry) const override {
    registerRuleDialects(registry);
  }

  mlir::LogicalResult initialize(mlir::MLIRContext *context) override {
    mlir::RewritePatternSet set(context);
    if (mlir::failed(gather(set)))
      return mlir::failure();
    patterns = std::make_shared<mlir::FrozenRewritePatternSet>(std::move(set));
    return mlir::success();
  }

  void runOnOperation() override {
    if (mlir::failed(applyRules(this->getOperation(), *patterns, {this->explain, this->require})))
      this->signalPassFailure();
  }

protected:
  virtual mlir::LogicalResult gather(mlir::RewritePatternSet &set) = 0;

private:
  std::shared_ptr<const mlir::FrozenRewritePatternSet> patterns; ///< copies of the pass share them
};

} // namespace linnet

#endif // LINNET_TRANSFORMS_RULESPASS_H
