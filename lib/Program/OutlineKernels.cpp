//===- OutlineKernels.cpp - one kernel per distinct dispatch body ---------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Program/KernelContract.h"
#include "linnet/Program/Passes.h"
#include "mlir/IR/Dominance.h"
#include "mlir/IR/OperationSupport.h"
#include "mlir/Transforms/CSE.h"
#include "llvm/ADT/DenseMap.h"

namespace linnet {
#define GEN_PASS_DEF_OUTLINEKERNELS
#include "linnet/Program/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

/// Structural: values count by where they are defined, locations not at all.
static llvm::hash_code hashBody(exec::DispatchOp dispatch) {
  DenseMap<Value, unsigned> numbers;
  auto number = [&](Value v) {
    numbers.try_emplace(v, numbers.size());
    return numbers[v];
  };
  Region &body = dispatch.getBody();
  for (BlockArgument arg : body.getArguments())
    number(arg);
  llvm::hash_code hash = llvm::hash_combine(dispatch.getTiedAttr().getAsOpaquePointer());
  body.walk<WalkOrder::PreOrder>([&](Operation *op) {
    hash = llvm::hash_combine(hash, OperationEquivalence::computeHash(
                                        op, [&](Value v) { return llvm::hash_value(number(v)); },
                                        OperationEquivalence::ignoreHashValue,
                                        OperationEquivalence::IgnoreLocations));
    for (Value result : op->getResults())
      number(result);
    for (Region &region : op->getRegions())
      for (BlockArgument arg : region.getArguments())
        number(arg);
  });
  return hash;
}

static bool isSameBody(exec::DispatchOp dispatch, exec::KernelOp kernel) {
  return TypeRange(kernel.getArgumentTypes()) == dispatch.getInputs().getTypes() &&
         TypeRange(kernel.getResultTypes()) == dispatch.getOutputs().getTypes() &&
         kernel.getTiedAttr() == dispatch.getTiedAttr() &&
         OperationEquivalence::isRegionEquivalentTo(&dispatch.getBody(), &kernel.getBody(),
                                                    OperationEquivalence::IgnoreLocations);
}

/// Class and result shape, as in `contraction_Dx768_f32`; D is a dynamic size.
static std::string nameOf(Block &body) {
  std::string name = classify(body).name.str();
  llvm::raw_string_ostream os(name);
  ValueRange results = body.getTerminator()->getOperands();
  if (results.empty())
    return name;
  auto type = cast<RankedTensorType>(results.front().getType());
  os << '_';
  llvm::interleave(
      type.getShape(), os,
      [&](int64_t size) { ShapedType::isDynamic(size) ? (void)(os << 'D') : (void)(os << size); },
      "x");
  os << (type.getRank() ? "_" : "") << type.getElementType();
  return name;
}

namespace {
struct OutlineKernels : linnet::impl::OutlineKernelsBase<OutlineKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    DenseMap<llvm::hash_code, SmallVector<exec::KernelOp, 1>> byHash;
    SmallVector<exec::DispatchOp> dispatches;
    module.walk([&](exec::DispatchOp op) {
      if (!op.isOutlined())
        dispatches.push_back(op);
    });
    unsigned number = 0;
    IRRewriter rewriter(&getContext());
    DominanceInfo dominance(module);
    for (exec::DispatchOp dispatch : dispatches) {
      eliminateCommonSubExpressions(rewriter, dominance, dispatch);
      auto &candidates = byHash[hashBody(dispatch)];
      auto it = llvm::find_if(candidates, [&](auto k) { return isSameBody(dispatch, k); });
      if (it == candidates.end()) {
        candidates.push_back(outline(dispatch, number++, symbols));
        it = candidates.end() - 1;
      }
      dispatch.getBody().getBlocks().clear();
      dispatch.setKernelAttr(FlatSymbolRefAttr::get(it->getSymNameAttr()));
    }
  }

  exec::KernelOp outline(exec::DispatchOp dispatch, unsigned number, SymbolTable &symbols) {
    OpBuilder b(&getContext());
    std::string name = nameOf(dispatch.getBody().front()) + "_" + std::to_string(number);
    auto type =
        b.getFunctionType(dispatch.getInputs().getTypes(), dispatch.getOutputs().getTypes());
    auto kernel = exec::KernelOp::create(b, dispatch.getLoc(), name, type, dispatch.getTiedAttr(),
                                         DictionaryAttr(), /*faults=*/0, ArrayAttr(), ArrayAttr());
    kernel.getBody().takeBody(dispatch.getBody());
    symbols.insert(kernel);
    return kernel;
  }
};
} // namespace
