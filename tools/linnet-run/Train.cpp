//===- Train.cpp - many calls of a function that updates its states -------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Invocation.h"
#include "linnet/Bundle/AtomicFile.h"
#include "linnet/Bundle/SafeTensors.h"

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <sys/resource.h>
#include <unistd.h>

namespace linnet::run {
namespace {

volatile std::sig_atomic_t interrupted = 0;

/// The first Ctrl-C ends the run after its step, the second one at once.
void watchInterrupts() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = 1; };
  action.sa_flags = SA_RESETHAND;
  sigaction(SIGINT, &action, nullptr);
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// The largest resident size of the process so far, in MiB.
double peakMemory() {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return double(usage.ru_maxrss) / 1024;
}

/// A line of progress: rewritten in place on a terminal.
class Progress {
public:
  Progress(int64_t first, int64_t steps, int64_t every)
      : first(first), steps(steps), every(every), inPlace(every == 0 && isatty(STDERR_FILENO)) {}

  void step(int64_t done, float loss) {
    bool last = done == steps;
    double time = now();
    bool due = every ? done % every == 0 : time - shown >= (inPlace ? 0.2 : 10.0);
    if (!due && !last)
      return;
    shown = time;
    std::fprintf(stderr, "%sstep %lld  loss %.6g  %.4g steps/s  peak %.1f MiB%s",
                 inPlace ? "\r" : "", static_cast<long long>(first + done), double(loss),
                 double(done) / (time - begin), peakMemory(), inPlace && !last ? "  " : "\n");
    std::fflush(stderr);
  }

private:
  int64_t first, steps, every;
  bool inPlace;
  double begin = now(), shown = now();
};

} // namespace

/// The arguments that the file of --batches names.
Error Invocation::readBatches(const std::vector<size_t> &wanted) {
  if (options.batches.empty())
    return Error();
  std::unique_ptr<bundle::SafeTensors> file;
  if (Error error = bundle::SafeTensors::open(options.batches, file))
    return error;
  size_t found = 0;
  for (size_t i : wanted) {
    const char *name = info->arguments[i].name;
    const bundle::Tensor *tensor = name && *name ? file->find(name) : nullptr;
    if (!tensor)
      continue;
    ++found;
    inputs[i].type = lnt_type(tensor->type);
    inputs[i].dims = tensor->dims;
    if (Error error = inputs[i].allocate())
      return error;
    std::memcpy(inputs[i].data(), tensor->data, size_t(tensor->bytes));
    batched[i] = true;
  }
  if (found != file->tensors().size()) {
    std::string names;
    for (size_t i : wanted)
      names += (names.empty() ? "" : ", ") + paramLabel(*info, info->arguments[i], i);
    return makeError("'", options.batches, "' has ", file->tensors().size(), " tensors, of which ",
                     found, " are named as arguments; these are ", names);
  }
  return Error();
}

Error Invocation::checkBatches() {
  for (size_t i = 0; i < batched.size(); ++i)
    if (batched[i] && (inputs[i].dims.empty() || inputs[i].dims[0] == 0))
      return makeError("--batches ", paramLabel(*info, info->arguments[i], i),
                       ": expects an axis of batches in front, found ", inputs[i].shape());
  return Error();
}

/// How many steps the state that the run starts from has seen.
int64_t Invocation::stepsDone() {
  for (size_t i = 0; i < lnt_session_state_count(session); ++i) {
    lnt_state_info state;
    if (toError(lnt_session_state(session, i, &state)))
      continue;
    if (std::strcmp(state.name, "step") != 0 || state.type != LNT_I64 || state.rank ||
        !state.created)
      continue;
    int64_t value;
    lnt_buffer target = {LNT_CPU, &value, 0, sizeof value};
    if (!toError(lnt_session_get_state(session, "step", &target)) && value >= 0)
      return value;
  }
  return 0;
}

Error Invocation::trainStep(int64_t batch, float &loss) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (info->arguments[i].state || working[i].bytes() == 0)
      continue;
    int64_t slice = batched[i] ? batch % inputs[i].dims[0] : 0;
    if (batched[i] || info->arguments[i].alias >= 0) // a donated argument is overwritten
      std::memcpy(working[i].data(), inputs[i].data() + slice * working[i].bytes(),
                  size_t(working[i].bytes()));
  }
  if (Error error = call(nullptr))
    return error;
  Array first = resultArray(visible[0]);
  loss = float(getElement(first, 0));
  losses.push_back(loss);
  return Error();
}

Error Invocation::saveProgress(int64_t steps) {
  if (options.saveState.empty())
    return Error();
  if (Error error = toError(lnt_session_save_state(session, options.saveState.c_str())))
    return makeError("after step ", steps, ": ", error.message());
  return Error();
}

static Error writeLosses(const std::string &path, const std::vector<float> &losses) {
  Array array;
  array.dims = {int64_t(losses.size())};
  if (Error error = array.allocate())
    return error;
  std::memcpy(array.data(), losses.data(), losses.size() * sizeof(float));
  bundle::AtomicFile file(path);
  std::string header = npyHeader(array);
  file.write(header.data(), header.size());
  file.write(array.data(), size_t(array.bytes()));
  return file.commit();
}

Error Invocation::train() {
  if (visible.empty() || !isFloat(info->results[visible[0]].type) ||
      info->results[visible[0]].rank != 0)
    return makeError("--steps expects the first result of '", info->name,
                     "' to be a loss, a float of rank 0");
  int64_t first = stepsDone(), done = 0, saved = -1;
  if (first != 0)
    std::fprintf(stderr, "going on after step %lld\n", static_cast<long long>(first));
  watchInterrupts();
  Progress progress(first, options.steps, options.logEvery);
  for (; done < options.steps && !interrupted;) {
    float loss;
    if (Error error = trainStep(first + done, loss))
      return makeError("step ", first + done + 1, ": ", error.message());
    ++done;
    if (!std::isfinite(loss))
      return makeError("the loss of step ", first + done, " is ", loss,
                       options.saveState.empty() ? "; no state is saved"
                       : saved < 0               ? "; no state of this run is saved"
                                                 : "; the saved state is that after step ",
                       saved < 0 || options.saveState.empty() ? "" : std::to_string(first + saved));
    progress.step(done, loss);
    if (options.saveEvery != 0 && done % options.saveEvery == 0) {
      if (Error error = saveProgress(first + done))
        return error;
      saved = done;
    }
  }
  if (saved != done)
    if (Error error = saveProgress(first + done))
      return error;
  if (interrupted)
    std::fprintf(stderr, "\nstopped after step %lld%s\n", static_cast<long long>(first + done),
                 options.saveState.empty() ? "" : ", the state is saved");
  if (!options.losses.empty())
    if (Error error = writeLosses(options.losses, losses))
      return error;
  return report();
}

} // namespace linnet::run
