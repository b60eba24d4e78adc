//===- LoopsSizes.cpp - which loops of a kernel run equally far -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "LoopsSizes.h"
#include "linnet/Program/KernelContract.h"
#include "llvm/ADT/EquivalenceClasses.h"

using namespace mlir;
using namespace linnet;
using namespace linnet::codegen;

namespace {

/// Sizes that are equal because an op of the body says so.
class EqualSizes {
public:
  explicit EqualSizes(Block &body);
  bool areEqual(SizeOf a, SizeOf b) {
    return classes.isEquivalent(key(a.tensor, a.dim), key(b.tensor, b.dim));
  }

private:
  /// A dimension of a tensor, an index with 0, or a number without a pointer.
  using Key = std::pair<const void *, int64_t>;

  Key key(Value tensor, unsigned dim);
  void join(Key a, Key b) { classes.unionSets(a, b); } // inserts what is new
  void addLinalg(linalg::LinalgOp op);
  void addEmpty(tensor::EmptyOp op);

  llvm::EquivalenceClasses<Key> classes;
};

} // namespace

EqualSizes::Key EqualSizes::key(Value tensor, unsigned dim) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Key k = type.isDynamicDim(dim) ? Key(tensor.getAsOpaquePointer(), dim)
                                 : Key(nullptr, type.getDimSize(dim));
  classes.insert(k);
  return k;
}

void EqualSizes::addLinalg(linalg::LinalgOp op) {
  llvm::DenseMap<unsigned, Key> loops;
  for (OpOperand &operand : op->getOpOperands()) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      continue;
    bool isInit = op.isDpsInit(&operand);
    for (auto [i, expr] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
      auto loop = dyn_cast<AffineDimExpr>(expr);
      if (!loop)
        continue;
      Key k = key(operand.get(), i);
      join(loops.try_emplace(loop.getPosition(), k).first->second, k);
      if (isInit)
        join(key(op.getTiedOpResult(&operand), i), k);
    }
  }
}

void EqualSizes::addEmpty(tensor::EmptyOp op) {
  for (auto [i, size] : llvm::enumerate(op.getMixedSizes())) {
    auto value = dyn_cast<Value>(size);
    if (!value)
      continue;
    // what one index says is one size, whatever it is computed from
    join(key(op, i), {value.getAsOpaquePointer(), 0});
    if (auto dim = value.getDefiningOp<tensor::DimOp>(); dim && dim.getConstantIndex())
      join(key(op, i), key(dim.getSource(), *dim.getConstantIndex()));
  }
}

EqualSizes::EqualSizes(Block &body) {
  for (Operation &op : body) {
    if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      addLinalg(linalgOp);
    else if (auto empty = dyn_cast<tensor::EmptyOp>(op))
      addEmpty(empty);
    else if (isa<tensor::PadOp, tensor::ConcatOp>(op))
      for (OpOperand &operand : op.getOpOperands())
        if (isa<RankedTensorType>(operand.get().getType()))
          for (unsigned i = 0, n = getIdentityPrefix(operand); i < n; ++i)
            join(key(op.getResult(0), i), key(operand.get(), i));
  }
}

unsigned linnet::codegen::countEqualLoops(Block &body, ArrayRef<Stage> stages, unsigned outer) {
  if (stages.size() < 2 || outer == 0)
    return outer;
  EqualSizes sizes(body);
  auto loopsOf = [](const Stage &s) { return s.op ? OpLoops(s.op) : OpLoops(s.copied); };
  OpLoops first = loopsOf(stages.front());
  for (const Stage &stage : stages.drop_front()) {
    OpLoops other = loopsOf(stage);
    for (unsigned i = 0; i < outer; ++i)
      if (!sizes.areEqual(first.sizes[i], other.sizes[i]))
        outer = i;
  }
  return outer;
}
