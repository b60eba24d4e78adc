//===- call-test.cpp - commands, shapes and buffers of calls --------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Testing.h"
#include "Api.h"
#include "Samples.h"

#include <cmath>
#include <cstring>
#include <numeric>
#include <xmmintrin.h>

using namespace linnet;
using namespace linnet::test;

namespace {

void kernels(Api &api) {
  TestBundle bundle;
  bundle.addImage({kAxpy, kBounds, kPartialSums});
  addAxpy(bundle);
  Loaded loaded(api, bundle);
  for (int64_t n : {1, 2, 15, 16, 17, 33, 1000, 4096}) {
    std::vector<float> x(n), y(n), out(n, -1);
    std::iota(x.begin(), x.end(), 1.0f);
    std::iota(y.begin(), y.end(), 0.25f);
    lnt_tensor arguments[] = {tensor(x, {n}), tensor(y, {n})};
    lnt_tensor result = tensor(out, {n});
    if (!api.ok(lnt_call(loaded.session, 0, arguments, 2, &result, 1, nullptr)))
      return;
    for (int64_t i = 0; i < n; ++i)
      CHECK_EQ(out[i], 2 * x[i] + y[i]);
  }
}

/// Wrong arguments: every message names what is wrong, and the result stays as it was.
void argumentErrors(Api &api) {
  TestBundle bundle;
  bundle.addImage({kAxpy});
  addAxpy(bundle, 64);
  Loaded loaded(api, bundle);
  std::vector<float> x(100, 1), y(100, 2), out(100, -1);
  std::vector<double> wide(100);
  auto call = [&](lnt_tensor a, lnt_tensor b, lnt_tensor c) {
    lnt_tensor arguments[] = {a, b};
    return lnt_call(loaded.session, 0, arguments, 2, &c, 1, nullptr);
  };
  lnt_tensor good = tensor(x, {8}), other = tensor(y, {8}), result = tensor(out, {8});
  api.fails(call(tensor(x, {65}), tensor(y, {65}), tensor(out, {65})), LNT_INVALID_ARGUMENT,
            "function 'axpy': symbol 'N' is 65, expected at most 64");
  api.fails(call(tensor(x, {0}), tensor(y, {0}), tensor(out, {0})), LNT_INVALID_ARGUMENT,
            "symbol 'N' is 0, expected at least 1");
  api.fails(call(good, tensor(y, {9}), result), LNT_INVALID_ARGUMENT,
            "argument 'y' has size 9 in dimension 0, but symbol 'N' is already 8");
  api.fails(call(good, tensor(wide, {8}), result), LNT_INVALID_ARGUMENT,
            "argument 'y' expects Nxf32, found 8xf64");
  api.fails(call(tensor(x, {2, 4}), other, result), LNT_INVALID_ARGUMENT,
            "argument 'x' expects Nxf32, found 2x4xf32");
  api.fails(call(good, other, tensor(out, {9})), LNT_INVALID_ARGUMENT,
            "result 'out' has the shape 8xf32");
  lnt_tensor small = good, null = good, odd = good;
  small.buffer.size = 31;
  null.buffer.handle = nullptr;
  odd.buffer.offset = 2;
  api.fails(call(small, other, result), LNT_INVALID_ARGUMENT,
            "argument 'x' expects 32 bytes, found 31");
  api.fails(call(null, other, result), LNT_INVALID_ARGUMENT,
            "argument 'x' expects 32 bytes, found a null buffer");
  api.fails(call(odd, other, result), LNT_INVALID_ARGUMENT, "is not aligned to its elements");
  api.fails(call(good, result, result), LNT_INVALID_ARGUMENT, "result 'out' overlaps argument 'y'");
  api.fails(lnt_call(loaded.session, 0, &good, 1, &result, 1, nullptr), LNT_INVALID_ARGUMENT,
            "has 2 arguments and 1 results, found 1 and 1");
  api.fails(lnt_call(loaded.session, 7, &good, 1, &result, 1, nullptr), LNT_INVALID_ARGUMENT,
            "expects a function below 1, found 7");
  for (float value : out)
    CHECK_EQ(value, -1.0f);
}

/// Integer commands, each against the value that it must have.
void arithmetic(Api &api) {
  struct Case {
    Code code;
    int64_t x, y, expected;
  };
  const int64_t low = INT64_MIN;
  const Case cases[] = {
      {Code::Add, 5, -7, -2},      {Code::Add, INT64_MAX, 1, low}, {Code::Sub, 5, 7, -2},
      {Code::Mul, -3, 7, -21},     {Code::DivS, -7, 2, -3},        {Code::DivS, 7, -2, -3},
      {Code::DivS, low, -1, low},  {Code::FloorDiv, -7, 2, -4},    {Code::FloorDiv, 7, 2, 3},
      {Code::FloorDiv, -8, 2, -4}, {Code::FloorDiv, 7, -2, -4},    {Code::FloorDiv, -7, -2, 3},
      {Code::CeilDiv, 7, 2, 4},    {Code::CeilDiv, -7, 2, -3},     {Code::CeilDiv, -7, -2, 4},
      {Code::CeilDiv, 8, 2, 4},    {Code::RemS, -7, 2, -1},        {Code::RemS, 7, -2, 1},
      {Code::RemS, low, -1, 0},    {Code::Min, -1, 2, -1},         {Code::Max, -1, 2, 2},
      {Code::And, 12, 10, 8},      {Code::Or, 12, 10, 14},         {Code::Xor, 12, 10, 6},
      {Code::Shl, 3, 4, 48},       {Code::Shl, 3, 64, 0},          {Code::ShrS, -16, 2, -4},
      {Code::ShrS, -16, 99, -1},   {Code::CmpEQ, 1, 1, 1},         {Code::CmpNE, 1, 1, 0},
      {Code::CmpLT, -1, 1, 1},     {Code::CmpLE, 1, 1, 1},         {Code::CmpGT, 1, 1, 0},
      {Code::CmpGE, 1, 1, 1},
  };
  FunctionBuilder f("arithmetic");
  uint32_t count = uint32_t(std::size(cases));
  uint32_t in = f.argument("in", ElementType::I64, {2 * int64_t(count)});
  uint32_t out = f.result("out", ElementType::I64, {int64_t(count)});
  uint32_t vi = f.view(f.argumentBuffer(in)), vo = f.view(f.resultBuffer(out));
  uint32_t x = f.reg(), y = f.reg(), z = f.reg();
  std::vector<int64_t> input;
  for (uint32_t i = 0; i < count; ++i) {
    f.emit(Code::Load, x, vi, uint32_t(ElementType::I64), 2 * i);
    f.emit(Code::Load, y, vi, uint32_t(ElementType::I64), 2 * i + 1);
    f.emit(cases[i].code, z, x, y);
    f.emit(Code::Store, z, vo, uint32_t(ElementType::I64), i);
    input.push_back(cases[i].x);
    input.push_back(cases[i].y);
  }
  TestBundle bundle;
  bundle.add(f);
  Loaded loaded(api, bundle);
  std::vector<int64_t> output(count, 99);
  lnt_tensor argument = tensor(input, {2 * int64_t(count)});
  lnt_tensor result = tensor(output, {int64_t(count)});
  api.ok(lnt_call(loaded.session, 0, &argument, 1, &result, 1, nullptr));
  for (uint32_t i = 0; i < count; ++i)
    CHECK_MORE(output[i] == cases[i].expected,
               std::string(fb::EnumNameCode(cases[i].code)) + " of " + std::to_string(cases[i].x) +
                   " and " + std::to_string(cases[i].y) + " is " + std::to_string(output[i]));
}

/// Collatz steps of the argument: While with an If inside; and a loop that moves a view.
void control(Api &api) {
  FunctionBuilder f("collatz");
  uint32_t in = f.argument("n", ElementType::I32, {});
  uint32_t out = f.result("trace", ElementType::I32, {128});
  uint32_t one = f.constant(1), two = f.constant(2), three = f.constant(3), four = f.constant(4);
  uint32_t bytes = f.constant(512), minus = f.constant(-1);
  f.entry();
  uint32_t vn = f.view(f.argumentBuffer(in)), vo = f.view(f.resultBuffer(out));
  uint32_t n = f.reg(), offset = f.reg(), go = f.reg(), odd = f.reg();
  uint32_t moving = f.view(f.function.views[vo].buffer(), offset);
  f.emit(Code::Fill, vo, minus, bytes, 4);
  f.emit(Code::Load, n, vn, uint32_t(ElementType::I32), 0);
  f.emit(Code::Store, n, moving, uint32_t(ElementType::I32), 0);
  f.emit(Code::While, go, 1, 8);
  f.emit(Code::CmpNE, go, n, one);
  f.emit(Code::RemS, odd, n, two);
  f.emit(Code::If, odd, 2, 1);
  f.emit(Code::Mul, n, n, three);
  f.emit(Code::Add, n, n, one);
  f.emit(Code::DivS, n, n, two);
  f.emit(Code::Add, offset, offset, four);
  f.emit(Code::Store, n, moving, uint32_t(ElementType::I32), 0);
  f.emit(Code::Nop, 0);
  TestBundle bundle;
  bundle.add(f);
  Loaded loaded(api, bundle);
  std::vector<int32_t> input = {27}, output(128);
  lnt_tensor argument = tensor(input, {}), result = tensor(output, {128});
  api.ok(lnt_call(loaded.session, 0, &argument, 1, &result, 1, nullptr));
  int64_t value = 27;
  size_t at = 0;
  for (; value != 1; value = value % 2 ? 3 * value + 1 : value / 2)
    CHECK_EQ(output[at++], value);
  CHECK_EQ(output[at++], 1);
  CHECK_EQ(at, size_t(112));
  CHECK_EQ(output[at], -1);
  // 703 takes 170 steps: the view leaves the buffer, which is a fault and no write.
  input[0] = 703;
  api.fails(lnt_call(loaded.session, 0, &argument, 1, &result, 1, nullptr), LNT_FAULT,
            "a store of 4 bytes at byte 512 of a buffer of 512 bytes");
  input[0] = 1;
  api.ok(lnt_call(loaded.session, 0, &argument, 1, &result, 1, nullptr));
  CHECK_EQ(output[0], 1);
  CHECK_EQ(output[1], -1);
}

/// Loads sign-extend integers and keep the bits of floats; overlapping copies; odd fills.
void elements(Api &api) {
  FunctionBuilder f("elements");
  uint32_t in = f.argument("in", ElementType::I8, {32});
  uint32_t out = f.result("out", ElementType::I64, {9});
  uint32_t fill = f.result("fill", ElementType::I8, {13});
  uint32_t value = f.constant(0x0102030405060708), bytes = f.constant(13), one = f.constant(1);
  uint32_t eight = f.constant(8);
  f.entry();
  uint32_t vi = f.view(f.argumentBuffer(in)), vo = f.view(f.resultBuffer(out));
  uint32_t vf = f.view(f.resultBuffer(fill));
  uint32_t shifted = f.view(f.function.views[vf].buffer(), one);
  uint32_t r = f.reg();
  for (int t = 1; t <= 9; ++t) {
    f.emit(Code::Load, r, vi, uint32_t(t), 1);
    f.emit(Code::Store, r, vo, uint32_t(ElementType::I64), t - 1);
  }
  f.emit(Code::Fill, vf, value, bytes, 4);
  f.emit(Code::Copy, shifted, vf, eight);
  TestBundle bundle;
  bundle.add(f);
  Loaded loaded(api, bundle);
  std::vector<int8_t> input(32), filled(13);
  for (int i = 0; i < 32; ++i)
    input[size_t(i)] = int8_t(0x81 + i);
  std::vector<int64_t> output(9);
  lnt_tensor argument = tensor(input, {32});
  lnt_tensor results[] = {tensor(output, {9}), tensor(filled, {13})};
  api.ok(lnt_call(loaded.session, 0, &argument, 1, results, 2, nullptr));
  auto expected = [&](auto sample, size_t at) {
    std::memcpy(&sample, input.data() + at, sizeof sample);
    return int64_t(sample);
  };
  CHECK_EQ(output[0], int64_t(input[1] & 1));
  CHECK_EQ(output[1], int64_t(input[1]));
  CHECK_EQ(output[2], expected(int16_t(), 2));
  CHECK_EQ(output[3], expected(int32_t(), 4));
  CHECK_EQ(output[4], expected(int64_t(), 8));
  CHECK_EQ(output[5], expected(uint16_t(), 2));
  CHECK_EQ(output[6], expected(uint16_t(), 2));
  CHECK_EQ(output[7], expected(uint32_t(), 4));
  CHECK_EQ(output[8], expected(int64_t(), 8));
  // 8 7 6 5 8 7 6 5 8 7 6 5 8, then the first eight moved up by one
  const int8_t moved[] = {8, 8, 7, 6, 5, 8, 7, 6, 5, 7, 6, 5, 8};
  for (size_t i = 0; i < 13; ++i)
    CHECK_EQ(int(filled[i]), int(moved[i]));
}

void floatEnvironment(Api &api) {
  TestBundle bundle;
  bundle.addImage({kAxpy});
  addAxpy(bundle);
  Loaded loaded(api, bundle);
  const int64_t n = 1024;
  std::vector<float> x(n, 1e-40f), y(n, 1e-40f), out(n, -1);
  lnt_tensor arguments[] = {tensor(x, {n}), tensor(y, {n})}, result = tensor(out, {n});
  unsigned mine = (_mm_getcsr() & ~0x6000u) | 0x4000; // round up, subnormals kept
  _mm_setcsr(mine);
  api.ok(lnt_call(loaded.session, 0, arguments, 2, &result, 1, nullptr));
  CHECK_EQ(_mm_getcsr() & ~0x3fu, mine & ~0x3fu);
  _mm_setcsr(0x1f80);
  for (float value : out)
    CHECK_EQ(value, 0.0f); // on every thread
}

} // namespace

int main() {
  for (int threads : {1, 2, 3}) {
    Api api(threads);
    kernels(api);
    argumentErrors(api);
    arithmetic(api);
    control(api);
    elements(api);
    floatEnvironment(api);
  }
  return summary();
}
