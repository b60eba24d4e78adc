//===- Json.h - a strict reader for untrusted JSON --------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_BUNDLE_JSON_H
#define LINNET_LIB_BUNDLE_JSON_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace linnet::bundle {

/// Reads values one after the other; after the first mistake every call returns false and
/// `error` says what was expected where.
class JsonReader {
public:
  JsonReader(const char *begin, size_t size) : start(begin), at(begin), end(begin + size) {}

  /// Consumes `wanted` after white space.
  bool expect(char wanted);
  /// Whether `wanted` is next; consumes it then.
  bool accept(char wanted);
  bool string(std::string &value);
  bool integer(uint64_t &value);
  /// Skips one value of any kind, at most 32 levels deep.
  bool skip(int depth = 0);
  /// Nothing but white space is left.
  bool finish();

  bool fail(const char *expected);
  const std::string &error() const { return message; }

private:
  void space();
  bool skipMembers(char close, bool keys, int depth);
  bool escape(std::string &value);
  bool hex4(uint32_t &value);

  const char *start, *at, *end;
  std::string message;
};

/// `text` between quotes, escaped.
std::string jsonQuote(const std::string &text);

} // namespace linnet::bundle

#endif // LINNET_LIB_BUNDLE_JSON_H
