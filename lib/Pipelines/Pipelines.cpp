//===- Pipelines.cpp - the stages of a compilation ------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Pipelines/Pipelines.h"
#include "linnet/Codegen/GPU.h"
#include "linnet/Program/Passes.h"
#include "linnet/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/ErrorHandling.h"

using namespace mlir;

// Stages are lists of registered passes: what linnet-opt takes on its command line.
static void append(OpPassManager &pm, const std::string &passes) {
  if (failed(parsePassPipeline(passes, pm)))
    llvm::report_fatal_error("a stage names a pass that is not registered");
}

static void addLinearize(OpPassManager &pm, const linnet::StructuredOptions &options, bool rewrites,
                         bool final) {
  linnet::LinearizeAttentionOptions pass;
  pass.rewrites = rewrites;
  pass.namesSites = options.nameSites;
  pass.compare = options.compare;
  pass.contract = options.contract;
  pass.costModel = options.costModel;
  pass.explain = options.explain;
  pass.final = final;
  pm.addPass(linnet::createLinearizeAttention(pass));
}

static void addExactRewrites(OpPassManager &pm, const linnet::StructuredOptions &options) {
  linnet::ReassociateOptions products;
  products.explain = options.explain;
  products.costModel = options.costModel;
  products.weightsKnown = options.weightsKnown;
  products.record = options.recordProducts;
  pm.addPass(linnet::createReassociate(products));
  linnet::AbsorbProjectionsOptions projections;
  projections.explain = options.explain;
  projections.costModel = options.costModel;
  pm.addPass(linnet::createAbsorbProjections(projections));
  append(pm, "canonicalize");
}

void linnet::buildStructuredPipeline(OpPassManager &pm, const StructuredOptions &options) {
  if (!options.rules.empty()) {
    PdlOptions pdl;
    pdl.files.assign(options.rules.begin(), options.rules.end());
    pdl.explain = options.explain;
    pm.addPass(createPdl(pdl));
  }
  if (!options.ruleNames.empty()) {
    ApplyRulesOptions rules;
    rules.names.assign(options.ruleNames.begin(), options.ruleNames.end());
    rules.explain = options.explain;
    pm.addPass(createApplyRules(rules));
  }
  for (const std::string &file : options.scripts) {
    ScriptOptions script;
    script.file = file;
    pm.addPass(createScript(script));
  }
  std::string explain = options.explain ? "{explain=true}" : "";
  // before derivatives, which are better from one op than from many, and again behind `tosa`
  append(pm, "linnet-check-input,func.func(linnet-raise" + explain + ")");
  if (options.compare) { // an inlined body can give its function more results
    addLinearize(pm, options, /*rewrites=*/false, /*final=*/false);
    append(pm, "inline,symbol-dce");
  }
  addLinearize(pm, options, options.linearize, /*final=*/false);
  append(pm, "linnet-autodiff,inline,symbol-dce,linnet-check-symbols");
  // `tosa`, in the order of upstream's own pipeline
  append(pm, "func.func(tosa-optional-decompositions,canonicalize,tosa-infer-shapes,"
             "tosa-make-broadcastable,tosa-to-linalg-named,canonicalize,"
             "tosa-layerwise-constant-fold,tosa-make-broadcastable,tosa-to-linalg,"
             "tosa-to-tensor,tosa-to-arith,tosa-to-scf)");
  append(pm, "canonicalize,func.func(linnet-raise" + explain + ",canonicalize)");
  addLinearize(pm, options, options.linearize, /*final=*/true);
  if (options.reassociate)
    addExactRewrites(pm.nest<func::FuncOp>(), options);
  append(pm, "func.func(linnet-lower-to-structured),linnet-globals-to-arguments,"
             "canonicalize,cse");
}

void linnet::buildGraphPipeline(OpPassManager &pm) {
  append(pm, "func.func(linnet-split-sums,canonicalize,cse),linnet-form-dispatches,"
             "linnet-outline-kernels,func.func(linnet-order-dispatches)");
}

void linnet::buildStrategyPipeline(OpPassManager &pm, const std::string &target,
                                   const std::string &chip) {
  SelectStrategiesOptions options;
  options.target = target;
  options.chip = chip;
  pm.addPass(createSelectStrategies(options));
}

void linnet::buildDispatchPipeline(OpPassManager &pm) {
  buildGraphPipeline(pm);
  buildStrategyPipeline(pm, "cpu", "");
}

void linnet::buildCheckpointPipeline(OpPassManager &pm, const BudgetOptions &options) {
  CheckpointOptions pass;
  pass.budget = options.budget;
  pass.reserve = options.reserve;
  pass.kept = options.kept;
  pass.times = options.times;
  pass.threads = options.threads;
  pm.addPass(createCheckpoint(pass));
}

void linnet::buildProgramPipeline(OpPassManager &pm, const ProgramOptions &options) {
  append(pm, options.strictDonation ? "linnet-make-program{strict-donation=true}"
                                    : "linnet-make-program");
  append(pm, "linnet-plan-memory");
  if (options.guardPositions)
    append(pm, "linnet-choose-positions");
}

void linnet::registerPipelines() {
  codegen::registerEmitGPUKernels();
  codegen::registerCheckBarriers();
  PassPipelineRegistration<>("linnet-structured", "model IR to structured ops",
                             [](OpPassManager &pm) { buildStructuredPipeline(pm, {}); });
  PassPipelineRegistration<>("linnet-dispatches",
                             "structured ops to dispatches and kernels with strategies",
                             buildDispatchPipeline);
  PassPipelineRegistration<>("linnet-commands", "dispatches to planned command lists",
                             [](OpPassManager &pm) { buildProgramPipeline(pm, {}); });
}
