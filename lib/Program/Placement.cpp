//===- Placement.cpp - which memory a value gets --------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A value is computed where it is wanted in the end (a result, a donated argument, the memory
// of a loop-carried value) when nothing that is still read lies there; otherwise in a buffer of
// its own, from which it is copied.
//
//===----------------------------------------------------------------------===//
#include "ProgramBuilder.h"
#include "Views.h"
#include "linnet/Program/KernelContract.h"

using namespace mlir;
using namespace linnet;

void ProgramBuilder::place(Value tensor, Place where, Values sizes) {
  places[tensor] = where;
  dims[tensor] = std::move(sizes);
  residents.add(where.root, tensor);
}

Value ProgramBuilder::newArena(Value size) {
  return exec::RefOp::create(b, b.getLoc(), exec::BufferKind::arena, IntegerAttr(),
                             FlatSymbolRefAttr(), DictionaryAttr(), size, IntegerAttr(),
                             IntegerAttr());
}

ProgramBuilder::Place ProgramBuilder::defaultPlace(Value tensor, Operation *point, Value size) {
  Value root = findHome(tensor, point);
  if (!root)
    root = newArena(size);
  return {root, root};
}

Value ProgramBuilder::resultRoot(unsigned i) {
  if (signature.resultAlias[i] >= 0)
    return argumentRoots[signature.resultAlias[i]];
  if (!resultRoots[i]) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(&program.getBody().front());
    resultRoots[i] = exec::RefOp::create(b, b.getLoc(), exec::BufferKind::result,
                                         b.getI64IntegerAttr(i), FlatSymbolRefAttr(),
                                         DictionaryAttr(), Value(), IntegerAttr(), IntegerAttr());
  }
  return resultRoots[i];
}

/// Whether `root` may be written at `point`: it is ours, and nothing in it is read later.
bool ProgramBuilder::mayTakeOver(Value root, Operation *point) {
  auto ref = root.getDefiningOp<exec::RefOp>();
  bool ours = ref.getKind() == exec::BufferKind::arena ||
              ref.getKind() == exec::BufferKind::result ||
              (ref.getKind() == exec::BufferKind::argument &&
               llvm::is_contained(signature.resultAlias, static_cast<int64_t>(*ref.getIndex())));
  return ours && !residents.isReadAfter(root, point);
}

/// The memory that a use wants the value in, or null.
Value ProgramBuilder::homeOfUse(OpOperand &use, Operation *point) {
  Operation *user = use.getOwner();
  unsigned n = use.getOperandNumber();
  if (isa<func::ReturnOp>(user))
    return resultRoot(n);
  if (isView(user) && isAlias(user) && !isa<tensor::ExtractSliceOp>(user))
    return findHome(user->getResult(0), point);
  if (isa<scf::YieldOp>(user)) {
    Operation *parent = user->getParentOp();
    auto &roots = isa<scf::IfOp>(parent) ? ifRoots : carriedRoots;
    auto it = roots.find(parent);
    return it == roots.end() ? Value() : it->second[n];
  }
  if (isa<scf::ConditionOp>(user) && n > 0) {
    auto it = forwardedRoots.find(user->getParentOp());
    return it == forwardedRoots.end() ? Value() : it->second[n - 1];
  }
  if (auto loop = dyn_cast<scf::WhileOp>(user)) {
    auto forwarded = loop.getConditionOp().getArgs();
    for (auto [j, v] : llvm::enumerate(forwarded))
      if (v == loop.getBeforeArguments()[n])
        return findHome(loop.getResult(j), point);
  }
  if (auto dispatch = dyn_cast<exec::DispatchOp>(user); dispatch && use.get().hasOneUse())
    for (auto [i, result] : llvm::enumerate(dispatch.getOutputs()))
      if (dispatch.getTiedInput(i) == n)
        return findHome(result, point);
  return Value();
}

Value ProgramBuilder::findHome(Value tensor, Operation *point) {
  for (OpOperand &use : tensor.getUses())
    if (Value root = homeOfUse(use, point); root && mayTakeOver(root, point))
      return root;
  return Value();
}

void ProgramBuilder::copyTo(Value tensor, Value buffer) {
  Place source = places.lookup(tensor);
  if (source.buffer != buffer)
    exec::CopyOp::create(b, b.getLoc(), source.buffer, buffer, bytes(tensor));
}

/// Copies that happen at once: a target that another copy still reads waits, and where they
/// wait for each other one goes through a buffer of its own.
void ProgramBuilder::emitCopies(SmallVector<Copy> copies) {
  llvm::erase_if(copies, [](Copy &c) { return c.source.buffer == c.root; });
  while (!copies.empty()) {
    auto ready = llvm::find_if(copies, [&](Copy &c) {
      return llvm::none_of(
          copies, [&](Copy &other) { return &other != &c && other.source.root == c.root; });
    });
    if (ready == copies.end()) {
      Copy &c = copies.front();
      Value temporary = newArena(bytes(c.tensor));
      exec::CopyOp::create(b, b.getLoc(), c.source.buffer, temporary, bytes(c.tensor));
      c.source = {temporary, temporary};
      continue;
    }
    exec::CopyOp::create(b, b.getLoc(), ready->source.buffer, ready->root, bytes(ready->tensor));
    copies.erase(ready);
  }
}
