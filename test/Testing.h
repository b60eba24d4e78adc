//===- Testing.h - checks for test programs without LLVM --------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// A test program is a `main` that calls functions and returns `linnet::test::summary()`.
// A failed check prints where and both values (the first twenty), and the program goes
// on.
//===----------------------------------------------------------------------===//
#ifndef LINNET_TEST_TESTING_H
#define LINNET_TEST_TESTING_H

#include <cstdio>
#include <sstream>
#include <string>

namespace linnet::test {

struct Count {
  long checks = 0, failures = 0;
};
inline Count &count() {
  static Count instance;
  return instance;
}

inline void report(const char *file, int line, const std::string &what) {
  if (++count().failures > 20)
    return;
  std::fprintf(stderr, "%s:%d: %s\n", file, line, what.c_str());
}

template <typename A, typename B>
bool equal(const char *file, int line, const char *text, const A &found, const B &expected) {
  ++count().checks;
  if (found == expected)
    return true;
  std::ostringstream out;
  out << text << ": expected " << expected << ", found " << found;
  report(file, line, out.str());
  return false;
}

inline bool truth(const char *file, int line, const char *text, bool value,
                  const std::string &more = "") {
  ++count().checks;
  if (!value)
    report(file, line, std::string(text) + " does not hold" + (more.empty() ? "" : ": " + more));
  return value;
}

inline int summary() {
  std::printf("%ld checks, %ld failed\n", count().checks, count().failures);
  return count().failures == 0 && count().checks > 0 ? 0 : 1;
}

} // namespace linnet::test

#define CHECK_EQ(found, expected)                                                                  \
  ::linnet::test::equal(__FILE__, __LINE__, #found, (found), (expected))
#define CHECK(condition) ::linnet::test::truth(__FILE__, __LINE__, #condition, bool(condition))
#define CHECK_MORE(condition, more)                                                                \
  ::linnet::test::truth(__FILE__, __LINE__, #condition, bool(condition), (more))

#endif // LINNET_TEST_TESTING_H
