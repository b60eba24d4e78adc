//===- binding.cpp - the C API for Python ---------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// Thin: types are numbers, arrays are memory; runtime/__init__.py gives them names and NumPy
// types. Nothing is copied here, and calls run without the interpreter's lock.
//===----------------------------------------------------------------------===//
#include "linnet-c/Runtime.h"

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace nb = nanobind;

namespace {

using Array = nb::ndarray<nb::ro, nb::c_contig, nb::device::cpu>;
/// A tensor of a call: its type and memory; None for a state.
using Operand = std::optional<std::pair<int, Array>>;
using Shape = std::vector<int64_t>;
using Symbols = std::vector<std::pair<std::string, int64_t>>;

struct StatusError {
  lnt_code code;
  std::string message;
};

void check(lnt_status *status) {
  if (!status)
    return;
  StatusError error = {lnt_status_code(status), lnt_status_message(status)};
  lnt_status_free(status);
  throw error;
}

struct Delete {
  void operator()(lnt_runtime *handle) const { lnt_runtime_destroy(handle); }
  void operator()(lnt_module *handle) const { lnt_module_destroy(handle); }
  void operator()(lnt_session *handle) const { lnt_session_destroy(handle); }
};
struct Runtime {
  std::unique_ptr<lnt_runtime, Delete> handle;
};
struct Module {
  std::unique_ptr<lnt_module, Delete> handle;
  nb::object memory; // that a module from bytes keeps reading
};
struct Session {
  std::unique_ptr<lnt_session, Delete> handle;
};

std::vector<lnt_binding> bindings(const Symbols &symbols) {
  std::vector<lnt_binding> list;
  for (const auto &[name, value] : symbols)
    list.push_back({name.c_str(), value});
  return list;
}

std::vector<lnt_tensor> tensors(const std::vector<Operand> &operands) {
  std::vector<lnt_tensor> list;
  for (const Operand &operand : operands) {
    list.push_back(lnt_tensor{});
    if (!operand)
      continue;
    const Array &array = operand->second;
    list.back() = {lnt_type(operand->first),
                   uint32_t(array.ndim()),
                   array.shape_ptr(),
                   {LNT_CPU, const_cast<void *>(array.data()), 0, array.nbytes()}};
  }
  return list;
}

//===----------------------------------------------------------------------===//
// Descriptions as dictionaries
//===----------------------------------------------------------------------===//

nb::object bytesOrNone(uint64_t bytes) {
  return bytes == LNT_UNBOUNDED ? nb::none() : nb::object(nb::int_(bytes));
}

nb::dict planDict(const lnt_memory_plan &plan) {
  nb::dict dict;
  dict["arguments"] = bytesOrNone(plan.arguments);
  dict["state"] = bytesOrNone(plan.state);
  dict["constants"] = bytesOrNone(plan.constants);
  dict["arena"] = bytesOrNone(plan.arena);
  dict["scratch"] = bytesOrNone(plan.scratch);
  dict["largest_live"] = bytesOrNone(plan.largest_live);
  dict["total"] = bytesOrNone(plan.total);
  return dict;
}

nb::list paramList(const lnt_function_info &info, const lnt_param_info *params, size_t count) {
  nb::list list;
  for (size_t i = 0; i < count; ++i) {
    const lnt_param_info &param = params[i];
    nb::list dims;
    for (uint32_t d = 0; d < param.rank; ++d) {
      const lnt_dim_info &dim = param.dims[d];
      if (dim.size >= 0)
        dims.append(dim.size);
      else
        dims.append(dim.symbol >= 0 ? info.symbols[dim.symbol].name : "?");
    }
    nb::object state = param.state ? nb::object(nb::str(param.state)) : nb::none();
    list.append(nb::make_tuple(param.name, int(param.type), nb::tuple(dims), state, param.alias));
  }
  return list;
}

nb::tuple functionTuple(const lnt_function_info &info) {
  nb::list symbols;
  for (size_t i = 0; i < info.symbol_count; ++i) {
    const lnt_symbol_info &symbol = info.symbols[i];
    symbols.append(nb::make_tuple(symbol.name, symbol.min, symbol.max, symbol.multiple));
  }
  return nb::make_tuple(info.name, symbols, paramList(info, info.arguments, info.argument_count),
                        paramList(info, info.results, info.result_count), planDict(info.memory),
                        info.dispatch_count);
}

//===----------------------------------------------------------------------===//
// Calls
//===----------------------------------------------------------------------===//

void recordEvent(void *user, const lnt_trace_event *event) {
  static_cast<std::vector<lnt_trace_event> *>(user)->push_back(*event);
}

/// The dispatches when `trace`, else nothing.
nb::list call(Session &session, size_t function, const std::vector<Operand> &arguments,
              const std::vector<Operand> &results, bool trace, bool poison) {
  std::vector<lnt_tensor> in = tensors(arguments), out = tensors(results);
  std::vector<lnt_trace_event> events;
  lnt_call_options options = {};
  options.size = sizeof options;
  options.trace = trace ? recordEvent : nullptr;
  options.trace_user = &events;
  options.poison_dead = poison;
  lnt_status *status;
  {
    nb::gil_scoped_release release;
    status = lnt_call(session.handle.get(), function, in.data(), in.size(), out.data(), out.size(),
                      &options);
  }
  check(status);
  nb::list list;
  for (const lnt_trace_event &event : events) {
    nb::dict dict;
    dict["op"] = event.op;
    dict["location"] = event.location;
    dict["kernel"] = event.kernel;
    dict["start"] = event.start;
    dict["duration"] = event.duration;
    dict["chunks"] = event.chunks;
    dict["flops"] = event.flops;
    dict["bytes"] = event.bytes;
    dict["dispatch"] = event.dispatch;
    list.append(dict);
  }
  return list;
}

std::vector<Shape> shapes(Session &session, size_t function, const std::vector<Operand> &arguments,
                          const std::vector<size_t> &ranks) {
  std::vector<lnt_tensor> in = tensors(arguments);
  Shape dims(ranks.size() * LNT_MAX_RANK);
  check(lnt_session_infer_shapes(session.handle.get(), function, in.data(), in.size(), dims.data(),
                                 ranks.size()));
  std::vector<Shape> list;
  for (size_t i = 0; i < ranks.size(); ++i) {
    auto from = dims.begin() + ptrdiff_t(i * LNT_MAX_RANK);
    list.emplace_back(from, from + ptrdiff_t(ranks[i]));
  }
  return list;
}

Module loadModule(Runtime &runtime, const std::optional<std::string> &path, nb::object memory,
                  const std::vector<std::string> &weights,
                  const std::optional<std::string> &level) {
  std::vector<const char *> files;
  for (const std::string &file : weights)
    files.push_back(file.c_str());
  lnt_load_options options = {
      sizeof options, files.data(), files.size(), level ? level->c_str() : nullptr, 0, 0};
  lnt_module *module = nullptr;
  if (path) {
    check(lnt_module_load_file(runtime.handle.get(), path->c_str(), &options, &module));
  } else {
    nb::bytes bytes = nb::cast<nb::bytes>(memory);
    check(lnt_module_load_memory(runtime.handle.get(), bytes.data(), bytes.size(), &options,
                                 &module));
  }
  return {std::unique_ptr<lnt_module, Delete>(module), std::move(memory)};
}

/// name, type, shape (-1: not known), whether it exists, whether it is poisoned
nb::tuple stateTuple(Session &session, size_t index) {
  lnt_state_info info;
  check(lnt_session_state(session.handle.get(), index, &info));
  nb::list dims;
  for (uint32_t d = 0; d < info.rank; ++d)
    dims.append(info.dims[d]);
  return nb::make_tuple(info.name, int(info.type), nb::tuple(dims), bool(info.created),
                        bool(info.poisoned));
}

nb::dict countersDict(Session &session) {
  lnt_counters counters = {};
  counters.size = sizeof counters;
  check(lnt_session_counters(session.handle.get(), &counters));
  nb::dict dict;
  dict["launches"] = counters.launches;
  dict["submissions"] = counters.submissions;
  dict["replays"] = counters.replays;
  dict["uploads"] = counters.uploads;
  dict["upload_bytes"] = counters.upload_bytes;
  dict["downloads"] = counters.downloads;
  dict["download_bytes"] = counters.download_bytes;
  dict["device_copies"] = counters.device_copies;
  dict["barriers"] = counters.barriers;
  return dict;
}

void bindObjects(nb::module_ &m) {
  nb::class_<Runtime>(m, "Runtime")
      .def("__init__",
           [](Runtime *self, int threads, uint64_t memoryLimit, int device, int index) {
             lnt_runtime_options options = {sizeof options,     threads, memoryLimit, 0,
                                            lnt_device(device), index};
             lnt_runtime *handle;
             check(lnt_runtime_create(&options, &handle));
             new (self) Runtime{std::unique_ptr<lnt_runtime, Delete>(handle)};
           })
      .def("threads", [](Runtime &self) { return lnt_runtime_threads(self.handle.get()); })
      .def("load", loadModule, nb::arg("path").none(), nb::arg("memory").none(), nb::arg("weights"),
           nb::arg("level").none());
  nb::class_<Module>(m, "Module")
      .def("functions",
           [](Module &self) {
             nb::list list;
             for (size_t i = 0; i < lnt_module_function_count(self.handle.get()); ++i)
               list.append(functionTuple(*lnt_module_function(self.handle.get(), i)));
             return list;
           })
      .def("level", [](Module &self) { return lnt_module_describe(self.handle.get()).level; })
      .def("memory",
           [](Module &self, size_t function, const Symbols &symbols) {
             std::vector<lnt_binding> list = bindings(symbols);
             lnt_memory_plan plan;
             check(lnt_module_memory(self.handle.get(), function, list.data(), list.size(), &plan));
             return planDict(plan);
           })
      .def("session", [](Module &self, const Symbols &symbols) {
        std::vector<lnt_binding> list = bindings(symbols);
        lnt_session *session;
        check(lnt_session_create(self.handle.get(), list.data(), list.size(), &session));
        return Session{std::unique_ptr<lnt_session, Delete>(session)};
      });
}

void bindSession(nb::module_ &m) {
  nb::class_<Session>(m, "Session")
      .def("call", call)
      .def("shapes", shapes)
      .def("state_count", [](Session &self) { return lnt_session_state_count(self.handle.get()); })
      .def("state", stateTuple)
      .def("get_state",
           [](Session &self, const std::string &name, const Array &array) {
             lnt_buffer buffer = {LNT_CPU, const_cast<void *>(array.data()), 0, array.nbytes()};
             check(lnt_session_get_state(self.handle.get(), name.c_str(), &buffer));
           })
      .def("set_state",
           [](Session &self, const std::string &name, const Operand &value) {
             std::vector<lnt_tensor> list = tensors({value});
             check(lnt_session_set_state(self.handle.get(), name.c_str(), &list[0]));
           })
      .def(
          "reset_state",
          [](Session &self, const std::optional<std::string> &name) {
            check(lnt_session_reset_state(self.handle.get(), name ? name->c_str() : nullptr));
          },
          nb::arg("name").none())
      .def("save_state",
           [](Session &self, const std::string &path) {
             check(lnt_session_save_state(self.handle.get(), path.c_str()));
           })
      .def("load_state",
           [](Session &self, const std::string &path) {
             check(lnt_session_load_state(self.handle.get(), path.c_str()));
           })
      .def("counters", countersDict)
      .def("memory", [](Session &self) { return planDict(lnt_session_memory(self.handle.get())); });
}

} // namespace

NB_MODULE(_native, m) {
  m.def("version", lnt_version);
  bindObjects(m);
  bindSession(m);
  // The exception is a Python class with the status' code.
  nb::register_exception_translator([](const std::exception_ptr &pointer, void *) {
    try {
      std::rethrow_exception(pointer);
    } catch (const StatusError &error) {
      nb::object type = nb::module_::import_("linnet._src.runtime").attr("Error");
      nb::object arguments = nb::make_tuple(error.message, int(error.code));
      PyErr_SetObject(type.ptr(), arguments.ptr());
    }
  });
}
