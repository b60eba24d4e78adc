//===- ContractionEmitter.cpp - strategy of matrix products ---------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ContractionCode.h"
#include "Emitters.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

class ContractionEmitter : public KernelEmitter {
public:
  StringRef getName() const override { return "contraction"; }
  bool match(exec::KernelOp kernel) const override { return succeeded(Contraction::match(kernel)); }
  LogicalResult select(exec::KernelOp kernel, const llvm::BitVector &constant) const override;
  LogicalResult emit(exec::KernelOp kernel, KernelFrame &frame) const override {
    FailureOr<Contraction> c = Contraction::match(kernel);
    return failed(c) ? failure() : emitContraction(*c, frame);
  }
};

} // namespace

LogicalResult ContractionEmitter::select(exec::KernelOp kernel,
                                         const llvm::BitVector &constant) const {
  FailureOr<Contraction> c = Contraction::match(kernel);
  if (failed(c))
    return failure();
  MLIRContext *ctx = kernel.getContext();
  std::optional<PanelLayout> panels;
  if (auto arg = c->wholeArgument(); arg && *arg < constant.size() && constant.test(*arg))
    panels = c->panels();
  if (panels) {
    SmallVector<Attribute> layouts(kernel.getArguments().size(), UnitAttr::get(ctx));
    layouts[*c->wholeArgument()] = panels->toAttr(ctx);
    kernel.setLayoutsAttr(ArrayAttr::get(ctx, layouts));
  }
  LaunchBuilder b(kernel);
  FailureOr<ContractionSizes> s = ContractionSizes::of(b, *c);
  if (failed(s))
    return kernel.emitError("has a size that its launch cannot compute");
  Blocks<LaunchBuilder> blocks(b, s->m, s->n, s->k, s->outerK, s->batch,
                               BlockLimits::of(*c, panels.has_value()));
  Value scratch = b.add(b.add(blocks.bytesA, blocks.bytesB), blocks.bytesC);
  b.finish(blocks.chunks, scratch, s->flops(b), s->bytes(b, *c));
  Builder attrs(ctx);
  kernel.setStrategyAttr(attrs.getDictionaryAttr(
      {attrs.getNamedAttr("b", attrs.getStringAttr(panels ? "panels" : "plain"))}));
  return success();
}

const KernelEmitter *linnet::codegen::getContractionEmitter() {
  static const ContractionEmitter emitter;
  return &emitter;
}
