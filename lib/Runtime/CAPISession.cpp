//===- CAPISession.cpp - the C API: sessions, buffers, queues -------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Handles.h"

#include <cstring>
#include <sys/mman.h>

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
    info->buffer = {LNT_CPU, state.memory.data(), 0, uint64_t(state.bytes)};
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
    return onState(session, name, [](Session &object, size_t index) -> Failure {
      object.resetState(index);
      return nullptr;
    });
  std::lock_guard<std::mutex> lock(session->object->mutex);
  for (size_t i = 0; i < session->object->states.size(); ++i)
    session->object->resetState(i);
  return nullptr;
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

static Failure checkDevice(lnt_device device) {
  return device == LNT_CPU
             ? nullptr
             : fail(LNT_UNSUPPORTED, "device ", int(device), " is not available; the CPU is 0");
}

lnt_status *lnt_buffer_allocate(lnt_runtime *, lnt_device device, uint64_t size,
                                lnt_buffer *buffer) {
  return guarded([&]() -> Failure {
    if (Failure failure = checkDevice(device))
      return failure;
    void *memory = nullptr;
    if (size != 0) {
      memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (memory == MAP_FAILED)
        return fail(LNT_OUT_OF_MEMORY, "out of memory for a buffer of ", size, " bytes");
    }
    *buffer = {device, memory, 0, size};
    return nullptr;
  });
}

void lnt_buffer_free(lnt_runtime *, lnt_buffer *buffer) {
  if (buffer->handle && buffer->size != 0)
    munmap(buffer->handle, buffer->size);
  *buffer = {};
}

//===----------------------------------------------------------------------===//
// Queues
//===----------------------------------------------------------------------===//

lnt_status *lnt_queue_create(lnt_runtime *runtime, lnt_device device, lnt_queue **queue) {
  return guarded([&]() -> Failure {
    if (Failure failure = checkDevice(device))
      return failure;
    auto result = std::make_unique<lnt_queue>();
    result->runtime = runtime->object;
    *queue = result.release();
    return nullptr;
  });
}

void lnt_queue_destroy(lnt_queue *queue) { delete queue; }

lnt_status *lnt_queue_copy(lnt_queue *queue, const lnt_buffer *source, const lnt_buffer *target,
                           lnt_fence **fence) {
  return guarded([&]() -> Failure {
    if (source->device != LNT_CPU || target->device != LNT_CPU)
      return fail(LNT_UNSUPPORTED, "copies between devices ", int(source->device), " and ",
                  int(target->device), " are not available");
    if (target->size < source->size || (source->size != 0 && (!source->handle || !target->handle)))
      return fail(LNT_INVALID_ARGUMENT, "expects a target of ", source->size, " bytes, found ",
                  target->size);
    auto result = std::make_unique<lnt_fence>();
    std::lock_guard<std::mutex> lock(queue->mutex);
    if (source->size != 0)
      std::memmove(static_cast<char *>(target->handle) + target->offset,
                   static_cast<const char *>(source->handle) + source->offset, source->size);
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
