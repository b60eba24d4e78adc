//===- Ptxas.cpp - assembles PTX where there is an assembler ----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "GPULowering.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdlib>

using namespace mlir;
using namespace linnet::codegen;

/// LINNET_PTXAS names the assembler, or is empty for none; else the path is searched.
static std::string findPtxas() {
  if (const char *named = std::getenv("LINNET_PTXAS"))
    return named;
  auto found = llvm::sys::findProgramByName("ptxas");
  return found ? *found : "";
}

namespace {
/// A file that goes with its scope.
struct TemporaryFile {
  explicit TemporaryFile(StringRef suffix) {
    ok = !llvm::sys::fs::createTemporaryFile("linnet", suffix, path);
  }
  ~TemporaryFile() {
    if (ok)
      (void)llvm::sys::fs::remove(path);
  }
  std::string read() const {
    auto file = llvm::MemoryBuffer::getFile(path);
    return file ? (*file)->getBuffer().str() : "";
  }
  SmallString<128> path;
  bool ok;
};
} // namespace

static uint32_t numberIn(StringRef text, StringRef pattern) {
  SmallVector<StringRef> groups;
  uint32_t n = 0;
  if (llvm::Regex(pattern).match(text, &groups))
    groups[1].getAsInteger(10, n);
  return n;
}

LogicalResult linnet::codegen::assemblePTX(GPUKernel &kernel, const GPUTarget &target) {
  std::string ptxas = findPtxas();
  if (ptxas.empty())
    return success();
  TemporaryFile in("ptx"), out("cubin"), log("log");
  if (!in.ok || !out.ok || !log.ok)
    return emitError(kernel.loc) << "no temporary file can be made for ptxas";
  {
    std::error_code error;
    llvm::raw_fd_ostream os(in.path, error);
    os << StringRef(kernel.bytes.data(), kernel.bytes.size());
  }
  std::string arch = "-arch=" + target.chip, output = out.path.str().str();
  StringRef args[] = {ptxas, "-v", arch, "-o", output, in.path};
  std::string message;
  std::optional<StringRef> redirects[] = {std::nullopt, log.path.str(), log.path.str()};
  int code = llvm::sys::ExecuteAndWait(ptxas, args, std::nullopt, redirects, /*SecondsToWait=*/300,
                                       /*MemoryLimit=*/0, &message);
  std::string said = log.read();
  if (code)
    return emitError(kernel.loc) << "ptxas refuses kernel '" << kernel.name
                                 << "': " << (message.empty() ? said : message);
  std::string cubin = out.read();
  kernel.cubin.assign(cubin.begin(), cubin.end());
  kernel.registers = numberIn(said, "Used ([0-9]+) registers");
  kernel.spills =
      numberIn(said, "([0-9]+) bytes spill stores") + numberIn(said, "([0-9]+) bytes spill loads");
  return success();
}
