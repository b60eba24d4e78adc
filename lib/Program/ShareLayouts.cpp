//===- ShareLayouts.cpp - one copy of a constant for all its kernels ------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A contraction wants a weight in panels. Where the weight is an embedding table too, the gather
// reads its rows out of the panels, so that the bundle and the memory hold it once: a row's
// elements are a panel apart, which costs a gather of a few rows nothing beside the contraction.
//
//===----------------------------------------------------------------------===//
#include "ShareLayouts.h"
#include "linnet/Codegen/KernelEmitter.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Program/KernelContract.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;
using namespace linnet;
using codegen::PanelLayout;

Attribute linnet::getConstantSymbol(Value v) {
  auto arg = dyn_cast<BlockArgument>(v);
  auto func = arg ? dyn_cast<func::FuncOp>(arg.getOwner()->getParentOp()) : func::FuncOp();
  if (!func || !arg.getOwner()->isEntryBlock())
    return Attribute();
  return func.getArgAttr(arg.getArgNumber(), kConstantAttr);
}

namespace {
/// An argument of a kernel.
using Operand = std::pair<exec::KernelOp, unsigned>;

/// What the kernels do with the constants of a module.
struct Uses {
  explicit Uses(ModuleOp module);
  /// The one layout that kernels want `symbol` in, if all others can read that.
  DictionaryAttr sharedLayout(Attribute symbol);

  llvm::MapVector<Attribute, llvm::SetVector<Operand>> operands; ///< by symbol
  llvm::MapVector<Operand, llvm::SetVector<Attribute>> symbols;  ///< null: no constant
  llvm::DenseSet<Attribute> otherwise;                           ///< not by kernels alone
};
} // namespace

static DictionaryAttr getLayout(Operand operand) {
  ArrayAttr layouts = exec::KernelOp(operand.first).getLayoutsAttr();
  return layouts ? dyn_cast<DictionaryAttr>(layouts[operand.second]) : DictionaryAttr();
}

Uses::Uses(ModuleOp module) {
  SymbolTable table(module);
  module.walk([&](exec::DispatchOp dispatch) {
    auto kernel =
        dispatch.isOutlined() ? table.lookup<exec::KernelOp>(*dispatch.getKernel()) : nullptr;
    if (!kernel)
      return;
    for (auto [i, input] : llvm::enumerate(dispatch.getInputs())) {
      Attribute symbol = getConstantSymbol(input);
      symbols[{kernel, i}].insert(symbol);
      if (symbol)
        operands[symbol].insert({kernel, i});
    }
  });
  module.walk([&](func::FuncOp func) {
    for (BlockArgument arg : func.getArguments())
      if (Attribute symbol = getConstantSymbol(arg);
          symbol && !llvm::all_of(arg.getUsers(), llvm::IsaPred<exec::DispatchOp>))
        otherwise.insert(symbol);
  });
}

/// Whether the kernel only picks elements out of the argument, so that it may lie in `layout`.
static bool mayReadPanels(Operand operand, DictionaryAttr layout) {
  auto [kernel, i] = operand;
  auto type = dyn_cast<RankedTensorType>(kernel.getArgumentTypes()[i]);
  PanelLayout panels = PanelLayout::fromAttr(layout);
  if (!type || type.getRank() != 2 || !type.hasStaticShape() || panels.batch != 1 ||
      panels.group != 1 || classify(kernel).kind != KernelClass::Loops)
    return false;
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  bool rowsAreN = panels.kStride == 1 && panels.nStride == columns;
  bool rowsAreK = panels.nStride == 1 && panels.kStride == columns;
  if (!(rowsAreN && panels.n == rows && panels.k == columns) &&
      !(rowsAreK && panels.k == rows && panels.n == columns))
    return false;
  return llvm::all_of(kernel.getArguments()[i].getUsers(),
                      llvm::IsaPred<tensor::ExtractOp, tensor::DimOp>);
}

DictionaryAttr Uses::sharedLayout(Attribute symbol) {
  DictionaryAttr shared;
  for (Operand operand : operands[symbol])
    if (DictionaryAttr layout = getLayout(operand)) {
      if (shared && shared != layout)
        return DictionaryAttr();
      shared = layout;
    }
  bool all =
      shared && !otherwise.contains(symbol) && llvm::all_of(operands[symbol], [&](Operand operand) {
        return getLayout(operand) || mayReadPanels(operand, shared);
      });
  return all ? shared : DictionaryAttr();
}

void linnet::shareLayouts(ModuleOp module) {
  Uses uses(module);
  llvm::MapVector<Operand, DictionaryAttr> changes;
  for (auto &[operand, symbols] : uses.symbols) {
    if (getLayout(operand))
      continue;
    // one kernel may run on several constants
    llvm::SetVector<Attribute> layouts;
    for (Attribute symbol : symbols)
      layouts.insert(symbol ? uses.sharedLayout(symbol) : DictionaryAttr());
    if (layouts.size() == 1 && layouts.front())
      changes[operand] = cast<DictionaryAttr>(layouts.front());
  }
  for (auto &[operand, layout] : changes) {
    auto [kernel, i] = operand;
    Builder b(kernel.getContext());
    ArrayAttr present = kernel.getLayoutsAttr();
    SmallVector<Attribute> layouts(kernel.getArgumentTypes().size(), b.getUnitAttr());
    if (present)
      layouts.assign(present.begin(), present.end());
    layouts[i] = layout;
    kernel.setLayoutsAttr(b.getArrayAttr(layouts));
  }
}
