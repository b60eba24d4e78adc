//===- CAPI.cpp - the C API: runtimes, modules, calls ---------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Handles.h"
#include "linnet/Bundle/Element.h"

#include <algorithm>
#include <cstring>
#include <sched.h>

using namespace linnet;
using namespace linnet::runtime;

namespace {

/// Options that were compiled against an older header are shorter; a newer one may set what this
/// runtime does not know.
template <typename Options> Failure readOptions(const Options *given, Options &options) {
  options = {};
  options.size = sizeof(Options);
  if (!given)
    return nullptr;
  if (given->size > sizeof(Options) || given->size < sizeof(size_t))
    return fail(LNT_INVALID_ARGUMENT, "options of ", given->size, " bytes, expected at most ",
                sizeof(Options));
  std::memcpy(&options, given, given->size);
  return nullptr;
}

int32_t availableThreads() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0)
    return 1;
  return std::max(1, CPU_COUNT(&set));
}

/// To a caller whose struct may be that of an older header.
template <typename Info> Failure writeInfo(Info info, Info *target) {
  size_t size = target->size;
  if (size > sizeof(Info) || size < sizeof(size_t))
    return fail(LNT_INVALID_ARGUMENT, "a struct of ", size, " bytes, expected at most ",
                sizeof(Info));
  info.size = size;
  std::memcpy(target, &info, size);
  return nullptr;
}

Failure nullArgument(const char *name) {
  return fail(LNT_INVALID_ARGUMENT, "expects ", name, ", found NULL");
}

} // namespace

//===----------------------------------------------------------------------===//
// Status and types
//===----------------------------------------------------------------------===//

lnt_code lnt_status_code(const lnt_status *status) { return status ? status->code : LNT_OK; }
const char *lnt_status_message(const lnt_status *status) {
  return status ? status->message.c_str() : "";
}
void lnt_status_free(lnt_status *status) { delete status; }
const char *lnt_version(void) { return LINNET_VERSION; }

size_t lnt_type_size(lnt_type type) { return bundle::elementBytes(fb::ElementType(type)); }
const char *lnt_type_name(lnt_type type) { return bundle::elementName(fb::ElementType(type)); }

//===----------------------------------------------------------------------===//
// Runtime
//===----------------------------------------------------------------------===//

lnt_status *lnt_runtime_create(const lnt_runtime_options *given, lnt_runtime **runtime) {
  return guarded([&]() -> Failure {
    lnt_runtime_options options;
    if (Failure failure = readOptions(given, options))
      return failure;
    if (options.threads < 0 || options.threads > 1024)
      return fail(LNT_INVALID_ARGUMENT, "expects 0 to 1024 threads, found ", options.threads);
    auto result = std::make_unique<lnt_runtime>();
    result->object =
        std::make_shared<Runtime>(options.threads ? options.threads : availableThreads());
    if (options.device_index < 0)
      return fail(LNT_INVALID_ARGUMENT, "expects a device from 1 on, or 0, found ",
                  options.device_index);
    if (Failure failure = openDevice(options.device, options.device_index, result->object->device))
      return failure;
    result->object->memoryLimit = options.memory_limit;
    result->object->maxCommands = options.max_commands;
    *runtime = result.release();
    return nullptr;
  });
}

void lnt_runtime_destroy(lnt_runtime *runtime) { delete runtime; }
int32_t lnt_runtime_threads(const lnt_runtime *runtime) { return runtime->object->pool.size(); }
lnt_device lnt_runtime_device(const lnt_runtime *runtime) {
  return runtime->object->device->kind();
}

lnt_status *lnt_device_count(lnt_device device, int32_t *count) {
  return guarded([&]() -> Failure {
    std::vector<lnt_device_info> devices;
    if (Failure failure = listDevices(device, devices))
      return failure;
    *count = int32_t(devices.size());
    return nullptr;
  });
}

lnt_status *lnt_device_describe(lnt_device device, int32_t index, lnt_device_info *info) {
  return guarded([&]() -> Failure {
    std::vector<lnt_device_info> devices;
    if (Failure failure = listDevices(device, devices))
      return failure;
    if (index < 1 || size_t(index) > devices.size())
      return fail(LNT_INVALID_ARGUMENT, "expects a device from 1 to ", devices.size(), ", found ",
                  index);
    devices[size_t(index) - 1].index = index;
    return writeInfo(devices[size_t(index) - 1], info);
  });
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

static lnt_status *loadModule(lnt_runtime *runtime, const char *path, const void *data, size_t size,
                              const lnt_load_options *given, lnt_module **module) {
  return guarded([&]() -> Failure {
    lnt_load_options options;
    if (Failure failure = readOptions(given, options))
      return failure;
    auto bytes = std::make_unique<BundleBytes>();
    if (path) {
      if (Failure failure = bytes->open(path))
        return failure;
    } else {
      bytes->borrow(data, size);
    }
    auto result = std::make_unique<lnt_module>();
    if (Failure failure = Module::load(runtime->object, std::move(bytes), path ? path : "", options,
                                       result->object))
      return failure;
    *module = result.release();
    return nullptr;
  });
}

lnt_status *lnt_module_load_file(lnt_runtime *runtime, const char *path,
                                 const lnt_load_options *options, lnt_module **module) {
  if (!path)
    return nullArgument("a path").release();
  return loadModule(runtime, path, nullptr, 0, options, module);
}

lnt_status *lnt_module_load_memory(lnt_runtime *runtime, const void *data, size_t size,
                                   const lnt_load_options *options, lnt_module **module) {
  if (!data)
    return nullArgument("data").release();
  return loadModule(runtime, nullptr, data, size, options, module);
}

void lnt_module_destroy(lnt_module *module) { delete module; }

size_t lnt_module_function_count(const lnt_module *module) {
  return module->object->programs.size();
}

const lnt_function_info *lnt_module_function(const lnt_module *module, size_t index) {
  const Module &object = *module->object;
  return index < object.descriptions.size() ? &object.descriptions[index].info : nullptr;
}

lnt_status *lnt_module_find_function(const lnt_module *module, const char *name, size_t *index) {
  return guarded([&]() -> Failure {
    size_t found;
    if (module->object->find(name ? name : "", found)) {
      *index = found;
      return nullptr;
    }
    std::string known;
    for (const Program &program : module->object->programs)
      known += (known.empty() ? "" : ", ") + ("'" + program.name + "'");
    return fail(LNT_INVALID_ARGUMENT, "no function is called '", name ? name : "", "'",
                known.empty() ? ": the bundle has none" : "; there are ", known);
  });
}

lnt_module_info lnt_module_describe(const lnt_module *module) {
  const Module &object = *module->object;
  const fb::Bundle &bundle = *object.bundle;
  lnt_module_info info = {};
  info.producer = bundle.producer() ? bundle.producer()->c_str() : "";
  info.level = object.level.c_str();
  info.kernel_count = object.kernels ? object.kernels->size() : 0;
  info.constant_count = object.constants.size();
  info.constant_bytes = object.constantTotal;
  info.planned_threads = bundle.threads();
  return info;
}

size_t lnt_module_target_count(const lnt_module *module) { return module->object->targets.size(); }

lnt_status *lnt_module_target(const lnt_module *module, size_t index, lnt_target_info *target) {
  return guarded([&]() -> Failure {
    const Module &object = *module->object;
    if (index >= object.targets.size())
      return fail(LNT_INVALID_ARGUMENT, "expects a target below ", object.targets.size(),
                  ", found ", index);
    lnt_target_info info = object.targets[index].info;
    info.needs = object.targets[index].needs.c_str();
    return writeInfo(info, target);
  });
}

lnt_status *lnt_session_counters(const lnt_session *session, lnt_counters *counters) {
  return guarded([&]() -> Failure {
    std::lock_guard<std::mutex> lock(session->object->mutex);
    return writeInfo(session->object->execution->counters, counters);
  });
}

lnt_status *lnt_module_memory(const lnt_module *module, size_t function, const lnt_binding *symbols,
                              size_t count, lnt_memory_plan *plan) {
  return guarded([&]() -> Failure {
    const Module &object = *module->object;
    const Program *chosen;
    if (Failure failure = object.at(function, chosen))
      return failure;
    const Program &program = *chosen;
    std::vector<int64_t> values(program.symbols.size(), kUnbound);
    for (size_t i = 0; i < count; ++i)
      for (size_t s = 0; s < values.size(); ++s)
        if (symbols[i].name && program.symbols[s].name == symbols[i].name)
          values[s] = std::max<int64_t>(symbols[i].value, 0);
    lnt_memory_plan result;
    if (Failure failure = planMemory(object, program, values, result))
      return failure;
    *plan = result;
    return nullptr;
  });
}

lnt_status *lnt_infer_shapes(const lnt_module *module, size_t function, const lnt_tensor *arguments,
                             size_t argumentCount, int64_t *dims, size_t resultCount) {
  return guarded([&]() -> Failure {
    const Module &object = *module->object;
    const Program *chosen;
    if (Failure failure = object.at(function, chosen))
      return failure;
    const Program &program = *chosen;
    if (argumentCount != program.arguments.size() || resultCount != program.results.size())
      return fail(LNT_INVALID_ARGUMENT, "function '", program.name, "' has ",
                  program.arguments.size(), " arguments and ", program.results.size(),
                  " results, found ", argumentCount, " and ", resultCount);
    std::vector<int64_t> values(program.symbols.size(), kUnbound);
    for (size_t i = 0; i < argumentCount; ++i)
      if (program.arguments[i].state == kNone || arguments[i].dims)
        if (Failure failure = bindTensor(program, i, arguments[i], values))
          return failure;
    if (Failure failure = checkSymbols(program, values))
      return failure;
    ShapePlan plan;
    if (Failure failure = evaluateEntry(program, values, plan))
      return failure;
    copyShapes(program, plan, dims);
    return nullptr;
  });
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

lnt_status *lnt_call(lnt_session *session, size_t function, const lnt_tensor *arguments,
                     size_t argumentCount, lnt_tensor *results, size_t resultCount,
                     const lnt_call_options *given) {
  return guarded([&]() -> Failure {
    lnt_call_options options;
    if (Failure failure = readOptions(given, options))
      return failure;
    CallArguments call = {
        arguments,          argumentCount,           results, resultCount, options.trace,
        options.trace_user, options.poison_dead != 0};
    if (!options.queue)
      return session->object->call(function, call);
    auto fence = std::make_unique<lnt_fence>();
    {
      std::lock_guard<std::mutex> lock(options.queue->mutex);
      Failure failure = session->object->call(function, call);
      // What only running it can tell goes to the fence, mistakes of the caller come back.
      if (failure && (failure->code != LNT_FAULT || !options.fence))
        return failure;
      fence->result = std::move(failure);
    }
    if (options.fence)
      *options.fence = fence.release();
    return nullptr;
  });
}
