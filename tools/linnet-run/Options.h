//===- Options.h - command line of linnet-run -------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TOOLS_RUN_OPTIONS_H
#define LINNET_TOOLS_RUN_OPTIONS_H

#include "linnet-c/Runtime.h"
#include "linnet/Bundle/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace linnet::run {

using bundle::Error;
using bundle::makeError;

struct Options {
  std::string bundle, function, state, saveState, trace, level;
  std::vector<std::string> inputs, outputs, expects, weights;
  std::vector<bool> batched;   // per input: one slice of it a step
  std::string batches, losses; // --batches=F.safetensors, --losses
  std::vector<std::pair<std::string, int64_t>> symbols;
  double rtol = 1e-5, atol = 1e-6;
  int32_t threads = 0;
  lnt_device device = LNT_CPU;
  int32_t deviceIndex = 0;                        // from 1 on; 0: the best
  int64_t benchmark = 0;                          // timed calls; 0: none
  int64_t steps = 0, saveEvery = 0, logEvery = 0; // training; 0: no, never, by time
  bool pair = false;                              // beside the exact form
  std::string pairFile;
  bool listDevices = false;
  bool describe = false, printMemory = false, profile = false, poison = false;
  bool help = false, version = false;
};

/// Reads the arguments; an error is wrong usage.
Error parseOptions(int argc, char **argv, Options &options);

extern const char *const kHelp;

} // namespace linnet::run

#endif // LINNET_TOOLS_RUN_OPTIONS_H
