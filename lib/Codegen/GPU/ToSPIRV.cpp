//===- ToSPIRV.cpp - from a gpu.module to Vulkan's SPIR-V -------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../LoweringPatterns.h"
#include "GPULowering.h"
#include "mlir/Conversion/ArithToSPIRV/ArithToSPIRV.h"
#include "mlir/Conversion/FuncToSPIRV/FuncToSPIRV.h"
#include "mlir/Conversion/GPUToSPIRV/GPUToSPIRV.h"
#include "mlir/Conversion/IndexToSPIRV/IndexToSPIRV.h"
#include "mlir/Conversion/MathToSPIRV/MathToSPIRV.h"
#include "mlir/Conversion/MemRefToSPIRV/MemRefToSPIRV.h"
#include "mlir/Conversion/SCFToSPIRV/SCFToSPIRV.h"
#include "mlir/Conversion/UBToSPIRV/UBToSPIRV.h"
#include "mlir/Conversion/VectorToSPIRV/VectorToSPIRV.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SPIRV/IR/TargetAndABI.h"
#include "mlir/Dialect/SPIRV/Transforms/Passes.h"
#include "mlir/Dialect/SPIRV/Transforms/SPIRVConversion.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/SPIRV/Serialization.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// What the conversion does not take
//===----------------------------------------------------------------------===//

namespace {

/// Drivers join accesses that lie together.
struct ScalariseLoad : OpRewritePattern<vector::LoadOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(vector::LoadOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    SmallVector<Value> lanes;
    for (int64_t i = 0; i < op.getVectorType().getNumElements(); ++i) {
      Value at = arith::AddIOp::create(b, op.getIndices().front(),
                                       Value(arith::ConstantIndexOp::create(b, i)));
      lanes.push_back(memref::LoadOp::create(b, op.getBase(), at));
    }
    rewriter.replaceOpWithNewOp<vector::FromElementsOp>(op, op.getVectorType(), lanes);
    return success();
  }
};

struct ScalariseStore : OpRewritePattern<vector::StoreOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(vector::StoreOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    for (int64_t i = 0; i < op.getVectorType().getNumElements(); ++i) {
      Value at = arith::AddIOp::create(b, op.getIndices().front(),
                                       Value(arith::ConstantIndexOp::create(b, i)));
      Value x = vector::ExtractOp::create(b, op.getValueToStore(), i);
      memref::StoreOp::create(b, x, op.getBase(), at);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

/// SPIR-V below 1.4 has no selection of vectors by one condition.
struct SpreadCondition : OpRewritePattern<arith::SelectOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::SelectOp op, PatternRewriter &rewriter) const override {
    auto type = dyn_cast<VectorType>(op.getType());
    if (!type || isa<VectorType>(op.getCondition().getType()))
      return failure();
    SmallVector<Value> lanes(type.getNumElements(), op.getCondition());
    Value condition = vector::FromElementsOp::create(rewriter, op.getLoc(),
                                                     type.clone(rewriter.getI1Type()), lanes);
    rewriter.replaceOpWithNewOp<arith::SelectOp>(op, condition, op.getTrueValue(),
                                                 op.getFalseValue());
    return success();
  }
};

/// Toward zero: the sign of x on the floor of its size.
struct ExpandTrunc : OpRewritePattern<math::TruncOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::TruncOp op, PatternRewriter &rewriter) const override {
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    Value size = math::FloorOp::create(b, Value(math::AbsFOp::create(b, op.getOperand())));
    rewriter.replaceOpWithNewOp<math::CopySignOp>(op, size, op.getOperand());
    return success();
  }
};

/// A driver's fma may have two roundings, and is rearranged like a product and a sum; those two can
/// be kept from that (forbidContraction). The functions are written for either.
struct SplitFma : OpRewritePattern<math::FmaOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::FmaOp op, PatternRewriter &rewriter) const override {
    if (!op->hasAttr(kKeepOrder))
      return failure();
    Value product = arith::MulFOp::create(rewriter, op.getLoc(), op.getA(), op.getB());
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, product, op.getC());
    return success();
  }
};

/// A product and what its rounding took, from the products of halves; then their sum with c.
struct ExpandExactFma : OpRewritePattern<math::FmaOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::FmaOp op, PatternRewriter &rewriter) const override {
    if (!op->hasAttr(kExactProduct))
      return failure();
    ImplicitLocOpBuilder b(op.getLoc(), rewriter);
    auto add = [&](Value x, Value y) -> Value { return arith::AddFOp::create(b, x, y); };
    auto sub = [&](Value x, Value y) -> Value { return arith::SubFOp::create(b, x, y); };
    auto mul = [&](Value x, Value y) -> Value { return arith::MulFOp::create(b, x, y); };
    auto split = [&](Value x) -> std::pair<Value, Value> {
      Value upper = upperHalf(b, x);
      return {upper, sub(x, upper)};
    };
    Value x = op.getA(), y = op.getB(), c = op.getC(), product = mul(x, y), sum = add(product, c);
    auto [xh, xl] = split(x);
    auto [yh, yl] = split(y);
    Value lost = add(add(sub(mul(xh, yh), product), add(mul(xh, yl), mul(xl, yh))), mul(xl, yl));
    Value back = sub(sum, product);
    Value lostOfSum = add(sub(product, sub(sum, back)), sub(c, back));
    rewriter.replaceOp(op, add(sum, add(lost, lostOfSum)));
    return success();
  }

  /// The bits of the upper half of the significand.
  static Value upperHalf(ImplicitLocOpBuilder &b, Value x) {
    Type type = x.getType(), element = getElementTypeOrSelf(type);
    unsigned width = element.getIntOrFloatBitWidth();
    auto bits = b.getIntegerType(width);
    TypedAttr mask = b.getIntegerAttr(bits, -(int64_t(1) << (width == 64 ? 27 : 12)));
    Type vector = bits;
    if (auto shape = dyn_cast<VectorType>(type)) {
      vector = shape.clone(bits);
      mask = DenseElementsAttr::get(cast<VectorType>(vector), Attribute(mask));
    }
    Value raw = arith::BitcastOp::create(b, vector, x);
    raw = arith::AndIOp::create(b, raw, Value(arith::ConstantOp::create(b, mask)));
    return arith::BitcastOp::create(b, type, raw);
  }
};

} // namespace

/// The conversion of a loop writes its results at the end of an iteration: without one, they would
/// be whatever the variables hold. Such loops are not entered.
static void guardLoops(ModuleOp module) {
  SmallVector<scf::ForOp> loops;
  module.walk([&](scf::ForOp loop) {
    auto lo = getConstantIntValue(loop.getLowerBound()),
         hi = getConstantIntValue(loop.getUpperBound());
    if (loop.getNumResults() && !(lo && hi && *lo < *hi))
      loops.push_back(loop);
  });
  for (scf::ForOp loop : loops) {
    ImplicitLocOpBuilder b(loop.getLoc(), loop);
    Value runs = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, loop.getLowerBound(),
                                       loop.getUpperBound());
    auto guard = scf::IfOp::create(b, loop.getResultTypes(), runs, /*withElseRegion=*/true);
    loop->replaceAllUsesWith(guard.getResults());
    loop->moveBefore(guard.thenBlock(), guard.thenBlock()->end());
    b.setInsertionPointToEnd(guard.thenBlock());
    scf::YieldOp::create(b, loop.getResults());
    b.setInsertionPointToEnd(guard.elseBlock());
    scf::YieldOp::create(b, loop.getInitArgs());
  }
}

static LogicalResult expandForSPIRV(ModuleOp module) {
  guardLoops(module);
  RewritePatternSet patterns(module.getContext());
  patterns
      .add<ScalariseLoad, ScalariseStore, SpreadCondition, ExpandTrunc, SplitFma, ExpandExactFma>(
          module.getContext());
  return applyPatternsGreedily(module, std::move(patterns));
}

/// Words beyond what push constants hold come in a buffer of their own.
static void wordsToBuffer(gpu::GPUFuncOp f) {
  unsigned inputs = f.getFunctionType().getNumInputs(), buffers = 0;
  while (buffers < inputs && isa<MemRefType>(f.getArgument(buffers).getType()))
    ++buffers;
  if (inputs - buffers <= LNT_GPU_PUSH_WORDS)
    return;
  auto b = ImplicitLocOpBuilder::atBlockBegin(f.getLoc(), &f.getBody().front());
  auto type = MemRefType::get({ShapedType::kDynamic}, b.getI32Type());
  Block &entry = f.getBody().front();
  Value words = entry.insertArgument(buffers, type, f.getLoc());
  for (unsigned i = 0; i < inputs - buffers; ++i) {
    Value at = arith::ConstantIndexOp::create(b, i);
    Value word = memref::LoadOp::create(b, words, at);
    entry.getArgument(buffers + 1).replaceAllUsesWith(word);
    entry.eraseArgument(buffers + 1);
  }
  SmallVector<Type> types;
  for (Value arg : entry.getArguments().take_front(buffers + 1))
    types.push_back(arg.getType());
  f.setFunctionType(b.getFunctionType(types, {}));
}

/// Workgroup memory as allocations, and the size of a workgroup where the conversion looks for it.
static void adaptFunction(gpu::GPUFuncOp f) {
  wordsToBuffer(f);
  Block &entry = f.getBody().front();
  auto b = ImplicitLocOpBuilder::atBlockBegin(f.getLoc(), &entry);
  for (BlockArgument a : llvm::to_vector(f.getWorkgroupAttributions()))
    a.replaceAllUsesWith(Value(memref::AllocOp::create(b, cast<MemRefType>(a.getType()))));
  entry.eraseArguments(f.getFunctionType().getNumInputs(), f.getNumWorkgroupAttributions());
  f->removeAttr("workgroup_attributions");
  f.removeWorkgroupAttribAttrsAttr();
  f->setAttr(spirv::getEntryPointABIAttrName(),
             spirv::getEntryPointABIAttr(f.getContext(), *f.getKnownBlockSize()));
}

//===----------------------------------------------------------------------===//
// The target
//===----------------------------------------------------------------------===//

using spirv::Capability;

static spirv::TargetEnvAttr environment(MLIRContext *ctx, const GPUTarget &target) {
  SmallVector<Capability> capabilities = {Capability::Shader, Capability::GroupNonUniform,
                                          Capability::GroupNonUniformShuffle};
  auto add = [&](uint32_t feature, std::initializer_list<Capability> more) {
    if (target.has(feature))
      capabilities.append(more);
  };
  add(LNT_GPU_NEEDS_INT8, {Capability::Int8});
  add(LNT_GPU_NEEDS_INT16, {Capability::Int16});
  add(LNT_GPU_NEEDS_INT64, {Capability::Int64});
  add(LNT_GPU_NEEDS_FLOAT16, {Capability::Float16});
  add(LNT_GPU_NEEDS_FLOAT64, {Capability::Float64});
  add(LNT_GPU_NEEDS_STORAGE8, {Capability::StorageBuffer8BitAccess});
  add(LNT_GPU_NEEDS_STORAGE16, {Capability::StorageBuffer16BitAccess});
  spirv::Extension extensions[] = {spirv::Extension::SPV_KHR_storage_buffer_storage_class,
                                   spirv::Extension::SPV_KHR_16bit_storage,
                                   spirv::Extension::SPV_KHR_8bit_storage};
  auto vce = spirv::VerCapExtAttr::get(spirv::Version::V_1_3, capabilities, extensions, ctx);
  Builder b(ctx);
  auto limits = spirv::ResourceLimitsAttr::get(
      ctx, target.workgroupMemory, target.maxWorkgroup,
      b.getI32ArrayAttr({int32_t(target.maxWorkgroup), 1, 1}), target.subgroup, std::nullopt,
      std::nullopt, ArrayAttr::get(ctx, {}), ArrayAttr::get(ctx, {}));
  return spirv::TargetEnvAttr::get(vce, limits, spirv::ClientAPI::Vulkan, spirv::Vendor::Unknown,
                                   spirv::DeviceType::Unknown,
                                   spirv::TargetEnvAttr::kUnknownDeviceID);
}

static std::optional<spirv::StorageClass> storageClass(Attribute space) {
  if (auto known = dyn_cast_or_null<gpu::AddressSpaceAttr>(space))
    return known.getValue() == gpu::AddressSpace::Workgroup ? spirv::StorageClass::Workgroup
                                                            : spirv::StorageClass::Function;
  return spirv::mapMemorySpaceToVulkanStorageClass(space);
}

static LogicalResult convertModule(gpu::GPUModuleOp kernels, spirv::TargetEnvAttr environment,
                                   bool wide) {
  MLIRContext *ctx = kernels.getContext();
  spirv::MemorySpaceToStorageClassConverter spaces(storageClass);
  spirv::convertMemRefTypesAndAttrs(kernels, spaces);
  SPIRVConversionOptions options;
  options.use64bitIndex = wide;
  // elements keep their width: emulation would widen them in memory
  options.emulateLT32BitScalarTypes = false;
  options.emulateUnsupportedFloatTypes = false;
  SPIRVTypeConverter types(environment, options);
  auto conversion = SPIRVConversionTarget::get(environment);
  RewritePatternSet patterns(ctx);
  ScfToSPIRVContext scf;
  arith::populateArithToSPIRVPatterns(types, patterns);
  populateMathToSPIRVPatterns(types, patterns);
  populateGPUToSPIRVPatterns(types, patterns);
  populateMemRefToSPIRVPatterns(types, patterns);
  populateSCFToSPIRVPatterns(types, scf, patterns);
  populateBuiltinFuncToSPIRVPatterns(types, patterns);
  index::populateIndexToSPIRVPatterns(types, patterns);
  populateVectorToSPIRVPatterns(types, patterns);
  ub::populateUBToSPIRVConversionPatterns(types, patterns);
  return applyFullConversion(kernels, *conversion, std::move(patterns));
}

/// The words become push constants; what is left of the arguments are bindings 0, 1, ...
static LogicalResult wordsToPushConstants(spirv::FuncOp f) {
  Type i32 = IntegerType::get(f.getContext(), 32);
  unsigned words = llvm::count(f.getFunctionType().getInputs(), i32), next = 0;
  auto b = OpBuilder::atBlockBegin(&f.getBody().front());
  BitVector dead(f.getNumArguments());
  for (BlockArgument arg : f.getArguments()) {
    if (arg.getType() != i32)
      continue;
    dead.set(arg.getArgNumber());
    if (arg.use_empty() && ++next)
      continue;
    Value word = spirv::getPushConstantValue(f, words, next++, i32, b);
    if (!word)
      return f.emitError("has words that are no push constants");
    arg.replaceAllUsesWith(word);
  }
  if (failed(f.eraseArguments(dead)))
    return failure();
  for (unsigned i = 0; i < f.getNumArguments(); ++i)
    f.setArgAttr(i, spirv::getInterfaceVarABIAttrName(),
                 spirv::getInterfaceVarABIAttr(0, i, std::nullopt, f.getContext()));
  return success();
}

/// Drivers take sums and products apart unless they are told not to: (x + c) - c would be x.
static void forbidContraction(spirv::ModuleOp module) {
  module.walk([](Operation *op) {
    if (isa<spirv::FAddOp, spirv::FSubOp, spirv::FMulOp, spirv::FDivOp, spirv::FNegateOp>(op))
      op->setAttr("no_contraction", UnitAttr::get(op->getContext()));
  });
}

/// Threads exchange values through scratch too, behind a barrier as on CUDA.
static void orderBuffers(spirv::ModuleOp module) {
  module.walk([](spirv::ControlBarrierOp barrier) {
    barrier.setMemorySemantics(barrier.getMemorySemantics() |
                               spirv::MemorySemantics::UniformMemory);
  });
}

/// Copies of a long body save little and cost a driver's compiler much: on a CPU most of its time.
static void keepLongLoops(spirv::ModuleOp module) {
  constexpr unsigned kLong = 32;
  module.walk([&](spirv::LoopOp loop) {
    unsigned ops = 0;
    loop.getBody().walk([&](Operation *) { ++ops; });
    if (ops > kLong)
      loop.setLoopControl(spirv::LoopControl::DontUnroll);
  });
}

FailureOr<spirv::ModuleOp> linnet::codegen::lowerToSPIRV(ModuleOp module, const GPUTarget &target,
                                                         bool wide) {
  if (failed(expandForSPIRV(module)))
    return failure();
  auto environment = ::environment(module.getContext(), target);
  for (auto kernels : llvm::make_early_inc_range(module.getOps<gpu::GPUModuleOp>())) {
    kernels->setAttr(spirv::getTargetEnvAttrName(), environment);
    for (auto f : kernels.getOps<gpu::GPUFuncOp>())
      adaptFunction(f);
    if (failed(convertModule(kernels, environment, wide)))
      return failure();
  }
  auto result = *module.getOps<spirv::ModuleOp>().begin();
  for (auto f : result.getOps<spirv::FuncOp>())
    if (failed(wordsToPushConstants(f)))
      return failure();
  PassManager pm(module.getContext());
  OpPassManager &inner = pm.nest<spirv::ModuleOp>();
  inner.addPass(spirv::createSPIRVLowerABIAttributesPass());
  inner.addPass(spirv::createSPIRVUpdateVCEPass());
  if (failed(pm.run(module)))
    return failure();
  forbidContraction(result);
  orderBuffers(result);
  keepLongLoops(result);
  return result;
}

//===----------------------------------------------------------------------===//
// Demands and bytes
//===----------------------------------------------------------------------===//

static std::optional<uint32_t> needOf(Capability c) {
  switch (c) {
  case Capability::Shader:
  case Capability::Matrix:
  case Capability::GroupNonUniform:
    return 0;
  case Capability::Int8:
    return LNT_GPU_NEEDS_INT8;
  case Capability::Int16:
    return LNT_GPU_NEEDS_INT16;
  case Capability::Int64:
    return LNT_GPU_NEEDS_INT64;
  case Capability::Float16:
    return LNT_GPU_NEEDS_FLOAT16;
  case Capability::Float64:
    return LNT_GPU_NEEDS_FLOAT64;
  case Capability::StorageBuffer8BitAccess:
    return LNT_GPU_NEEDS_STORAGE8;
  case Capability::StorageBuffer16BitAccess:
    return LNT_GPU_NEEDS_STORAGE16;
  case Capability::GroupNonUniformShuffle:
    return LNT_GPU_NEEDS_SHUFFLE;
  default:
    return std::nullopt;
  }
}

FailureOr<uint32_t> linnet::codegen::needsOf(spirv::ModuleOp module, const GPUTarget &target) {
  uint32_t needs = 0;
  for (Capability c : module.getVceTriple()->getCapabilities()) {
    std::optional<uint32_t> need = needOf(c);
    if (!need || !target.has(*need))
      return emitError(module.getLoc())
             << "needs the SPIR-V capability " << spirv::stringifyCapability(c) << ", which target "
             << target.name << " does not have";
    needs |= *need;
  }
  return needs;
}

FailureOr<GPUCode> linnet::codegen::serializeSPIRV(spirv::ModuleOp module) {
  SmallVector<uint32_t, 0> words;
  if (failed(spirv::serialize(module, words)))
    return failure();
  GPUCode bytes;
  for (uint32_t w : words)
    for (unsigned i = 0; i < 4; ++i)
      bytes.push_back(char(w >> (8 * i)));
  return bytes;
}
