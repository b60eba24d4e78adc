//===- Locations.cpp - what a command says of where it came from ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/IR/Locations.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Location.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"

using namespace mlir;

std::string linnet::describeLocation(Location loc) {
  std::string found;
  loc->walk([&](Location inner) {
    auto file = dyn_cast<FileLineColLoc>(inner);
    if (!file)
      return WalkResult::advance();
    // the file's name without its folders: the same input gives the same bundle anywhere
    found = llvm::formatv("{0}:{1}:{2}", llvm::sys::path::filename(file.getFilename()),
                          file.getLine(), file.getColumn());
    return WalkResult::interrupt();
  });
  return llvm::json::fixUTF8(found); // a file's name may be anything
}

Location linnet::locateFile(MLIRContext *context, StringRef file) {
  return FileLineColLoc::get(context, file, 0, 0); // the parser's, of the module around a file
}

bool linnet::printOfFile(const Diagnostic &error) {
  auto file = dyn_cast<FileLineColLoc>(error.getLocation());
  if (!file || file.getLine() != 0 || error.getSeverity() != DiagnosticSeverity::Error)
    return false;
  llvm::errs() << file.getFilename().getValue() << ": error: " << error << "\n";
  for (const Diagnostic &note : error.getNotes())
    llvm::errs() << file.getFilename().getValue() << ": note: " << note << "\n";
  return true;
}

static constexpr llvm::StringLiteral kSitePrefix = "linnet.site ";

Location linnet::nameSite(Location loc, StringRef site) {
  return NameLoc::get(StringAttr::get(loc->getContext(), kSitePrefix + site), loc);
}

StringRef linnet::getSite(Location loc) {
  StringRef found;
  loc->walk([&](Location inner) {
    auto name = dyn_cast<NameLoc>(inner);
    if (!name || !name.getName().getValue().starts_with(kSitePrefix))
      return WalkResult::advance();
    found = name.getName().getValue().drop_front(kSitePrefix.size());
    return WalkResult::interrupt();
  });
  return found;
}

std::string linnet::describeOp(linnet::exec::RunOp run) {
  return run.getOp().value_or(run.getKernel()).str();
}
