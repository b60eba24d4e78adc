//===- Weights.cpp - constants of a module --------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Module.h"
#include "linnet/Bundle/Container.h"
#include "linnet/Bundle/Element.h"
#include "linnet/Bundle/Pack.h"

#include <cstring>

namespace linnet::runtime {
namespace {

using bundle::PanelLayout;
using bundle::Tensor;

PanelLayout toPanels(const fb::Layout &layout) {
  return {layout.batch(),    layout.n(),        layout.k(),     layout.batch_stride(),
          layout.n_stride(), layout.k_stride(), layout.panel(), layout.group()};
}

class PackTask final : public Task {
public:
  PackTask(const PanelLayout &layout, unsigned bytes, const void *source, void *target)
      : layout(layout), bytes(bytes), source(source), target(target) {}
  void run(int64_t begin, int64_t end, int32_t) override {
    bundle::packPanels(layout, bytes, source, target, uint64_t(begin), uint64_t(end));
  }

private:
  const PanelLayout &layout;
  unsigned bytes;
  const void *source;
  void *target;
};

/// Bytes of constants in one allocation of a device, which limits both their size and number.
constexpr uint64_t kConstantBlock = uint64_t(256) << 20;

bool aligned(const void *pointer, size_t alignment) {
  return reinterpret_cast<uintptr_t>(pointer) % alignment == 0;
}

std::vector<int64_t> dimsOf(const fb::Constant &constant) {
  std::vector<int64_t> dims;
  for (uint32_t i = 0; constant.dims() && i < constant.dims()->size(); ++i)
    dims.push_back(int64_t(constant.dims()->Get(i)));
  return dims;
}

std::string keyOf(const fb::Constant &constant) {
  return constant.key() && constant.key()->size() != 0 ? constant.key()->str()
                                                       : constant.name()->str();
}

/// Puts `source` where kernels can read it: as it is, moved to an aligned address, or in panels.
Failure place(const fb::Constant &constant, const void *source, uint64_t sourceBytes,
              ThreadPool &pool, std::vector<Memory> &owned, const char *&result) {
  bool panels = constant.layout() && constant.layout()->kind() == fb::LayoutKind::Panels;
  if (!panels && aligned(source, bundle::kConstantAlign)) {
    result = static_cast<const char *>(source);
    return nullptr;
  }
  auto noRoom = [&] {
    return fail(LNT_OUT_OF_MEMORY, "out of memory for constant '", constant.name()->str(), "' of ",
                constant.length(), " bytes");
  };
  auto host = std::make_shared<CPUDevice>();
  Memory memory(host), copy(host);
  if (memory.allocate(constant.length(), "a constant"))
    return noRoom();
  unsigned element = bundle::elementBytes(constant.type());
  if (panels && !aligned(source, element)) {
    if (copy.allocate(sourceBytes, "a constant"))
      return noRoom();
    std::memcpy(copy.data(), source, sourceBytes);
    source = copy.data();
  }
  if (panels) {
    PanelLayout layout = toPanels(*constant.layout());
    PackTask task(layout, element, source, memory.data());
    pool.run(task, int64_t(layout.batch * layout.panelsPerBatch()));
  } else if (constant.length() != 0) {
    std::memcpy(memory.data(), source, constant.length());
  }
  result = memory.data();
  owned.push_back(std::move(memory));
  return nullptr;
}

/// The tensor for an external constant, or a line about why there is none.
std::string findWeight(const fb::Constant &constant,
                       const std::vector<std::unique_ptr<bundle::SafeTensors>> &files,
                       const Tensor *&tensor) {
  std::string key = keyOf(constant);
  tensor = nullptr;
  for (const auto &file : files)
    if (!tensor)
      tensor = file->find(key);
  std::vector<int64_t> dims = dimsOf(constant);
  std::string expected = bundle::shapeName(dims.data(), dims.size(), constant.type());
  if (!tensor)
    return "'" + key + "' (" + expected + ") is missing";
  if (tensor->type == constant.type() && tensor->dims == dims)
    return "";
  return "'" + key + "' is " +
         bundle::shapeName(tensor->dims.data(), tensor->dims.size(), tensor->type) + ", expected " +
         expected;
}

} // namespace

/// Every external weight that the files lack, or have in another shape, is named.
Failure Module::checkWeights() const {
  std::string problems;
  size_t problemCount = 0;
  for (uint32_t i = 0; i < constants.size(); ++i) {
    const fb::Constant &constant = *bundle->constants()->Get(i);
    const Tensor *tensor;
    if (!constant.external() || !usedConstants[i])
      continue;
    std::string problem = findWeight(constant, weights, tensor);
    // One tensor may be laid out in several ways: one line is enough.
    if (problem.empty() || problems.find("\n  " + problem) != std::string::npos)
      continue;
    problems += "\n  " + problem;
    ++problemCount;
  }
  if (problemCount == 0)
    return nullptr;
  return fail(LNT_BAD_FILE, problemCount,
              problemCount == 1 ? " external weight does not fit:"
                                : " external weights do not fit:",
              problems);
}

/// Which constants the device's functions use, and the bytes of those that stay in use: what a
/// state starts with is read once, if no kernel reads it. A bundle for one device uses all.
void Module::countConstants() {
  bool alone = targets.size() <= 1;
  std::vector<bool> counts(constants.size(), alone);
  usedConstants.assign(constants.size(), alone);
  for (uint32_t f = 0; functions && f < functions->size(); ++f) {
    const fb::Function &function = *functions->Get(f);
    for (uint32_t a = 0; function.arguments() && a < function.arguments()->size(); ++a)
      if (int32_t initial = function.arguments()->Get(a)->initial(); initial >= 0) {
        counts[size_t(initial)] = false;
        usedConstants[size_t(initial)] = true;
      }
  }
  for (uint32_t f = 0; functions && f < functions->size(); ++f)
    if (const auto *buffers = functions->Get(f)->buffers())
      for (const fb::Buffer *buffer : *buffers)
        if (buffer->kind() == fb::BufferKind::Constant)
          counts[buffer->index()] = usedConstants[buffer->index()] = true;
  for (uint32_t i = 0; i < constants.size(); ++i) {
    constantBytes.push_back(int64_t(bundle->constants()->Get(i)->length()));
    if (counts[i])
      constantTotal += bundle->constants()->Get(i)->length();
  }
}

Failure Module::placeConstant(uint32_t i) {
  const fb::Constant &constant = *bundle->constants()->Get(i);
  if (constant.external()) {
    const Tensor *tensor = nullptr;
    findWeight(constant, weights, tensor);
    return place(constant, tensor->data, uint64_t(tensor->bytes), runtime->pool, owned,
                 constants[i]);
  }
  // Embedded constants are laid out already.
  const uint8_t *source = bytes->data + constantOffset + constant.offset();
  if (aligned(source, bundle::kConstantAlign) || constant.length() == 0) {
    constants[i] = reinterpret_cast<const char *>(source);
    return nullptr;
  }
  Memory memory(std::make_shared<CPUDevice>());
  if (Failure failure =
          memory.allocate(constant.length(), "constant '" + constant.name()->str() + "'"))
    return failure;
  std::memcpy(memory.data(), source, constant.length());
  constants[i] = memory.data();
  owned.push_back(std::move(memory));
  return nullptr;
}

Failure Module::loadConstants(const lnt_load_options &options) {
  for (size_t i = 0; i < options.weight_count; ++i) {
    std::unique_ptr<bundle::SafeTensors> file;
    if (bundle::Error error = bundle::SafeTensors::open(options.weights[i], file))
      return fail(LNT_IO, error);
    weights.push_back(std::move(file));
  }
  constants.assign(bundle->constants() ? bundle->constants()->size() : 0, nullptr);
  countConstants();
  if (Failure failure = checkWeights())
    return failure;
  for (uint32_t i = 0; i < constants.size(); ++i)
    if (usedConstants[i])
      if (Failure failure = placeConstant(i))
        return failure;
  return target ? moveConstants() : nullptr;
}

/// From the host to the device, several in one allocation; the host's copies go.
Failure Module::moveConstants() {
  std::vector<Memory> moved;
  auto padded = [](int64_t bytes) {
    return (uint64_t(bytes) + bundle::kConstantAlign - 1) & ~(bundle::kConstantAlign - 1);
  };
  for (uint32_t i = 0; i < constants.size();) {
    uint64_t total = 0;
    uint32_t end = i;
    for (; end < constants.size(); ++end) {
      uint64_t more = usedConstants[end] ? padded(constantBytes[end]) : 0;
      if (total != 0 && total + more > kConstantBlock)
        break;
      total += more;
    }
    Memory memory(runtime->device);
    if (Failure failure = memory.allocate(total, "weights"))
      return failure;
    for (uint64_t offset = 0; i < end; ++i) {
      if (!usedConstants[i] || constantBytes[i] == 0)
        continue;
      char *place = memory.data() + offset;
      if (Failure failure = memory.owner()->upload(place, constants[i], uint64_t(constantBytes[i])))
        return failure;
      constants[i] = place;
      offset += padded(constantBytes[i]);
    }
    moved.push_back(std::move(memory));
  }
  owned = std::move(moved);
  return nullptr;
}

} // namespace linnet::runtime
