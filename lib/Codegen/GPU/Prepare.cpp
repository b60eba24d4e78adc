//===- Prepare.cpp - what SPIR-V and PTX are made from ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../LoweringPatterns.h"
#include "GPULowering.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Index/IR/IndexDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SPIRV/IR/SPIRVDialect.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/NVVM/NVVMToLLVMIRTranslation.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace linnet::codegen;

void linnet::codegen::prepareGPUContext(MLIRContext *ctx) {
  DialectRegistry registry;
  registry.insert<func::FuncDialect, affine::AffineDialect, arith::ArithDialect, math::MathDialect,
                  scf::SCFDialect, cf::ControlFlowDialect, vector::VectorDialect,
                  memref::MemRefDialect, index::IndexDialect, ub::UBDialect, gpu::GPUDialect,
                  LLVM::LLVMDialect, NVVM::NVVMDialect, spirv::SPIRVDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
  registerNVVMDialectTranslation(registry);
  ctx->appendDialectRegistry(registry);
  for (StringRef name : registry.getDialectNames())
    ctx->getOrLoadDialect(name);
}

namespace {

Type like(Type shape, Type element) {
  auto vector = dyn_cast<VectorType>(shape);
  return vector ? Type(vector.clone(element)) : element;
}

Value integer(ImplicitLocOpBuilder &b, Type type, int64_t v) {
  TypedAttr attr = b.getIntegerAttr(getElementTypeOrSelf(type), v);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(b, attr);
}

Value floating(ImplicitLocOpBuilder &b, Type type, double v) {
  TypedAttr attr = b.getFloatAttr(getElementTypeOrSelf(type), v);
  if (auto vector = dyn_cast<VectorType>(type))
    attr = DenseElementsAttr::get(vector, Attribute(attr));
  return arith::ConstantOp::create(b, attr);
}

/// Indices have 32 bits here: what lies beyond has to stay out of range.
struct SaturateIndexCast : OpRewritePattern<arith::IndexCastOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::IndexCastOp op, PatternRewriter &rewriter) const override {
    Type from = op.getIn().getType();
    if (!getElementTypeOrSelf(from).isInteger(64) || op.getIn().getDefiningOp<arith::ConstantOp>())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value x = arith::MaxSIOp::create(b, op.getIn(), integer(b, from, INT32_MIN));
    x = arith::MinSIOp::create(b, x, integer(b, from, INT32_MAX));
    x = arith::TruncIOp::create(b, like(from, b.getI32Type()), x);
    rewriter.replaceOpWithNewOp<arith::IndexCastOp>(op, op.getType(), x);
    return success();
  }
};

/// f16 to f32 on the bits. Drivers may flush subnormals, and round as they like.
struct ExpandExtF16 : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn().getType()).isF16() ||
        !getElementTypeOrSelf(op.getType()).isF32())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type i16 = like(op.getType(), b.getI16Type()), i32 = like(op.getType(), b.getI32Type());
    auto shift = [&](Value x, int64_t by) -> Value {
      return arith::ShLIOp::create(b, x, integer(b, i32, by));
    };
    Value h = arith::ExtUIOp::create(b, i32, Value(arith::BitcastOp::create(b, i16, op.getIn())));
    Value size = arith::AndIOp::create(b, h, integer(b, i32, 0x7fff));
    Value sign = shift(arith::AndIOp::create(b, h, integer(b, i32, 0x8000)), 16);
    Value normal = arith::AddIOp::create(b, shift(size, 13), integer(b, i32, 112 << 23));
    Value special = arith::AddIOp::create(b, normal, integer(b, i32, 112 << 23));
    Value tiny = arith::MulFOp::create(b, Value(arith::UIToFPOp::create(b, op.getType(), size)),
                                       floating(b, op.getType(), 0x1p-24));
    Value isSpecial =
        arith::CmpIOp::create(b, arith::CmpIPredicate::uge, size, integer(b, i32, 0x7c00));
    Value isTiny =
        arith::CmpIOp::create(b, arith::CmpIPredicate::ult, size, integer(b, i32, 0x400));
    Value bits = arith::SelectOp::create(b, isSpecial, special, normal);
    bits = arith::SelectOp::create(b, isTiny, Value(arith::BitcastOp::create(b, i32, tiny)), bits);
    bits = arith::OrIOp::create(b, bits, sign);
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), bits);
    return success();
  }
};

/// f32 to f16, to nearest even.
struct ExpandTruncF16 : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    Type from = op.getIn().getType();
    if (!getElementTypeOrSelf(op.getType()).isF16() || !getElementTypeOrSelf(from).isF32())
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Type i16 = like(from, b.getI16Type()), i32 = like(from, b.getI32Type());
    auto number = [&](int64_t v) { return integer(b, i32, v); };
    auto below = [&](Value x, int64_t y) -> Value {
      return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, x, number(y));
    };
    Value bits = arith::BitcastOp::create(b, i32, op.getIn());
    Value size = arith::AndIOp::create(b, bits, number(0x7fffffff));
    Value sign = arith::AndIOp::create(b, Value(arith::ShRUIOp::create(b, bits, number(16))),
                                       number(0x8000));
    Value rebased = arith::SubIOp::create(b, size, number(112 << 23));
    Value odd =
        arith::AndIOp::create(b, Value(arith::ShRUIOp::create(b, rebased, number(13))), number(1));
    Value rounded =
        arith::AddIOp::create(b, rebased, Value(arith::AddIOp::create(b, odd, number(0xfff))));
    Value normal = arith::ShRUIOp::create(b, rounded, number(13));
    // the last place of 0.5 is the least subnormal: adding it rounds
    Value half = floating(b, from, 0.5);
    Value sum = arith::AddFOp::create(b, Value(arith::BitcastOp::create(b, from, size)), half);
    Value tiny = arith::SubIOp::create(b, Value(arith::BitcastOp::create(b, i32, sum)),
                                       Value(arith::BitcastOp::create(b, i32, half)));
    Value isNaN = arith::CmpIOp::create(b, arith::CmpIPredicate::ugt, size, number(0x7f800000));
    Value special = arith::SelectOp::create(b, isNaN, number(0x7e00), number(0x7c00));
    Value r = arith::SelectOp::create(b, below(size, 0x38800000), tiny, normal);
    r = arith::SelectOp::create(b, below(size, 0x47800000), r, special);
    r = arith::TruncIOp::create(b, i16, Value(arith::OrIOp::create(b, r, sign)));
    rewriter.replaceOpWithNewOp<arith::BitcastOp>(op, op.getType(), r);
    return success();
  }
};

/// x - trunc(x / y) y, in f64 for f32: exact while the quotient is below 2^29.
struct ExpandRemF : OpRewritePattern<arith::RemFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::RemFOp op, PatternRewriter &rewriter) const override {
    Type type = op.getType(), f64 = like(type, rewriter.getF64Type());
    if (getElementTypeOrSelf(type).getIntOrFloatBitWidth() < 32)
      return failure(); // widened first
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto wide = [&](Value v) { return type == f64 ? v : Value(arith::ExtFOp::create(b, f64, v)); };
    using P = arith::CmpFPredicate;
    Value x = wide(op.getLhs()), y = wide(op.getRhs());
    Value sx = math::AbsFOp::create(b, x), sy = math::AbsFOp::create(b, y);
    Value q = math::FloorOp::create(b, Value(arith::DivFOp::create(b, sx, sy)));
    auto difference = math::FmaOp::create(b, Value(arith::NegFOp::create(b, q)), sy, sx);
    difference->setAttr(kExactProduct, b.getUnitAttr());
    Value r = difference;
    Value over = arith::CmpFOp::create(b, P::OLT, r, floating(b, f64, 0.0)); // q was rounded up
    r = arith::SelectOp::create(b, over, Value(arith::AddFOp::create(b, r, sy)), r);
    Value inf = floating(b, f64, std::numeric_limits<double>::infinity());
    Value all = arith::AndIOp::create(b, Value(arith::CmpFOp::create(b, P::OEQ, sy, inf)),
                                      Value(arith::CmpFOp::create(b, P::OLT, sx, inf)));
    r = arith::SelectOp::create(b, all, sx, r);
    r = math::CopySignOp::create(b, r, x);
    rewriter.replaceOp(op, type == f64 ? r : Value(arith::TruncFOp::create(b, type, r)));
    return success();
  }
};

/// Devices have approximations of it.
struct ExpandRsqrt : OpRewritePattern<math::RsqrtOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::RsqrtOp op, PatternRewriter &rewriter) const override {
    if (getElementTypeOrSelf(op.getType()).getIntOrFloatBitWidth() < 32)
      return failure(); // widened first
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value root = math::SqrtOp::create(b, op.getOperand());
    rewriter.replaceOpWithNewOp<arith::DivFOp>(op, floating(b, op.getType(), 1.0), root);
    return success();
  }
};

} // namespace

/// Elements of 16 bits have become i16 in the bodies; the signatures follow.
static void updateSignatures(ModuleOp module) {
  module.walk([](gpu::GPUFuncOp f) {
    unsigned n = f.getFunctionType().getNumInputs();
    SmallVector<Type> types;
    for (Value arg : f.getArguments().take_front(n))
      types.push_back(arg.getType());
    f.setFunctionType(FunctionType::get(f.getContext(), types, {}));
  });
}

LogicalResult linnet::codegen::prepareForGPU(ModuleOp module, const GPUTarget &target, bool wide) {
  MLIRContext *ctx = module.getContext();
  if (failed(verify(module)) || failed(checkBarriers(module)))
    return failure();
  PassManager pm(ctx, ModuleOp::getOperationName());
  pm.enableVerifier(false);
  pm.addPass(createLowerAffinePass()); // sizes that ops reify
  pm.addPass(createCSEPass());
  if (failed(pm.run(module)))
    return failure();
  RewritePatternSet patterns(ctx);
  populateFloatPatterns(patterns);
  populateIntegerPatterns(patterns);
  patterns.add<ExpandRemF, ExpandRsqrt>(ctx);
  if (!wide)
    patterns.add<SaturateIndexCast>(ctx);
  if (!target.has(LNT_GPU_NEEDS_FLOAT16))
    patterns.add<ExpandExtF16, ExpandTruncF16>(ctx);
  arith::populateCeilFloorDivExpandOpsPatterns(patterns);
  vector::populateBreakDownVectorReductionPatterns(patterns, 4); // SPIR-V has none of booleans
  GreedyRewriteConfig config;
  config.setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
  if (failed(applyPatternsGreedily(module, std::move(patterns), config)) ||
      failed(inlineMathFunctions(module)))
    return failure();
  eraseHalfTypes(module);
  updateSignatures(module);
  PassManager clean(ctx, ModuleOp::getOperationName());
  clean.addPass(createCanonicalizerPass());
  clean.addPass(createCSEPass());
  return clean.run(module);
}
