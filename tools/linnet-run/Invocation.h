//===- Invocation.h - one run of linnet-run ---------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TOOLS_RUN_INVOCATION_H
#define LINNET_TOOLS_RUN_INVOCATION_H

#include "Array.h"
#include "Options.h"
#include "Report.h"

namespace linnet::run {

/// Everything of one invocation. Destroyed in reverse order.
struct SiteErrors; // Pair.cpp

class Invocation {
public:
  explicit Invocation(const Options &options) : options(options) {}
  ~Invocation();

  Error run();

private:
  Error load();
  Error chooseFunction();
  Error readInputs();
  Error readExpectations();
  Error checkSymbols();
  Error prepareSession();
  Error allocateResults();
  Error call(Recording *recording);
  Error benchmark();
  void restoreInputs();
  Error timeCall(std::vector<double> &seconds);
  // Pair.cpp
  Error measurePair();
  Error compareSites(const std::string &name, std::vector<SiteErrors> &sites);
  Error prepareForm(const std::string &name);
  Error traceCall(std::vector<std::vector<double>> &dispatches);
  Error report();
  // Train.cpp
  Error readBatches(const std::vector<size_t> &wanted);
  Error checkBatches();
  Error train();
  Error trainStep(int64_t batch, float &loss);
  Error saveProgress(int64_t steps);
  int64_t stepsDone();
  Error writeOutputs();
  Error checkResults();
  Array resultArray(size_t index);

  const Options &options;
  lnt_runtime *runtime = nullptr;
  lnt_module *module = nullptr;
  lnt_session *session = nullptr;
  size_t function = 0;
  const lnt_function_info *info = nullptr;
  std::vector<Array> inputs, working; // per argument; states stay empty
  std::vector<Array> results;         // per result; aliased ones stay empty
  std::vector<lnt_tensor> arguments, resultTensors;
  std::vector<size_t> visible; // results that are no states
  std::vector<Array> expectations;
  std::vector<bool> batched; // per argument: one slice of `inputs` a step
  std::vector<float> losses; // of the steps of this run
};

Error toError(lnt_status *status);

} // namespace linnet::run

#endif // LINNET_TOOLS_RUN_INVOCATION_H
