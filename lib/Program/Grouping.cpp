//===- Grouping.cpp - which ops share a dispatch --------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Grouping.h"
#include "Views.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace linnet;

/// Whether a value is, itself or through views, read by an op whose kernel wants it in memory.
static bool isReadFromMemory(Value v) {
  return llvm::any_of(v.getUses(), [](OpOperand &use) {
    Operation *user = use.getOwner();
    if (isStructured(user) || isConvolution(user)) {
      auto dps = dyn_cast<DestinationStyleOpInterface>(user);
      return !dps || !dps.isDpsInit(&use);
    }
    return isView(user) && llvm::any_of(user->getResults(), isReadFromMemory);
  });
}

bool linnet::isCompute(Operation *op) {
  if (isa<linalg::FillOp>(op)) // others write its value themselves
    return isReadFromMemory(op->getResult(0)) ||
           llvm::any_of(op->getUsers(), [](Operation *user) { return !isCompute(user); });
  if (isTranspose(op))
    return false;
  return isa<linalg::LinalgOp, tensor::PadOp, tensor::ConcatOp, tensor::InsertSliceOp>(op) ||
         isStructured(op) || isConvolution(op);
}

//===----------------------------------------------------------------------===//
// The tensors of a dispatch
//===----------------------------------------------------------------------===//

void linnet::forEachExternalOperand(Operation *op, llvm::function_ref<void(Value)> visit) {
  llvm::SetVector<Value> values;
  op->walk([&](Operation *inner) {
    for (Value v : inner->getOperands())
      if (inner == op || !op->isAncestor(v.getParentBlock()->getParentOp()))
        values.insert(v);
  });
  llvm::for_each(values, visit);
}

bool linnet::belongsInBodies(Operation *op) {
  if (isa<tensor::EmptyOp, linalg::FillOp>(op))
    return true;
  if (isa<arith::ConstantOp>(op))
    return !isa<ShapedType>(op->getResult(0).getType()) ||
           isa<SplatElementsAttr>(cast<arith::ConstantOp>(op).getValue());
  if (isView(op))
    return !isAlias(op);
  auto isFloat = [](Type t) { return isa<FloatType>(t); };
  return isa_and_nonnull<arith::ArithDialect, math::MathDialect>(op->getDialect()) &&
         op->getNumRegions() == 0 &&
         (llvm::any_of(op->getOperandTypes(), isFloat) ||
          llvm::any_of(op->getResultTypes(), isFloat));
}

/// The tensors from outside that a dispatch of these ops reads, through what is written out in it.
static llvm::SetVector<Value> findInputs(ArrayRef<Operation *> ops) {
  llvm::SmallPtrSet<Operation *, 16> members(ops.begin(), ops.end());
  llvm::SetVector<Value> reached, inputs;
  for (Operation *op : ops)
    forEachExternalOperand(op, [&](Value v) { reached.insert(v); });
  for (size_t i = 0; i < reached.size(); ++i) { // grows
    Value v = reached[i];
    Operation *def = v.getDefiningOp();
    if (def && members.contains(def))
      continue;
    if (def && belongsInBodies(def))
      reached.insert(def->operand_begin(), def->operand_end());
    else if (isa<ShapedType>(v.getType()))
      inputs.insert(v);
  }
  return inputs;
}

/// How many tensors a dispatch of these ops reads and writes: buffers of its kernel.
static unsigned countTensors(ArrayRef<Operation *> ops) {
  llvm::SmallPtrSet<Operation *, 16> members(ops.begin(), ops.end());
  unsigned count = findInputs(ops).size();
  for (Operation *op : ops) {
    auto insert = dyn_cast<tensor::InsertSliceOp>(op);
    bool inPlace = insert && !members.contains(insert.getDest().getDefiningOp());
    for (Value result : op->getResults())
      count += !inPlace && llvm::any_of(result.getUsers(),
                                        [&](Operation *user) { return !members.contains(user); });
  }
  return count;
}

static SmallVector<Operation *> join(ArrayRef<Operation *> a, ArrayRef<Operation *> b) {
  SmallVector<Operation *> both(a);
  llvm::append_range(both, b);
  return both;
}

static bool hasTooManyTensors(ArrayRef<Operation *> ops) { return countTensors(ops) > kMaxTensors; }

namespace {

class Grouper {
public:
  explicit Grouper(Block &block);
  std::vector<DispatchGroup> run();

private:
  void addEpilogues();
  void mergeLoops();
  void absorbInserts();

  /// The op of this block that `user` is or is nested in.
  Operation *ancestor(Operation *user) { return block.findAncestorOpInBlock(*user); }
  bool dependsThroughOthers(unsigned from, unsigned to);
  bool tryMergeLoops(unsigned producer, unsigned consumer);
  void merge(unsigned into, unsigned from);

  Block &block;
  std::vector<DispatchGroup> groups;
  DenseMap<Operation *, unsigned> groupOf;
};

} // namespace

Grouper::Grouper(Block &block) : block(block) {
  for (Operation &op : block) {
    if (!isCompute(&op))
      continue;
    KernelClass kind = isContraction(&op)   ? KernelClass::Contraction
                       : isConvolution(&op) ? KernelClass::Conv
                       : isStructured(&op)  ? KernelClass::Structured
                                            : KernelClass::Loops;
    groupOf[&op] = groups.size();
    groups.push_back({kind, {&op}});
  }
}

void Grouper::merge(unsigned into, unsigned from) {
  for (Operation *op : groups[from].ops)
    groupOf[op] = into;
  auto &ops = groups[into].ops;
  ops.append(groups[from].ops);
  groups[from].ops.clear();
  llvm::sort(ops, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
}

/// Whether group `to` needs something that needs group `from`, other than `from` itself.
bool Grouper::dependsThroughOthers(unsigned from, unsigned to) {
  SmallVector<Operation *> work;
  llvm::SmallPtrSet<Operation *, 32> seen;
  auto visitUsers = [&](Operation *op, bool direct) {
    for (Operation *user : op->getUsers()) {
      Operation *next = ancestor(user);
      auto it = groupOf.find(next);
      if (it != groupOf.end() && it->second == from)
        continue;
      if (it != groupOf.end() && it->second == to && direct)
        continue;
      if (seen.insert(next).second)
        work.push_back(next);
    }
  };
  for (Operation *op : groups[from].ops)
    visitUsers(op, true);
  while (!work.empty()) {
    Operation *op = work.pop_back_val();
    auto it = groupOf.find(op);
    if (it == groupOf.end()) {
      visitUsers(op, false);
      continue;
    }
    if (it->second == to)
      return true;
    for (Operation *member : groups[it->second].ops)
      if (seen.insert(member).second || member == op)
        visitUsers(member, false);
  }
  return false;
}

//===----------------------------------------------------------------------===//
// Epilogues
//===----------------------------------------------------------------------===//

void Grouper::addEpilogues() {
  for (unsigned g = 0; g < groups.size(); ++g) {
    if (groups[g].kind != KernelClass::Contraction && groups[g].kind != KernelClass::Conv)
      continue;
    Operation *last = groups[g].ops.front();
    while (last->getNumResults() == 1 && last->hasOneUse()) {
      OpOperand &use = *last->use_begin();
      auto next = dyn_cast<linalg::GenericOp>(use.getOwner());
      auto own = groupOf.find(use.getOwner()); // absent: a view, or in another block
      if (!next || own == groupOf.end() || groups[own->second].kind != KernelClass::Loops ||
          !isElementwiseEpilogue(next) || !next.getMatchingIndexingMap(&use).isIdentity() ||
          hasTooManyTensors(join(groups[g].ops, groups[own->second].ops)))
        break;
      merge(g, own->second);
      last = next;
    }
  }
}

//===----------------------------------------------------------------------===//
// Loops over a common outer space
//===----------------------------------------------------------------------===//

/// Iterations of the first `limit` loops, at most; sizes that are not known count as large.
static int64_t countIterations(Operation *op, unsigned limit) {
  constexpr int64_t unknown = 64, cap = int64_t(1) << 40;
  SmallVector<int64_t> ranges;
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    ranges = linalgOp.getStaticLoopRanges();
  else
    ranges.assign(cast<RankedTensorType>(op->getResult(0).getType()).getShape());
  int64_t n = 1;
  for (int64_t range : ArrayRef(ranges).take_front(limit))
    n = std::min(cap, n * (ShapedType::isDynamic(range) ? unknown : std::max<int64_t>(range, 1)));
  return n;
}

static bool hasReduction(ArrayRef<Operation *> ops) {
  return llvm::any_of(ops, [](Operation *op) {
    auto linalgOp = dyn_cast<linalg::LinalgOp>(op);
    return linalgOp && linalgOp.getNumReductionLoops() > 0;
  });
}

/// A value that is kept for one outer iteration must fit into a worker's scratch.
static bool fitsScratch(Value value, unsigned outer) {
  constexpr int64_t maxElements = 32 * 1024;
  int64_t n = 1, dynamic = 0;
  for (int64_t size : cast<RankedTensorType>(value.getType()).getShape().drop_front(outer)) {
    if (ShapedType::isDynamic(size))
      ++dynamic;
    else
      n *= size;
  }
  return dynamic == 0 ? n <= maxElements : dynamic == 1 && n == 1;
}

/// Whether the region of one of the ops reads elements of what another one makes: at positions
/// that it computes, which need not have been made yet.
static bool readElsewhere(ArrayRef<Operation *> ops) {
  llvm::SmallPtrSet<Operation *, 16> members(ops.begin(), ops.end());
  return llvm::any_of(ops, [&](Operation *op) {
    return op
        ->walk([&](tensor::ExtractOp extract) {
          bool isOfMember = members.contains(extract.getTensor().getDefiningOp());
          return isOfMember ? WalkResult::interrupt() : WalkResult::advance();
        })
        .wasInterrupted();
  });
}

bool Grouper::tryMergeLoops(unsigned producer, unsigned consumer) {
  DispatchGroup &a = groups[producer], &b = groups[consumer];
  if (producer == consumer || a.kind != KernelClass::Loops || b.kind != KernelClass::Loops)
    return false;
  SmallVector<Operation *> both = join(a.ops, b.ops);
  unsigned outer = countOuterLoops(both);
  constexpr int64_t small = 16 * 1024, enoughChunks = 8;
  bool isSmall =
      llvm::all_of(both, [&](Operation *op) { return countIterations(op, ~0u) <= small; });
  if (!isSmall) {
    if (outer == 0 || countIterations(both.front(), outer) < enoughChunks)
      return false;
    for (ArrayRef<Operation *> ops : {ArrayRef<Operation *>(a.ops), ArrayRef<Operation *>(b.ops)})
      if (hasReduction(ops) && countOuterLoops(ops) > outer)
        return false;
  }
  for (Operation *op : both)
    for (Value v : op->getOperands())
      if (llvm::is_contained(both, v.getDefiningOp()) && !fitsScratch(v, outer))
        return false;
  if (hasTooManyTensors(both) || readElsewhere(both) || dependsThroughOthers(producer, consumer))
    return false;
  merge(producer, consumer);
  return true;
}

void Grouper::mergeLoops() {
  for (Operation &op : block) {
    auto it = groupOf.find(&op);
    if (it == groupOf.end() || isa<tensor::InsertSliceOp>(op))
      continue;
    for (Value operand : op.getOperands())
      if (Operation *def = operand.getDefiningOp())
        if (auto producer = groupOf.find(def);
            producer != groupOf.end() && !isa<tensor::InsertSliceOp>(def))
          tryMergeLoops(producer->second, groupOf[&op]);
  }
}

/// A result that is only inserted somewhere is computed there.
void Grouper::absorbInserts() {
  for (Operation &op : block) {
    auto insert = dyn_cast<tensor::InsertSliceOp>(op);
    if (!insert)
      continue;
    Operation *source = insert.getSource().getDefiningOp();
    auto producer = groupOf.find(source);
    if (!source || producer == groupOf.end() || !insert.getSource().hasOneUse() ||
        isa<tensor::InsertSliceOp, linalg::FillOp>(source))
      continue;
    unsigned own = groupOf[&op];
    auto dest = groupOf.find(insert.getDest().getDefiningOp());
    // only loops write what the destination holds, where no other dispatch has
    if (groups[producer->second].kind != KernelClass::Loops && dest == groupOf.end() &&
        isa_and_nonnull<linalg::FillOp, tensor::EmptyOp>(insert.getDest().getDefiningOp()))
      continue;
    if (dest != groupOf.end() && dest->second == producer->second)
      continue;
    // what is updated in place is read by nothing else in the kernel
    if (!findInputs(groups[producer->second].ops).contains(insert.getDest()) &&
        !hasTooManyTensors(join(groups[producer->second].ops, groups[own].ops)) &&
        !dependsThroughOthers(producer->second, own))
      merge(producer->second, own);
  }
}

std::vector<DispatchGroup> Grouper::run() {
  addEpilogues();
  mergeLoops();
  absorbInserts();
  llvm::erase_if(groups, [](DispatchGroup &g) { return g.ops.empty(); });
  return std::move(groups);
}

std::vector<DispatchGroup> linnet::formGroups(Block &block) { return Grouper(block).run(); }
