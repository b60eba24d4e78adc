//===- ContractionMatch.cpp - which kernels are matrix products -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Contraction.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace linnet::codegen;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

// Adds coefficient * stride of every dimension that `e` sums to `strides`.
static LogicalResult addTerm(AffineExpr e, int64_t stride, SmallVectorImpl<int64_t> &strides) {
  if (auto d = dyn_cast<AffineDimExpr>(e)) {
    int64_t &s = strides[d.getPosition()];
    s = s == ShapedType::kDynamic || stride == ShapedType::kDynamic ? ShapedType::kDynamic
                                                                    : s + stride;
    return success();
  }
  if (auto c = dyn_cast<AffineConstantExpr>(e))
    return success(c.getValue() == 0);
  auto binary = dyn_cast<AffineBinaryOpExpr>(e);
  if (binary && binary.getKind() == AffineExprKind::Add)
    return success(succeeded(addTerm(binary.getLHS(), stride, strides)) &&
                   succeeded(addTerm(binary.getRHS(), stride, strides)));
  if (binary && binary.getKind() == AffineExprKind::Mul) {
    auto factor = dyn_cast<AffineConstantExpr>(binary.getRHS());
    if (!factor || factor.getValue() <= 0)
      return failure();
    return addTerm(binary.getLHS(),
                   ShapedType::isDynamic(stride) ? stride : stride * factor.getValue(), strides);
  }
  return failure();
}

static LogicalResult matchOperand(Operand &x, Value tensor, AffineMap map) {
  if (!isa<RankedTensorType>(tensor.getType()) || !KernelViews::isView(tensor))
    return failure();
  x = {tensor, map, SmallVector<int64_t>(map.getNumDims(), 0)};
  SmallVector<int64_t> strides = staticStrides(tensor);
  for (auto [e, stride] : llvm::zip(map.getResults(), strides))
    if (failed(addTerm(e, stride, x.strides)))
      return failure();
  return success();
}

LogicalResult Contraction::matchOperands() {
  if (op.getNumDpsInits() != 1 || op.getNumDpsInputs() != 2 || !op.hasPureTensorSemantics())
    return failure();
  OpOperand *lhs = op.getDpsInputOperand(0), *rhs = op.getDpsInputOperand(1);
  if (failed(matchOperand(a, lhs->get(), op.getMatchingIndexingMap(lhs))) ||
      failed(matchOperand(b, rhs->get(), op.getMatchingIndexingMap(rhs))))
    return failure();
  AffineMap out = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (!out.isProjectedPermutation())
    return failure();
  rootDim.assign(op.getNumLoops(), kNoDim);
  for (unsigned i = 0; i < out.getNumResults(); ++i)
    rootDim[out.getDimPosition(i)] = i;
  return success();
}

//===----------------------------------------------------------------------===//
// Body: sum + a * b, with conversions
//===----------------------------------------------------------------------===//

static Value throughCasts(Value v, bool &isUnsigned) {
  while (Operation *op = v.getDefiningOp()) {
    if (isa<arith::ExtUIOp>(op))
      isUnsigned = true;
    else if (!isa<arith::ExtFOp, arith::ExtSIOp, arith::TruncFOp, arith::TruncIOp>(op))
      break;
    v = op->getOperand(0);
  }
  return v;
}

template <class... Ops> static bool isBinary(Value v, Value &x, Value &y) {
  Operation *op = v.getDefiningOp();
  if (!op || !isa<Ops...>(op))
    return false;
  x = op->getOperand(0);
  y = op->getOperand(1);
  return true;
}

LogicalResult Contraction::matchBody() {
  Block &body = op->getRegion(0).front();
  Value sum = body.getTerminator()->getOperand(0), x, y, lhs, rhs;
  bool ignored = false;
  sum = throughCasts(sum, ignored);
  if (!isBinary<arith::AddFOp, arith::AddIOp>(sum, x, y))
    return failure();
  BlockArgument out = op.getMatchingBlockArgument(op.getDpsInitOperand(0));
  if (throughCasts(x, ignored) != out)
    std::swap(x, y);
  y = throughCasts(y, ignored);
  if (throughCasts(x, ignored) != out || !isBinary<arith::MulFOp, arith::MulIOp>(y, lhs, rhs))
    return failure();
  // integers wrap in the type that they are multiplied and added in
  if (isa<IntegerType>(out.getType()) &&
      (lhs.getType() != out.getType() || sum.getType() != out.getType()))
    return failure();
  lhs = throughCasts(lhs, arithmetic.unsignedA);
  rhs = throughCasts(rhs, arithmetic.unsignedB);
  Value argA = body.getArgument(0), argB = body.getArgument(1);
  if (lhs == argB && rhs == argA) {
    std::swap(arithmetic.unsignedA, arithmetic.unsignedB);
    std::swap(lhs, rhs);
  }
  if (lhs != argA || rhs != argB)
    return failure();
  arithmetic.a = argA.getType();
  arithmetic.b = argB.getType();
  Type type = out.getType();
  // 16-bit sums are kept in f32 and rounded once
  bool narrow = isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32;
  arithmetic.compute = narrow ? Type(Float32Type::get(type.getContext())) : type;
  unsigned bits = arithmetic.compute.getIntOrFloatBitWidth();
  bool known = isa<Float32Type, Float64Type>(arithmetic.compute) ||
               (isa<IntegerType>(type) && (bits == 32 || bits == 64));
  auto fits = [&](Type t) {
    return t.isIntOrFloat() && isa<FloatType>(t) == isa<FloatType>(type) &&
           t.getIntOrFloatBitWidth() <= bits && t.getIntOrFloatBitWidth() >= 8;
  };
  return success(known && fits(arithmetic.a) && fits(arithmetic.b));
}

// A zero start needs no reading; anything else is added by the epilogue.
LogicalResult Contraction::matchInit() {
  Value init = op.getDpsInitOperand(0)->get();
  auto isZero = [](Value v) {
    return matchPattern(v, m_AnyZeroFloat()) || matchPattern(v, m_Zero());
  };
  if (auto fill = init.getDefiningOp<linalg::FillOp>(); fill && isZero(fill.value()))
    return success();
  if (isZero(init))
    return success();
  return epilogue.addInit(init);
}

//===----------------------------------------------------------------------===//
// Dimensions
//===----------------------------------------------------------------------===//

static bool mergesInOperand(const Operand &x, unsigned outer, unsigned inner) {
  if (!x.uses(outer) && !x.uses(inner))
    return true;
  auto position = [&](unsigned d) -> int {
    for (auto [i, e] : llvm::enumerate(x.map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(e); dim && dim.getPosition() == d)
        return i;
    return -2;
  };
  for (unsigned d : {outer, inner})
    for (AffineExpr e : x.map.getResults())
      if (!isa<AffineDimExpr>(e) && e.isFunctionOfDim(d))
        return false;
  int o = position(outer);
  return position(inner) == o + 1 && adjacentMerge(x.tensor, o);
}

bool Contraction::mergeable(exec::KernelOp kernel, unsigned outer, unsigned inner) const {
  if (!mergesInOperand(a, outer, inner) || !mergesInOperand(b, outer, inner))
    return false;
  return rootDim[outer] == kNoDim || epilogue.merges(kernel, rootDim[outer], rootDim[inner]);
}

// The longest run that ends in the dimension to keep as one loop: the last, or a larger one.
DimGroup Contraction::pickGroup(exec::KernelOp kernel, ArrayRef<unsigned> dims,
                                DimGroup &rest) const {
  SmallVector<DimGroup> runs;
  for (unsigned d : dims) {
    if (!runs.empty() && mergeable(kernel, runs.back().back(), d))
      runs.back().push_back(d);
    else
      runs.push_back({d});
  }
  if (runs.empty())
    return {};
  auto extent = [&](const DimGroup &run) {
    int64_t size = 1;
    for (unsigned d : run)
      size *= ShapedType::isDynamic(staticSize(d)) ? 1024 : staticSize(d);
    return std::min<int64_t>(size, 1024);
  };
  DimGroup *best = &runs.back();
  for (DimGroup &run : runs)
    if (extent(run) > extent(*best))
      best = &run;
  for (DimGroup &run : runs)
    if (&run != best)
      rest.append(run.begin(), run.end());
  return *best;
}

/// The dimension that the first result is contiguous in; kNoDim where it is one number.
int Contraction::contiguousDim() const {
  int last = kNoDim;
  auto stored = cast<RankedTensorType>(epilogue.outputs.front().stored.getType());
  for (auto [i, d] : llvm::enumerate(epilogue.outputs.front().dims))
    if (stored.getDimSize(i) != 1)
      last = d;
  return last;
}

/// Rows are the loops of A alone, columns those of B alone; sizes of 1 are neither.
FailureOr<Contraction::Loops> Contraction::sortLoops() {
  Loops loops;
  auto iterators = op.getIteratorTypesArray();
  for (unsigned d = 0; d < op.getNumLoops(); ++d) {
    bool parallel = iterators[d] == utils::IteratorType::parallel;
    if (parallel != (rootDim[d] != kNoDim) || (!parallel && !(a.uses(d) || b.uses(d))))
      return failure();
    loops.reduces |= !parallel;
    if (staticSize(d) == 1)
      continue; // always at 0
    if (!parallel)
      loops.reduced.push_back(d);
    else if (a.uses(d) && b.uses(d))
      batch.push_back(d);
    else if (a.uses(d))
      loops.inA.push_back(d);
    else
      loops.inB.push_back(d);
  }
  return loops;
}

LogicalResult Contraction::classify(exec::KernelOp kernel) {
  FailureOr<Loops> loops = sortLoops();
  if (failed(loops) || (!loops->reduces && (loops->inA.empty() || loops->inB.empty())))
    return failure();
  auto &[reduces, inA, inB, reduced] = *loops;
  int last = contiguousDim();
  auto isLast = [&](unsigned d) { return rootDim[d] == last; };
  // columns are where the first result is contiguous
  bool swap = inB.empty() || llvm::any_of(inA, isLast);
  if (swap && !inA.empty()) {
    std::swap(a, b);
    std::swap(inA, inB);
    std::swap(arithmetic.a, arithmetic.b);
    std::swap(arithmetic.unsignedA, arithmetic.unsignedB);
  }
  // the dimension that the results are contiguous in has to be the innermost column
  if (auto *it = llvm::find_if(inB, isLast); it != inB.end() && it + 1 != inB.end())
    std::rotate(it, it + 1, inB.end());
  m = pickGroup(kernel, inA, batch);
  DimGroup otherColumns;
  n = pickGroup(kernel, inB, otherColumns);
  if (!n.empty() && llvm::any_of(otherColumns, isLast)) {
    // keep the contiguous one even when another is larger
    otherColumns.assign(inB.begin(), inB.end() - 1);
    n = {inB.back()};
  }
  batch.append(otherColumns.begin(), otherColumns.end());
  llvm::sort(batch);
  k = pickGroup(kernel, reduced, outerK);
  // sums of products without rows or columns: dot products of what lies together, else loops
  bool dots = stride(a, k) == 1 && stride(b, k) == 1;
  return success(!m.empty() || !n.empty() || batch.empty() || !reduces || dots);
}

std::pair<Value, unsigned> Contraction::sizeSource(unsigned d) const {
  for (const Operand *x : {&a, &b})
    for (auto [i, e] : llvm::enumerate(x->map.getResults()))
      if (auto dim = dyn_cast<AffineDimExpr>(e); dim && dim.getPosition() == d)
        return {x->tensor, i};
  return {op.getDpsInitOperand(0)->get(), static_cast<unsigned>(rootDim[d])};
}

FailureOr<Contraction> Contraction::match(exec::KernelOp kernel) {
  for (linalg::LinalgOp candidate : kernel.getBody().front().getOps<linalg::LinalgOp>()) {
    Contraction c;
    c.op = candidate;
    if (failed(c.matchOperands()) || failed(c.matchBody()))
      continue;
    FailureOr<Epilogue> epilogue = Epilogue::match(kernel, candidate->getResult(0));
    if (failed(epilogue))
      continue;
    c.epilogue = std::move(*epilogue);
    if (succeeded(c.matchInit()) && succeeded(c.classify(kernel)))
      return c;
  }
  return failure();
}

//===----------------------------------------------------------------------===//
// Packing ahead of time
//===----------------------------------------------------------------------===//

std::optional<unsigned> Contraction::wholeArgument() const {
  Value v = b.tensor;
  while (Operation *op = v.getDefiningOp()) {
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, tensor::CastOp>(op) &&
        !isa<linalg::TransposeOp>(op))
      return std::nullopt;
    v = op->getOperand(0);
    if (!v.hasOneUse())
      return std::nullopt;
  }
  // panels hold nothing for another reader of the argument
  if (!b.tensor.hasOneUse())
    return std::nullopt;
  return cast<BlockArgument>(v).getArgNumber();
}

std::optional<PanelLayout> Contraction::panels() const {
  if (!wholeArgument() || !outerK.empty())
    return std::nullopt;
  for (unsigned d = 0; d < op.getNumLoops(); ++d)
    if (b.uses(d) && (ShapedType::isDynamic(b.strides[d]) || ShapedType::isDynamic(staticSize(d))))
      return std::nullopt;
  auto extent = [&](const DimGroup &group) {
    int64_t size = 1;
    for (unsigned d : group)
      size *= staticSize(d);
    return size;
  };
  PanelLayout layout;
  layout.n = extent(n);
  layout.k = extent(k);
  layout.nStride = stride(b, n);
  layout.kStride = stride(b, k);
  layout.panel = arithmetic.panel();
  layout.group = arithmetic.group();
  // the batch dimensions of B have to be one
  for (unsigned d : llvm::reverse(batch)) {
    if (!b.uses(d))
      continue;
    if (layout.batch != 1 && b.strides[d] != layout.batchStride * layout.batch)
      return std::nullopt;
    if (layout.batch == 1)
      layout.batchStride = b.strides[d];
    layout.batch *= staticSize(d);
  }
  if (layout.n == 0 || layout.k == 0 || layout.batch == 0)
    return std::nullopt;
  return layout;
}
