/*===- generate.c - text from a compiled byte-level language model --*- C -*-===*
 *
 * Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
 *
 *   generate MODEL.lnb [--prompt TEXT] [--max-tokens N] [--temperature T] [--top-k K]
 *                      [--seed S] [--threads N]
 *   generate --check REFERENCE.safetensors MODEL.lnb
 *   generate --time SOFTMAX.lnb LINEAR.lnb
 *
 * The whole interface to the model is linnet-c/Runtime.h: a session owns the caches, or the
 * recurrent memory; `prefill`, `decode` and `sample` are its functions.
 *===----------------------------------------------------------------------===*/
#include "linnet-c/Runtime.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VOCAB = 256, MAX_PARAMS = 64 };

static void fail(const char *what, const char *detail) {
  fprintf(stderr, "generate: %s%s%s\n", what, *detail ? ": " : "", detail);
  exit(1);
}

static void check(lnt_status *status) {
  if (status)
    fail(lnt_status_message(status), "");
}

static void *allocate(size_t bytes) {
  void *memory = calloc(1, bytes ? bytes : 1);
  if (!memory)
    fail("out of memory", "");
  return memory;
}

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/*===-- a model ----------------------------------------------------------===*/

struct model {
  lnt_runtime *runtime;
  lnt_module *module;
  lnt_session *session;
  size_t prefill, decode, sample;
  int64_t longest_prompt; /* that one call of prefill takes */
  float *logits;          /* longest_prompt rows */
};

static const lnt_symbol_info *find_symbol(const lnt_function_info *function, const char *name) {
  for (size_t i = 0; i < function->symbol_count; ++i)
    if (!strcmp(function->symbols[i].name, name))
      return &function->symbols[i];
  return NULL;
}

/* Opens a model that can read `capacity` bytes of text. */
static struct model open_model(const char *path, int32_t threads, int64_t capacity) {
  struct model m = {0};
  lnt_runtime_options options = {.size = sizeof options, .threads = threads};
  check(lnt_runtime_create(&options, &m.runtime));
  check(lnt_module_load_file(m.runtime, path, NULL, &m.module));
  check(lnt_module_find_function(m.module, "prefill", &m.prefill));
  check(lnt_module_find_function(m.module, "decode", &m.decode));
  check(lnt_module_find_function(m.module, "sample", &m.sample));

  const lnt_function_info *prefill = lnt_module_function(m.module, m.prefill);
  const lnt_symbol_info *length = find_symbol(prefill, "N"), *cache = find_symbol(prefill, "C");
  m.longest_prompt = length && length->max > 0 ? length->max : 1024;
  if (cache && cache->max > 0 && capacity > cache->max)
    fail("the text is longer than the model's cache can be", "");
  lnt_binding binding = {"C", capacity};
  check(lnt_session_create(m.module, &binding, cache ? 1 : 0, &m.session));
  m.logits = allocate((size_t)m.longest_prompt * VOCAB * sizeof(float));
  return m;
}

static void close_model(struct model *m) {
  lnt_session_destroy(m->session);
  lnt_module_destroy(m->module);
  lnt_runtime_destroy(m->runtime);
  free(m->logits);
}

static lnt_tensor tensor(lnt_type type, uint32_t rank, const int64_t *dims, void *data) {
  uint64_t size = lnt_type_size(type);
  for (uint32_t i = 0; i < rank; ++i)
    size *= (uint64_t)dims[i];
  return (lnt_tensor){type, rank, dims, {LNT_CPU, data, 0, size}};
}

/* Calls a function whose arguments are `inputs` and states, in this order, and whose first result
 * is `output`. */
static void call(struct model *m, size_t function, const lnt_tensor *inputs, size_t input_count,
                 lnt_tensor output) {
  const lnt_function_info *info = lnt_module_function(m->module, function);
  lnt_tensor arguments[MAX_PARAMS] = {0}, results[MAX_PARAMS] = {0};
  if (info->argument_count > MAX_PARAMS || info->result_count > MAX_PARAMS)
    fail("the model has too many parameters", info->name);
  memcpy(arguments, inputs, input_count * sizeof *inputs);
  results[0] = output;
  check(lnt_call(m->session, function, arguments, info->argument_count, results, info->result_count,
                 NULL));
}

/* Reads `count` bytes, at most longest_prompt; their logits are in m->logits. */
static void read_piece(struct model *m, const int64_t *tokens, int64_t count) {
  int64_t dims[] = {1, count}, out[] = {1, count, VOCAB};
  lnt_tensor input = tensor(LNT_I64, 2, dims, (void *)tokens);
  call(m, m->prefill, &input, 1, tensor(LNT_F32, 3, out, m->logits));
}

/* Reads any number of bytes; the result is the last row of logits. */
static const float *read_text(struct model *m, const int64_t *tokens, int64_t count) {
  const float *last = NULL;
  while (count > 0) {
    int64_t piece = count < m->longest_prompt ? count : m->longest_prompt;
    read_piece(m, tokens, piece);
    last = m->logits + (piece - 1) * VOCAB;
    tokens += piece;
    count -= piece;
  }
  return last;
}

static const float *read_byte(struct model *m, int64_t token) {
  static const int64_t dims[] = {1, 1}, out[] = {1, 1, VOCAB};
  lnt_tensor input = tensor(LNT_I64, 2, dims, &token);
  call(m, m->decode, &input, 1, tensor(LNT_F32, 3, out, m->logits));
  return m->logits;
}

struct choice {
  float temperature;
  int64_t top_k, seed, counter;
};

static int64_t choose(struct model *m, const float *logits, struct choice *c) {
  static const int64_t row[] = {VOCAB}, one[] = {1, 1};
  int64_t token = 0;
  lnt_tensor inputs[] = {
      tensor(LNT_F32, 1, row, (void *)logits), tensor(LNT_F32, 0, NULL, &c->temperature),
      tensor(LNT_I64, 0, NULL, &c->top_k),     tensor(LNT_I64, 0, NULL, &c->seed),
      tensor(LNT_I64, 0, NULL, &c->counter),
  };
  call(m, m->sample, inputs, 5, tensor(LNT_I64, 2, one, &token));
  c->counter += VOCAB / 4;
  return token;
}

/*===-- generate ---------------------------------------------------------===*/

static void generate(const char *path, const char *prompt, int64_t max_tokens, int32_t threads,
                     struct choice choice) {
  int64_t count = (int64_t)strlen(prompt);
  if (count == 0)
    fail("the prompt is empty", "");
  struct model m = open_model(path, threads, count + max_tokens);
  int64_t *tokens = allocate((size_t)count * sizeof *tokens);
  for (int64_t i = 0; i < count; ++i)
    tokens[i] = (unsigned char)prompt[i];

  fputs(prompt, stdout);
  const float *logits = read_text(&m, tokens, count);
  double start = now();
  for (int64_t i = 0; i < max_tokens; ++i) {
    int64_t token = choose(&m, logits, &choice);
    putchar((int)token);
    fflush(stdout);
    logits = read_byte(&m, token);
  }
  double seconds = now() - start;
  putchar('\n');
  fprintf(stderr, "[%lld bytes, %.0f a second]\n", (long long)max_tokens,
          (double)max_tokens / seconds);
  free(tokens);
  close_model(&m);
}

/*===-- check against PyTorch --------------------------------------------===*/

struct reference {
  char *file;
  const int64_t *tokens, *greedy;
  const float *logits;
  int64_t token_count, greedy_count;
};

static char *read_file(const char *path, size_t *size) {
  FILE *f = fopen(path, "rb");
  if (!f)
    fail("cannot read", path);
  fseek(f, 0, SEEK_END);
  *size = (size_t)ftell(f);
  rewind(f);
  char *data = allocate(*size + 1);
  if (fread(data, 1, *size, f) != *size)
    fail("cannot read", path);
  fclose(f);
  return data;
}

/* The data of one tensor of a safetensors file: u64 header size, JSON header, data. */
static const void *find_tensor(const char *file, size_t size, const char *name, size_t *bytes) {
  uint64_t header;
  memcpy(&header, file, sizeof header);
  char quoted[64];
  snprintf(quoted, sizeof quoted, "\"%s\"", name);
  const char *entry = strstr(file + 8, quoted);
  const char *offsets = entry ? strstr(entry, "\"data_offsets\":[") : NULL;
  unsigned long long from = 0, to = 0;
  if (!offsets || sscanf(offsets, "\"data_offsets\":[%llu,%llu]", &from, &to) != 2 || from > to ||
      8 + header + to > size)
    fail("the reference lacks a tensor", name);
  *bytes = to - from;
  return file + 8 + header + from;
}

static struct reference load_reference(const char *path) {
  size_t size, tokens, greedy, logits;
  struct reference r = {.file = read_file(path, &size)};
  if (size < 8)
    fail("no safetensors file", path);
  r.tokens = find_tensor(r.file, size, "tokens", &tokens);
  r.greedy = find_tensor(r.file, size, "greedy", &greedy);
  r.logits = find_tensor(r.file, size, "logits", &logits);
  r.token_count = (int64_t)(tokens / sizeof(int64_t));
  r.greedy_count = (int64_t)(greedy / sizeof(int64_t));
  if (logits != (size_t)r.token_count * VOCAB * sizeof(float))
    fail("the reference's logits do not fit its tokens", path);
  return r;
}

static double largest_difference(const float *a, const float *b, int64_t count) {
  double worst = 0;
  for (int64_t i = 0; i < count; ++i) {
    double d = fabs((double)a[i] - (double)b[i]);
    if (!(d <= worst)) /* also a NaN */
      worst = isnan(d) ? INFINITY : d;
  }
  return worst;
}

/* Logits of prefill and of step-by-step decoding against PyTorch's, and the greedy text. */
static int check_model(const char *path, const char *reference_path) {
  const double tolerance = 1e-4;
  struct reference r = load_reference(reference_path);
  struct model m = open_model(path, 0, r.token_count + r.greedy_count);

  double stepwise = 0;
  for (int64_t i = 0; i < r.token_count; ++i)
    stepwise =
        fmax(stepwise, largest_difference(read_byte(&m, r.tokens[i]), r.logits + i * VOCAB, VOCAB));
  check(lnt_session_reset_state(m.session, NULL));
  const float *logits = read_text(&m, r.tokens, r.token_count);
  double prefill = largest_difference(m.logits, r.logits, r.token_count * VOCAB);

  struct choice greediest = {.temperature = 0};
  int64_t equal = 0;
  while (equal < r.greedy_count && choose(&m, logits, &greediest) == r.greedy[equal])
    logits = read_byte(&m, r.greedy[equal++]);
  printf("logits of %lld bytes: prefill within %.1e of PyTorch, decode within %.1e; "
         "greedy text equal for %lld of %lld bytes\n",
         (long long)r.token_count, prefill, stepwise, (long long)equal, (long long)r.greedy_count);
  close_model(&m);
  free(r.file);
  return prefill <= tolerance && stepwise <= tolerance && equal == r.greedy_count ? 0 : 1;
}

/*===-- tokens a second by context ---------------------------------------===*/

static int compare_doubles(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

/* Median seconds of a decode step after `context` bytes. */
static double time_decode(struct model *m, int64_t context) {
  enum { STEPS = 33 };
  int64_t *tokens = allocate((size_t)context * sizeof *tokens);
  for (int64_t i = 0; i < context; ++i)
    tokens[i] = "the program is free software; "[i % 30];
  check(lnt_session_reset_state(m->session, NULL));
  read_text(m, tokens, context);
  double times[STEPS];
  for (int i = 0; i < STEPS; ++i) {
    double start = now();
    read_byte(m, 'e');
    times[i] = now() - start;
  }
  free(tokens);
  qsort(times, STEPS, sizeof *times, compare_doubles);
  return times[STEPS / 2];
}

/* Between two contexts a step's time is taken as a straight line. */
static void print_crossing(const int64_t *contexts, const double (*seconds)[2], int count) {
  if (seconds[0][1] <= seconds[0][0]) {
    printf("the linear model is ahead from %lld bytes of context on\n", (long long)contexts[0]);
    return;
  }
  for (int i = 1; i < count; ++i) {
    double before = seconds[i - 1][1] - seconds[i - 1][0], after = seconds[i][1] - seconds[i][0];
    if (after > 0)
      continue;
    double at = (double)contexts[i - 1] +
                (double)(contexts[i] - contexts[i - 1]) * before / (before - after);
    printf("the linear model overtakes at about %.0f bytes of context\n", at);
    return;
  }
  printf("the linear model does not overtake up to %lld bytes of context\n",
         (long long)contexts[count - 1]);
}

static void time_models(const char *softmax, const char *linear, int32_t threads) {
  static const int64_t contexts[] = {16, 256, 1024, 4096, 16384};
  enum { COUNT = sizeof contexts / sizeof *contexts };
  double seconds[COUNT][2];
  struct model models[] = {open_model(softmax, threads, contexts[COUNT - 1] + 64),
                           open_model(linear, threads, contexts[COUNT - 1] + 64)};
  printf("%10s %18s %18s %8s\n", "context", "softmax, bytes/s", "linear, bytes/s", "ratio");
  for (int i = 0; i < COUNT; ++i) {
    for (int j = 0; j < 2; ++j)
      seconds[i][j] = time_decode(&models[j], contexts[i]);
    printf("%10lld %18.0f %18.0f %8.2f\n", (long long)contexts[i], 1 / seconds[i][0],
           1 / seconds[i][1], seconds[i][0] / seconds[i][1]);
    fflush(stdout);
  }
  print_crossing(contexts, (const double (*)[2])seconds, COUNT);
  close_model(&models[0]);
  close_model(&models[1]);
}

/*===-- command line -----------------------------------------------------===*/

static void usage(void) {
  fputs("usage: generate MODEL.lnb [--prompt TEXT] [--max-tokens N] [--temperature T] [--top-k K]\n"
        "                          [--seed S] [--threads N]\n"
        "       generate --check REFERENCE.safetensors MODEL.lnb\n"
        "       generate --time SOFTMAX.lnb LINEAR.lnb [--threads N]\n",
        stderr);
  exit(1);
}

static double number_or_usage(const char *text) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end)
    usage();
  return value;
}

struct options {
  const char *files[2], *prompt, *reference;
  int file_count, timing;
  int64_t max_tokens;
  int32_t threads;
  struct choice choice;
};

/* Whether `name` is an option that takes a value. */
static int set_option(struct options *o, const char *name, const char *value) {
  if (!strcmp(name, "--prompt"))
    o->prompt = value;
  else if (!strcmp(name, "--check"))
    o->reference = value;
  else if (!strcmp(name, "--max-tokens"))
    o->max_tokens = (int64_t)number_or_usage(value);
  else if (!strcmp(name, "--temperature"))
    o->choice.temperature = (float)number_or_usage(value);
  else if (!strcmp(name, "--top-k"))
    o->choice.top_k = (int64_t)number_or_usage(value);
  else if (!strcmp(name, "--seed"))
    o->choice.seed = (int64_t)number_or_usage(value);
  else if (!strcmp(name, "--threads"))
    o->threads = (int32_t)number_or_usage(value);
  else
    return 0;
  return 1;
}

static void parse(struct options *o, int argc, char **argv) {
  for (int i = 1; i < argc; ++i) {
    if (!strcmp(argv[i], "--time"))
      o->timing = 1;
    else if (strncmp(argv[i], "--", 2) && o->file_count < 2)
      o->files[o->file_count++] = argv[i];
    else if (i + 1 < argc && set_option(o, argv[i], argv[i + 1]))
      ++i;
    else
      usage();
  }
  if (o->file_count != (o->timing ? 2 : 1) || o->max_tokens < 0)
    usage();
}

int main(int argc, char **argv) {
  struct options o = {.prompt = "This program is free software",
                      .max_tokens = 400,
                      .choice = {.temperature = 0.7f, .top_k = 20, .seed = 1}};
  parse(&o, argc, argv);
  if (o.reference)
    return check_model(o.files[0], o.reference);
  if (o.timing)
    time_models(o.files[0], o.files[1], o.threads);
  else
    generate(o.files[0], o.prompt, o.max_tokens, o.threads, o.choice);
  return 0;
}
