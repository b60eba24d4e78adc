//===- KernelFrame.h - a kernel's function and its operands -----*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Turns the convention of Bundle/KernelABI.h into views: where the elements of a tensor of the
// kernel's body lie, as flat memory, an offset and a stride per dimension, through the view ops
// (slices, reshapes, transposes) that the body puts on its arguments.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_CODEGEN_KERNELFRAME_H
#define LINNET_CODEGEN_KERNELFRAME_H

#include "linnet/Codegen/Emitter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
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

class KernelFrame {
public:
  /// Creates the kernel's function in `module`; `e` inserts at its entry from then on.
  KernelFrame(exec::KernelOp kernel, mlir::ModuleOp module, Emitter &e);
  /// Ends the function.
  void finish();

  exec::KernelOp kernel;
  Emitter &e;
  Value env, begin, end, worker; ///< begin, end: index; worker: i32

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
  /// This worker's scratch from byte `at` on, as memory of `element`.
  Value scratch(Value at, Type element);
  Value scratch(int64_t at, Type element) { return scratch(e.index(at), element); }
  /// Reports a fault: an atomic minimum of (site, position) in the error word. `site` counts
  /// within the kernel from 0; `position` is the position of the bad element.
  void fault(unsigned site, Value position);
  /// Scalar access by position (offset and strides applied by the caller); i1 from and to i8.
  Value load(const View &v, Value position);
  void store(Value x, const View &v, Value position);
  /// offset + sum of coordinate * stride.
  Value position(const View &v, ValueRange coordinates);

  /// Whether stores to `view`, a result, shall go past the caches: no cache holds it, and it is not
  /// the memory of an argument, whose lines are in the cache.
  Value mayStream(const View &view);

  /// An attribute of `strategy`.
  int64_t strategyInt(llvm::StringRef name, int64_t otherwise = 0) const;

private:
  View contiguous(Value memory, mlir::RankedTensorType type, ValueRange dynamic);
  View slice(const View &source, llvm::ArrayRef<mlir::OpFoldResult> offsets,
             llvm::ArrayRef<mlir::OpFoldResult> sizes, llvm::ArrayRef<mlir::OpFoldResult> strides,
             const llvm::SmallBitVector &dropped);
  View expand(const View &source, mlir::Operation *op);
  mlir::FailureOr<View> collapse(const View &source, mlir::Operation *op);
  Value ofFold(mlir::OpFoldResult r);

  mlir::func::FuncOp function;
  Value buffers, scalars, faultSite, scratchBase;
  llvm::SmallVector<View> args, results;
  llvm::SmallVector<Value> argMemory;
  llvm::DenseMap<Value, Value> known;
  llvm::DenseMap<Value, View> views;
};

} // namespace linnet::codegen

#endif // LINNET_CODEGEN_KERNELFRAME_H
