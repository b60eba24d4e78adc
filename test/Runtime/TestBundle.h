//===- TestBundle.h - bundles written by hand -------------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TEST_RUNTIME_TESTBUNDLE_H
#define LINNET_TEST_RUNTIME_TESTBUNDLE_H

#include "linnet/Bundle/Bundle_generated.h"
#include "linnet/Bundle/Check.h"
#include "linnet/Bundle/Container.h"
#include "linnet/Bundle/KernelABI.h"

#include <memory>
#include <string>
#include <vector>

namespace linnet::test {

using fb::Code;
using fb::ElementType;
constexpr uint32_t kNoReg = bundle::kNoRegister;

/// A size of a parameter: a constant, or a register.
struct Size {
  Size(int constant) : constant(constant) {}
  Size(int64_t constant) : constant(constant) {}
  static Size reg(uint32_t reg) {
    Size size(-1);
    size.index = reg;
    return size;
  }
  int64_t constant;
  uint32_t index = 0;
};

/// Builds one function. Registers are numbered as they are asked for; symbols come first.
class FunctionBuilder {
public:
  explicit FunctionBuilder(const std::string &name) { function.name = name; }

  Size symbol(const std::string &name, int64_t min = 0, int64_t max = -1, int64_t multiple = 1);
  uint32_t argument(const std::string &name, ElementType type, const std::vector<Size> &dims,
                    const std::string &state = "");
  /// alias: argument, or -1.
  uint32_t result(const std::string &name, ElementType type, const std::vector<Size> &dims,
                  int32_t alias = -1);

  uint32_t reg() { return function.registers++; }
  void emit(Code code, uint32_t a, uint32_t b = 0, uint32_t c = 0, int64_t imm = 0);
  uint32_t constant(int64_t value);
  uint32_t op(Code code, uint32_t b, uint32_t c, int64_t imm = 0);
  /// The commands from here on are no longer size arithmetic.
  void entry() { function.entry = uint32_t(function.commands.size()); }
  uint32_t here() const { return uint32_t(function.commands.size()); }
  fb::Command &at(uint32_t index) { return function.commands[index]; }

  uint32_t argumentBuffer(uint32_t index) { return buffer(fb::BufferKind::Argument, index); }
  uint32_t resultBuffer(uint32_t index) { return buffer(fb::BufferKind::Result, index); }
  uint32_t constantBuffer(uint32_t index) { return buffer(fb::BufferKind::Constant, index); }
  uint32_t arena(uint32_t sizeReg, uint64_t offset, uint64_t maxSize, uint32_t first,
                 uint32_t last);
  uint32_t view(uint32_t buffer, uint32_t offsetReg = kNoReg);
  void dispatch(uint32_t kernel, std::vector<uint32_t> views, std::vector<uint32_t> scalars,
                uint32_t chunks, uint32_t scratch, const std::string &op = "test.op",
                uint32_t flops = kNoReg, uint32_t bytes = kNoReg);
  uint32_t site(const std::string &op, const std::string &location, const std::string &message);

  fb::FunctionT function;

private:
  uint32_t buffer(fb::BufferKind kind, uint32_t index);
};

/// A kernel written in this program: position-independent code of the section "kernels".
struct TestKernel {
  const char *name;
  lnt_kernel code;
  uint32_t buffers, scalars;
};

/// An image (Bundle/Image.h) with the code of this program's section "kernels".
std::vector<uint8_t> makeImage(const std::vector<TestKernel> &kernels);

struct TestBundle {
  TestBundle();
  /// Adds the kernels and one image of them for `level`.
  void addImage(const std::vector<TestKernel> &kernels, fb::Level level = fb::Level::X86_64_V3);
  uint32_t addConstant(const std::string &name, ElementType type, std::vector<uint64_t> dims,
                       const void *data, size_t bytes);
  void add(FunctionBuilder &builder);

  std::vector<uint8_t> metadata() const;
  /// The whole file.
  std::vector<uint8_t> bytes() const;
  bundle::Error write(const std::string &path) const;

  fb::BundleT bundle;
  std::vector<uint8_t> code, constants;
};

/// A name in a fresh directory that is removed when the program ends.
std::string temporaryPath(const std::string &name);

// Kernels. `chunks` split the elements in pieces of kChunk.
constexpr int64_t kChunk = 16;
/// out = x * 2 + y; scalars: elements.
extern const TestKernel kAxpy;
/// Finds the first element of x (i32) that is not below scalar 1: site scalar 2; scalars:
/// elements, bound, site.
extern const TestKernel kBounds;
/// out[chunk] = sum over its elements, through scratch; scalars: elements.
extern const TestKernel kPartialSums;

} // namespace linnet::test

#endif // LINNET_TEST_RUNTIME_TESTBUNDLE_H
