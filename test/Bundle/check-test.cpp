//===- check-test.cpp - what a bundle's metadata is refused for -----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "../Runtime/Samples.h"
#include "../Testing.h"

#include <functional>

using namespace linnet;
using namespace linnet::test;

namespace {

std::string messageOf(const TestBundle &bundle) {
  std::vector<uint8_t> data = bundle.metadata();
  // The builder's memory is aligned, a vector's is too.
  const fb::Bundle *result = nullptr;
  bundle::Error error = bundle::checkBundle(data.data(), data.size(), bundle.code.size(),
                                            bundle.constants.size(), result);
  CHECK_EQ(bool(error), result == nullptr);
  return error.message();
}

/// The sample with one thing changed must be refused with a message that has `text`.
void refused(const char *kind, const std::function<void(TestBundle &)> &change,
             const std::string &text) {
  TestBundle bundle;
  CHECK(makeSample(kind, bundle));
  CHECK_EQ(messageOf(bundle), "");
  change(bundle);
  std::string message = messageOf(bundle);
  CHECK_MORE(message.find(text) != std::string::npos, "'" + message + "' has no '" + text + "'");
}

fb::FunctionT &function(TestBundle &bundle, size_t index = 0) {
  return *bundle.bundle.functions[index];
}

fb::Command with(const fb::Command &command, uint32_t a, uint32_t b, uint32_t c) {
  return fb::Command(command.code(), a, b, c, command.imm());
}

fb::Command &find(fb::FunctionT &function, Code code) {
  for (fb::Command &command : function.commands)
    if (command.code() == code)
      return command;
  return function.commands[0];
}

void tables() {
  refused("axpy", [](TestBundle &b) { b.bundle.abi = 7; }, "the bundle has kernel ABI 7");
  refused(
      "axpy", [](TestBundle &b) { b.bundle.kernels[1]->name = "axpy"; },
      "kernel 'axpy' is there twice");
  refused(
      "axpy", [](TestBundle &b) { b.bundle.kernels[1]->name = std::string("a\0b", 3); },
      "kernel 1 has an empty name or one with a NUL");
  refused("axpy", [](TestBundle &b) { b.bundle.images[0]->offset = 8; }, "image 0 is at byte 8");
  refused(
      "axpy", [](TestBundle &b) { b.bundle.images[0]->length = ~0ull; }, "image 0 is at byte 0");
  refused(
      "axpy", [](TestBundle &b) { b.bundle.images[0]->level = fb::Level(9); },
      "image 0 has unknown level 9");
  refused(
      "all", [](TestBundle &b) { b.bundle.constants[0]->offset = 32; },
      "constant 'embedded' is at byte 32 + 16 of a constant segment of 16");
  refused(
      "all", [](TestBundle &b) { b.bundle.constants[0]->dims = {1ull << 40, 1ull << 40}; },
      "constant 'embedded' has a shape whose size overflows");
  refused(
      "all", [](TestBundle &b) { b.bundle.constants[0]->length = 12; },
      "constant 'embedded' has 12 bytes, expected 16");
  refused(
      "weights", [](TestBundle &b) { b.bundle.constants[1]->layout->n_stride = 2; },
      "has a layout that reads beyond its 15 elements");
  refused(
      "weights", [](TestBundle &b) { b.bundle.constants[1]->layout->panel = 0; },
      "has panels of 0 x 1");
  refused(
      "weights", [](TestBundle &b) { b.bundle.constants[1]->layout.reset(); },
      "constant 'w' has 96 bytes, expected 60");
}

void functions() {
  refused(
      "counter", [](TestBundle &b) { function(b, 1).name = "update"; },
      "function 'update' is there twice");
  refused(
      "axpy", [](TestBundle &b) { function(b).registers = 0; }, "function 'axpy': expects 1 to");
  refused("axpy", [](TestBundle &b) { function(b).registers = 1u << 30; }, "registers, found");
  refused(
      "axpy", [](TestBundle &b) { function(b).entry = 99; }, "expects an entry up to 8, found 99");
  refused(
      "axpy", [](TestBundle &b) { function(b).symbols[0]->max = 0; },
      "symbol 'N' has min 1, max 0, multiple 1");
  refused("axpy", [](TestBundle &b) { function(b).symbols[0]->multiple = 0; }, "multiple 0");
  refused(
      "axpy", [](TestBundle &b) { function(b).arguments[0]->type = ElementType(77); },
      "argument 0 has element type 77");
  refused(
      "axpy", [](TestBundle &b) { function(b).arguments[0]->dims[0] = fb::Dim(-1, 3, 0); },
      "argument 0 takes dimension 0 from register 3, which holds no symbol");
  refused(
      "axpy", [](TestBundle &b) { function(b).results[0]->dims[0] = fb::Dim(-1, 999, 0); },
      "result 0 takes dimension 0 from register 999, which is not fixed at entry");
  refused("axpy", [](TestBundle &b) { function(b).result_alias = {}; }, "1 results, but 0 aliases");
  refused(
      "axpy", [](TestBundle &b) { function(b).result_alias = {2}; },
      "result 0 aliases argument 2 of 2");
  refused(
      "counter", [](TestBundle &b) { function(b).result_alias = {0, 0}; },
      "argument 0 is donated to two results");
  refused(
      "counter", [](TestBundle &b) { function(b).arguments[0]->state = "sum"; },
      "has two arguments of state 'sum'");
  refused(
      "axpy", [](TestBundle &b) { function(b).results[0]->state = "s"; },
      "result 0 is state 's', but does not alias an argument of that state");
  refused(
      "axpy", [](TestBundle &b) { function(b).buffers[0]->index = 2; },
      "buffer 0 expects an index below 2, found 2");
  refused(
      "axpy", [](TestBundle &b) { function(b).buffers[0]->kind = fb::BufferKind(9); },
      "buffer 0 has unknown kind 9");
  refused(
      "axpy", [](TestBundle &b) { function(b).views[0] = fb::View(3, kNoReg); },
      "view 0 expects a buffer below 3, found 3");
  refused(
      "axpy", [](TestBundle &b) { function(b).views[0] = fb::View(0, 500); },
      "view 0 expects a register below");
}

void commands() {
  auto change = [](Code code, uint32_t a, uint32_t b, uint32_t c) {
    return [=](TestBundle &bundle) {
      fb::Command &command = find(function(bundle), code);
      command = with(command, a, b, c);
    };
  };
  refused("axpy", change(Code::CeilDiv, 0, 0, 1), "writes register 0, which holds symbol 'N'");
  refused("axpy", change(Code::CeilDiv, 5, 0, 700), "expects a register below");
  refused("axpy", change(Code::Dispatch, 3, 0, 0), "expects a kernel below 3, found 3");
  refused("axpy", change(Code::Dispatch, 0, 1, 0), "expects 8 operands from 1 on");
  refused("axpy", change(Code::Dispatch, 0, UINT32_MAX, 0), "operands from 4294967295 on");
  refused("axpy", change(Code::Dispatch, 1, 0, 0),
          "passes 3 buffers to kernel 'bounds', which takes 1");
  refused("axpy", change(Code::Dispatch, 0, 0, 1), "expects a dispatch below 1, found 1");
  refused(
      "axpy", [](TestBundle &b) { function(b).operands[1] = 3; },
      "command 7 expects a view below 3, found 3");
  refused(
      "axpy", [](TestBundle &b) { function(b).entry = 8; },
      "command 7 is a Dispatch, but only arithmetic may be before the entry 8");
  refused(
      "axpy", [](TestBundle &b) { function(b).commands[0] = fb::Command(Code(200), 0, 0, 0, 0); },
      "command 0 has unknown code 200");
  refused("commands", change(Code::While, 0, 1, 40), "has 1 + 40 commands in its parts");
  refused("commands", change(Code::If, 0, UINT32_MAX, UINT32_MAX), "commands in its parts");
  refused("commands", change(Code::Store, 0, 0, 77), "expects an element type, found 77");
  refused(
      "commands",
      [](TestBundle &b) {
        fb::Command &command = find(function(b), Code::Fill);
        command = fb::Command(Code::Fill, command.a(), command.b(), command.c(), 3);
      },
      "expects 1, 2, 4 or 8 bytes to repeat, found 3");
  refused(
      "commands",
      [](TestBundle &b) {
        fb::Command &command = find(function(b), Code::Check);
        command = fb::Command(Code::Check, command.a(), 0, 0, 1);
      },
      "expects a site below 1, found 1");
}

void memoryOfCommands() {
  refused(
      "commands",
      [](TestBundle &b) {
        fb::Command &command = find(function(b), Code::Copy); // its target becomes the argument
        command = with(command, command.b(), command.a(), command.c());
      },
      "writes argument 0, which is not donated");
  refused(
      "commands",
      [](TestBundle &b) {
        for (auto &buffer : function(b).buffers)
          if (buffer->kind == fb::BufferKind::Arena)
            buffer->last = buffer->first;
      },
      "which is live from command");
  refused(
      "weights",
      [](TestBundle &b) {
        for (fb::Command &command : function(b).commands)
          if (command.code() == Code::Copy)
            command = with(command, command.b(), command.a(), command.c());
      },
      "writes constant 0");
  refused(
      "commands",
      [](TestBundle &b) {
        fb::FunctionT &f = function(b);
        std::vector<fb::Command> nested;
        for (uint32_t i = 0; i < 100; ++i)
          nested.push_back(fb::Command(Code::If, 0, 99 - i, 0, 0));
        f.commands.insert(f.commands.begin() + f.entry, nested.begin(), nested.end());
        for (auto &buffer : f.buffers)
          if (buffer->kind == fb::BufferKind::Arena)
            buffer->first += 100, buffer->last += 100;
      },
      "is nested deeper than 64");
}

void arena() {
  auto chain = [](const std::function<void(fb::FunctionT &)> &change, const std::string &text) {
    TestBundle bundle;
    bundle.addImage({kAxpy, kBounds, kPartialSums});
    addChain(bundle, 6, 100);
    CHECK_EQ(messageOf(bundle), "");
    change(function(bundle));
    std::string message = messageOf(bundle);
    CHECK_MORE(message.find(text) != std::string::npos, "'" + message + "' has no '" + text + "'");
  };
  auto slot = [](fb::FunctionT &f, size_t number) -> fb::BufferT & {
    for (auto &buffer : f.buffers)
      if (buffer->kind == fb::BufferKind::Arena && number-- == 0)
        return *buffer;
    return *f.buffers[0];
  };
  chain([&](fb::FunctionT &f) { slot(f, 1).offset = 0; },
        "are live together and overlap in the arena");
  chain([&](fb::FunctionT &f) { slot(f, 1).offset = 384; },
        "are live together and overlap in the arena");
  chain([&](fb::FunctionT &f) { slot(f, 2).offset = slot(f, 1).offset; }, "overlap in the arena");
  chain([&](fb::FunctionT &f) { slot(f, 1).offset += 8; }, "not a multiple of 64");
  chain([&](fb::FunctionT &f) { slot(f, 1).offset = 1 << 20; }, "in an arena of");
  chain([&](fb::FunctionT &f) { slot(f, 1).offset = ~63ull; }, "in an arena of");
  chain([&](fb::FunctionT &f) { slot(f, 1).max_size = bundle::kUnbounded; },
        "is unbounded, but the arena is not");
  chain([&](fb::FunctionT &f) { slot(f, 1).size_reg = f.registers; },
        "takes its size from register");
  chain([&](fb::FunctionT &f) { slot(f, 1).last = 500; }, "is live from command");
  // A size that the commands change would move the buffer under them.
  chain(
      [&](fb::FunctionT &f) {
        f.commands.push_back(fb::Command(Code::Const, slot(f, 1).size_reg, 0, 0, 1));
      },
      "which is not fixed at entry");
}

void flatbuffer() {
  TestBundle bundle;
  makeSample("all", bundle);
  std::vector<uint8_t> data = bundle.metadata();
  const fb::Bundle *result = nullptr;
  auto check = [&](size_t size) {
    return bundle::checkBundle(data.data(), size, bundle.code.size(), bundle.constants.size(),
                               result);
  };
  CHECK(!check(data.size()));
  CHECK(check(15));
  CHECK(check(data.size() / 2));
  CHECK(bundle::checkBundle(data.data() + 1, data.size() - 1, 0, 0, result));
  data[4] ^= 1; // the identifier
  CHECK(check(data.size()));
}

} // namespace

int main() {
  tables();
  functions();
  commands();
  memoryOfCommands();
  arena();
  flatbuffer();
  return summary();
}
