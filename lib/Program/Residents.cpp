//===- Residents.cpp - which values live in which memory ------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Residents.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace linnet;

static bool isDefinedInside(Value v, Operation *op) {
  return op->isAncestor(v.getParentBlock()->getParentOp());
}

/// A loop around `point` runs `user` again behind it, unless the tensor is a new one in every
/// iteration.
static bool runsAgain(Operation *user, Operation *point, Value tensor) {
  for (Operation *loop = point->getParentOp(); loop; loop = loop->getParentOp())
    if (isa<LoopLikeOpInterface>(loop) && loop->isProperAncestor(user) &&
        !isDefinedInside(tensor, loop))
      return true;
  return false;
}

/// Whether `user` is behind `point`; what is in `point` is not.
static bool isBehind(Operation *user, Operation *point) {
  for (Block *block = point->getBlock(); block;
       block = block->getParentOp() ? block->getParentOp()->getBlock() : nullptr)
    if (Operation *b = block->findAncestorOpInBlock(*user)) {
      Operation *a = block->findAncestorOpInBlock(*point);
      return a != b && a->isBeforeInBlock(b);
    }
  return false;
}

bool Residents::isReadAfter(Value root, Operation *point) const {
  auto it = residents.find(root);
  if (it == residents.end())
    return false;
  for (Value tensor : it->second)
    for (Operation *user : tensor.getUsers())
      if (isBehind(user, point) || runsAgain(user, point, tensor))
        return true;
  return false;
}

bool Residents::isReadInside(Value root, Operation *op) const {
  auto it = residents.find(root);
  return it != residents.end() && llvm::any_of(it->second, [&](Value tensor) {
           return llvm::any_of(tensor.getUsers(),
                               [&](Operation *user) { return op->isProperAncestor(user); });
         });
}
