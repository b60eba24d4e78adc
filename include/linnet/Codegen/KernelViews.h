//===- KernelViews.h - where the tensors of a kernel lie --------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Where the elements of a tensor of a kernel's body lie: as flat memory, an offset and a stride per
// dimension, through the view ops (slices, reshapes, transposes) that the body puts on its
// arguments. How a kernel gets its buffers and scalars is the target's affair: KernelFrame for
// CPUs, GPUKernelFrame.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_CODEGEN_KERNELVIEWS_H
#define LINNET_CODEGEN_KERNELVIEWS_H

#include "linnet/Codegen/CodeBuilder.h"
#include "linnet/Codegen/KernelEmitter.h"
#include "llvm/ADT/SmallBitVector.h"

namespace linnet::codegen {

/// A strided tensor in flat memory. All numbers are in elements.
struct View {
  Value memory; ///< memref<?xT>; i1 is stored as i8
  Type element; ///< T as in the tensor type
  Value offset;
  Values strides, sizes;
  unsigned rank() const { return sizes.size(); }
};

/// Of an element in memory.
int64_t bytesOf(const View &view);

/// Elements as they lie in memory: booleans are bytes, indices 64-bit.
Type storageType(Type element);

class KernelViews {
public:
  KernelViews(exec::KernelOp kernel, CodeBuilder &e) : kernel(kernel), e(e) {}
  virtual ~KernelViews();

  exec::KernelOp kernel;
  CodeBuilder &e;

  /// Where a tensor of the body lies: an argument, or a chain of view ops on one. Failure (with
  /// a diagnostic) when it is computed, or its strides cannot be said.
  mlir::FailureOr<View> view(Value tensor);
  /// Whether `view` would succeed without strides that merge (no diagnostics).
  static bool isView(Value tensor);
  /// Where result i goes: its own buffer or, when the body yields an insert_slice into a tied
  /// argument, that slice of it. `stored` is the tensor of the body to store there.
  struct Output {
    View view;
    Value stored;
  };
  mlir::FailureOr<Output> output(unsigned i);
  /// The layout that argument i is packed in (its memory is then panels, see flatArgument).
  std::optional<PanelLayout> layout(unsigned i);
  /// The memory of argument i, without regard to its shape.
  Value flatArgument(unsigned i);
  /// Size `dim` of a tensor of the body, linalg and linnet results included.
  Value size(Value tensor, unsigned dim);
  /// The value of an index, integer or float of the body that depends only on sizes, constants
  /// and scalar arguments.
  Value scalar(Value bodyValue);
  /// Reports a fault. `site` counts within the kernel from 0; `position` is the position of the bad
  /// element. The lowest one of a site stays.
  virtual void fault(unsigned site, Value position) = 0;
  /// Scalar access by position (offset and strides applied by the caller); i1 from and to i8.
  Value load(const View &v, Value position);
  void store(Value x, const View &v, Value position);
  /// offset + sum of coordinate * stride.
  Value position(const View &v, ValueRange coordinates);

  /// An attribute of `strategy`.
  int64_t strategyInt(llvm::StringRef name, int64_t otherwise = 0) const;

protected:
  /// How a target hands over what the kernel is called with.
  struct Inputs {
    /// The memory of the next buffer, and the element at which the tensor starts in it.
    llvm::function_ref<std::pair<Value, Value>(Type stored)> buffer;
    /// The next scalar; sizes are asked for as indices.
    llvm::function_ref<Value(Type)> scalar;
  };
  /// Takes all arguments and untied results, in the order of Bundle/KernelABI.h.
  void bind(const Inputs &inputs);

private:
  View contiguous(Value memory, Value offset, mlir::RankedTensorType type, ValueRange dynamic);
  View slice(const View &source, llvm::ArrayRef<mlir::OpFoldResult> offsets,
             llvm::ArrayRef<mlir::OpFoldResult> sizes, llvm::ArrayRef<mlir::OpFoldResult> strides,
             const llvm::SmallBitVector &dropped);
  View expand(const View &source, mlir::Operation *op);
  mlir::FailureOr<View> collapse(const View &source, mlir::Operation *op);
  Value ofFold(mlir::OpFoldResult r);

  llvm::SmallVector<View> args, results;
  llvm::DenseMap<Value, Value> known;
  llvm::DenseMap<Value, View> views;
};

} // namespace linnet::codegen

#endif // LINNET_CODEGEN_KERNELVIEWS_H
