//===- Write.h - from a planned program to a bundle -------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// The compiler's side of a bundle (the only part of Bundle/ that needs MLIR).
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_BUNDLE_WRITE_H
#define LINNET_BUNDLE_WRITE_H

#include "linnet/Bundle/Pack.h"
#include "linnet/Bundle/SafeTensors.h"
#include "linnet/Codegen/GPU.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Support/LLVM.h"

namespace linnet::bundle {

/// Machine code for one CPU level, with the features that it needs.
struct CodeImage {
  std::string level; ///< "x86-64-v3", "x86-64-v4", "native"
  std::string cpu;
  std::vector<std::string> features;
  llvm::SmallVector<char, 0> bytes;
};

/// The values of the `ml_program.global`s of a module: initial values in the IR, the tensors of
/// safetensors files for `extern` ones.
class Weights {
public:
  /// Opens the files and matches them against the module's extern globals. Every missing, extra,
  /// misshapen and mistyped tensor is reported, then failure. `external`: weights stay in their
  /// files; without a file, shapes are not compared.
  mlir::LogicalResult load(mlir::ModuleOp module, llvm::ArrayRef<std::string> files, bool external);

  struct Entry {
    fb::ElementType type = {};
    std::vector<int64_t> dims;
    const void *data = nullptr; ///< null: external, not at hand
    int64_t bytes = 0;
    bool external = false;
  };
  const Entry *find(llvm::StringRef symbol) const;

private:
  using Tensors = std::map<std::string, const Tensor *>;
  mlir::FailureOr<Tensors> open(mlir::Location loc, llvm::ArrayRef<std::string> paths);
  mlir::LogicalResult addGlobal(mlir::ml_program::GlobalOp global, Tensors &left, bool external);
  mlir::LogicalResult addExtern(mlir::ml_program::GlobalOp global, Entry entry, Tensors &left,
                                bool external);

  std::vector<std::unique_ptr<SafeTensors>> files;
  std::map<std::string, Entry> entries;
  std::vector<std::vector<char>> owned;
};

/// A module's program for a GPU, and its kernels for every chip; the first one's are what a driver
/// can compile further.
struct DeviceProgram {
  mlir::ModuleOp module;
  std::vector<codegen::GPUTarget> chips;
  std::vector<llvm::SmallVector<codegen::GPUKernel>> kernels; ///< per chip
};

struct WriteOptions {
  unsigned threads = 1; ///< planned for
  std::vector<CodeImage> images;
  std::vector<DeviceProgram> devices;
  bool cpu = true; ///< the module itself is written, for the CPU
};

/// Writes the module's `exec.program`s and `exec.kernel`s (in the order of their images) to
/// `path`, atomically, and those for other devices, which have the same weights.
mlir::LogicalResult writeBundle(mlir::ModuleOp module, const Weights &weights,
                                const WriteOptions &options, llvm::StringRef path);

/// How a constant with this `layout` is packed.
PanelLayout toPanelLayout(mlir::DictionaryAttr layout);

/// Element type of the metadata for an IR type; Invalid when there is none.
fb::ElementType toElementType(mlir::Type type);

} // namespace linnet::bundle

#endif // LINNET_BUNDLE_WRITE_H
