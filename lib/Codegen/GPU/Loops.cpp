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

/// Rows below this many elements are a thread's work.
static constexpr int64_t kShortRow = 4;
/// Threads of a workgroup that does several rows side by side.
static constexpr int64_t kTeamThreads = 128;
/// Workgroup memory that values between stages may take.
static constexpr int64_t kSharedBytes = 24 << 10;
/// Workgroups that are enough for any device, and rows that one does at most.
static constexpr int64_t kManyGroups = 1024, kMostRows = 8;

//===----------------------------------------------------------------------===//
// Plain ops
//===----------------------------------------------------------------------===//

/// Whether a value in the region of a linalg op differs along a loop.
static bool movesWith(Value v, linalg::LinalgOp op, unsigned loop) {
  if (auto arg = dyn_cast<BlockArgument>(v))
    return arg.getOwner() == op.getBlock() &&
           op.getMatchingIndexingMap(op.getMatchingOpOperand(arg)).isFunctionOfDim(loop);
  Operation *made = v.getDefiningOp();
  if (auto index = dyn_cast<linalg::IndexOp>(made))
    return index.getDim() == loop;
  return made->getBlock() == op.getBlock() && llvm::any_of(made->getOperands(), [&](Value operand) {
           return movesWith(operand, op, loop);
         });
}

/// Whether a checked read is the same all along a loop, or goes through what lies together: a
/// gathered row.
static bool readsInStep(tensor::ExtractOp read, linalg::LinalgOp op, unsigned loop) {
  auto moves = [&](Value i) { return movesWith(i, op, loop); };
  if (llvm::none_of(read.getIndices(), moves))
    return true;
  unsigned last = read.getIndices().size() - 1;
  auto checked = read->getAttrOfType<DenseI64ArrayAttr>("linnet.checked");
  auto index = read.getIndices().back().getDefiningOp<linalg::IndexOp>();
  return checked && !llvm::is_contained(checked.asArrayRef(), int64_t(last)) && index &&
         llvm::none_of(read.getIndices().drop_back(), moves) &&
         KernelViews::isView(read.getTensor()) && staticStrides(read.getTensor()).back() == 1;
}

/// Whether what an op does by coordinates is the same for neighbours along a loop, or in step.
static bool takesIndicesInStep(linalg::LinalgOp op, unsigned loop) {
  return llvm::all_of(*op.getBlock(), [&](Operation &o) {
    if (auto read = dyn_cast<tensor::ExtractOp>(o))
      return readsInStep(read, op, loop);
    if (auto assertion = dyn_cast<cf::AssertOp>(o))
      return !movesWith(assertion.getArg(), op, loop);
    auto index = dyn_cast<linalg::IndexOp>(o);
    return !index || index.getDim() != loop ||
           llvm::all_of(index->getUsers(), llvm::IsaPred<tensor::ExtractOp>);
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
  if (!linalgOp || !takesIndicesInStep(linalgOp, loop))
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

/// Of the elements that threads load or store one by one along a row.
static int64_t widestElement(exec::KernelOp kernel) {
  int64_t bytes = 1;
  auto ask = [&](Type t) {
    if (auto tensor = dyn_cast<RankedTensorType>(t); tensor && tensor.getRank() > 1)
      bytes = std::max(bytes, bytesOfElement(tensor.getElementType()));
  };
  llvm::for_each(kernel.getArgumentTypes(), ask);
  llvm::for_each(kernel.getResultTypes(), ask);
  return bytes;
}

static int64_t lanesFor(int64_t elements, int64_t perLane, int64_t most) {
  int64_t lanes = 1;
  while (lanes * perLane < elements && lanes < most)
    lanes *= 2;
  return lanes;
}

GPULoopsForm GPULoopsForm::choose(exec::KernelOp kernel, const LoopsPlan &plan,
                                  const GPUTarget &target) {
  GPULoopsForm form;
  form.threads = std::min<int64_t>(256, target.maxWorkgroup);
  int64_t longest = 1, least = 1; // elements of a point; those that are known
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
    least = std::max(least, work); // kDynamic is negative
    longest = ShapedType::isDynamic(work) || ShapedType::isDynamic(longest)
                  ? ShapedType::kDynamic
                  : std::max(longest, work);
  }
  bool isLong = ShapedType::isDynamic(longest) || longest >= kShortRow;
  form.rows = inner && !plan.lanesAreOuter && together && isLong;
  if (form.rows) {
    form.wide = lies ? 4 : 1;
    // 16 bytes in flight
    form.perLane = widestElement(kernel) > 2 ? 4 : 8;
    form.leastLanes = lanesFor(least, form.perLane, form.threads);
    form.lanes = ShapedType::isDynamic(longest) ? longest : form.leastLanes;
    if (!ShapedType::isDynamic(longest))
      form.threads = std::min(form.threads, std::max(form.lanes, kTeamThreads));
  } else if (!inner && plain && plan.outer > 0) {
    form.wide = 4;
  }
  if (!inner)
    form.findTiles(plan);
  int64_t left = form.rows ? kSharedBytes : 0;
  for (Value v : plan.scratch) {
    int64_t n = innerElements(v, plan.outer);
    Type element = cast<RankedTensorType>(v.getType()).getElementType();
    int64_t bytes = n * bytesOfElement(element) * form.mostTeams();
    bool fits = !ShapedType::isDynamic(n) && bytes <= left;
    left -= fits ? bytes : 0;
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

/// Threads of a row: a power of two, so many that each has at most `perLane` elements.
template <typename Builder>
static Value lanesOf(const LoopsPlan &plan, const GPULoopsForm &form, Builder &b,
                     llvm::function_ref<Value(const SizeOf &)> size) {
  if (!ShapedType::isDynamic(form.lanes))
    return number(b, form.lanes);
  Value longest = number(b, 1), lanes = number(b, form.leastLanes);
  for (const Stage &s : plan.stages) {
    Value n = number(b, 1);
    OpLoops loops = s.op ? OpLoops(s.op) : OpLoops(s.copied);
    for (const SizeOf &d : ArrayRef(loops.sizes).drop_front(plan.outer))
      n = b.mul(n, size(d));
    longest = b.max(longest, n);
  }
  // twice as many, each time that this is not enough
  for (int64_t n = form.leastLanes; n < form.threads; n *= 2) {
    Value above = b.max(b.sub(longest, number(b, n * form.perLane)), number(b, 0));
    lanes = b.add(lanes, b.mul(b.min(above, number(b, 1)), number(b, n)));
  }
  return lanes;
}

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
  if (form.rows) {
    shape.lanes = lanesOf(plan, form, b, size);
    shape.teams = b.ceilDiv(number(b, form.threads), shape.lanes);
    shape.units = b.ceilDiv(shape.points, shape.teams);
  }
  if (llvm::any_of(form.kept, [](auto &k) { return k.alike; })) {
    // several rows for what is loaded once, as long as there are enough workgroups
    Value enough = number(b, kManyGroups - 1);
    Value rows = b.ceilDiv(b.sub(b.max(shape.units, enough), enough), number(b, kManyGroups));
    shape.rows = b.max(b.min(rows, number(b, kMostRows)), number(b, 1));
    shape.units = b.ceilDiv(shape.units, shape.rows);
  }
  if (!form.tiles.empty()) {
    shape.acrossAxis = llvm::find(shape.axisLoops, form.across) - shape.axisLoops.begin();
    shape.squares = b.ceilDiv(shape.axes.back(), number(b, kSquare));
    shape.squaresAcross = b.ceilDiv(shape.axes[shape.acrossAxis], number(b, kSquare));
    shape.units = b.mul(shape.squares, shape.squaresAcross);
    for (auto [i, n] : llvm::enumerate(ArrayRef(shape.axes).drop_back()))
      if (i != shape.acrossAxis)
        shape.units = b.mul(shape.units, n);
  } else if (!form.rows && form.wide > 1) {
    shape.blocks = b.ceilDiv(shape.axes.back(), number(b, form.wide));
    shape.units = shape.blocks;
    for (Value n : ArrayRef(shape.axes).drop_back())
      shape.units = b.mul(shape.units, n);
  }
  for (auto [v, shared] : llvm::zip_equal(plan.scratch, form.shared)) {
    auto type = cast<RankedTensorType>(v.getType());
    Value words = number(b, shared ? 0 : wordsOf(type.getElementType(), /*wide=*/true));
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
  SmallVector<NamedAttribute> strategy{
      attrs.getNamedAttr(kThreads, attrs.getI64IntegerAttr(form.threads)),
      attrs.getNamedAttr("wide", attrs.getI64IntegerAttr(form.wide)),
      attrs.getNamedAttr("form", attrs.getStringAttr(form.name()))};
  if (form.rows && !ShapedType::isDynamic(form.lanes))
    strategy.push_back(attrs.getNamedAttr("lanes", attrs.getI64IntegerAttr(form.lanes)));
  kernel.setStrategyAttr(attrs.getDictionaryAttr(strategy));
  LaunchBuilder b(kernel);
  GPULoopsShape shape =
      shapeOf(plan, form, b, [&](const SizeOf &s) { return b.sizeOf(s.tensor, s.dim); });
  Value words = b.constant(0);
  for (Value w : shape.words)
    words = b.add(words, b.mul(w, shape.points));
  bool byGroups = form.rows || !form.tiles.empty();
  Value chunks = byGroups ? shape.units : b.ceilDiv(shape.units, b.constant(form.threads));
  b.finish(chunks, b.mul(words, b.constant(4)), countLoopsFlops(kernel, b),
           countLoopsBytes(kernel, b));
  return success();
}

const GPUKernelEmitter *linnet::codegen::getGPULoopsEmitter() {
  static const GPULoops emitter;
  return &emitter;
}
