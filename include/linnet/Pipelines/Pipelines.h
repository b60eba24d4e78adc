//===- Pipelines.h - the stages of a compilation ----------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// One build function and one options struct per stage; linnet-compile runs them in this order,
// linnet-opt knows each as a pipeline (`--linnet-structured`, ...).
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_PIPELINES_PIPELINES_H
#define LINNET_PIPELINES_PIPELINES_H

#include "mlir/Pass/PassManager.h"

namespace linnet {

/// Model IR to linalg on tensors and structured linnet ops, calls inlined, weights as arguments.
struct StructuredOptions {
  bool reassociate = true;     ///< products in the cheapest order
  bool weightsKnown = true;    ///< what depends on weights alone costs a call nothing
  bool linearize = false;      ///< attention that has a contract
  std::string contract;        ///< of attention that has none
  std::string costModel;       ///< file; empty: the defaults
  bool recordProducts = false; ///< what was chosen, as `linnet.products` of functions
  bool nameSites = false;      ///< locations say which attention an op is of
  bool compare = false;        ///< rewritten attention beside exact one, differences as results
  std::vector<std::string> scripts; ///< transform scripts, behind the rules
  std::vector<std::string> rules;   ///< PDLL and PDL files
  std::vector<std::string> ruleNames;
  bool explain = false; ///< remarks: what was found, and what almost
};
void buildStructuredPipeline(mlir::OpPassManager &pm, const StructuredOptions &options);

/// To a dispatch graph with outlined kernels, the same for every target.
void buildGraphPipeline(mlir::OpPassManager &pm);
/// Strategies of the kernels for "cpu", "vulkan" or "cuda" and a chip (empty: the target's first).
void buildStrategyPipeline(mlir::OpPassManager &pm, const std::string &target,
                           const std::string &chip);
/// Both, for the CPU.
void buildDispatchPipeline(mlir::OpPassManager &pm);

struct BudgetOptions {
  int64_t budget = 0, reserve = 0; ///< bytes; of the budget, those to leave
  int64_t kept = 0;                ///< bytes between forward and backward
  std::string times;               ///< a trace with measured times
  unsigned threads = 1;            ///< whose scratch counts
};
/// Recomputation of dispatches within a budget.
void buildCheckpointPipeline(mlir::OpPassManager &pm, const BudgetOptions &options);

struct ProgramOptions {
  bool strictDonation = false; ///< a donation that needs a copy is an error
  bool guardPositions = true;  ///< of GPUs: variants in 64 bits where sizes may ask for them
};
/// To planned command lists.
void buildProgramPipeline(mlir::OpPassManager &pm, const ProgramOptions &options);

void registerPipelines();

} // namespace linnet

#endif // LINNET_PIPELINES_PIPELINES_H
