//===- Input.cpp - tensors from a specification ---------------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Array.h"
#include "linnet/Bundle/Bundle_generated.h"
#include "linnet/Bundle/Element.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>

namespace linnet::run {
namespace {

/// splitmix64: the same numbers on every machine.
class Random {
public:
  explicit Random(uint64_t seed) : state(seed) {}
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
  }
  double uniform() { return double(next() >> 11) * 0x1p-53; }

private:
  uint64_t state;
};

bool parseNumber(const std::string &text, double &value) {
  char *end;
  value = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == 0;
}

bool parseInteger(const std::string &text, int64_t &value) {
  char *end;
  errno = 0;
  value = std::strtoll(text.c_str(), &end, 0);
  return !text.empty() && *end == 0 && errno == 0;
}

/// "2x8xf32": sizes, then the type.
Error parseShape(const std::string &text, Array &array) {
  auto bad = [&] {
    return makeError("expects a shape and a type like 2x8xf32, found '", text, "'");
  };
  size_t at = 0;
  for (;;) {
    size_t next = text.find('x', at);
    std::string part = text.substr(at, next - at);
    if (next == std::string::npos) {
      array.type = lnt_type(bundle::elementFromName(part));
      return array.type == 0 ? bad() : Error();
    }
    int64_t size;
    if (part.empty() || part.find_first_not_of("0123456789") != std::string::npos ||
        !parseInteger(part, size) || array.dims.size() >= LNT_MAX_RANK)
      return bad();
    array.dims.push_back(size);
    at = next + 1;
  }
}

std::vector<std::string> split(const std::string &text, char separator) {
  std::vector<std::string> parts(1);
  for (char c : text)
    if (c == separator)
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

Error fillRandom(const std::string &text, Array &array) {
  std::vector<std::string> parts = split(text, ':');
  int64_t seed = 0;
  double low = isFloat(array.type) ? -1 : 0, high = isFloat(array.type) ? 1 : 10;
  if (array.type == LNT_I1)
    high = 2;
  bool good = (parts.size() < 2 || parseInteger(parts[1], seed)) &&
              (parts.size() < 3 || (parts.size() == 4 && parseNumber(parts[2], low) &&
                                    parseNumber(parts[3], high) && low < high));
  if (!good || parts.size() > 4)
    return makeError("expects rand:SEED or rand:SEED:LOW:HIGH, found '", text, "'");
  Random random{uint64_t(seed)};
  for (int64_t i = 0, count = array.elements(); i < count; ++i) {
    double value = low + (high - low) * random.uniform();
    if (isFloat(array.type))
      setFloat(array, i, value);
    else
      setInteger(array, i, int64_t(std::floor(value)));
  }
  return Error();
}

Error fillSplat(const std::string &text, Array &array) {
  double number;
  int64_t integer;
  bool isInteger = !isFloat(array.type);
  if (text == "true" || text == "false")
    integer = text == "true";
  else if (isInteger ? !parseInteger(text, integer) : !parseNumber(text, number))
    return makeError("expects a value of type ", lnt_type_name(array.type), ", found '", text, "'");
  if (isInteger && array.type == LNT_I1 && (integer < 0 || integer > 1))
    return makeError("expects 0 or 1 for type i1, found '", text, "'");
  if (!isInteger && (text == "true" || text == "false"))
    return makeError("expects a number for type ", lnt_type_name(array.type), ", found '", text,
                     "'");
  for (int64_t i = 0, count = array.elements(); i < count; ++i)
    if (isInteger)
      setInteger(array, i, integer);
    else
      setFloat(array, i, number);
  return Error();
}

} // namespace

Error parseInput(const std::string &spec, Array &array) {
  size_t equals = spec.rfind('=');
  bool file = spec.size() > 4 && spec.compare(spec.size() - 4, 4, ".npy") == 0;
  if (file)
    return readNpy(spec, array);
  if (equals == std::string::npos)
    return makeError("expects FILE.npy or a shape with a value like 2x8xf32=0.5, found '", spec,
                     "'");
  if (Error error = parseShape(spec.substr(0, equals), array))
    return error;
  if (Error error = array.allocate())
    return error;
  std::string value = spec.substr(equals + 1);
  if (value == "iota") {
    for (int64_t i = 0, count = array.elements(); i < count; ++i)
      if (isFloat(array.type))
        setFloat(array, i, double(i));
      else
        setInteger(array, i, array.type == LNT_I1 ? i & 1 : i);
    return Error();
  }
  return value.compare(0, 4, "rand") == 0 ? fillRandom(value, array) : fillSplat(value, array);
}

} // namespace linnet::run
