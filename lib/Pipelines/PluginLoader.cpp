//===- PluginLoader.cpp - loads --plugin= libraries -----------------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "linnet/Pipelines/PluginLoader.h"
#include "linnet/Plugin.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <dlfcn.h>

using namespace linnet;

// Upstream's --load-pass-plugin neither says why it failed nor makes the passes flags.
static bool loadPlugin(llvm::StringRef file, mlir::DialectRegistry &registry) {
  llvm::SmallString<256> path(file); // dlopen looks for a bare name in library paths only
  if (llvm::sys::fs::make_absolute(path)) {
    llvm::errs() << "error: cannot find plugin '" << file << "'\n";
    return false;
  }
  // never closed: its passes and dialects live as long as the process
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    llvm::errs() << "error: cannot load plugin '" << file << "': " << dlerror() << "\n";
    return false;
  }
  auto entry = reinterpret_cast<PluginInfo (*)()>(dlsym(library, "linnetPlugin"));
  if (!entry) {
    llvm::errs() << "error: '" << file << "' is no Linnet plugin: it lacks LINNET_PLUGIN\n";
    return false;
  }
  PluginInfo info = entry();
  if (llvm::StringRef(info.abi) != kPluginABI) {
    llvm::errs() << "error: plugin '" << file << "' was built for " << info.abi << ", this is "
                 << kPluginABI << "; build it again\n";
    return false;
  }
  info.registerPlugin(registry);
  return rulesAreSound();
}

bool linnet::loadPlugins(llvm::SmallVectorImpl<char *> &args, mlir::DialectRegistry &registry) {
  llvm::SmallVector<char *> kept;
  for (char *arg : args) {
    llvm::StringRef text(arg ? arg : "");
    if (!text.consume_front("--plugin=")) {
      kept.push_back(arg);
      continue;
    }
    if (!loadPlugin(text, registry))
      return false;
  }
  args.assign(kept.begin(), kept.end());
  return true;
}
