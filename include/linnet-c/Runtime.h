/*===- Runtime.h - loading and calling compiled models --------------*- C -*-===*
 *
 * Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
 *
 * A runtime owns threads. A module is a loaded bundle: immutable. A session is one
 * user of a module: it owns the module's state (caches, optimizer moments, weights in
 * training), the arena and the scratch memory. Calls go through a session.
 *
 *   lnt_runtime *runtime; lnt_module *module; lnt_session *session;
 *   lnt_status *status = lnt_runtime_create(NULL, &runtime);
 *   if (!status) status = lnt_module_load_file(runtime, "m.lnb", NULL, &module);
 *   if (!status) status = lnt_session_create(module, NULL, 0, &session);
 *   if (!status) status = lnt_call(session, 0, arguments, 2, results, 1, NULL);
 *   if (status) { puts(lnt_status_message(status)); lnt_status_free(status); }
 *
 * Errors: functions that can fail return NULL on success, or a status that the caller
 * frees. An out parameter is written only on success. Nothing aborts or prints.
 *
 * Threads: every function may be called from any thread. Calls on one session are done
 * one after the other; different sessions of one module run at the same time. An object
 * must not be destroyed while another thread uses it.
 *
 * Ownership: destroy in any order; a session keeps its module, and a module its runtime,
 * alive. Strings and arrays reached through an info struct live as long as the module.
 *
 * Units: sizes and offsets are bytes, dimensions are elements, times are nanoseconds.
 * Tensors are row-major and contiguous.
 *===----------------------------------------------------------------------===*/
#ifndef LINNET_C_RUNTIME_H
#define LINNET_C_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(LNT_STATIC)
#define LNT_API
#else
#define LNT_API __attribute__((visibility("default")))
#endif

typedef struct lnt_status lnt_status;
typedef struct lnt_runtime lnt_runtime;
typedef struct lnt_module lnt_module;
typedef struct lnt_session lnt_session;
typedef struct lnt_queue lnt_queue;
typedef struct lnt_fence lnt_fence;

/*===-- status -----------------------------------------------------------===*/

typedef enum lnt_code {
  LNT_OK = 0,
  LNT_INVALID_ARGUMENT = 1, /* the caller passed something that does not fit */
  LNT_BAD_FILE = 2,         /* a bundle or weights file is damaged or does not fit */
  LNT_IO = 3,               /* a file cannot be read or written */
  LNT_UNSUPPORTED = 4,      /* this machine lacks what the bundle needs */
  LNT_OUT_OF_MEMORY = 5,    /* or over the runtime's memory_limit */
  LNT_FAULT = 6,            /* the program found a fault in its data (an index out of range) */
  LNT_POISONED = 7          /* a state was left half-written by a fault: reset or set it */
} lnt_code;

LNT_API lnt_code lnt_status_code(const lnt_status *status);       /* of NULL: LNT_OK */
LNT_API const char *lnt_status_message(const lnt_status *status); /* of NULL: "" */
LNT_API void lnt_status_free(lnt_status *status);                 /* NULL is fine */

/* "0.1.0" */
LNT_API const char *lnt_version(void);

/*===-- devices ----------------------------------------------------------===*/

typedef enum lnt_device { LNT_CPU = 0, LNT_CUDA = 1, LNT_VULKAN = 2 } lnt_device;

typedef struct lnt_device_info {
  size_t size; /* sizeof(lnt_device_info), set by the caller */
  lnt_device device;
  int32_t index;        /* for lnt_runtime_options.device_index */
  char name[256];       /* "NVIDIA H100" */
  char chip[32];        /* CUDA: "sm_90"; else "" */
  uint32_t version;     /* Vulkan: 1003 is 1.3; CUDA: of the driver, 12080 is 12.8; CPU: 0 */
  uint64_t memory;      /* bytes */
  uint64_t memory_free; /* where the device tells, else what it has */
  uint32_t group;       /* threads that a workgroup may have */
  uint32_t shared;      /* bytes of workgroup memory */
  uint32_t subgroup_min, subgroup_max; /* threads of a subgroup */
  int usable;                          /* 0: it lacks what every program needs; `lacks` says what */
  char lacks[128];
} lnt_device_info;

/* How many devices of a kind there are; a missing library or driver is LNT_UNSUPPORTED, and the
 * message names it. There is one CPU. */
LNT_API lnt_status *lnt_device_count(lnt_device device, int32_t *count);
/* `index`: from 1 on. */
LNT_API lnt_status *lnt_device_describe(lnt_device device, int32_t index, lnt_device_info *info);

/*===-- runtime ----------------------------------------------------------===*/

typedef struct lnt_runtime_options {
  size_t size;           /* sizeof(lnt_runtime_options) */
  int32_t threads;       /* that a call uses, the caller's included; 0: one per available core */
  uint64_t memory_limit; /* bytes that a session may hold (state, arena, scratch); 0: no limit */
  uint64_t max_commands; /* a call that runs more fails; 0: no limit */
  lnt_device device;     /* on which the runtime's modules run */
  int32_t device_index;  /* its number among those of its kind, from 1 on; 0: the best */
} lnt_runtime_options;

/* options NULL: defaults. */
LNT_API lnt_status *lnt_runtime_create(const lnt_runtime_options *options, lnt_runtime **runtime);
LNT_API void lnt_runtime_destroy(lnt_runtime *runtime);
LNT_API int32_t lnt_runtime_threads(const lnt_runtime *runtime);
LNT_API lnt_device lnt_runtime_device(const lnt_runtime *runtime);

/*===-- buffers and tensors ----------------------------------------------===*/

/* `size` bytes from `offset` of an allocation. On the CPU `handle` is its address, on another
 * device what only that device can follow. Where a function takes a buffer of the runtime's
 * device, it takes one of the CPU, too: its bytes are copied. */
typedef struct lnt_buffer {
  lnt_device device;
  void *handle;
  uint64_t offset;
  uint64_t size;
} lnt_buffer;

/* Zeroed memory of a device, aligned to 64 bytes. */
LNT_API lnt_status *lnt_buffer_allocate(lnt_runtime *runtime, lnt_device device, uint64_t size,
                                        lnt_buffer *buffer);
LNT_API void lnt_buffer_free(lnt_runtime *runtime, lnt_buffer *buffer);

typedef enum lnt_type {
  LNT_I1 = 1, /* one byte, 0 or 1 */
  LNT_I8,
  LNT_I16,
  LNT_I32,
  LNT_I64,
  LNT_F16,
  LNT_BF16,
  LNT_F32,
  LNT_F64
} lnt_type;

LNT_API size_t lnt_type_size(lnt_type type);      /* bytes of an element; 0: no such type */
LNT_API const char *lnt_type_name(lnt_type type); /* "f32" */

typedef struct lnt_tensor {
  lnt_type type;
  uint32_t rank;
  const int64_t *dims; /* rank of them; may be NULL for rank 0 */
  lnt_buffer buffer;   /* at least the tensor's bytes; handle may be NULL when that is 0 */
} lnt_tensor;

/*===-- modules ----------------------------------------------------------===*/

typedef struct lnt_load_options {
  size_t size;                /* sizeof(lnt_load_options) */
  const char *const *weights; /* safetensors files with the external weights */
  size_t weight_count;
  const char *level; /* use this image: "x86-64-v3", "x86-64-v4", "native"; NULL: the best */
  int profile;       /* show kernels to perf (/tmp/perf-PID.map): code is copied then */
  int describe_only; /* what the bundle has for another device is described where it has nothing
                        for the runtime's; code and weights are left alone: no session can be made
                      */
} lnt_load_options;

/* Maps a bundle. The file, and weights files, must not change while the module lives. All
 * external weights that are missing or do not fit are named in one message. options may be NULL. */
LNT_API lnt_status *lnt_module_load_file(lnt_runtime *runtime, const char *path,
                                         const lnt_load_options *options, lnt_module **module);
/* The same from memory, which must stay as it is while the module lives; constants are used in
 * place if `data` is aligned to 64 bytes. */
LNT_API lnt_status *lnt_module_load_memory(lnt_runtime *runtime, const void *data, size_t size,
                                           const lnt_load_options *options, lnt_module **module);
LNT_API void lnt_module_destroy(lnt_module *module);

#define LNT_UNBOUNDED UINT64_MAX

typedef struct lnt_symbol_info {
  const char *name;
  int64_t min, max; /* max -1: unbounded */
  int64_t multiple;
} lnt_symbol_info;

typedef struct lnt_dim_info {
  int64_t size;   /* -1: not constant */
  int32_t symbol; /* index of its symbol, or -1: constant, or computed from the symbols */
} lnt_dim_info;

typedef struct lnt_param_info {
  const char *name; /* "" when the model has none */
  lnt_type type;
  uint32_t rank;
  const lnt_dim_info *dims;
  const char *state; /* name of the session's state that it is, or NULL */
  int32_t alias;     /* argument: the result that takes its memory over; result: the argument
                        whose memory it is; -1: none */
} lnt_param_info;

/* Bytes that a call needs; LNT_UNBOUNDED where a symbol has no maximum. */
typedef struct lnt_memory_plan {
  uint64_t arguments; /* and results in memory of their own; states are not in it */
  uint64_t state;
  uint64_t constants; /* of the whole module */
  uint64_t arena;
  uint64_t scratch;      /* for all threads */
  uint64_t largest_live; /* of the arena: its lower bound */
  uint64_t total;
} lnt_memory_plan;

typedef struct lnt_function_info {
  const char *name;
  const lnt_symbol_info *symbols;
  size_t symbol_count;
  const lnt_param_info *arguments;
  size_t argument_count;
  const lnt_param_info *results;
  size_t result_count;
  size_t command_count;
  size_t dispatch_count;
  uint32_t copies_forced; /* donations that could not be honoured */
  lnt_memory_plan memory; /* at the symbols' maxima, with this runtime's threads */
} lnt_function_info;

LNT_API size_t lnt_module_function_count(const lnt_module *module);
/* NULL when there is no such function. */
LNT_API const lnt_function_info *lnt_module_function(const lnt_module *module, size_t index);
LNT_API lnt_status *lnt_module_find_function(const lnt_module *module, const char *name,
                                             size_t *index);

typedef struct lnt_module_info {
  const char *producer;
  const char *level; /* of the image in use; "" when the bundle has no kernels */
  size_t kernel_count;
  size_t constant_count;
  uint64_t constant_bytes;
  uint32_t planned_threads;
} lnt_module_info;
LNT_API lnt_module_info lnt_module_describe(const lnt_module *module);

/* What a bundle has for one device. */
typedef struct lnt_target_info {
  size_t size; /* sizeof(lnt_target_info), set by the caller */
  lnt_device device;
  size_t kernel_count, image_count;
  uint64_t code_bytes;
  const char *needs; /* "subgroups of 8 threads, float16"; "" when nothing */
} lnt_target_info;
LNT_API size_t lnt_module_target_count(const lnt_module *module);
LNT_API lnt_status *lnt_module_target(const lnt_module *module, size_t index,
                                      lnt_target_info *info);

/* A value of a symbol. */
typedef struct lnt_binding {
  const char *name;
  int64_t value;
} lnt_binding;

/* The plan for given sizes; symbols that are not named count with their maxima. */
LNT_API lnt_status *lnt_module_memory(const lnt_module *module, size_t function,
                                      const lnt_binding *symbols, size_t symbol_count,
                                      lnt_memory_plan *plan);

/* Shapes of the results for arguments of given types and shapes (their buffers are not looked
 * at). `dims` of result i starts at dims[i * LNT_MAX_RANK]. An argument that is a state may have
 * a NULL `dims`: then the other arguments must bind its symbols. */
#define LNT_MAX_RANK 32
LNT_API lnt_status *lnt_infer_shapes(const lnt_module *module, size_t function,
                                     const lnt_tensor *arguments, size_t argument_count,
                                     int64_t *dims, size_t result_count);

/*===-- sessions ---------------------------------------------------------===*/

/* Creates a session. A state is shared by all functions that have an argument of its name (and
 * type). States whose symbols are all in `symbols` (or constant) are created now, the others by
 * the first call that binds theirs; zero in both cases. */
LNT_API lnt_status *lnt_session_create(lnt_module *module, const lnt_binding *symbols,
                                       size_t symbol_count, lnt_session **session);
LNT_API void lnt_session_destroy(lnt_session *session);

typedef struct lnt_state_info {
  const char *name;
  lnt_type type;
  uint32_t rank;
  int64_t dims[LNT_MAX_RANK]; /* -1: not known before a call */
  int created;
  int poisoned;
  lnt_buffer buffer; /* the state's own memory, when created; valid until it is set or loaded
                        with another shape, or the session ends; on a GPU it is for reading */
} lnt_state_info;

LNT_API size_t lnt_session_state_count(const lnt_session *session);
LNT_API lnt_status *lnt_session_state(lnt_session *session, size_t index, lnt_state_info *info);
LNT_API lnt_status *lnt_session_find_state(const lnt_session *session, const char *name,
                                           size_t *index);
/* Copies a state out of the session. `buffer` has at least the state's bytes. */
LNT_API lnt_status *lnt_session_get_state(lnt_session *session, const char *name,
                                          const lnt_buffer *buffer);
/* Copies `value` into the session; its shape may differ from the present one where the state has
 * symbols. Clears the poison. */
LNT_API lnt_status *lnt_session_set_state(lnt_session *session, const char *name,
                                          const lnt_tensor *value);
/* Sets a state, or with NULL all that exist, to what it starts with (the value of its mutable
 * global, else zeros), and clears the poison. */
LNT_API lnt_status *lnt_session_reset_state(lnt_session *session, const char *name);
/* All states as safetensors. Saving skips states that are not created yet; loading takes every
 * tensor of the file that is a state, and fails when that is none. */
LNT_API lnt_status *lnt_session_save_state(lnt_session *session, const char *path);
LNT_API lnt_status *lnt_session_load_state(lnt_session *session, const char *path);

/* lnt_infer_shapes with the sizes of the session's states: their entries in `arguments` are
 * ignored, as in a call. */
LNT_API lnt_status *lnt_session_infer_shapes(lnt_session *session, size_t function,
                                             const lnt_tensor *arguments, size_t argument_count,
                                             int64_t *dims, size_t result_count);

/* Bytes that the session holds now. */
LNT_API lnt_memory_plan lnt_session_memory(const lnt_session *session);

/* What the session's calls have done so far. */
typedef struct lnt_counters {
  size_t size; /* sizeof(lnt_counters), set by the caller */
  uint64_t launches;
  uint64_t submissions;               /* pieces of work that the device was given at once */
  uint64_t replays;                   /* calls that were done as recorded before */
  uint64_t uploads, upload_bytes;     /* from the CPU's memory to the device's */
  uint64_t downloads, download_bytes; /* back: results, elements that control flow depends on */
  uint64_t device_copies;             /* within the device */
  uint64_t barriers;
} lnt_counters;
LNT_API lnt_status *lnt_session_counters(const lnt_session *session, lnt_counters *counters);

/*===-- calls ------------------------------------------------------------===*/

/* One dispatch of a call, when it was done. */
typedef struct lnt_trace_event {
  const char *op, *location, *kernel;
  uint64_t start, duration;     /* from the start of the call */
  int64_t chunks, flops, bytes; /* flops, bytes: -1 where the compiler did not say */
  uint32_t dispatch;            /* number within the function */
} lnt_trace_event;
typedef void (*lnt_trace_fn)(void *user, const lnt_trace_event *event);

typedef struct lnt_call_options {
  size_t size;        /* sizeof(lnt_call_options) */
  lnt_trace_fn trace; /* called on the caller's thread after each dispatch; it must not use the
                         session */
  void *trace_user;
  lnt_queue *queue;  /* NULL: the call is done when lnt_call returns */
  lnt_fence **fence; /* with a queue: receives a fence that the caller destroys */
  int poison_dead;   /* for finding errors, slow: memory is filled with 0xff bytes (NaN) whenever it
                        holds nothing that a command may read: results and scratch at first, a
                        buffer of the arena outside of its lifetime. What is filled must be so still
                        when its next buffer begins, else the call returns LNT_FAULT */
} lnt_call_options;

/* Calls a function.
 *
 * arguments: one entry per argument. Those of states are ignored. One that is donated (alias of
 *   its info is not -1) is overwritten. Sizes bind the symbols: equal symbols must have equal
 *   sizes, within their minimum, maximum and multiple.
 * results: one entry per result. A result in its own memory goes to `buffer`, which must be large
 *   enough, aligned to its elements and apart from all other buffers; its dims are checked when
 *   given. Of a result that aliases an argument or a state only `buffer` is written: to where
 *   the result is.
 *
 * After a fault (LNT_FAULT) the donated states of the function are poisoned. After any other
 * error no state has changed. */
LNT_API lnt_status *lnt_call(lnt_session *session, size_t function, const lnt_tensor *arguments,
                             size_t argument_count, lnt_tensor *results, size_t result_count,
                             const lnt_call_options *options);

/*===-- queues -----------------------------------------------------------===*/

/* Work of one queue is done in order. The CPU's queue does it while it is submitted. */
LNT_API lnt_status *lnt_queue_create(lnt_runtime *runtime, lnt_device device, lnt_queue **queue);
LNT_API void lnt_queue_destroy(lnt_queue *queue);
/* Copies source.size bytes. */
LNT_API lnt_status *lnt_queue_copy(lnt_queue *queue, const lnt_buffer *source,
                                   const lnt_buffer *target, lnt_fence **fence);
/* Waits for everything that was submitted. */
LNT_API lnt_status *lnt_queue_wait(lnt_queue *queue);
/* Waits for the work behind the fence and gives its status, each time again. */
LNT_API lnt_status *lnt_fence_wait(lnt_fence *fence);
LNT_API int lnt_fence_done(const lnt_fence *fence);
LNT_API void lnt_fence_destroy(lnt_fence *fence);

#ifdef __cplusplus
}
#endif

#endif /* LINNET_C_RUNTIME_H */
