//===- Contraction.h - matrix products with an epilogue ---------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// C[batch, m, n] = epilogue(sum over k of A[batch, m, k] * B[batch, k, n]), vectors along n. Any
// number of loop dimensions: neighbours that lie as one in every operand are walked as one, the
// rest are loops around. A and B are told apart by the results: n is where they are contiguous.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_CODEGEN_CONTRACTION_H
#define LINNET_LIB_CODEGEN_CONTRACTION_H

#include "Epilogue.h"

namespace linnet::codegen {

/// Columns of a B panel, and of the tile that the epilogue works on.
inline int64_t panelWidth(Type compute) { return compute.getIntOrFloatBitWidth() == 64 ? 32 : 64; }

/// How products are formed.
struct Arithmetic {
  Type a, b;    ///< as stored
  Type compute; ///< of products and sums
  bool unsignedA = false, unsignedB = false;
  /// Steps of k that a panel row holds: bf16 pairs feed vdpbf16ps.
  int64_t group() const { return a.isBF16() && b.isBF16() ? 2 : 1; }
  int64_t lanes() const { return panelWidth(compute) / 4; }
  int64_t panel() const { return panelWidth(compute); }
};

/// An operand: where loop dimension d goes in it is a sum of coefficient * stride.
struct Operand {
  Value tensor;
  mlir::AffineMap map;
  llvm::SmallVector<int64_t> strides; ///< per loop dimension; kDynamic: not known
  bool uses(unsigned d) const { return map.isFunctionOfDim(d); }
};

/// Dimensions walked as one, outermost first; empty: size 1.
using DimGroup = llvm::SmallVector<unsigned, 2>;

struct Contraction {
  mutable mlir::linalg::LinalgOp op; ///< a handle without const methods
  Operand a, b;
  Arithmetic arithmetic;
  Epilogue epilogue;
  llvm::SmallVector<int> rootDim; ///< per loop dimension: dimension of the op's result, or kNoDim
  DimGroup batch, m, n, outerK, k;

  static mlir::FailureOr<Contraction> match(exec::KernelOp kernel);

  /// Where the size of loop dimension d can be read.
  std::pair<Value, unsigned> sizeSource(unsigned d) const;
  int64_t staticSize(unsigned d) const { return op.getStaticLoopRanges()[d]; }
  int64_t stride(const Operand &x, const DimGroup &group) const {
    return group.empty() ? 0 : x.strides[group.back()];
  }
  /// B as panels packed ahead of time; none when its shape or strides are not known.
  std::optional<PanelLayout> panels() const;
  /// The argument of the kernel that B is, reshaped at most.
  std::optional<unsigned> wholeArgument() const;

private:
  mlir::LogicalResult matchOperands();
  mlir::LogicalResult matchBody();
  mlir::LogicalResult matchInit();
  struct Loops {
    bool reduces = false;
    llvm::SmallVector<unsigned> inA, inB, reduced;
  };
  int contiguousDim() const;
  mlir::FailureOr<Loops> sortLoops();
  mlir::LogicalResult classify(exec::KernelOp kernel);
  bool mergeable(exec::KernelOp kernel, unsigned outer, unsigned inner) const;
  DimGroup pickGroup(exec::KernelOp kernel, llvm::ArrayRef<unsigned> dims, DimGroup &rest) const;
};

/// Strides of an operand per loop dimension, constant where types say so.
llvm::SmallVector<Value> operandStrides(CodeBuilder &e, const Operand &x, const View &v);

/// The sizes of a contraction, in its launch.
struct ContractionSizes {
  Value m, n, k, outerK, batch;
  /// Failure when one is no expression of the arguments.
  static mlir::FailureOr<ContractionSizes> of(LaunchBuilder &b, const Contraction &c);
  Value flops(LaunchBuilder &b) const;
  /// Of operands and result.
  Value bytes(LaunchBuilder &b, const Contraction &c) const;
};

} // namespace linnet::codegen

#endif // LINNET_LIB_CODEGEN_CONTRACTION_H
