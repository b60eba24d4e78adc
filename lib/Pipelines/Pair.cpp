//===- Pair.cpp - exact forms beside rewritten ones -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Pair.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Transforms/Linearize.h"
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
static StringAttr freeName(SymbolTable &mine, SymbolTable &theirs, StringAttr name,
                           StringRef suffix) {
  for (unsigned i = 0;; ++i) {
    auto candidate =
        StringAttr::get(name.getContext(), name.getValue() + suffix + (i ? Twine(i) : Twine()));
    if (!mine.lookup(candidate) && !theirs.lookup(candidate))
      return candidate;
  }
}

static bool comparesForms(func::FuncOp fn) {
  for (unsigned i = 0; i < fn.getNumResults(); ++i)
    if (auto name = fn.getResultAttrOfType<StringAttr>(i, kNameAttr);
        name && name.getValue().starts_with(kErrorPrefix))
      return true;
  return false;
}

void linnet::keepComparisons(ModuleOp module) {
  SmallVector<func::FuncOp> others;
  for (auto fn : module.getOps<func::FuncOp>())
    if (!comparesForms(fn))
      others.push_back(fn);
  for (func::FuncOp fn : others)
    fn.erase();
  for (Operation &op : llvm::make_early_inc_range(*module.getBody()))
    if (!isa<func::FuncOp>(op) && isa<SymbolOpInterface>(op) &&
        SymbolTable::symbolKnownUseEmpty(&op, module))
      op.erase();
}

LogicalResult linnet::addForms(ModuleOp module, ModuleOp forms, StringRef suffix) {
  SymbolTable mine(module), theirs(forms);
  for (Operation &op : llvm::make_early_inc_range(*forms.getBody())) {
    auto name = op.getAttrOfType<StringAttr>(SymbolTable::getSymbolAttrName());
    bool function = isa<func::FuncOp>(op);
    if (!name || (!function && isShared(mine.lookup(name), &op)))
      continue;
    if (function || mine.lookup(name)) {
      StringAttr renamed = freeName(mine, theirs, name, suffix);
      if (function && renamed.getValue() != (name.getValue() + suffix).str())
        return op.emitError() << "there is a function '" << name.getValue() << suffix
                              << "' already";
      if (failed(theirs.rename(&op, renamed)))
        return op.emitError() << "cannot be called '" << renamed.getValue() << "'";
    }
    theirs.remove(&op);
    op.remove();
    mine.insert(&op, module.getBody()->end());
  }
  return success();
}
