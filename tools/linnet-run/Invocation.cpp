//===- Invocation.cpp - one run of linnet-run -----------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Invocation.h"
#include "Embedded.h"
#include "linnet/Bundle/AtomicFile.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>

namespace linnet::run {

Error toError(lnt_status *status) {
  if (!status)
    return Error();
  Error error{std::string(lnt_status_message(status))};
  lnt_status_free(status);
  return error;
}

Invocation::~Invocation() {
  lnt_session_destroy(session);
  lnt_module_destroy(module);
  lnt_runtime_destroy(runtime);
}

Error Invocation::load() {
  lnt_runtime_options runtimeOptions = {};
  runtimeOptions.size = sizeof runtimeOptions;
  runtimeOptions.threads = options.threads;
  runtimeOptions.device = options.device;
  runtimeOptions.device_index = options.deviceIndex;
  if (Error error = toError(lnt_runtime_create(&runtimeOptions, &runtime)))
    return error;
  std::vector<const char *> weights;
  for (const std::string &path : options.weights)
    weights.push_back(path.c_str());
  lnt_load_options loadOptions = {
      sizeof loadOptions, weights.data(),
      weights.size(),     options.level.empty() ? nullptr : options.level.c_str(),
      options.profile,    0};
  Embedded embedded = embeddedBundle();
  auto load = [&] {
    return options.bundle.empty()
               ? lnt_module_load_memory(runtime, embedded.data, embedded.size, &loadOptions,
                                        &module)
               : lnt_module_load_file(runtime, options.bundle.c_str(), &loadOptions, &module);
  };
  lnt_status *status = load();
  if (options.describe && lnt_status_code(status) == LNT_UNSUPPORTED) {
    lnt_status_free(status);
    loadOptions.describe_only = 1; // what this machine cannot run can be described
    status = load();
  }
  return toError(status);
}

Error Invocation::chooseFunction() {
  std::string name = options.function;
  if (name.empty()) {
    name = "main";
    if (lnt_module_function_count(module) == 1)
      name = lnt_module_function(module, 0)->name;
    else if (lnt_status *status = lnt_module_find_function(module, "main", &function)) {
      std::string message = lnt_status_message(status);
      lnt_status_free(status);
      return makeError("which function? Give --function; ", message);
    }
  }
  if (Error error = toError(lnt_module_find_function(module, name.c_str(), &function)))
    return error;
  info = lnt_module_function(module, function);
  return Error();
}

Error Invocation::readInputs() {
  std::vector<size_t> wanted;
  std::string list;
  for (size_t i = 0; i < info->argument_count; ++i)
    if (!info->arguments[i].state) {
      wanted.push_back(i);
      list += (list.empty() ? "" : ", ") + paramLabel(*info, info->arguments[i], i);
    }
  inputs.resize(info->argument_count);
  batched.resize(info->argument_count);
  if (Error error = readBatches(wanted))
    return error;
  wanted.erase(std::remove_if(wanted.begin(), wanted.end(), [&](size_t i) { return batched[i]; }),
               wanted.end());
  if (wanted.size() != options.inputs.size())
    return makeError("function '", info->name, "' takes ", wanted.size(), " inputs",
                     list.empty() ? "" : ": ", list, "; found ", options.inputs.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (Error error = parseInput(options.inputs[i], inputs[wanted[i]]))
      return makeError("--input ", paramLabel(*info, info->arguments[wanted[i]], wanted[i]), ": ",
                       error.message());
    batched[wanted[i]] = options.batched[i];
  }
  if (Error error = checkBatches())
    return error;
  for (size_t i = 0; i < info->result_count; ++i)
    if (!info->results[i].state)
      visible.push_back(i);
  if (options.outputs.size() > visible.size() || options.expects.size() > visible.size())
    return makeError("function '", info->name, "' has ", visible.size(),
                     " results that are no states, found ", options.outputs.size(),
                     " --output and ", options.expects.size(), " --expect");
  return Error();
}

Error Invocation::readExpectations() {
  for (const std::string &path : options.expects) {
    expectations.emplace_back();
    if (Error error = readNpy(path, expectations.back()))
      return error;
  }
  return Error();
}

/// A size by --symbol that an input contradicts would say nothing about the call.
Error Invocation::checkSymbols() {
  for (size_t i = 0; i < info->argument_count; ++i) {
    const lnt_param_info &param = info->arguments[i];
    size_t skipped = batched[i]; // the axis of the steps
    if (param.state || inputs[i].dims.size() != param.rank + skipped)
      continue;
    for (uint32_t d = 0; d < param.rank; ++d)
      for (const auto &[name, value] : options.symbols)
        if (param.dims[d].symbol >= 0 && name == info->symbols[param.dims[d].symbol].name &&
            inputs[i].dims[d + skipped] != value)
          return makeError("--symbol=", name, "=", value, ", but ", paramLabel(*info, param, i),
                           " is ", inputs[i].shape());
  }
  return Error();
}

Error Invocation::prepareSession() {
  if (Error error = checkSymbols())
    return error;
  std::vector<lnt_binding> symbols;
  for (const auto &[name, value] : options.symbols)
    symbols.push_back({name.c_str(), value});
  if (Error error = toError(lnt_session_create(module, symbols.data(), symbols.size(), &session)))
    return error;
  if (!options.state.empty())
    return toError(lnt_session_load_state(session, options.state.c_str()));
  return Error();
}

Error Invocation::allocateResults() {
  working = inputs;
  for (size_t i = 0; i < info->argument_count; ++i)
    if (batched[i]) {
      working[i].dims.erase(working[i].dims.begin());
      if (Error error = working[i].allocate())
        return error;
    }
  for (size_t i = 0; i < info->argument_count; ++i)
    arguments.push_back(info->arguments[i].state ? lnt_tensor{} : working[i].tensor());
  std::vector<int64_t> dims(info->result_count * LNT_MAX_RANK);
  if (Error error = toError(lnt_session_infer_shapes(
          session, function, arguments.data(), arguments.size(), dims.data(), info->result_count)))
    return error;
  results.resize(info->result_count);
  for (size_t i = 0; i < info->result_count; ++i) {
    results[i].type = info->results[i].type;
    const int64_t *from = dims.data() + i * LNT_MAX_RANK;
    results[i].dims.assign(from, from + info->results[i].rank);
    if (info->results[i].alias < 0)
      if (Error error = results[i].allocate())
        return error;
    resultTensors.push_back(info->results[i].alias < 0 ? results[i].tensor() : lnt_tensor{});
  }
  return Error();
}

Error Invocation::call(Recording *recording) {
  lnt_call_options callOptions = {};
  callOptions.size = sizeof callOptions;
  callOptions.poison_dead = options.poison;
  if (recording) {
    callOptions.trace = Recording::record;
    callOptions.trace_user = recording;
  }
  return toError(lnt_call(session, function, arguments.data(), arguments.size(),
                          resultTensors.data(), resultTensors.size(), &callOptions));
}

/// Donated inputs are overwritten by a call: every one starts from the same.
void Invocation::restoreInputs() {
  for (size_t i = 0; i < inputs.size(); ++i)
    if (info->arguments[i].alias >= 0 && !info->arguments[i].state)
      std::copy(inputs[i].words.begin(), inputs[i].words.end(), working[i].words.begin());
}

Error Invocation::timeCall(std::vector<double> &seconds) {
  restoreInputs();
  auto begin = std::chrono::steady_clock::now();
  Error error = call(nullptr);
  seconds.push_back(
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return error;
}

Error Invocation::benchmark() {
  std::vector<double> seconds;
  Recording recording;
  for (int64_t i = 0; i < options.benchmark; ++i)
    if (Error error = timeCall(seconds))
      return error;
  // Apart from the timed calls, so that taking times costs these nothing.
  int64_t traced = std::min<int64_t>(options.benchmark, 10);
  for (int64_t i = 0; i < traced; ++i) {
    restoreInputs();
    recording.call = size_t(i);
    if (Error error = call(&recording))
      return error;
  }
  printBenchmark(seconds, recording, lnt_runtime_threads(runtime));
  return options.trace.empty() ? Error() : writeTrace(options.trace, info->name, recording);
}

Array Invocation::resultArray(size_t index) {
  Array array;
  array.type = results[index].type;
  array.dims = results[index].dims;
  if (array.allocate())
    return array;
  const lnt_buffer &buffer = resultTensors[index].buffer;
  const char *from = static_cast<const char *>(buffer.handle);
  if (array.bytes() != 0)
    std::copy_n(from + buffer.offset, array.bytes(), array.data());
  return array;
}

/// All files under temporary names first: a failure leaves none of them.
Error Invocation::writeOutputs() {
  std::vector<std::unique_ptr<bundle::AtomicFile>> files;
  for (size_t i = 0; i < options.outputs.size(); ++i) {
    Array array = resultArray(visible[i]);
    files.push_back(std::make_unique<bundle::AtomicFile>(options.outputs[i]));
    std::string header = npyHeader(array);
    files.back()->write(header.data(), header.size());
    files.back()->write(array.data(), size_t(array.bytes()));
    if (files.back()->status())
      return files.back()->status();
  }
  for (auto &file : files)
    if (Error error = file->commit())
      return error;
  if (!options.saveState.empty())
    return toError(lnt_session_save_state(session, options.saveState.c_str()));
  return Error();
}

Error Invocation::checkResults() {
  for (size_t i = 0; i < expectations.size(); ++i) {
    Array found = resultArray(visible[i]);
    if (Error error = compare(found, expectations[i], options.rtol, options.atol))
      return makeError("result ", paramLabel(*info, info->results[visible[i]], visible[i]),
                       " is not '", options.expects[i], "': ", error.message());
  }
  if (!expectations.empty())
    std::printf("%zu results are as expected\n", expectations.size());
  return Error();
}

Error Invocation::report() {
  if (options.outputs.empty() && options.expects.empty() && !options.benchmark)
    for (size_t i : visible) {
      Array array = resultArray(i);
      std::printf("%s: %s = %s\n", *info->results[i].name ? info->results[i].name : "result",
                  array.shape().c_str(), preview(array, 16).c_str());
    }
  if (!options.printMemory)
    return Error();
  lnt_memory_plan held = lnt_session_memory(session);
  std::printf("function '%s' at the symbols' maxima\n", info->name);
  printMemory(info->memory);
  held.arguments = 0;
  for (const Array &array : inputs)
    held.arguments += array.words.size() * 8;
  for (const Array &array : results)
    held.arguments += array.words.size() * 8;
  held.total += held.arguments;
  held.largest_live = held.arena;
  std::printf("this call\n");
  printMemory(held);
  lnt_counters counters = {};
  counters.size = sizeof counters;
  if (Error error = toError(lnt_session_counters(session, &counters)))
    return error;
  if (options.device != LNT_CPU)
    printCounters(counters);
  return Error();
}

Error Invocation::run() {
  if (Error error = load())
    return error;
  if (options.describe) {
    printDescription(module);
    return Error();
  }
  if (Error error = chooseFunction())
    return error;
  if (Error error = readInputs())
    return error;
  if (Error error = readExpectations())
    return error;
  if (Error error = prepareSession())
    return error;
  if (Error error = allocateResults())
    return error;
  if (options.steps != 0)
    return train();
  if (options.pair)
    return measurePair();
  Recording recording;
  bool traced = !options.trace.empty() && !options.benchmark;
  if (Error error = call(traced ? &recording : nullptr))
    return error;
  if (Error error = writeOutputs())
    return error;
  if (traced)
    if (Error error = writeTrace(options.trace, info->name, recording))
      return error;
  if (Error error = checkResults())
    return error;
  if (Error error = report())
    return error;
  return options.benchmark ? benchmark() : Error();
}

} // namespace linnet::run
