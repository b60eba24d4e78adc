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

struct Sizes {
  Value m, n, k, outerK, batch;
};

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

static Value launchSize(LaunchBuilder &b, const Contraction &c, ArrayRef<unsigned> dims) {
  Value size = b.constant(1);
  for (unsigned d : dims) {
    if (int64_t known = c.staticSize(d); !ShapedType::isDynamic(known)) {
      size = b.mul(size, b.constant(known));
      continue;
    }
    auto [tensor, dim] = c.sizeSource(d);
    Value v = b.sizeOf(tensor, dim);
    if (!v)
      return {};
    size = b.mul(size, v);
  }
  return size;
}

static Value launchBytes(LaunchBuilder &b, const Contraction &c, const Sizes &s) {
  auto bytes = [&](Type t, ArrayRef<Value> sizes) {
    return b.mul(b.mul(sizes), b.constant(t.getIntOrFloatBitWidth() / 8));
  };
  Type out = cast<ShapedType>(c.op->getResult(0).getType()).getElementType();
  Value total = bytes(c.arithmetic.a, {s.batch, s.m, s.k, s.outerK});
  total = b.add(total, bytes(c.arithmetic.b, {s.batch, s.n, s.k, s.outerK}));
  return b.add(total, bytes(out, {s.batch, s.m, s.n}));
}

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
    kernel->setAttr(kLayoutsAttr, ArrayAttr::get(ctx, layouts));
  }
  LaunchBuilder b(kernel);
  Sizes s{launchSize(b, *c, c->m), launchSize(b, *c, c->n), launchSize(b, *c, c->k),
          launchSize(b, *c, c->outerK), launchSize(b, *c, c->batch)};
  if (!s.m || !s.n || !s.k || !s.outerK || !s.batch)
    return kernel.emitError("has a size that its launch cannot compute");
  Blocks<LaunchBuilder> blocks(b, s.m, s.n, s.k, s.outerK, s.batch,
                               BlockLimits::of(*c, panels.has_value()));
  Value scratch = b.add(b.add(blocks.bytesA, blocks.bytesB), blocks.bytesC);
  Value flops = b.mul({b.constant(2), s.m, s.n, s.k, s.outerK, s.batch});
  Value bytes = launchBytes(b, *c, s);
  b.finish(blocks.chunks, scratch, flops, bytes);
  Builder attrs(ctx);
  kernel.setStrategyAttr(attrs.getDictionaryAttr(
      {attrs.getNamedAttr("b", attrs.getStringAttr(panels ? "panels" : "plain"))}));
  return success();
}

const KernelEmitter *linnet::codegen::getContractionEmitter() {
  static const ContractionEmitter emitter;
  return &emitter;
}
