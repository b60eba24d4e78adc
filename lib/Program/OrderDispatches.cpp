//===- OrderDispatches.cpp - an order that needs little memory ------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "ElementBytes.h"
#include "Views.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Plan/Recompute.h"
#include "linnet/Program/Passes.h"
#include "mlir/IR/Iterators.h"
#include "llvm/ADT/SetVector.h"
#include <set>

namespace linnet {
#define GEN_PASS_DEF_ORDERDISPATCHES
#include "linnet/Program/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

/// Bytes of a tensor; sizes that are not known count alike.
static int64_t getBytes(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  if (!type)
    return 0;
  constexpr int64_t unknown = 512;
  int64_t n = getElementBytes(type.getElementType());
  for (int64_t size : type.getShape())
    n *= ShapedType::isDynamic(size) ? unknown : size;
  return n;
}

namespace {

/// The memory of one block's tensors while its ops run in some order.
class BlockMemory {
public:
  explicit BlockMemory(Block &block);
  void start();
  /// By how much running `op` changes what is live afterwards.
  int64_t change(Operation *op);
  void run(Operation *op);
  int64_t getPeak() const { return peak; }
  ArrayRef<Operation *> operations() const { return ops; }
  ArrayRef<Operation *> dependencies(Operation *op) { return needs[op]; }
  /// The same for the planner, ops by their positions.
  plan::Graph makeGraph();

private:
  SmallVector<Operation *> ops;
  DenseMap<Operation *, SmallVector<Operation *>> needs;
  /// Tensors of the block that an op reads, its own and those behind aliases.
  DenseMap<Operation *, SmallVector<Value>> reads;
  DenseMap<Value, unsigned> readers, left;
  int64_t live = 0, peak = 0;
};

} // namespace

/// The value that owns the memory of `v`: behind views and tied operands.
static Value getOwner(Value v) {
  v = getAliasRoot(v);
  if (auto dispatch = v.getDefiningOp<exec::DispatchOp>()) {
    int64_t tied = dispatch.getTiedInput(cast<OpResult>(v).getResultNumber());
    if (tied >= 0)
      return getOwner(dispatch.getInputs()[tied]);
  }
  return v;
}

/// Whether the value, or a reshape of it, is what the function returns.
static bool isReturned(Value v) {
  return llvm::any_of(v.getUsers(), [&](Operation *user) {
    if (isa<func::ReturnOp>(user))
      return true;
    return user->getNumResults() == 1 && isAlias(user) && user->getOperand(0) == v &&
           isReturned(user->getResult(0));
  });
}

BlockMemory::BlockMemory(Block &block) {
  for (Operation &op : block.without_terminator())
    ops.push_back(&op);
  for (Operation &op : block) {
    llvm::SetVector<Value> used;
    llvm::SetVector<Operation *> before;
    op.walk([&](Operation *inner) {
      for (Value v : inner->getOperands()) {
        if (v.getParentBlock() != &block)
          continue;
        if (Operation *def = v.getDefiningOp(); def && def != &op)
          before.insert(def);
        if (isa<ShapedType>(v.getType()))
          used.insert(getOwner(v));
      }
    });
    // what is updated in place is read by all others first
    if (auto dispatch = dyn_cast<exec::DispatchOp>(op))
      for (unsigned i = 0; i < dispatch.getOutputs().size(); ++i)
        if (int64_t tied = dispatch.getTiedInput(i); tied >= 0)
          for (Operation *user : dispatch.getInputs()[tied].getUsers())
            if (user->getBlock() == &block && user != &op && user->isBeforeInBlock(&op))
              before.insert(user);
    needs[&op] = before.takeVector();
    for (Value v : used)
      if (v.getDefiningOp() && !isReturned(v)) // arguments stay, results have memory of their own
        ++readers[v], reads[&op].push_back(v);
  }
}

void BlockMemory::start() {
  left = readers;
  live = peak = 0;
}

int64_t BlockMemory::change(Operation *op) {
  int64_t bytes = 0;
  for (Value result : op->getResults())
    if (readers.count(result))
      bytes += getBytes(result);
  for (Value v : reads[op])
    if (left[v] == 1)
      bytes -= getBytes(v);
  return bytes;
}

void BlockMemory::run(Operation *op) {
  int64_t after = live + change(op);
  for (Value result : op->getResults())
    if (readers.count(result))
      live += getBytes(result);
  peak = std::max(peak, live);
  for (Value v : reads[op])
    --left[v];
  live = after;
}

/// Of the ops that are ready, those that work on no tensor go first, then the one that leaves
/// least behind; the first one among equals.
static SmallVector<Operation *> chooseOrder(BlockMemory &memory) {
  DenseMap<Operation *, unsigned> position, waiting;
  DenseMap<Operation *, SmallVector<Operation *>> users;
  std::set<unsigned> ready;
  for (auto [i, op] : llvm::enumerate(memory.operations())) {
    position[op] = i;
    waiting[op] = memory.dependencies(op).size();
    for (Operation *before : memory.dependencies(op))
      users[before].push_back(op);
    if (!waiting[op])
      ready.insert(i);
  }
  SmallVector<Operation *> order;
  memory.start();
  while (!ready.empty()) {
    unsigned best = *ready.begin();
    int64_t least = INT64_MAX;
    for (unsigned i : ready) {
      Operation *op = memory.operations()[i];
      bool works = isa<exec::DispatchOp>(op) || op->getNumRegions();
      int64_t change = works ? memory.change(op) : INT64_MIN;
      if (change < least) {
        least = change;
        best = i;
      }
    }
    ready.erase(best);
    Operation *op = memory.operations()[best];
    memory.run(op);
    order.push_back(op);
    for (Operation *user : users[op])
      if (--waiting[user] == 0 && position.count(user))
        ready.insert(position[user]);
  }
  return order;
}

plan::Graph BlockMemory::makeGraph() {
  plan::Graph graph;
  DenseMap<Operation *, int32_t> position;
  DenseMap<Value, int32_t> number;
  for (auto [i, op] : llvm::enumerate(ops)) {
    position[op] = i;
    plan::Node node;
    node.once = true;
    for (Value v : reads[op])
      if (auto known = number.find(v); known != number.end())
        node.inputs.push_back(known->second);
    for (Operation *before : needs[op])
      node.after.push_back(position.lookup(before));
    for (Value v : op->getResults())
      if (readers.count(v)) {
        number[v] = graph.values.size();
        node.outputs.push_back(number[v]);
        graph.values.push_back({getBytes(v), static_cast<int32_t>(i), false});
      }
    graph.nodes.push_back(std::move(node));
  }
  if (!ops.empty()) // what a loop's body yields
    for (Value v : reads[ops.front()->getBlock()->getTerminator()])
      if (auto known = number.find(v); known != number.end())
        graph.values[known->second].result = true;
  return graph;
}

/// What the planner of recomputation finds when everything runs once; empty where it cannot plan.
static SmallVector<Operation *> planOrder(BlockMemory &memory) {
  SmallVector<Operation *> order;
  plan::Graph graph = memory.makeGraph();
  if (!plan::check(graph).empty())
    return order;
  for (int32_t node : plan::orderForPeak(graph))
    order.push_back(memory.operations()[node]);
  return order;
}

static int64_t measurePeak(BlockMemory &memory, ArrayRef<Operation *> order) {
  memory.start();
  for (Operation *op : order)
    memory.run(op);
  return memory.getPeak();
}

static void orderBlock(Block &block) {
  BlockMemory memory(block);
  SmallVector<Operation *> best(memory.operations());
  int64_t least = measurePeak(memory, best);
  for (auto find : {chooseOrder, planOrder}) {
    SmallVector<Operation *> order = find(memory);
    if (order.size() != best.size())
      continue;
    if (int64_t peak = measurePeak(memory, order); peak < least)
      least = peak, best = order;
  }
  if (best == memory.operations())
    return;
  for (Operation *op : best)
    op->moveBefore(block.getTerminator());
}

/// A dispatch is not pure, so that upstream passes keep it; here it goes when nothing uses it.
static void eraseDeadDispatches(func::FuncOp func) {
  func.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isa<exec::DispatchOp>(op) ? op->use_empty() : isOpTriviallyDead(op))
      op->erase();
  });
}

/// A dispatch that computes the next state runs behind the last reader of the present one, so
/// that it can write in place.
static void sinkStateUpdates(func::FuncOp func) {
  Block &block = func.getBody().front();
  for (OpOperand &returned : block.getTerminator()->getOpOperands()) {
    BlockArgument donor = getDonor(func, returned.getOperandNumber());
    Operation *update = getAliasRoot(returned.get()).getDefiningOp();
    if (!donor || !isa_and_nonnull<exec::DispatchOp>(update) || update->getBlock() != &block)
      continue;
    Operation *last = update;
    for (Operation *user : donor.getUsers()) {
      Operation *reader = block.findAncestorOpInBlock(*user);
      if (reader != block.getTerminator() && last->isBeforeInBlock(reader))
        last = reader;
    }
    bool free = llvm::all_of(update->getUsers(), [&](Operation *user) {
      return last->isBeforeInBlock(block.findAncestorOpInBlock(*user));
    });
    if (last != update && free)
      update->moveAfter(last);
  }
}

namespace {
struct OrderDispatches : linnet::impl::OrderDispatchesBase<OrderDispatches> {
  void runOnOperation() override {
    eraseDeadDispatches(getOperation());
    getOperation()->walk([](Block *block) {
      Operation *parent = block->getParentOp();
      if (isa<func::FuncOp>(parent) || isa<scf::SCFDialect>(parent->getDialect()))
        orderBlock(*block);
    });
    if (!getOperation().isExternal())
      sinkStateUpdates(getOperation());
  }
};
} // namespace
