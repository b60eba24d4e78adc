//===- Array.cpp - tensors of linnet-run ----------------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Array.h"
#include "linnet/Bundle/Bundle_generated.h"
#include "linnet/Bundle/Element.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <new>

namespace linnet::run {

int64_t Array::elements() const {
  int64_t count = 1;
  for (int64_t size : dims)
    count *= size;
  return count;
}

std::string Array::shape() const {
  return bundle::shapeName(dims.data(), dims.size(), fb::ElementType(type));
}

Error Array::allocate() {
  int64_t size;
  if (!bundle::shapeBytes(dims.data(), dims.size(), fb::ElementType(type), size) ||
      size > int64_t(1) << 46)
    return makeError("a tensor of ", shape(), " is too large");
  try {
    words.assign(size_t(size + 7) / 8, 0);
  } catch (const std::bad_alloc &) {
    return makeError("out of memory for a tensor of ", shape());
  }
  return Error();
}

lnt_tensor Array::tensor() {
  return {type, uint32_t(dims.size()), dims.data(), {LNT_CPU, data(), 0, uint64_t(bytes())}};
}

bool isFloat(lnt_type type) { return type >= LNT_F16; }

namespace {

template <typename T> T read(const Array &array, int64_t index) {
  T value;
  std::memcpy(&value, array.data() + index * int64_t(sizeof(T)), sizeof(T));
  return value;
}

template <typename T> void write(Array &array, int64_t index, T value) {
  std::memcpy(array.data() + index * int64_t(sizeof(T)), &value, sizeof(T));
}

double fromHalf(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double magnitude = exponent == 31  ? (fraction ? std::nan("") : HUGE_VAL)
                     : exponent == 0 ? std::ldexp(fraction, -24)
                                     : std::ldexp(fraction + 1024, exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/// Rounds to `digits` binary digits and not below 2^lowest, ties to even. Straight from double:
/// through float it would round twice.
double roundTo(double value, int digits, int lowest) {
  if (!std::isfinite(value) || value == 0)
    return value;
  int exponent;
  std::frexp(value, &exponent);
  int unit = std::max(exponent - digits, lowest);
  return std::ldexp(std::nearbyint(std::ldexp(value, -unit)), unit);
}

uint16_t toHalf(double value) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value))
    return sign | 0x7e00;
  double magnitude = std::fabs(roundTo(value, 11, -24));
  if (magnitude >= 65536)
    return sign | 0x7c00;
  if (magnitude < std::ldexp(1, -14))
    return sign | uint16_t(std::ldexp(magnitude, 24));
  int exponent;
  double fraction = std::frexp(magnitude, &exponent); // in [0.5, 1)
  return uint16_t(sign | (exponent + 14) << 10 | (int(std::ldexp(fraction, 11)) & 1023));
}

uint16_t toBrain(double value) {
  if (std::isnan(value))
    return std::signbit(value) ? 0xffc0 : 0x7fc0;
  float rounded = float(roundTo(value, 8, -133));
  uint32_t bits;
  std::memcpy(&bits, &rounded, 4);
  return uint16_t(bits >> 16);
}

double fromBrain(uint16_t bits) {
  uint32_t wide = uint32_t(bits) << 16;
  float value;
  std::memcpy(&value, &wide, 4);
  return value;
}

} // namespace

int64_t getInteger(const Array &array, int64_t index) {
  switch (lnt_type_size(array.type)) {
  case 1:
    return read<int8_t>(array, index);
  case 2:
    return read<int16_t>(array, index);
  case 4:
    return read<int32_t>(array, index);
  default:
    return read<int64_t>(array, index);
  }
}

void setInteger(Array &array, int64_t index, int64_t value) {
  switch (lnt_type_size(array.type)) {
  case 1:
    return write(array, index, int8_t(value));
  case 2:
    return write(array, index, int16_t(value));
  case 4:
    return write(array, index, int32_t(value));
  default:
    return write(array, index, value);
  }
}

double getElement(const Array &array, int64_t index) {
  switch (array.type) {
  case LNT_F16:
    return fromHalf(read<uint16_t>(array, index));
  case LNT_BF16:
    return fromBrain(read<uint16_t>(array, index));
  case LNT_F32:
    return read<float>(array, index);
  case LNT_F64:
    return read<double>(array, index);
  default:
    return double(getInteger(array, index));
  }
}

void setFloat(Array &array, int64_t index, double value) {
  switch (array.type) {
  case LNT_F16:
    return write(array, index, toHalf(value));
  case LNT_BF16:
    return write(array, index, toBrain(value));
  case LNT_F32:
    return write(array, index, float(value));
  default:
    return write(array, index, value);
  }
}

std::string preview(const Array &array, int64_t most) {
  std::string text = "[";
  int64_t count = array.elements();
  for (int64_t i = 0; i < std::min(count, most); ++i) {
    char number[40];
    if (isFloat(array.type))
      std::snprintf(number, sizeof number, "%.*g", array.type == LNT_F64 ? 10 : 6,
                    getElement(array, i));
    else
      std::snprintf(number, sizeof number, "%lld", static_cast<long long>(getInteger(array, i)));
    text += (i ? ", " : "") + std::string(number);
  }
  if (count > most)
    text += ", ... " + std::to_string(count - most) + " more";
  return text + "]";
}

Error compare(const Array &found, const Array &expected, double rtol, double atol) {
  if (found.dims != expected.dims || isFloat(found.type) != isFloat(expected.type))
    return makeError("expects ", expected.shape(), ", found ", found.shape());
  int64_t wrong = 0, first = -1, count = found.elements();
  double worst = 0;
  for (int64_t i = 0; i < count; ++i) {
    double x = getElement(found, i), y = getElement(expected, i);
    bool same;
    if (!isFloat(found.type)) {
      same = getInteger(found, i) == getInteger(expected, i);
    } else if (std::isnan(x) || std::isnan(y)) {
      same = std::isnan(x) && std::isnan(y);
    } else {
      same = x == y || std::fabs(x - y) <= atol + rtol * std::fabs(y);
    }
    if (std::fabs(x - y) > worst)
      worst = std::fabs(x - y);
    wrong += !same;
    if (!same && first < 0)
      first = i;
  }
  if (wrong == 0)
    return Error();
  std::string index;
  int64_t rest = first;
  for (size_t d = found.dims.size(); d-- > 0; rest /= found.dims[d])
    index.insert(0, std::to_string(rest % found.dims[d]) + (index.empty() ? "" : ", "));
  char values[100];
  std::snprintf(values, sizeof values, "expected %.9g, found %.9g", getElement(expected, first),
                getElement(found, first));
  return makeError(wrong, " of ", count, " elements differ (largest difference ", worst,
                   "); first at [", index, "]: ", values);
}

} // namespace linnet::run
