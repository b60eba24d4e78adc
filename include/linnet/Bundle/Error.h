//===- Error.h - errors as values -------------------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_BUNDLE_ERROR_H
#define LINNET_BUNDLE_ERROR_H

#include <sstream>
#include <string>
#include <utility>

namespace linnet::bundle {

/// What went wrong, or nothing: `if (Error error = f()) return error;`
class [[nodiscard]] Error {
public:
  Error() = default;
  explicit Error(std::string text) : failed(true), text(std::move(text)) {}

  explicit operator bool() const { return failed; }
  const std::string &message() const { return text; }

private:
  bool failed = false;
  std::string text;
};

/// An error whose message is the arguments, written one after the other.
template <typename... Parts> Error makeError(const Parts &...parts) {
  std::ostringstream out;
  (out << ... << parts);
  return Error(out.str());
}

} // namespace linnet::bundle

#endif // LINNET_BUNDLE_ERROR_H
