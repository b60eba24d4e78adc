//===- CheckSymbols.cpp - sizes that have to be equal ---------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "SizeExpr.h"
#include "linnet/IR/LinnetOps.h"
#include "linnet/Transforms/Passes.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace linnet {
#define GEN_PASS_DEF_CHECKSYMBOLS
#include "linnet/Transforms/Passes.h.inc"
} // namespace linnet

using namespace mlir;
using namespace linnet;

namespace {

class FunctionCheck {
public:
  explicit FunctionCheck(func::FuncOp fn) : fn(fn) {}

  /// Reports every pair that is not provably equal.
  LogicalResult run() {
    SmallVector<Operation *> ops;
    // the analysis adds arithmetic; only look at what was there
    fn.walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : ops)
      check(op);
    return success(!failed);
  }

private:
  void check(Operation *op) {
    if (auto wants = dyn_cast<EqualSizesOpInterface>(op))
      checkPairs(op, wants);
    if (auto broadcast = dyn_cast<BroadcastOp>(op))
      checkBroadcast(broadcast);
    else if (OpTrait::hasElementwiseMappableTraits(op))
      checkElementwise(op);
    else if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
      checkLinalg(linalgOp);
    else if (auto concat = dyn_cast<tensor::ConcatOp>(op))
      checkConcat(concat);
    else if (auto loop = dyn_cast<LoopLikeOpInterface>(op))
      checkLoop(loop);
    else if (auto ret = dyn_cast<func::ReturnOp>(op))
      checkReturn(ret);
  }

  std::string nameOperand(unsigned operand, int64_t dim) {
    return ("size " + Twine(dim) + " of operand " + Twine(operand)).str();
  }

  void expectEqual(Operation *op, const std::string &whatA, const SizeExpr &a,
                   const std::string &whatB, const SizeExpr &b) {
    if (a == b)
      return;
    bool first = !std::exchange(failed, true);
    InFlightDiagnostic diag = op->emitOpError()
                              << "expects " << whatA << ", '" << sizes.print(a) << "', to match "
                              << whatB << ", '" << sizes.print(b) << "'";
    if (first)
      diag.attachNote(fn.getLoc())
          << "name equal sizes alike in 'linnet.dims' on the arguments of '" << fn.getName() << "'";
  }

  void expectEqualOperands(Operation *op, unsigned a, int64_t dimA, unsigned b, int64_t dimB) {
    expectEqual(op, nameOperand(a, dimA), sizes.sizeOf(op->getOperand(a), dimA),
                nameOperand(b, dimB), sizes.sizeOf(op->getOperand(b), dimB));
  }

  void checkPairs(Operation *op, EqualSizesOpInterface wants) {
    SmallVector<EqualSizes> pairs;
    wants.getEqualSizes(pairs);
    for (EqualSizes pair : pairs)
      expectEqualOperands(op, pair.a.operand, pair.a.dim, pair.b.operand, pair.b.dim);
  }

  /// With `sizes`: `like` is among the op's pairs.
  void checkBroadcast(BroadcastOp op) {
    auto source = dyn_cast<RankedTensorType>(op.getInput().getType());
    if (!source || op.getLike())
      return;
    for (auto [i, dim] : llvm::enumerate(op.getMappedDims()))
      if (source.getDimSize(i) != 1)
        expectEqual(op, nameOperand(0, i), sizes.sizeOf(op.getInput(), i),
                    ("size " + Twine(dim) + " of the result").str(),
                    sizes.sizeOf(op.getResult(), dim));
  }

  void checkElementwise(Operation *op) {
    std::optional<unsigned> first;
    for (OpOperand &operand : op->getOpOperands()) {
      auto type = dyn_cast<RankedTensorType>(operand.get().getType());
      if (!type)
        continue;
      if (!first) {
        first = operand.getOperandNumber();
        continue;
      }
      for (int64_t i = 0; i < type.getRank(); ++i)
        expectEqualOperands(op, *first, i, operand.getOperandNumber(), i);
    }
  }

  /// Sizes that one loop runs over.
  void checkLinalg(linalg::LinalgOp op) {
    SmallVector<std::optional<SizeRef>> loops(op.getNumLoops());
    for (OpOperand &operand : op->getOpOperands()) {
      if (!isa<RankedTensorType>(operand.get().getType()))
        continue;
      for (auto [dim, e] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults())) {
        auto loop = dyn_cast<AffineDimExpr>(e);
        if (!loop)
          continue;
        SizeRef here = {operand.getOperandNumber(), static_cast<unsigned>(dim)};
        std::optional<SizeRef> &first = loops[loop.getPosition()];
        if (first)
          expectEqualOperands(op, first->operand, first->dim, here.operand, here.dim);
        else
          first = here;
      }
    }
  }

  void checkConcat(tensor::ConcatOp op) {
    for (unsigned i = 1; i < op->getNumOperands(); ++i)
      for (uint64_t dim = 0; dim < static_cast<uint64_t>(op.getRank()); ++dim)
        if (dim != op.getDim())
          expectEqualOperands(op, 0, dim, i, dim);
  }

  /// What a loop carries keeps its sizes: its memory is planned before it runs.
  void checkLoop(LoopLikeOpInterface op) {
    auto inits = op.getInitsMutable();
    auto yielded = op.getYieldedValuesMutable();
    if (!yielded)
      return;
    for (auto [i, init, next] : llvm::enumerate(inits, *yielded)) {
      auto type = dyn_cast<RankedTensorType>(init.get().getType());
      for (int64_t dim = 0; type && dim < type.getRank(); ++dim)
        expectEqual(op, ("size " + Twine(dim) + " of carried value " + Twine(i)).str(),
                    sizes.sizeOf(init.get(), dim), "what the loop yields",
                    sizes.sizeOf(next.get(), dim));
    }
  }

  /// A state's result has the sizes of its argument, a result those of its `linnet.dims`.
  void checkReturn(func::ReturnOp op) {
    for (auto [i, value] : llvm::enumerate(op.getOperands())) {
      auto type = dyn_cast<RankedTensorType>(value.getType());
      if (!type)
        continue;
      auto dims = fn.getResultAttrOfType<ArrayAttr>(i, kDimsAttr);
      std::optional<unsigned> state = findState(i);
      for (int64_t dim = 0; dim < type.getRank(); ++dim) {
        std::string what = ("size " + Twine(dim) + " of result " + Twine(i)).str();
        if (auto name = dims ? dyn_cast<StringAttr>(dims[dim]) : StringAttr())
          expectEqual(op, what, sizes.sizeOf(value, dim), "its 'linnet.dims'", sizes.named(name));
        if (state)
          expectEqual(op, what, sizes.sizeOf(value, dim),
                      ("argument " + Twine(*state) + " of the same state").str(),
                      sizes.sizeOf(fn.getArgument(*state), dim));
      }
    }
  }

  /// The argument that result `i` is the next state of.
  std::optional<unsigned> findState(unsigned i) {
    auto state = fn.getResultAttrOfType<StringAttr>(i, kStateAttr);
    for (unsigned arg = 0; state && arg < fn.getNumArguments(); ++arg)
      if (fn.getArgAttrOfType<StringAttr>(arg, kStateAttr) == state &&
          fn.getArgument(arg).getType() == fn.getFunctionType().getResult(i))
        return arg;
    return std::nullopt;
  }

  func::FuncOp fn;
  SizeAnalysis sizes;
  bool failed = false;
};

class CheckSymbols : public linnet::impl::CheckSymbolsBase<CheckSymbols> {
  void runOnOperation() override {
    OwningOpRef<ModuleOp> copy(getOperation().clone());
    bool failedAny = false;
    copy->walk([&](func::FuncOp fn) {
      if (!fn.isDeclaration())
        failedAny |= failed(FunctionCheck(fn).run());
    });
    if (failedAny)
      signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
