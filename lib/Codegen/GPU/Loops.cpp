//===- Loops.cpp - the strategy of loops kernels on GPUs --------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Loops.h"
#include "../Epilogue.h"
#include "../LoopsLaunch.h"
#include "Emitters.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

/// Rows up to this many elements are a thread's work.
static constexpr int64_t kShortRow = 16;
/// Workgroup memory that values between stages may take.
static constexpr int64_t kSharedBytes = 24 << 10;
/// Workgroups that are enough for any device, and rows that one does at most.
static constexpr int64_t kManyGroups = 1024, kMostRows = 8;

//===----------------------------------------------------------------------===//
// Plain ops
//===----------------------------------------------------------------------===//

static bool hasIndices(Operation *op) {
  return llvm::any_of(op->getRegion(0).front(), [](Operation &o) {
    return isa<linalg::IndexOp, tensor::ExtractOp, cf::AssertOp>(o);
  });
}

/// What the last coordinate is made of: the loop itself, or nothing that moves with it.
static bool movesInStep(AffineMap map, unsigned loop) {
  for (auto [i, expr] : llvm::enumerate(map.getResults())) {
    if (!expr.isFunctionOfDim(loop))
      continue;
    if (i + 1 != map.getNumResults() || !isa<AffineDimExpr>(expr))
      return false;
  }
  return true;
}

bool linnet::codegen::isPlain(Operation *op, unsigned loop, const LoopsPlan &plan) {
  if (isa<tensor::EmptyOp, arith::ConstantOp, tensor::SplatOp>(op))
    return true;
  auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
  if (!linalgOp || hasIndices(op))
    return false;
  for (OpOperand &operand : op->getOpOperands()) {
    Value v = operand.get();
    if (!isa<RankedTensorType>(v.getType()))
      continue;
    AffineMap map = linalgOp.getMatchingIndexingMap(&operand);
    if (!movesInStep(map, loop))
      return false;
    // what is made inside of its first reader is no memory there
    bool deferred = llvm::any_of(
        plan.stages, [&](const Stage &s) { return s.deferred && s.op == v.getDefiningOp(); });
    if (plan.places.contains(v) && !deferred)
      continue;
    if (KernelViews::isView(v)) {
      if (map.getNumResults() && map.getResults().back().isFunctionOfDim(loop) &&
          staticStrides(v).back() != 1)
        return false;
      continue;
    }
    Operation *producer = v.getDefiningOp();
    int inside = -1;
    for (auto [i, expr] : llvm::enumerate(map.getResults()))
      if (expr.isFunctionOfDim(loop))
        inside = i;
    if (inside < 0) { // the same for all lanes, however it is made
      continue;
    }
    if (auto producerOp = dyn_cast<linalg::LinalgOp>(producer)) {
      AffineMap result = OpLoops(producer).results[0];
      inside = cast<AffineDimExpr>(result.getResult(inside)).getPosition();
    }
    if (!isPlain(producer, inside, plan))
      return false;
  }
  return true;
}

/// Whether results that go into a slice of an argument lie together in it.
static bool storesTogether(exec::KernelOp kernel) {
  for (auto [i, v] : llvm::enumerate(kernel.getYield().getValues())) {
    auto insert = v.getDefiningOp<tensor::InsertSliceOp>();
    if (!insert || kernel.getTiedInput(i) < 0)
      continue;
    unsigned last = insert.getDestType().getRank();
    if (last && (insert.getStaticStrides().back() != 1 || insert.getDroppedDims().test(last - 1)))
      return false;
  }
  return true;
}

//===----------------------------------------------------------------------===//
// Form
//===----------------------------------------------------------------------===//

static int64_t staticSize(SizeOf s) {
  return cast<RankedTensorType>(s.tensor.getType()).getDimSize(s.dim);
}

/// Elements of a value that lie inside of a point; kDynamic where that is not known.
static int64_t innerElements(Value v, unsigned outer) {
  int64_t n = 1;
  for (int64_t d : cast<RankedTensorType>(v.getType()).getShape().drop_front(outer)) {
    if (ShapedType::isDynamic(d))
      return ShapedType::kDynamic;
    n *= d;
  }
  return n;
}

bool linnet::codegen::storesAlong(const OpLoops &loops, unsigned loop) {
  return llvm::all_of(loops.results, [&](AffineMap map) {
    return map.getNumResults() &&
           map.getResults().back() == getAffineDimExpr(loop, map.getContext());
  });
}

/// Whether a team can do the reductions of an op.
static bool canShare(Operation *op) {
  if (!isa<linalg::LinalgOp>(op) || OpLoops(op).isParallel() || isArgReduction(op))
    return true;
  for (unsigned r = 0; r < op->getNumResults(); ++r)
    if (!findCombiner(op, r))
      return false;
  return true;
}

GPULoopsForm GPULoopsForm::choose(exec::KernelOp kernel, const LoopsPlan &plan,
                                  const GPUTarget &target) {
  GPULoopsForm form;
  form.threads = std::min<int64_t>(256, target.maxWorkgroup);
  int64_t longest = 1;
  bool inner = false, together = true, lies = storesTogether(kernel), plain = lies;
  for (const Stage &s : plan.stages) {
    OpLoops loops = s.op ? OpLoops(s.op) : OpLoops(s.copied);
    inner |= loops.rank() > plan.outer;
    together &= !s.op || canShare(s.op);
    plain = plain && s.op && plan.outer > 0 && storesAlong(loops, plan.outer - 1) &&
            isPlain(s.op, plan.outer - 1, plan);
    int64_t work = 1;
    for (const SizeOf &d : ArrayRef(loops.sizes).drop_front(plan.outer)) {
      int64_t n = staticSize(d);
      work =
          ShapedType::isDynamic(n) || ShapedType::isDynamic(work) ? ShapedType::kDynamic : work * n;
    }
    longest = ShapedType::isDynamic(work) || ShapedType::isDynamic(longest)
                  ? ShapedType::kDynamic
                  : std::max(longest, work);
  }
  bool isLong = ShapedType::isDynamic(longest) || longest > kShortRow;
  form.rows = inner && !plan.lanesAreOuter && together && isLong;
  if (form.rows) {
    form.wide = lies ? 4 : 1;
    form.threads = threadsForRow(longest, target);
  } else if (!inner && plain && plan.outer > 0) {
    form.wide = 4;
  }
  int64_t left = form.rows ? kSharedBytes : 0;
  for (Value v : plan.scratch) {
    int64_t n = innerElements(v, plan.outer);
    Type element = cast<RankedTensorType>(v.getType()).getElementType();
    bool fits = !ShapedType::isDynamic(n) && n * bytesOfElement(element) <= left;
    left -= fits ? n * bytesOfElement(element) : 0;
    form.shared.push_back(fits);
    if (!fits && isInPieces(element))
      form.wide = 1;
  }
  if (form.rows)
    form.keepRows(plan, target, kSharedBytes - left);
  return form;
}

//===----------------------------------------------------------------------===//
// Shape: the same arithmetic in the launch and in the kernel
//===----------------------------------------------------------------------===//

static Value number(LaunchBuilder &b, int64_t v) { return b.constant(v); }
static Value number(GPUEmitter &e, int64_t v) { return e.index(v); }

template <typename Builder>
static GPULoopsShape shapeOf(const LoopsPlan &plan, const GPULoopsForm &form, Builder &b,
                             llvm::function_ref<Value(const SizeOf &)> size) {
  GPULoopsShape shape;
  mergeAxes(plan, b, size, shape.axes, shape.axisLoops);
  shape.points = number(b, 1);
  for (Value n : shape.axes)
    shape.points = b.mul(shape.points, n);
  shape.units = shape.points;
  shape.rows = number(b, 1);
  if (llvm::any_of(form.kept, [](auto &k) { return k.alike; })) {
    // several rows for what is loaded once, as long as there are enough workgroups
    Value enough = number(b, kManyGroups - 1);
    Value rows = b.ceilDiv(b.sub(b.max(shape.points, enough), enough), number(b, kManyGroups));
    shape.rows = b.max(b.min(rows, number(b, kMostRows)), number(b, 1));
    shape.units = b.ceilDiv(shape.points, shape.rows);
  }
  if (!form.rows && form.wide > 1) {
    shape.blocks = b.ceilDiv(shape.axes.back(), number(b, form.wide));
    shape.units = shape.blocks;
    for (Value n : ArrayRef(shape.axes).drop_back())
      shape.units = b.mul(shape.units, n);
  }
  for (auto [v, shared] : llvm::zip_equal(plan.scratch, form.shared)) {
    auto type = cast<RankedTensorType>(v.getType());
    Value words = number(b, shared ? 0 : wordsOf(type.getElementType()));
    for (unsigned d = plan.outer; d < type.getRank(); ++d)
      words = b.mul(words, size({v, d}));
    shape.words.push_back(words);
  }
  return shape;
}

void GPULoopsEmitter::makeShape() {
  shape = shapeOf(plan, form, e, [&](const SizeOf &s) { return sizeOf(s); });
}

namespace {
class GPULoops : public GPUKernelEmitter {
public:
  StringRef getName() const override { return "loops"; }
  bool match(exec::KernelOp kernel) const override { return canEmitLoops(kernel); }
  LogicalResult select(exec::KernelOp kernel, const GPUTarget &target) const override;
  LogicalResult emit(exec::KernelOp kernel, GPUKernelFrame &frame) const override {
    LoopsPlan plan = planGPULoops(kernel);
    GPULoopsForm form = GPULoopsForm::choose(kernel, plan, frame.e.target);
    return GPULoopsEmitter(frame, plan, form).run();
  }
};
} // namespace

LogicalResult GPULoops::select(exec::KernelOp kernel, const GPUTarget &target) const {
  LoopsPlan plan = planGPULoops(kernel);
  GPULoopsForm form = GPULoopsForm::choose(kernel, plan, target);
  declareFaults(kernel, plan);
  Builder attrs(kernel.getContext());
  kernel.setStrategyAttr(attrs.getDictionaryAttr(
      {attrs.getNamedAttr(kThreads, attrs.getI64IntegerAttr(form.threads)),
       attrs.getNamedAttr("wide", attrs.getI64IntegerAttr(form.wide)),
       attrs.getNamedAttr("form", attrs.getStringAttr(form.rows ? "rows" : "points"))}));
  LaunchBuilder b(kernel);
  GPULoopsShape shape =
      shapeOf(plan, form, b, [&](const SizeOf &s) { return b.sizeOf(s.tensor, s.dim); });
  Value words = b.constant(0);
  for (Value w : shape.words)
    words = b.add(words, b.mul(w, shape.points));
  Value chunks = form.rows ? shape.units : b.ceilDiv(shape.units, b.constant(form.threads));
  b.finish(chunks, b.mul(words, b.constant(4)), countLoopsFlops(kernel, b),
           countLoopsBytes(kernel, b));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPULoopsEmitter() {
  static const GPULoops emitter;
  return &emitter;
}
