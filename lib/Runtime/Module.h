//===- Module.h - a loaded bundle -------------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_RUNTIME_MODULE_H
#define LINNET_LIB_RUNTIME_MODULE_H

#include "CPU/CPUDevice.h"
#include "CPU/CodeImage.h"
#include "CPU/ThreadPool.h"
#include "Program.h"
#include "ShapePlan.h"
#include "Status.h"
#include "linnet/Bundle/SafeTensors.h"

#include <memory>
#include <string>
#include <vector>

namespace linnet::runtime {

struct Runtime {
  explicit Runtime(int32_t threads) : pool(threads) {}
  ThreadPool pool;
  std::shared_ptr<Device> device; // on which modules run
  uint64_t memoryLimit = 0, maxCommands = 0;
};

/// The bytes of a bundle: a mapped file or the caller's memory.
class BundleBytes {
public:
  BundleBytes() = default;
  ~BundleBytes();
  BundleBytes(const BundleBytes &) = delete;
  BundleBytes &operator=(const BundleBytes &) = delete;

  Failure open(const std::string &path);
  void borrow(const void *data, size_t size);

  const uint8_t *data = nullptr;
  size_t size = 0;
  int file = -1; // to map code from; closed after loading
  void closeFile();

private:
  bool mapped = false;
};

/// A state of the module: the arguments of this name in all functions.
struct StateSlot {
  std::string name;
  fb::ElementType type;
  std::vector<int64_t> constants; // -1: symbol
  /// Per dimension, what the functions call its symbol; the first one's name first.
  std::vector<std::vector<std::string>> symbols;
  int32_t initial = -1; // the constant that it starts with; else zeros
};

/// Code of the bundle for one device.
struct TargetDescription {
  lnt_target_info info = {};
  std::string needs;
};

/// What the describe functions hand out.
struct FunctionDescription {
  lnt_function_info info = {};
  std::vector<lnt_symbol_info> symbols;
  std::vector<lnt_param_info> arguments, results;
  std::vector<std::vector<lnt_dim_info>> dims;
};

class Module {
public:
  static Failure load(std::shared_ptr<Runtime> runtime, std::unique_ptr<BundleBytes> bytes,
                      const std::string &label, const lnt_load_options &options,
                      std::shared_ptr<Module> &result);

  const Program *find(const std::string &name, size_t &index) const;
  /// The function of a number that a caller gave.
  Failure at(size_t index, const Program *&program) const;

  std::shared_ptr<Runtime> runtime;
  std::vector<Program> programs;
  std::vector<StateSlot> states;
  std::vector<const char *> constants; // where each is that is used, on the device
  std::vector<int64_t> constantBytes;
  uint64_t constantTotal = 0;
  std::vector<FunctionDescription> descriptions;
  const fb::Bundle *bundle = nullptr;
  // Of the device.
  const fb::Target *target = nullptr; // null: the CPU
  const flatbuffers::Vector<flatbuffers::Offset<fb::Function>> *functions = nullptr;
  const flatbuffers::Vector<flatbuffers::Offset<fb::Kernel>> *kernels = nullptr;
  std::string level;
  bool describeOnly = false;
  std::vector<TargetDescription> targets;

  /// What a session's calls run on.
  std::unique_ptr<Execution> execution() const;

private:
  Failure readMetadata();
  Failure chooseTarget();
  Failure loadCode(const lnt_load_options &options, std::vector<lnt_kernel> &kernels);
  Failure loadConstants(const lnt_load_options &options);
  void countConstants();
  Failure checkWeights() const;
  Failure placeConstant(uint32_t i);
  Failure moveConstants();
  Failure linkStates();
  Failure linkState(const fb::Function &function, size_t argument, Program &program);
  void describe();
  void describeTargets();

  std::unique_ptr<BundleBytes> bytes;
  std::unique_ptr<uint64_t[]> metadataCopy; // when the caller's memory is not aligned
  uint64_t codeOffset = 0, codeLength = 0, constantOffset = 0, constantLength = 0;
  std::unique_ptr<CodeImage> image;
  std::unique_ptr<DeviceCode> deviceCode;
  std::vector<bool> usedConstants; // by a function of the device
  std::vector<std::unique_ptr<bundle::SafeTensors>> weights;
  std::vector<Memory> owned; // constants that were laid out or moved
};

/// Memory of a function for given symbols; kUnbound counts with the maximum.
Failure planMemory(const Module &module, const Program &program, std::vector<int64_t> symbols,
                   lnt_memory_plan &plan);

FunctionDescription describeFunction(const Module &module, const Program &program);

} // namespace linnet::runtime

#endif // LINNET_LIB_RUNTIME_MODULE_H
