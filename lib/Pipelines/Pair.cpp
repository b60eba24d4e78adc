//===- Pair.cpp - exact forms beside rewritten ones -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Pair.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace linnet;

/// A weight of one name and value in both modules.
static bool isShared(Operation *mine, Operation *theirs) {
  return mine && mine->getName() == theirs->getName() &&
         mine->getAttrDictionary() == theirs->getAttrDictionary();
}

/// A name that neither module has.
static StringAttr freeName(SymbolTable &mine, SymbolTable &theirs, StringAttr name) {
  for (unsigned i = 0;; ++i) {
    auto candidate =
        StringAttr::get(name.getContext(), name.getValue() + ".exact" + (i ? Twine(i) : Twine()));
    if (!mine.lookup(candidate) && !theirs.lookup(candidate))
      return candidate;
  }
}

LogicalResult linnet::addExactForms(ModuleOp module, ModuleOp exact) {
  SymbolTable mine(module), theirs(exact);
  for (Operation &op : llvm::make_early_inc_range(*exact.getBody())) {
    auto name = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
    bool function = isa<func::FuncOp>(op);
    if (!name || (!function && isShared(mine.lookup(name), &op)))
      continue;
    if (function || mine.lookup(name)) {
      StringAttr renamed = freeName(mine, theirs, name);
      if (function && renamed.getValue() != (name.getValue() + ".exact").str())
        return op.emitError() << "there is a function '" << name.getValue() << ".exact' already";
      if (failed(theirs.rename(&op, renamed)))
        return op.emitError() << "cannot be called '" << renamed.getValue() << "'";
    }
    theirs.remove(&op);
    op.remove();
    mine.insert(&op, module.getBody()->end());
  }
  return success();
}
