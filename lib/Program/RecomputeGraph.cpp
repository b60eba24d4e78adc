//===- RecomputeGraph.cpp - a dispatch graph as the planner sees it -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "RecomputeGraph.h"
#include "ElementBytes.h"
#include "Shapes.h"
#include "Views.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Program/KernelContract.h"
#include "linnet/Program/Lifetimes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace linnet;

namespace {

/// What a launch region says, at the symbols' maxima.
struct Launch {
  int64_t chunks = 0, scratch = 0, flops = 0, bytes = 0;
};

class GraphBuilder {
public:
  GraphBuilder(func::FuncOp func, SymbolTableCollection &symbols, unsigned threads,
               const DispatchTimes &times)
      : func(func), symbols(symbols), threads(threads), times(times), bounds(func),
        shapes(func.getContext()) {}
  FailureOr<RecomputeGraph> build();

private:
  LogicalResult checkSizes();
  SizeBounds::Range rangeOf(OpFoldResult size);
  int64_t bytesOf(Value v);
  SmallVector<SizeBounds::Range> scalarsOf(exec::DispatchOp op);
  void addSignature();
  void addNode(Operation *op);
  void addOutputs(exec::DispatchOp op, exec::KernelOp kernel, plan::Node &node);
  void addTime(Operation *op, plan::Node &node);
  int32_t valueOf(Value root);
  void findHomes();

  func::FuncOp func;
  SymbolTableCollection &symbols;
  unsigned threads;
  const DispatchTimes &times;
  SizeBounds bounds;
  ShapeResolver shapes;
  RecomputeGraph result;
  DenseMap<Value, int32_t> values;
  /// Values that are computed where the caller wants them: null, or the argument that they
  /// overwrite.
  DenseMap<Value, BlockArgument> homes;
  int64_t scratch = 0;
};

} // namespace

/// The arithmetic of a launch region on its largest scalars; scratch as the program's plan has it.
static Launch evaluate(exec::KernelOp kernel, ArrayRef<SizeBounds::Range> scalars) {
  DenseMap<Value, Attribute> known;
  SizeBounds bounds;
  Block &block = kernel.getLaunch().front();
  for (auto [arg, scalar] : llvm::zip_equal(block.getArguments(), scalars)) {
    bounds.set(arg, scalar);
    if (scalar.hi != SizeBounds::unbounded)
      known[arg] = IntegerAttr::get(arg.getType(), scalar.hi);
  }
  for (Operation &op : block.without_terminator()) {
    SmallVector<Attribute> operands;
    for (Value v : op.getOperands())
      operands.push_back(known.lookup(v));
    SmallVector<OpFoldResult> folded;
    if (failed(op.fold(operands, folded)) || folded.size() != op.getNumResults())
      continue; // not known, as of an empty product
    for (auto [v, f] : llvm::zip(op.getResults(), folded))
      known[v] = isa<Attribute>(f) ? cast<Attribute>(f) : known.lookup(cast<Value>(f));
  }
  auto launch = cast<exec::LaunchOp>(block.getTerminator());
  auto number = [&](Value v) {
    auto attr = dyn_cast_or_null<IntegerAttr>(known.lookup(v));
    return attr ? attr.getInt() : 0;
  };
  int64_t scratch = std::max<int64_t>(bounds.maximum(launch.getScratch()), 0);
  return Launch{number(launch.getChunks()), scratch, number(launch.getFlops()),
                number(launch.getBytes())};
}

SizeBounds::Range GraphBuilder::rangeOf(OpFoldResult size) {
  if (std::optional<int64_t> known = getConstantIntValue(size))
    return {*known, *known};
  return bounds.of(cast<Value>(size));
}

/// At the symbols' maxima; -1: there is none.
int64_t GraphBuilder::bytesOf(Value v) {
  auto tensor = dyn_cast<RankedTensorType>(v.getType());
  if (!tensor)
    return isa<IndexType, IntegerType, FloatType>(v.getType()) ? getElementBytes(v.getType()) : 0;
  int64_t bytes = getElementBytes(tensor.getElementType());
  for (int64_t d = 0; d < tensor.getRank(); ++d) {
    int64_t size = rangeOf(shapes.dim(v, d)).hi;
    if (size == SizeBounds::unbounded ||
        llvm::MulOverflow(bytes, std::max<int64_t>(size, 0), bytes))
      return -1;
  }
  return bytes;
}

/// In the order of a launch region's scalars.
SmallVector<SizeBounds::Range> GraphBuilder::scalarsOf(exec::DispatchOp op) {
  SmallVector<SizeBounds::Range> scalars;
  for (Value input : op.getInputs()) {
    auto type = dyn_cast<RankedTensorType>(input.getType());
    if (!type)
      scalars.push_back(bounds.of(input));
    for (int64_t d = 0; type && d < type.getRank(); ++d)
      if (type.isDynamicDim(d))
        scalars.push_back(rangeOf(shapes.dim(input, d)));
  }
  for (Value size : op.getSizes())
    scalars.push_back(bounds.of(size));
  return scalars;
}

LogicalResult GraphBuilder::checkSizes() {
  SmallVector<Value> values(func.getArguments());
  for (Operation &op : func.getBody().front())
    llvm::append_range(values, op.getResults());
  for (Value v : values)
    if (bytesOf(v) < 0)
      return func.emitError() << "expects bounds of all sizes in '" << func.getName()
                              << "' for a memory budget, found a value of type " << v.getType();
  return success();
}

/// Results are computed in the caller's memory, next states in that of the present ones.
void GraphBuilder::findHomes() {
  for (OpOperand &returned : func.getBody().front().getTerminator()->getOpOperands()) {
    Value root = getAliasRoot(returned.get());
    if (root.getDefiningOp() && !homes.count(root))
      homes[root] = getDonor(func, returned.getOperandNumber());
  }
}

int32_t GraphBuilder::valueOf(Value root) {
  auto [it, added] = values.try_emplace(root, result.graph.values.size());
  if (added) // an argument
    result.graph.values.push_back({});
  return it->second;
}

void GraphBuilder::addTime(Operation *op, plan::Node &node) {
  auto dispatch = dyn_cast<exec::DispatchOp>(op);
  exec::KernelOp kernel =
      dispatch && dispatch.getKernel()
          ? symbols.lookupNearestSymbolFrom<exec::KernelOp>(op, dispatch.getKernelAttr())
          : exec::KernelOp();
  Launch launch = kernel ? evaluate(kernel, scalarsOf(dispatch)) : Launch();
  int64_t bytes = 0;
  for (Value v : op->getOperands())
    bytes += bytesOf(v);
  for (Value v : op->getResults())
    bytes += bytesOf(v);
  scratch = std::max(scratch, launch.scratch);
  bytes = std::max(bytes, launch.bytes);
  if (kernel)
    if (auto measured = times.find(kernel.getSymName()); measured != times.end()) {
      node.time = measured->second;
      return;
    }
  // picoseconds on a core of 100 GFLOP/s and 20 GB/s; a launch costs 100 ns
  node.time = std::max(launch.flops * 10, bytes * 50) + 100000;
}

void GraphBuilder::addOutputs(exec::DispatchOp op, exec::KernelOp kernel, plan::Node &node) {
  DenseMap<int32_t, int32_t> position; // value to its place among the inputs
  for (auto [i, v] : llvm::enumerate(node.inputs))
    position.try_emplace(v, i);
  for (unsigned r = 0; r < op.getOutputs().size(); ++r) {
    int64_t tied = op.getTiedInput(r);
    auto root = [&](unsigned input) { return valueOf(getAliasRoot(op.getInputs()[input])); };
    node.tied.push_back(tied < 0 ? -1 : root(tied));
    std::vector<int32_t> reuses;
    for (auto [i, input] : llvm::enumerate(op.getInputs()))
      if (tied < 0 && kernel && input.getType() == op.getOutputs()[r].getType() &&
          mayShareMemory(kernel.getBody().front(), i, r))
        reuses.push_back(root(i));
    node.reuses.push_back(reuses);
  }
}

void GraphBuilder::addNode(Operation *op) {
  plan::Node node;
  llvm::SetVector<int32_t> inputs;
  op->walk([&](Operation *inner) {
    for (Value v : inner->getOperands()) {
      Value root = isa<ShapedType>(v.getType()) ? getAliasRoot(v) : v;
      if (root.getParentBlock() != op->getBlock())
        continue;
      if (isa<RankedTensorType>(root.getType()) || values.count(root))
        inputs.insert(valueOf(root));
    }
  });
  auto dispatch = dyn_cast<exec::DispatchOp>(op);
  node.once = !dispatch;
  node.inputs.assign(inputs.begin(), inputs.end());
  int32_t number = result.graph.nodes.size();
  if (dispatch && dispatch.getKernel())
    addOutputs(dispatch,
               symbols.lookupNearestSymbolFrom<exec::KernelOp>(op, dispatch.getKernelAttr()), node);
  for (auto [i, v] : llvm::enumerate(op->getResults())) {
    plan::Value value;
    value.bytes = isa<RankedTensorType>(v.getType()) ? bytesOf(v) : 0;
    value.producer = number;
    if (auto home = homes.find(v); home != homes.end()) {
      value.result = true;
      value.bytes = 0;
      node.once = true;
      if (home->second) { // behind all readers of the present state
        int32_t donor = valueOf(home->second);
        if (!llvm::is_contained(node.inputs, donor))
          node.inputs.push_back(donor);
        node.tied.resize(op->getNumResults(), -1);
        node.tied[i] = donor;
      }
    }
    values[v] = result.graph.values.size();
    node.outputs.push_back(values[v]);
    result.graph.values.push_back(value);
  }
  if (!node.tied.empty())
    node.tied.resize(op->getNumResults(), -1);
  addTime(op, node);
  result.graph.nodes.push_back(node);
  result.ops.push_back(op);
}

/// What is there whatever the order: arguments, states, constants, results, scratch.
void GraphBuilder::addSignature() {
  int64_t &fixed = result.graph.fixedBytes;
  for (Value argument : func.getArguments())
    fixed += bytesOf(argument);
  for (OpOperand &returned : func.getBody().front().getTerminator()->getOpOperands())
    if (!getDonor(func, returned.getOperandNumber()))
      fixed += bytesOf(returned.get());
  fixed += scratch * threads;
}

/// Ops that work on sizes and names of memory only.
static bool isTransparent(Operation *op) {
  return isAlias(op) ||
         isa<tensor::EmptyOp, tensor::DimOp, arith::ConstantOp, affine::AffineApplyOp>(op) ||
         (isa<arith::ArithDialect>(op->getDialect()) &&
          llvm::none_of(op->getOperandTypes(), llvm::IsaPred<ShapedType>));
}

FailureOr<RecomputeGraph> GraphBuilder::build() {
  if (failed(checkSizes()))
    return failure();
  findHomes();
  for (Operation &op : func.getBody().front().without_terminator())
    if (!isTransparent(&op))
      addNode(&op);
  addSignature();
  return std::move(result);
}

FailureOr<RecomputeGraph> linnet::makeRecomputeGraph(func::FuncOp func,
                                                     SymbolTableCollection &symbols,
                                                     unsigned threads, const DispatchTimes &times) {
  return GraphBuilder(func, symbols, threads, times).build();
}

//===----------------------------------------------------------------------===//
// Applying a plan
//===----------------------------------------------------------------------===//

namespace {
/// Copies ops behind the block's old ones; views are copied where they are read.
class Rewriter {
public:
  explicit Rewriter(Block &block) : block(block), b(block.getTerminator()) {}

  void run(Operation *op, bool again) {
    mapOperands(op);
    Operation *copy = b.clone(*op, latest);
    if (auto dispatch = dyn_cast<exec::DispatchOp>(copy))
      dispatch.setRecomputed(dispatch.getRecomputed() || again);
    for (auto [before, after] : llvm::zip(op->getResults(), copy->getResults()))
      latest.map(before, after);
  }

  void mapOperands(Operation *op) {
    op->walk([&](Operation *inner) {
      for (Value v : inner->getOperands())
        if (v.getParentBlock() == &block)
          mapThroughViews(v);
    });
  }

private:
  void mapThroughViews(Value v) {
    Operation *def = v.getDefiningOp();
    if (!def || (!isAlias(def) && !isTransparent(def)))
      return;
    bool view = isAlias(def);
    if (!view && latest.contains(v))
      return;
    for (Value operand : def->getOperands())
      mapThroughViews(operand);
    // a view of the latest instance: one copy a reader; upstream passes do not run any more
    Operation *copy = b.clone(*def, latest);
    for (auto [before, after] : llvm::zip(def->getResults(), copy->getResults()))
      latest.map(before, after);
  }

  Block &block;
  OpBuilder b;
  IRMapping latest;

public:
  IRMapping &getLatest() { return latest; }
};
} // namespace

void linnet::applyOrder(func::FuncOp func, const RecomputeGraph &graph,
                        ArrayRef<plan::Step> steps) {
  Block &block = func.getBody().front();
  Operation *terminator = block.getTerminator();
  SmallVector<Operation *> old;
  for (Operation &op : block.without_terminator())
    old.push_back(&op);
  Rewriter rewriter(block);
  for (const plan::Step &step : steps)
    rewriter.run(graph.ops[step.node], step.again);
  rewriter.mapOperands(terminator);
  for (OpOperand &operand : terminator->getOpOperands())
    operand.set(rewriter.getLatest().lookupOrDefault(operand.get()));
  for (Operation *op : llvm::reverse(old))
    op->erase();
}
