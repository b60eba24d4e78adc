//===- Options.cpp - command line of linnet-run ---------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Options.h"
#include "Embedded.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace linnet::run {

const char *const kHelp = R"(linnet-run: calls a function of a compiled bundle

Usage: linnet-run BUNDLE.lnb [options]

Function and data
  --function=NAME         which function; may be left out when there is one, or a 'main'
  --input=SPEC            next argument that is not a state, in order; SPEC is
                            FILE.npy              an array in C order
                            SHAPExTYPE=VALUE      every element, e.g. 2x8xf32=0.5, i64=3
                            SHAPExTYPE=iota       0, 1, 2, ...
                            SHAPExTYPE=rand:SEED[:LOW:HIGH]
                                                  floats in [-1, 1), integers in [0, 10)
                          types: i1 i8 i16 i32 i64 f16 bf16 f32 f64
  --output=FILE.npy       writes the next result that is not a state; bf16 as '<V2'
  --expect=FILE.npy       compares the next result; fails when they differ
  --rtol=X --atol=X       |found - expected| <= atol + rtol * |expected| (1e-5, 1e-6);
                          integers must be equal, NaN equals NaN
  --weights=F.safetensors external weights (repeat)
  --state=F.safetensors   starts with these states; others are zero
  --save-state=F.safetensors
                          writes all states after the call
  --symbol=NAME=VALUE     size of a symbol, for states (repeat)

Running
  --threads=N             threads of a call (default: one per core)
  --device=KIND[:N]       where to run: cpu, cuda or vulkan, and which one of them (default: the
                          best); the bundle needs code for it (linnet-compile --target)
  --list-devices          every device with its number, memory and limits; no bundle
  --cpu=LEVEL             use this code: x86-64-v3, x86-64-v4 or native (default: the best)
  --profile               show kernels to perf
  --poison                fills memory whenever it holds nothing with NaN and fails when a kernel
                          has written to it: slow, for finding errors

Training: many calls of a function that updates its states
  --steps=N               calls it N times; the first result is the loss, and a loss that is
                          not finite ends the run before the state is saved
  --batches=FILE          next argument, one slice along the first axis a step, from the
                          beginning again at the end: FILE.npy; or FILE.safetensors, with a
                          tensor for every argument that it names
  --save-state=F          the state after the last step, also after Ctrl-C; --state=F of a
                          later run goes on from there, at the batch where it stopped if the
                          program counts its steps in a state i64 'step'
  --save-every=N          saves after every N steps too
  --log-every=N           a progress line every N steps (default: a line that is rewritten)
  --losses=F.npy          writes the losses of all steps, f32

Reports
  --describe              functions, arguments, results, states and memory; no call
  --print-memory          bytes of the call by kind, and what was copied to and from the device
  --benchmark[=N]         times N calls (default 10) and every dispatch
  --pair[=F.json]         times the function beside its exact form (linnet-compile --emit-pair),
                          --benchmark calls each in turns, and compares their results
  --trace=F.json          dispatches of the call, or of the calls behind --benchmark, for
                          Perfetto, chrome://tracing or linnet-compile --dispatch-times
  --help --version

Exit code: 0 success, 1 the input or the command is at fault.

Examples
  linnet-run model.lnb --describe
  linnet-run model.lnb --input=x.npy --output=y.npy
  linnet-run model.lnb --function=decode --input=1x1xi64=7 --state=cache.safetensors
  linnet-run model.lnb --input=8x128xf32=rand:1 --expect=y.npy --rtol=1e-4
  linnet-run model.lnb --input=8x128xf32=rand:1 --benchmark=50 --threads=2
  linnet-run train.lnb --steps=1000 --batches=data.safetensors --input=f32=1e-3
                       --save-state=run.safetensors --save-every=100
)";

namespace {

/// "--name=value" or "--name value"; `value` is null where there is none.
struct Argument {
  std::string name;
  const char *value;
};

Error parseInteger(const Argument &argument, int64_t low, int64_t high, int64_t &value) {
  char *end = nullptr;
  errno = 0;
  value = argument.value ? std::strtoll(argument.value, &end, 10) : 0;
  if (!argument.value || end == argument.value || *end || errno || value < low || value > high)
    return makeError(argument.name, " expects an integer from ", low, " to ", high, ", found '",
                     argument.value ? argument.value : "", "'");
  return Error();
}

Error parseTolerance(const Argument &argument, double &value) {
  char *end = nullptr;
  value = argument.value ? std::strtod(argument.value, &end) : -1;
  if (!argument.value || end == argument.value || *end || !(value >= 0))
    return makeError(argument.name, " expects a number of at least 0, found '",
                     argument.value ? argument.value : "", "'");
  return Error();
}

Error parseSymbol(const Argument &argument, Options &options) {
  const char *equals = argument.value ? std::strchr(argument.value, '=') : nullptr;
  if (!equals)
    return makeError("--symbol expects NAME=VALUE, found '", argument.value ? argument.value : "",
                     "'");
  Argument size = {"--symbol", equals + 1};
  int64_t value;
  if (Error error = parseInteger(size, 0, INT64_MAX, value))
    return error;
  options.symbols.push_back({std::string(argument.value, equals), value});
  return Error();
}

Error parseInputOption(const Argument &argument, Options &options) {
  if (!argument.value || !*argument.value)
    return makeError(argument.name, " expects a value");
  std::string value = argument.value;
  const std::string extension = ".safetensors";
  if (argument.name == "--batches" && value.size() > extension.size() &&
      value.compare(value.size() - extension.size(), extension.size(), extension) == 0) {
    if (!options.batches.empty())
      return makeError("--batches expects one safetensors file, found '", options.batches,
                       "' and '", value, "'");
    options.batches = value;
    return Error();
  }
  options.inputs.push_back(value);
  options.batched.push_back(argument.name == "--batches");
  return Error();
}

Error parseDevice(const Argument &argument, Options &options) {
  std::string device = argument.value ? argument.value : "";
  size_t colon = device.find(':');
  if (colon != std::string::npos) {
    Argument number = {"--device=KIND:N", argument.value + colon + 1};
    int64_t index;
    if (Error error = parseInteger(number, 1, 1024, index))
      return error;
    options.deviceIndex = int32_t(index);
    device.resize(colon);
  }
  if (device != "cpu" && device != "cuda" && device != "vulkan")
    return makeError("--device expects cpu, cuda or vulkan, found '", device, "'");
  options.device = device == "cuda" ? LNT_CUDA : device == "vulkan" ? LNT_VULKAN : LNT_CPU;
  return Error();
}

/// Options whose value is text; `list` or `text` receives it.
struct TextOption {
  const char *name;
  std::string Options::*text;
  std::vector<std::string> Options::*list;
};

const TextOption kTextOptions[] = {
    {"--function", &Options::function, nullptr},
    {"--state", &Options::state, nullptr},
    {"--save-state", &Options::saveState, nullptr},
    {"--trace", &Options::trace, nullptr},
    {"--cpu", &Options::level, nullptr},
    {"--losses", &Options::losses, nullptr},
    {"--output", nullptr, &Options::outputs},
    {"--expect", nullptr, &Options::expects},
    {"--weights", nullptr, &Options::weights},
};

const struct {
  const char *name;
  bool Options::*flag;
} kFlags[] = {
    {"--describe", &Options::describe},        {"--print-memory", &Options::printMemory},
    {"--profile", &Options::profile},          {"--help", &Options::help},
    {"--version", &Options::version},          {"--poison", &Options::poison},
    {"--list-devices", &Options::listDevices},
};

Error parseValue(const Argument &argument, Options &options) {
  int64_t number;
  if (argument.name == "--threads") {
    if (Error error = parseInteger(argument, 1, 1024, number))
      return error;
    options.threads = int32_t(number);
    return Error();
  }
  if (argument.name == "--rtol" || argument.name == "--atol")
    return parseTolerance(argument, argument.name == "--rtol" ? options.rtol : options.atol);
  if (argument.name == "--steps")
    return parseInteger(argument, 1, INT64_MAX, options.steps);
  if (argument.name == "--save-every")
    return parseInteger(argument, 1, INT64_MAX, options.saveEvery);
  if (argument.name == "--log-every")
    return parseInteger(argument, 1, INT64_MAX, options.logEvery);
  if (argument.name == "--input" || argument.name == "--batches")
    return parseInputOption(argument, options);
  if (argument.name == "--symbol")
    return parseSymbol(argument, options);
  if (argument.name == "--device")
    return parseDevice(argument, options);
  for (const TextOption &option : kTextOptions) {
    if (argument.name != option.name)
      continue;
    if (!argument.value || !*argument.value)
      return makeError(argument.name, " expects a value");
    if (option.text)
      options.*option.text = argument.value;
    else
      (options.*option.list).push_back(argument.value);
    return Error();
  }
  return makeError("unknown option '", argument.name, "'");
}

/// Options without a value, or whose value may be left out: true when it was one.
bool parseFlag(const Argument &argument, Options &options, Error &error) {
  for (const auto &flag : kFlags)
    if (argument.name == flag.name && !argument.value) {
      options.*flag.flag = true;
      return true;
    }
  if (argument.name == "--pair") {
    options.pair = true;
    options.pairFile = argument.value ? argument.value : "";
    return true;
  }
  if (argument.name != "--benchmark")
    return false;
  options.benchmark = 10;
  if (argument.value)
    error = parseInteger(argument, 1, 1000000, options.benchmark);
  return true;
}

} // namespace

Error parseOptions(int argc, char **argv, Options &options) {
  for (int i = 1; i < argc; ++i) {
    std::string text = argv[i];
    if (text.size() < 2 || text[0] != '-') {
      if (!options.bundle.empty())
        return makeError("expects one bundle, found '", options.bundle, "' and '", text, "'");
      options.bundle = text;
      continue;
    }
    if (text == "-h")
      text = "--help";
    const char *equals = std::strchr(argv[i], '=');
    Argument argument = {text.substr(0, text.find('=')), equals ? equals + 1 : nullptr};
    Error error;
    if (parseFlag(argument, options, error)) {
      if (error)
        return error;
      continue;
    }
    if (!equals && i + 1 < argc)
      argument.value = argv[i + 1];
    error = parseValue(argument, options);
    if (error)
      return error;
    i += !equals;
  }
  bool training =
      options.saveEvery || options.logEvery || !options.losses.empty() ||
      !options.batches.empty() ||
      std::find(options.batched.begin(), options.batched.end(), true) != options.batched.end();
  if (training && options.steps == 0)
    return makeError("--batches, --save-every, --log-every and --losses expect --steps");
  if (options.saveEvery != 0 && options.saveState.empty())
    return makeError("--save-every expects --save-state");
  if (options.pair && (options.steps || !options.trace.empty() || !options.outputs.empty() ||
                       !options.expects.empty() || !options.saveState.empty()))
    return makeError("--pair excludes --steps, --trace, --output, --expect and --save-state");
  if (options.steps != 0 && (options.benchmark || !options.trace.empty() ||
                             !options.outputs.empty() || !options.expects.empty()))
    return makeError("--steps excludes --benchmark, --trace, --output and --expect");
  if (options.bundle.empty() && !embeddedBundle().data && !options.help && !options.version &&
      !options.listDevices)
    return makeError("expects a bundle");
  return Error();
}

} // namespace linnet::run
