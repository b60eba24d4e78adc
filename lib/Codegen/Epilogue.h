//===- Epilogue.h - elementwise work after a dense kernel -------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What follows a contraction or a convolution (the root) up to the kernel's results: a DAG of
// elementwise linalg ops over the root's space. It is found by walking back from the results,
// so transposed results and broadcasts are one thing: a map from a tensor's dimensions to the
// root's. At emission the DAG is evaluated for one vector of the root at a time.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_EPILOGUE_H
#define LINNET_LIB_CODEGEN_EPILOGUE_H

#include "linnet/Codegen/KernelViews.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace linnet::codegen {

/// Dimension of the root per dimension of a tensor; kNoDim: always read at 0.
using DimMap = llvm::SmallVector<int>;
inline constexpr int kNoDim = -1;

class Epilogue {
public:
  /// Walks back from every result of the kernel. Fails unless each of them reaches `root` (and
  /// nothing but views, scalars and elementwise ops over the root's space otherwise).
  static mlir::FailureOr<Epilogue> match(exec::KernelOp kernel, Value root);

  /// Adds `init` (a tensor of the root's shape that the root accumulates on) to the root's value.
  mlir::LogicalResult addInit(Value init);

  struct Use {
    unsigned node, result;
  };
  struct Node {
    enum Kind { Root, Load, Scalar, Compute } kind;
    Value tensor;                                   ///< Root, Load: the tensor; Scalar: the scalar
    DimMap dims;                                    ///< Root, Load
    mlir::linalg::LinalgOp op;                      ///< Compute
    llvm::SmallVector<std::optional<Use>> operands; ///< per operand of op; none: not read
  };
  struct Output {
    unsigned index; ///< result of the kernel
    Value stored;   ///< tensor of the body
    DimMap dims;
    Use value;
  };
  llvm::SmallVector<Node> nodes; ///< operands first
  llvm::SmallVector<Output> outputs;
  Value root;
  std::optional<Use> init;
  unsigned firstOfInit = 0; ///< nodes from here on are evaluated for `init`, before the root

  bool isTrivial() const { return nodes.size() == 1; }
  /// Whether the dimensions a, a' of the root, a' next to a in it, can be walked as one in
  /// everything that is read and written.
  bool merges(exec::KernelOp kernel, int outer, int inner) const;

private:
  mlir::FailureOr<Use> trace(Value tensor, const DimMap &dims);
  mlir::FailureOr<Use> traceOp(mlir::linalg::LinalgOp op, unsigned result, const DimMap &dims);
  Use append(Node node, unsigned result = 0);
  /// While the first results are walked: how the root lies in their dimensions.
  std::optional<DimMap> rootDims;
};

/// The tensor that the kernel stores as result i: what it yields, or what it inserts into the
/// argument that the result is tied to.
Value storedTensor(exec::KernelOp kernel, unsigned i);

/// Strides of a view of an argument, in elements; kDynamic where not known. Empty when `tensor`
/// is not a view.
llvm::SmallVector<int64_t> staticStrides(Value tensor);
/// Whether dimensions d and d + 1 of a view lie as one.
bool adjacentMerge(Value tensor, unsigned d);

/// Writes an epilogue inside a kernel's loops.
class EpilogueEmitter {
public:
  EpilogueEmitter(const Epilogue &epilogue, KernelViews &frame)
      : epilogue(epilogue), frame(frame) {}
  /// Resolves views and scalars; call at the entry of the kernel.
  mlir::LogicalResult prepare();
  /// Evaluates and stores everything for `n` lanes along the root's dimension `vectorDim`
  /// (kNoDim: lane 0 only counts; n = 0: a scalar), from the root's coordinates on. `acc` is in the
  /// type of the root's elements or wider.
  mlir::LogicalResult apply(Value acc, ValueRange coordinates, int vectorDim, int64_t n,
                            Value mask);
  /// The view of output i.
  const View &target(unsigned i) const { return targets[i]; }

private:
  struct Place {
    Value at, stride; ///< first element; stride along the vector, null: none
  };
  Place place(const View &v, const DimMap &dims, ValueRange coordinates, int vectorDim);
  Value read(const View &v, const DimMap &dims, ValueRange coordinates, int vectorDim, int64_t n,
             Value mask);
  void write(Value x, const View &v, const DimMap &dims, ValueRange coordinates, int vectorDim,
             Value mask);
  mlir::FailureOr<Values> compute(const Epilogue::Node &node,
                                  llvm::function_ref<Value(Epilogue::Use)> valueOf, int64_t n);

  const Epilogue &epilogue;
  KernelViews &frame;
  llvm::SmallVector<std::optional<View>> loads; ///< per node
  Values scalars;                               ///< per node
  llvm::SmallVector<View> targets;
  llvm::DenseMap<Value, Value> captured;
};

/// Lanes at `at`, `at + stride`, ... (stride 1: one vector load).
Value stridedLoad(CodeBuilder &e, Value memory, Value at, Value stride, int64_t n, Value mask = {});
void stridedStore(CodeBuilder &e, Value x, Value memory, Value at, Value stride, Value mask = {});
/// Float or integer conversion of scalars and vectors to another element type.
Value convertElement(CodeBuilder &e, Value v, Type element, bool isUnsigned = false);

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_EPILOGUE_H
