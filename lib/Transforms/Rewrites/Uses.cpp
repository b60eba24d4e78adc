//===- Uses.cpp - what becomes of a value -----------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Uses.h"

using namespace mlir;

bool linnet::rewrites::onlyFeeds(Value v, const llvm::DenseSet<Operation *> &roots) {
  llvm::DenseSet<Operation *> seen;
  SmallVector<Value> open = {v};
  while (!open.empty())
    for (Operation *user : open.pop_back_val().getUsers()) {
      if (roots.contains(user) || !seen.insert(user).second)
        continue;
      if (user->getNumResults() == 0 || user->hasTrait<OpTrait::IsTerminator>())
        return false;
      llvm::append_range(open, user->getResults());
    }
  return true;
}
