//===- Json.cpp - a strict reader for untrusted JSON ----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Json.h"

#include <cstdio>

namespace linnet::bundle {

bool JsonReader::fail(const char *expected) {
  if (message.empty())
    message = std::string("expected ") + expected + " at byte " + std::to_string(at - start);
  at = end;
  return false;
}

void JsonReader::space() {
  while (at != end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r'))
    ++at;
}

bool JsonReader::accept(char wanted) {
  space();
  if (at == end || *at != wanted)
    return false;
  ++at;
  return true;
}

bool JsonReader::expect(char wanted) {
  const char text[] = {'\'', wanted, '\'', 0};
  return accept(wanted) || fail(text);
}

bool JsonReader::finish() {
  space();
  return message.empty() && (at == end || fail("the end"));
}

bool JsonReader::hex4(uint32_t &value) {
  value = 0;
  for (int i = 0; i < 4; ++i, ++at) {
    if (at == end)
      return fail("four hexadecimal digits");
    char c = *at;
    int digit = c >= '0' && c <= '9'   ? c - '0'
                : c >= 'a' && c <= 'f' ? c - 'a' + 10
                : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                       : -1;
    if (digit < 0)
      return fail("four hexadecimal digits");
    value = value << 4 | uint32_t(digit);
  }
  return true;
}

bool JsonReader::escape(std::string &value) {
  if (at == end)
    return fail("an escape");
  char c = *at++;
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  for (int i = 0; from[i]; ++i)
    if (c == from[i]) {
      value += to[i];
      return true;
    }
  uint32_t code, low;
  if (c != 'u' || !hex4(code))
    return fail("an escape");
  if (code >= 0xd800 && code < 0xdc00) {
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u')
      return fail("a low surrogate");
    at += 2;
    if (!hex4(low) || low < 0xdc00 || low > 0xdfff)
      return fail("a low surrogate");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  if (code < 0x80) {
    value += char(code);
  } else if (code < 0x800) {
    value += char(0xc0 | code >> 6);
    value += char(0x80 | (code & 63));
  } else if (code < 0x10000) {
    value += char(0xe0 | code >> 12);
    value += char(0x80 | (code >> 6 & 63));
    value += char(0x80 | (code & 63));
  } else {
    value += char(0xf0 | code >> 18);
    value += char(0x80 | (code >> 12 & 63));
    value += char(0x80 | (code >> 6 & 63));
    value += char(0x80 | (code & 63));
  }
  return true;
}

bool JsonReader::string(std::string &value) {
  value.clear();
  if (!accept('"'))
    return fail("a string");
  while (at != end && *at != '"') {
    if (static_cast<unsigned char>(*at) < 0x20)
      return fail("no control character in a string");
    if (*at != '\\') {
      value += *at++;
      continue;
    }
    ++at;
    if (!escape(value))
      return false;
  }
  if (at == end)
    return fail("the end of the string");
  ++at;
  return true;
}

bool JsonReader::integer(uint64_t &value) {
  space();
  value = 0;
  const char *first = at;
  for (; at != end && *at >= '0' && *at <= '9'; ++at)
    if (__builtin_mul_overflow(value, uint64_t(10), &value) ||
        __builtin_add_overflow(value, uint64_t(*at - '0'), &value))
      return fail("an integer below 2^64");
  return at != first || fail("an integer");
}

bool JsonReader::skipMembers(char close, bool keys, int depth) {
  if (accept(close))
    return true;
  do {
    std::string key;
    if (keys && (!string(key) || !expect(':')))
      return false;
    if (!skip(depth + 1))
      return false;
  } while (accept(','));
  return expect(close);
}

bool JsonReader::skip(int depth) {
  if (depth > 32)
    return fail("at most 32 levels");
  space();
  if (at == end)
    return fail("a value");
  std::string text;
  if (*at == '"')
    return string(text);
  if (accept('{'))
    return skipMembers('}', true, depth);
  if (accept('['))
    return skipMembers(']', false, depth);
  const char *first = at;
  while (at != end && ((*at >= '0' && *at <= '9') || (*at >= 'a' && *at <= 'z') || *at == '-' ||
                       *at == '+' || *at == '.' || *at == 'E'))
    ++at;
  return at != first || fail("a value");
}

std::string jsonQuote(const std::string &text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", c);
      quoted += code;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

} // namespace linnet::bundle
