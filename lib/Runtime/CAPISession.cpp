//===- CAPISession.cpp - the C API: sessions, buffers, queues -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Handles.h"

using namespace linnet::runtime;

//===----------------------------------------------------------------------===//
// Sessions
//===----------------------------------------------------------------------===//

lnt_status *lnt_session_create(lnt_module *module, const lnt_binding *symbols, size_t count,
                               lnt_session **session) {
  return guarded([&]() -> Failure {
    auto result = std::make_unique<lnt_session>();
    if (Failure failure = Session::create(module->object, symbols, count, result->object))
      return failure;
    *session = result.release();
    return nullptr;
  });
}

void lnt_session_destroy(lnt_session *session) { delete session; }

size_t lnt_session_state_count(const lnt_session *session) {
  return session->object->states.size();
}

lnt_status *lnt_session_state(lnt_session *session, size_t index, lnt_state_info *info) {
  return guarded([&]() -> Failure {
    Session &object = *session->object;
    std::lock_guard<std::mutex> lock(object.mutex);
    if (index >= object.states.size())
      return fail(LNT_INVALID_ARGUMENT, "expects a state below ", object.states.size(), ", found ",
                  index);
    const StateSlot &slot = object.module->states[index];
    const State &state = object.states[index];
    *info = {};
    info->name = slot.name.c_str();
    info->type = toType(slot.type);
    info->rank = uint32_t(state.dims.size());
    for (size_t i = 0; i < state.dims.size(); ++i)
      info->dims[i] = state.dims[i];
    info->created = state.created;
    info->poisoned = state.poisoned;
    info->buffer = object.stateBuffer(index);
    return nullptr;
  });
}

lnt_status *lnt_session_find_state(const lnt_session *session, const char *name, size_t *index) {
  return guarded([&]() -> Failure {
    size_t found;
    if (Failure failure = session->object->findState(name ? name : "", found))
      return failure;
    *index = found;
    return nullptr;
  });
}

/// Runs `function` on the state of that name, alone on the session.
template <typename Function>
static lnt_status *onState(lnt_session *session, const char *name, Function &&function) {
  return guarded([&]() -> Failure {
    std::lock_guard<std::mutex> lock(session->object->mutex);
    size_t index;
    if (Failure failure = session->object->findState(name ? name : "", index))
      return failure;
    return function(*session->object, index);
  });
}

lnt_status *lnt_session_get_state(lnt_session *session, const char *name,
                                  const lnt_buffer *buffer) {
  return onState(session, name,
                 [&](Session &object, size_t index) { return object.getState(index, *buffer); });
}

lnt_status *lnt_session_set_state(lnt_session *session, const char *name, const lnt_tensor *value) {
  return onState(session, name,
                 [&](Session &object, size_t index) { return object.setState(index, *value); });
}

lnt_status *lnt_session_reset_state(lnt_session *session, const char *name) {
  if (name)
    return onState(session, name,
                   [](Session &object, size_t index) { return object.resetState(index); });
  return guarded([&]() -> Failure {
    std::lock_guard<std::mutex> lock(session->object->mutex);
    for (size_t i = 0; i < session->object->states.size(); ++i)
      if (Failure failure = session->object->resetState(i))
        return failure;
    return nullptr;
  });
}

lnt_status *lnt_session_save_state(lnt_session *session, const char *path) {
  return guarded([&] {
    std::lock_guard<std::mutex> lock(session->object->mutex);
    return session->object->saveStates(path);
  });
}

lnt_status *lnt_session_load_state(lnt_session *session, const char *path) {
  return guarded([&] {
    std::lock_guard<std::mutex> lock(session->object->mutex);
    return session->object->loadStates(path);
  });
}

lnt_status *lnt_session_infer_shapes(lnt_session *session, size_t function,
                                     const lnt_tensor *arguments, size_t argumentCount,
                                     int64_t *dims, size_t resultCount) {
  return guarded([&] {
    CallArguments call = {arguments, argumentCount, nullptr, resultCount};
    return session->object->inferShapes(function, call, dims);
  });
}

lnt_memory_plan lnt_session_memory(const lnt_session *session) {
  std::lock_guard<std::mutex> lock(session->object->mutex);
  return session->object->memory();
}

//===----------------------------------------------------------------------===//
// Buffers
//===----------------------------------------------------------------------===//

static Failure checkDevice(const lnt_runtime *runtime, lnt_device device) {
  const Device &own = *runtime->object->device;
  return isReachable(own, device) ? nullptr
                                  : fail(LNT_UNSUPPORTED, "device ", int(device),
                                         " is not available: the runtime was made for ",
                                         own.label(), " (", int(own.kind()), ")");
}

/// The device of memory that a runtime can reach.
static std::shared_ptr<Device> deviceOf(const lnt_runtime *runtime, lnt_device kind) {
  const std::shared_ptr<Device> &own = runtime->object->device;
  return own->kind() == kind ? own : std::make_shared<CPUDevice>();
}

lnt_status *lnt_buffer_allocate(lnt_runtime *runtime, lnt_device device, uint64_t size,
                                lnt_buffer *buffer) {
  return guarded([&]() -> Failure {
    if (Failure failure = checkDevice(runtime, device))
      return failure;
    char *memory = nullptr;
    if (size != 0)
      if (Failure failure = deviceOf(runtime, device)->allocate(size, "a buffer", memory))
        return failure;
    *buffer = {device, memory, 0, size};
    return nullptr;
  });
}

void lnt_buffer_free(lnt_runtime *runtime, lnt_buffer *buffer) {
  if (buffer->handle && buffer->size != 0)
    deviceOf(runtime, buffer->device)->release(static_cast<char *>(buffer->handle), buffer->size);
  *buffer = {};
}

//===----------------------------------------------------------------------===//
// Queues
//===----------------------------------------------------------------------===//

lnt_status *lnt_queue_create(lnt_runtime *runtime, lnt_device device, lnt_queue **queue) {
  return guarded([&]() -> Failure {
    if (Failure failure = checkDevice(runtime, device))
      return failure;
    auto result = std::make_unique<lnt_queue>();
    result->runtime = runtime->object;
    *queue = result.release();
    return nullptr;
  });
}

void lnt_queue_destroy(lnt_queue *queue) { delete queue; }

static Failure copyBytes(Device &device, const lnt_buffer &source, const lnt_buffer &target) {
  char *from = static_cast<char *>(source.handle) + source.offset;
  char *to = static_cast<char *>(target.handle) + target.offset;
  if ((source.device != LNT_CPU && !device.owns(from, source.size)) ||
      (target.device != LNT_CPU && !device.owns(to, source.size)))
    return fail(LNT_INVALID_ARGUMENT, "expects ", source.size, " bytes of ", device.label(),
                ", which has none there");
  if (source.device == target.device)
    return source.device == LNT_CPU ? CPUDevice().copy(to, from, source.size)
                                    : device.copy(to, from, source.size);
  return source.device == LNT_CPU ? device.upload(to, from, source.size)
                                  : device.download(to, from, source.size);
}

lnt_status *lnt_queue_copy(lnt_queue *queue, const lnt_buffer *source, const lnt_buffer *target,
                           lnt_fence **fence) {
  return guarded([&]() -> Failure {
    Device &device = *queue->runtime->device;
    if (!isReachable(device, source->device) || !isReachable(device, target->device))
      return fail(LNT_UNSUPPORTED, "copies between devices ", int(source->device), " and ",
                  int(target->device), " are not available");
    if (target->size < source->size || (source->size != 0 && (!source->handle || !target->handle)))
      return fail(LNT_INVALID_ARGUMENT, "expects a target of ", source->size, " bytes, found ",
                  target->size);
    auto result = std::make_unique<lnt_fence>();
    std::lock_guard<std::mutex> lock(queue->mutex);
    if (source->size != 0)
      if (Failure failure = copyBytes(device, *source, *target))
        return failure;
    if (fence)
      *fence = result.release();
    return nullptr;
  });
}

lnt_status *lnt_queue_wait(lnt_queue *queue) {
  // Whoever submits holds the queue until the work is done.
  std::lock_guard<std::mutex> lock(queue->mutex);
  return nullptr;
}

lnt_status *lnt_fence_wait(lnt_fence *fence) {
  return guarded([&]() -> Failure {
    return fence->result ? fail(fence->result->code, fence->result->message) : nullptr;
  });
}

int lnt_fence_done(const lnt_fence *) { return 1; }
void lnt_fence_destroy(lnt_fence *fence) { delete fence; }
