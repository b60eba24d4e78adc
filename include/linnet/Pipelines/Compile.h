//===- Compile.h - from a source to a bundle --------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_PIPELINES_COMPILE_H
#define LINNET_PIPELINES_COMPILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <string>
#include <vector>

namespace linnet {

enum class Stage { Input, Structured, Dispatches, Commands, Kernels };
enum class Linearize { Never, Exact, Contract };
enum class Emit { Bundle, Exe, So, Obj, LLVM, PTX, SPIRV, MLIR };

/// How wide positions of a GPU's kernels are where no type says that they need 64 bits.
enum class Positions {
  Narrow,  ///< 32 bits: larger launches are refused
  Guarded, ///< 32 bits, with a variant in 64 bits where bounds of sizes do not exclude these
  Wide     ///< 64 bits
};

struct CompileOptions {
  std::string input, output;
  std::vector<std::string> targets = {"cpu"}; ///< and "vulkan", "cuda"
  std::vector<std::string> chips;             ///< of the GPUs among them; none: each one's first
  bool tensorCores = false;                   ///< of CUDA: products may be made by them
  Positions positions = Positions::Guarded;   ///< of GPUs
  std::vector<std::string> cpus = {"x86-64-v3", "x86-64-v4"};
  std::vector<std::string> weights;
  bool externalWeights = false;
  unsigned threads = 1; ///< that the program is planned for
  unsigned jobs = 0;    ///< kernels compiled at once; 0: one per core
  Stage compileTo = Stage::Kernels;
  Emit emit = Emit::Bundle;
  std::string dumpDirectory, report;
  bool strictDonation = false;
  bool emitPair = false;                  ///< every function without rewrites too, as NAME.exact
  int64_t memoryBudget = 0;               ///< bytes of every function; 0: none
  int64_t keptBudget = 0;                 ///< bytes between forward and backward; 0: no limit
  std::string dispatchTimes;              ///< trace with measured times, for plans within budgets
  std::vector<std::string> scripts;       ///< transform scripts, behind the rules
  std::vector<std::string> rules;         ///< PDLL and PDL files, applied to the input
  std::vector<std::string> ruleNames;     ///< registered rules, behind those of the files
  Linearize linearize = Linearize::Exact; ///< rewrites of attention and products
  bool foldWeights = true;                ///< what depends on weights alone is computed now
  std::string contract;                   ///< of attention that has none
  std::string costModel;                  ///< JSON file; empty: the defaults
  bool verbose = false;
};

/// Compiles `options.input` ("-": standard input). Every diagnostic has been printed when it
/// fails; no output file is left then.
mlir::LogicalResult compile(mlir::MLIRContext &context, const CompileOptions &options);

} // namespace linnet

#endif // LINNET_PIPELINES_COMPILE_H
