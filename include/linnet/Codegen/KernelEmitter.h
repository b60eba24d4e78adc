//===- KernelEmitter.h - from an exec.kernel to code ------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// One emitter per kernel class. An emitter decides (select) without knowing the CPU, so that
// chunks, scratch and packed layouts are the same for every image of a bundle, and then writes
// the loops (emit) for one CPU level.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_CODEGEN_KERNELEMITTER_H
#define LINNET_CODEGEN_KERNELEMITTER_H

#include "linnet/IR/Exec.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "llvm/ADT/BitVector.h"
#include <string>

namespace linnet::codegen {

class KernelFrame;

/// What the code generator knows of one CPU level.
struct CPUTarget {
  std::string name;     ///< "x86-64-v3", "x86-64-v4" or "native"
  std::string cpu;      ///< LLVM's name of the CPU
  std::string features; ///< LLVM's feature string, "+avx512bf16,..."
  bool avx512 = false;  ///< 32 registers of 16 f32 lanes; otherwise 16 registers of 8
  bool bf16Dot = false; ///< vdpbf16ps
};

/// The target of a level's name; failure: an unknown name, or "native" on a machine that does
/// not reach x86-64-v3.
mlir::FailureOr<CPUTarget> getCPUTarget(llvm::StringRef level);

/// The panel layout that a kernel wants for a constant operand: [batch][ceil(n/panel)]
/// [ceil(k/group)][panel][group], see Layout in Bundle.fbs. Entry i of the kernel attribute
/// `layouts` (an array with one entry per argument; unit: as it is).
struct PanelLayout {
  int64_t batch = 1, n = 0, k = 0;
  int64_t batchStride = 0, nStride = 0, kStride = 0;
  int64_t panel = 64, group = 1;
  mlir::DictionaryAttr toAttr(mlir::MLIRContext *ctx) const;
  static PanelLayout fromAttr(mlir::DictionaryAttr attr);
};

/// Writes the launch region of a kernel: index arithmetic over its scalars.
class LaunchBuilder : public mlir::ImplicitLocOpBuilder {
public:
  explicit LaunchBuilder(exec::KernelOp kernel);
  /// Size `dim` of a tensor of the kernel's body. Null when it cannot be said.
  mlir::Value sizeOf(mlir::Value tensor, unsigned dim);
  /// The launch value of an index of the body (tensor.dim, arith on sizes, index arguments).
  mlir::Value valueOf(mlir::Value bodyValue);
  mlir::Value constant(int64_t v);
  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value mul(llvm::ArrayRef<mlir::Value> factors);
  mlir::Value ceilDiv(mlir::Value a, mlir::Value b);
  mlir::Value min(mlir::Value a, mlir::Value b);
  mlir::Value max(mlir::Value a, mlir::Value b);
  /// Ends the region. Scratch is in bytes per worker.
  void finish(mlir::Value chunks, mlir::Value scratch, mlir::Value flops, mlir::Value bytes);

private:
  exec::KernelOp kernel;
  llvm::DenseMap<mlir::Value, mlir::Value> known;
  llvm::DenseMap<int64_t, mlir::Value> constants;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value>> sizes;
};

class KernelEmitter {
public:
  virtual ~KernelEmitter();
  virtual llvm::StringRef getName() const = 0;
  /// Whether the kernel's body is of this emitter's class. Cheap, emits no diagnostics.
  virtual bool match(exec::KernelOp kernel) const = 0;
  /// Writes the attribute `strategy`, the launch region, `faults` and, for arguments that are
  /// constants in every dispatch (`constant` has a bit per argument), the attribute `layouts`.
  virtual mlir::LogicalResult select(exec::KernelOp kernel,
                                     const llvm::BitVector &constant) const = 0;
  /// Emits the kernel's function through `frame`, whose insertion point is its entry.
  virtual mlir::LogicalResult emit(exec::KernelOp kernel, KernelFrame &frame) const = 0;
};

/// The emitters of the CPU, in the order in which they are asked.
llvm::ArrayRef<const KernelEmitter *> getCPUEmitters();

/// Finds the emitter (its name is kept in `strategy.emitter`) and selects. An error on the
/// kernel when no emitter takes it.
mlir::LogicalResult selectStrategy(exec::KernelOp kernel, const llvm::BitVector &constant);

/// The error of a target that has no emitter for a kernel; lists what the kernel holds.
mlir::LogicalResult reportNoEmitter(exec::KernelOp kernel, llvm::StringRef target);

} // namespace linnet::codegen

#endif // LINNET_CODEGEN_KERNELEMITTER_H
