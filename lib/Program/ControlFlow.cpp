//===- ControlFlow.cpp - branches and loops over buffers ------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Tensors leave the signatures of scf.if and scf.while: every carried one has one buffer, which
// iterations update, in place where they can.
//
//===----------------------------------------------------------------------===//
#include "ProgramBuilder.h"

using namespace mlir;
using namespace linnet;

static bool isTensor(Value v) { return isa<ShapedType>(v.getType()); }

static SmallVector<Type> scalarTypes(ValueRange values) {
  SmallVector<Type> types;
  for (Value v : values)
    if (!isTensor(v))
      types.push_back(v.getType());
  return types;
}

/// Ends a region of the program: tensors go to their buffers, scalars are yielded.
void ProgramBuilder::emitYield(ValueRange values, ArrayRef<Value> roots) {
  SmallVector<Copy> copies;
  Values yielded;
  for (auto [value, root] : llvm::zip(values, roots)) {
    if (isTensor(value))
      copies.push_back({value, places.lookup(value), root});
    else
      yielded.push_back(scalars.lookup(value));
  }
  emitCopies(std::move(copies));
  scf::YieldOp::create(b, b.getLoc(), yielded);
}

//===----------------------------------------------------------------------===//
// scf.if
//===----------------------------------------------------------------------===//

/// Where it is wanted, else the memory of a value that one branch passes through and that is
/// not read behind the branch, else a buffer of its own, whose size the branches say.
Value ProgramBuilder::chooseIfRoot(scf::IfOp op, unsigned i) {
  if (Value home = findHome(op.getResult(i), op))
    return home;
  for (scf::YieldOp yield : {op.thenYield(), op.elseYield()}) {
    auto it = places.find(yield.getOperand(i));
    if (it != places.end() && it->second.isWhole() && mayTakeOver(it->second.root, op) &&
        !llvm::is_contained(ifRoots[op], it->second.root))
      return it->second.root;
  }
  return newArena(Value());
}

LogicalResult ProgramBuilder::emitBranch(scf::IfOp op, Region &region, Block *block) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(block);
  if (region.empty()) {
    scf::YieldOp::create(b, b.getLoc());
    return success();
  }
  if (failed(emitBlock(region.front())))
    return failure();
  auto yield = cast<scf::YieldOp>(region.front().getTerminator());
  for (auto [value, root] : llvm::zip(yield.getOperands(), ifRoots[op])) {
    if (!isTensor(value))
      continue;
    auto ref = root.getDefiningOp<exec::RefOp>();
    if (ref.getKind() == exec::BufferKind::arena && !ref.getSize())
      ref.getSizeMutable().assign(bytes(value));
  }
  emitYield(yield.getOperands(), ifRoots[op]);
  return success();
}

LogicalResult ProgramBuilder::emitIf(scf::IfOp op) {
  for (Value result : op.getResults()) {
    unsigned i = cast<OpResult>(result).getResultNumber();
    Value root = isTensor(result) ? chooseIfRoot(op, i) : Value();
    ifRoots[op].push_back(root);
  }
  auto branch = scf::IfOp::create(b, b.getLoc(), scalarTypes(op.getResults()),
                                  scalars.lookup(op.getCondition()), true, true);
  if (failed(emitBranch(op, op.getThenRegion(), branch.thenBlock())) ||
      failed(emitBranch(op, op.getElseRegion(), branch.elseBlock())))
    return failure();
  unsigned scalar = 0;
  for (auto [i, result] : llvm::enumerate(op.getResults())) {
    if (isTensor(result))
      place(result, {ifRoots[op][i], ifRoots[op][i]}, dims.lookup(op.thenYield().getOperand(i)));
    else
      scalars.map(result, branch.getResult(scalar++));
  }
  return success();
}

/// Upstream folds make a selection of an scf.if that computes nothing.
void ProgramBuilder::emitSelect(arith::SelectOp op) {
  Values sizes = dims.lookup(op.getTrueValue());
  dims[op] = sizes;
  Place where = defaultPlace(op, op, bytes(op));
  auto branch = scf::IfOp::create(b, b.getLoc(), TypeRange(), scalars.lookup(op.getCondition()),
                                  /*withElseRegion=*/true);
  for (auto [block, value] : {std::pair(branch.thenBlock(), op.getTrueValue()),
                              std::pair(branch.elseBlock(), op.getFalseValue())}) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(block);
    copyTo(value, where.buffer);
  }
  place(op, where, sizes);
}

//===----------------------------------------------------------------------===//
// scf.while
//===----------------------------------------------------------------------===//

/// The memory of a loop-carried value: that of its initial value when the loop is the last to
/// read it, else where the loop's result is wanted, else a buffer of its own.
Value ProgramBuilder::chooseLoopRoot(scf::WhileOp op, unsigned i) {
  Value init = op.getInits()[i];
  auto isFree = [&](Value root) {
    return mayTakeOver(root, op) && !residents.isReadInside(root, op) &&
           !llvm::is_contained(carriedRoots[op], root);
  };
  Place where = places.lookup(init);
  if (where.isWhole() && isFree(where.root) && llvm::count(op.getInits(), init) == 1)
    return where.root;
  for (auto [j, v] : llvm::enumerate(op.getConditionOp().getArgs()))
    if (v == op.getBeforeArguments()[i])
      if (Value home = findHome(op.getResult(j), op); home && isFree(home))
        return home;
  return newArena(bytes(init));
}

/// Gives the carried and the forwarded values their memory and fills it.
void ProgramBuilder::enterLoop(scf::WhileOp op) {
  SmallVector<Copy> copies;
  for (auto [i, init] : llvm::enumerate(op.getInits())) {
    Value root = isTensor(init) ? chooseLoopRoot(op, i) : Value();
    carriedRoots[op].push_back(root);
    if (root && !init.getDefiningOp<tensor::EmptyOp>())
      copies.push_back({init, places.lookup(init), root});
  }
  emitCopies(std::move(copies));
  for (auto [j, v] : llvm::enumerate(op.getConditionOp().getArgs())) {
    auto arg = dyn_cast<BlockArgument>(v);
    bool carried = arg && arg.getOwner() == op.getBeforeBody();
    Value root;
    if (isTensor(v))
      root = carried ? carriedRoots[op][arg.getArgNumber()] : newArena(Value());
    forwardedRoots[op].push_back(root);
  }
}

LogicalResult ProgramBuilder::emitCondition(scf::WhileOp op) {
  scf::ConditionOp condition = op.getConditionOp();
  SmallVector<Copy> copies;
  Values forwarded;
  for (auto [value, root] : llvm::zip(condition.getArgs(), forwardedRoots[op])) {
    if (!isTensor(value)) {
      forwarded.push_back(scalars.lookup(value));
      continue;
    }
    auto ref = root.getDefiningOp<exec::RefOp>();
    if (ref.getKind() == exec::BufferKind::arena && !ref.getSize())
      ref.getSizeMutable().assign(bytes(value));
    copies.push_back({value, places.lookup(value), root});
  }
  emitCopies(std::move(copies));
  scf::ConditionOp::create(b, b.getLoc(), scalars.lookup(condition.getCondition()), forwarded);
  return success();
}

LogicalResult ProgramBuilder::emitWhile(scf::WhileOp op) {
  enterLoop(op);
  Values inits;
  for (Value init : op.getInits())
    if (!isTensor(init))
      inits.push_back(scalars.lookup(init));
  SmallVector<Type> types = scalarTypes(op.getResults());
  auto loop = scf::WhileOp::create(b, b.getLoc(), types, inits);
  auto enter = [&](Region &region, Block &from, ArrayRef<Value> roots, ValueRange sized) {
    SmallVector<Type> argTypes = scalarTypes(from.getArguments());
    Block *block =
        b.createBlock(&region, {}, argTypes, SmallVector<Location>(argTypes.size(), b.getLoc()));
    unsigned scalar = 0;
    for (auto [i, arg] : llvm::enumerate(from.getArguments())) {
      if (isTensor(arg))
        place(arg, {roots[i], roots[i]}, dims.lookup(sized[i]));
      else
        scalars.map(arg, block->getArgument(scalar++));
    }
  };
  {
    OpBuilder::InsertionGuard guard(b);
    enter(loop.getBefore(), *op.getBeforeBody(), carriedRoots[op], op.getInits());
    if (failed(emitBlock(*op.getBeforeBody())) || failed(emitCondition(op)))
      return failure();
    enter(loop.getAfter(), *op.getAfterBody(), forwardedRoots[op], op.getConditionOp().getArgs());
    if (failed(emitBlock(*op.getAfterBody())))
      return failure();
    emitYield(op.getYieldOp().getOperands(), carriedRoots[op]);
  }
  unsigned scalar = 0;
  for (auto [j, result] : llvm::enumerate(op.getResults())) {
    Value root = forwardedRoots[op][j];
    if (isTensor(result))
      place(result, {root, root}, dims.lookup(op.getConditionOp().getArgs()[j]));
    else
      scalars.map(result, loop.getResult(scalar++));
  }
  return success();
}
