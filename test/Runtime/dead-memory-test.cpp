//===- dead-memory-test.cpp - calls that fill what holds nothing ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Testing.h"
#include "Api.h"
#include "Samples.h"

#include <cmath>
#include <numeric>

using namespace linnet;
using namespace linnet::test;

namespace {

lnt_status *call(const Loaded &loaded, std::vector<lnt_tensor> arguments, lnt_tensor result,
                 bool poison) {
  lnt_call_options options = {};
  options.size = sizeof options;
  options.poison_dead = poison;
  return lnt_call(loaded.session, 0, arguments.data(), arguments.size(), &result, 1, &options);
}

/// Programs that keep to their lifetimes give the same.
void soundPrograms(Api &api) {
  for (int64_t max : {int64_t(100), int64_t(-1)}) {
    TestBundle bundle;
    bundle.addImage({kAxpy, kBounds, kPartialSums});
    addChain(bundle, 7, max);
    Loaded loaded(api, bundle);
    for (int64_t n : {0, 1, 17, 100}) {
      std::vector<float> x(n), out(n);
      std::iota(x.begin(), x.end(), 1.0f);
      for (bool poison : {false, true}) {
        api.ok(call(loaded, {tensor(x, {n})}, tensor(out, {n}), poison));
        for (int64_t i = 0; i < n; ++i)
          CHECK_EQ(out[size_t(i)], 128 * x[size_t(i)]);
      }
    }
  }
}

/// Loops, and a branch that is not taken.
void controlFlow(Api &api) {
  TestBundle bundle;
  addCommands(bundle);
  Loaded loaded(api, bundle);
  std::vector<int32_t> x(8, 7), plain(8), poisoned(8);
  for (int8_t which : {0, 1}) {
    std::vector<int8_t> flag = {which};
    lnt_tensor choice = tensor(flag, {});
    choice.type = LNT_I1;
    api.ok(call(loaded, {tensor(x, {4, 2}), choice}, tensor(plain, {4, 2}), false));
    api.ok(call(loaded, {tensor(x, {4, 2}), choice}, tensor(poisoned, {4, 2}), true));
    CHECK(plain == poisoned);
  }
}

/// A branch ends the life of what only the other one would have read: where the else branch is
/// taken, its buffer begins where the then branch's would have ended.
void branches(Api &api) {
  FunctionBuilder f("branches");
  uint32_t flag = f.argument("flag", ElementType::I1, {});
  uint32_t out = f.result("out", ElementType::F32, {16});
  uint32_t bytes = f.constant(64), one = f.constant(0x3f800000);
  f.entry();
  uint32_t vf = f.view(f.argumentBuffer(flag)), vo = f.view(f.resultBuffer(out)), r = f.reg();
  uint32_t at = f.here();
  uint32_t before = f.view(f.arena(bytes, 0, 64, at, at + 3));
  uint32_t inside = f.view(f.arena(bytes, 0, 64, at + 4, at + 5));
  f.emit(Code::Fill, before, one, bytes, 4);
  f.emit(Code::Load, r, vf, uint32_t(ElementType::I1));
  f.emit(Code::If, r, 1, 2);
  f.emit(Code::Copy, vo, before, bytes);
  f.emit(Code::Fill, inside, one, bytes, 4);
  f.emit(Code::Copy, vo, inside, bytes);
  TestBundle bundle;
  bundle.add(f);
  Loaded loaded(api, bundle);
  for (int8_t which : {0, 1}) {
    std::vector<int8_t> value = {which};
    std::vector<float> result(16);
    lnt_tensor choice = tensor(value, {});
    choice.type = LNT_I1;
    api.ok(call(loaded, {choice}, tensor(result, {16}), true));
    CHECK(result == std::vector<float>(16, 1.0f));
  }
}

/// What a loop reads lives through all of it, to its last command; what an iteration computes for
/// itself does not.
void loops(Api &api) {
  FunctionBuilder f("loops");
  uint32_t x = f.argument("x", ElementType::F32, {16});
  uint32_t out = f.result("out", ElementType::F32, {16});
  uint32_t bytes = f.constant(64), n = f.constant(16), one = f.constant(1), zero = f.constant(0);
  uint32_t three = f.constant(3);
  f.entry();
  uint32_t vx = f.view(f.argumentBuffer(x)), vo = f.view(f.resultBuffer(out));
  uint32_t go = f.reg(), count = f.reg(), at = f.here();
  uint32_t carried = f.view(f.arena(bytes, 0, 64, at, at + 7));
  uint32_t fixed = f.view(f.arena(bytes, 64, 64, at + 1, at + 6));
  uint32_t inner = f.view(f.arena(bytes, 128, 64, at + 4, at + 5));
  f.emit(Code::Copy, carried, vx, bytes);
  f.emit(Code::Copy, fixed, vx, bytes);
  f.emit(Code::While, go, 1, 3);
  f.emit(Code::CmpLT, go, count, three);
  f.dispatch(0, {carried, fixed, inner}, {n}, one, zero);
  f.emit(Code::Copy, carried, inner, bytes);
  f.emit(Code::Add, count, count, one);
  f.emit(Code::Copy, vo, carried, bytes);
  TestBundle bundle;
  bundle.addImage({kAxpy, kBounds, kPartialSums});
  bundle.add(f);
  Loaded loaded(api, bundle);
  std::vector<float> input(16, 1.0f), output(16);
  api.ok(call(loaded, {tensor(input, {16})}, tensor(output, {16}), true));
  CHECK(output == std::vector<float>(16, 15.0f));
}

/// Two buffers of 16 floats, `first` behind `second`, and a kernel that is told of 32: it reads,
/// or writes, beyond the second one when the first one is dead.
TestBundle beyond(bool writes) {
  FunctionBuilder f("beyond");
  uint32_t x = f.argument("x", ElementType::F32, {32});
  uint32_t out = f.result("out", ElementType::F32, {32});
  uint32_t bytes = f.constant(64), few = f.constant(16), many = f.constant(32);
  uint32_t one = f.constant(0x3f800000), two = f.constant(2), zero = f.constant(0);
  f.entry();
  uint32_t vx = f.view(f.argumentBuffer(x)), vo = f.view(f.resultBuffer(out));
  uint32_t at = f.here();
  uint32_t first = f.view(f.arena(bytes, 64, 64, at, at + 1));
  uint32_t second = f.view(f.arena(bytes, 0, 64, at + 1, at + 2));
  f.emit(Code::Fill, first, one, bytes, 4);
  if (writes) {
    f.dispatch(0, {first, first, second}, {few}, one, zero);
    f.dispatch(0, {vx, vx, second}, {many}, two, zero);
    uint32_t third = f.view(f.arena(bytes, 64, 64, at + 3, at + 4));
    f.emit(Code::Fill, third, one, bytes, 4);
    f.emit(Code::Copy, vo, third, bytes);
  } else {
    f.dispatch(0, {first, first, second}, {few}, one, zero);
    f.dispatch(0, {second, second, vo}, {many}, two, zero);
  }
  TestBundle bundle;
  bundle.addImage({kAxpy, kBounds, kPartialSums});
  bundle.add(f);
  return bundle;
}

void deadReads(Api &api) {
  TestBundle bundle = beyond(false);
  Loaded loaded(api, bundle);
  std::vector<float> x(32), out(32);
  api.ok(call(loaded, {tensor(x, {32})}, tensor(out, {32}), false));
  CHECK_EQ(out[15], 9.0f);
  CHECK_EQ(out[31], 3.0f); // what was left there
  api.ok(call(loaded, {tensor(x, {32})}, tensor(out, {32}), true));
  CHECK_EQ(out[15], 9.0f);
  CHECK(std::isnan(out[16]) && std::isnan(out[31]));
}

void deadWrites(Api &api) {
  TestBundle bundle = beyond(true);
  Loaded loaded(api, bundle);
  std::vector<float> x(32, 2.0f), out(32);
  api.ok(call(loaded, {tensor(x, {32})}, tensor(out, {32}), false));
  api.fails(call(loaded, {tensor(x, {32})}, tensor(out, {32}), true), LNT_FAULT,
            "which begins with command");
}

/// What is not written of a result, and what scratch memory held before.
void resultsAndScratch(Api &api) {
  FunctionBuilder f("sums");
  uint32_t x = f.argument("x", ElementType::F32, {40});
  uint32_t out = f.result("out", ElementType::F32, {4});
  uint32_t n = f.constant(40), three = f.constant(3), scratch = f.constant(64);
  f.entry();
  f.dispatch(2, {f.view(f.argumentBuffer(x)), f.view(f.resultBuffer(out))}, {n}, three, scratch);
  TestBundle bundle;
  bundle.addImage({kAxpy, kBounds, kPartialSums});
  bundle.add(f);
  Loaded loaded(api, bundle);
  std::vector<float> input(40, 1.0f), sums(4, 5.0f);
  api.ok(call(loaded, {tensor(input, {40})}, tensor(sums, {4}), false));
  CHECK(sums == std::vector<float>({16, 16, 8, 5}));
  api.ok(call(loaded, {tensor(input, {40})}, tensor(sums, {4}), true));
  CHECK_EQ(sums[2], 8.0f);
  CHECK(std::isnan(sums[3]));
}

} // namespace

int main() {
  for (int threads : {1, 2}) {
    Api api(threads);
    soundPrograms(api);
    controlFlow(api);
    branches(api);
    loops(api);
    deadReads(api);
    deadWrites(api);
    resultsAndScratch(api);
  }
  return summary();
}
