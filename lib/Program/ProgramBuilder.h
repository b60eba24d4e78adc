//===- ProgramBuilder.h - commands over buffers for a function --*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_PROGRAM_PROGRAMBUILDER_H
#define LINNET_LIB_PROGRAM_PROGRAMBUILDER_H

#include "Residents.h"
#include "linnet/IR/Exec.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace linnet {

/// What callers see of a function: `linnet.*` attributes, read and checked.
struct Signature {
  llvm::SmallVector<mlir::Attribute> symbols, arguments, results;
  /// Per argument of the function: its number as an argument of the program; -1: a constant.
  llvm::SmallVector<int64_t> argumentNumber;
  /// Per result: the program's argument whose memory it takes over, or -1.
  llvm::SmallVector<int64_t> resultAlias;
  /// Per argument of the function and dynamic size: position in `symbols`.
  llvm::SmallVector<llvm::SmallVector<unsigned>> argumentSymbols;

  static mlir::FailureOr<Signature> read(mlir::func::FuncOp func);
};

class ProgramBuilder {
public:
  ProgramBuilder(mlir::func::FuncOp func, Signature signature, mlir::SymbolTable &symbols);
  /// The finished program, inserted before the function; failure comes with diagnostics.
  mlir::FailureOr<exec::ProgramOp> run(bool strictDonation);

private:
  /// Where the elements of a tensor lie. `root` is the `exec.ref` behind `buffer`.
  struct Place {
    mlir::Value buffer, root;
    bool isWhole() const { return buffer == root; }
  };
  struct Copy {
    mlir::Value tensor;
    Place source;
    mlir::Value root;
  };
  using Values = llvm::SmallVector<mlir::Value>;

  // ProgramBuilder.cpp: the function as a whole, sizes, small ops
  void enter();
  void enterArgument(mlir::BlockArgument arg);
  mlir::LogicalResult emitBlock(mlir::Block &block);
  mlir::LogicalResult emit(mlir::Operation &op);
  mlir::LogicalResult emitScalarOp(mlir::Operation &op);
  mlir::LogicalResult emitReturn(mlir::func::ReturnOp op);
  void emitExtract(mlir::tensor::ExtractOp op);
  void emitFromElements(mlir::tensor::FromElementsOp op);
  void emitInsert(mlir::tensor::InsertOp op);
  void emitView(mlir::Operation *view);
  mlir::Value sliceOffset(mlir::tensor::ExtractSliceOp slice);
  Values dimsOfView(mlir::Operation *view);
  Values dimsOfType(mlir::RankedTensorType type, mlir::ValueRange dynamic);
  Values dynamicDims(mlir::Value tensor);
  mlir::Value index(int64_t v);
  mlir::Value mapped(mlir::OpFoldResult r);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value bytes(mlir::Value tensor);
  mlir::Value elementView(mlir::Value tensor, mlir::ValueRange indices, int64_t &position);

  // Placement.cpp: which memory a value gets
  void place(mlir::Value tensor, Place where, Values sizes);
  mlir::Value newArena(mlir::Value size);
  Place defaultPlace(mlir::Value tensor, mlir::Operation *point, mlir::Value size);
  mlir::Value resultRoot(unsigned i);
  mlir::Value findHome(mlir::Value tensor, mlir::Operation *point);
  mlir::Value homeOfUse(mlir::OpOperand &use, mlir::Operation *point);
  bool mayTakeOver(mlir::Value root, mlir::Operation *point);
  void copyTo(mlir::Value tensor, mlir::Value buffer);
  void emitCopies(llvm::SmallVector<Copy> copies);

  // Runs.cpp: dispatches
  mlir::LogicalResult emitDispatch(exec::DispatchOp op);
  Place placeTied(exec::DispatchOp op, unsigned result);
  Place placeUntied(exec::DispatchOp op, exec::KernelOp kernel, unsigned result, mlir::Value size);
  bool mayUse(mlir::Value root, exec::DispatchOp op, exec::KernelOp kernel, unsigned result);
  Values launchScalars(exec::DispatchOp op, exec::KernelOp kernel);
  mlir::FailureOr<Values> inlineLaunch(exec::KernelOp kernel, mlir::ValueRange scalars);
  void nameConstants(exec::DispatchOp op, exec::KernelOp kernel, Values &buffers);

  // ControlFlow.cpp
  mlir::LogicalResult emitIf(mlir::scf::IfOp op);
  mlir::LogicalResult emitBranch(mlir::scf::IfOp op, mlir::Region &region, mlir::Block *block);
  void emitSelect(mlir::arith::SelectOp op);
  mlir::Value chooseIfRoot(mlir::scf::IfOp op, unsigned i);
  mlir::LogicalResult emitWhile(mlir::scf::WhileOp op);
  void enterLoop(mlir::scf::WhileOp op);
  mlir::Value chooseLoopRoot(mlir::scf::WhileOp op, unsigned i);
  mlir::LogicalResult emitCondition(mlir::scf::WhileOp op);
  void emitYield(mlir::ValueRange values, llvm::ArrayRef<mlir::Value> roots);

  mlir::func::FuncOp func;
  Signature signature;
  mlir::SymbolTable &symbolTable;
  mlir::ImplicitLocOpBuilder b;
  exec::ProgramOp program;
  mlir::IRMapping scalars;
  llvm::DenseMap<mlir::Value, Place> places;
  llvm::DenseMap<mlir::Value, Values> dims;
  Residents residents;
  llvm::SmallVector<mlir::Value> argumentRoots, resultRoots;
  /// Constants by symbol and layout, named once.
  llvm::DenseMap<std::pair<mlir::Attribute, mlir::Attribute>, mlir::Value> constants;
  /// The memory of region results and loop-carried values, by op and position.
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<mlir::Value>> ifRoots, carriedRoots,
      forwardedRoots;
  int64_t forcedCopies = 0;
};

} // namespace linnet

#endif // LINNET_LIB_PROGRAM_PROGRAMBUILDER_H
