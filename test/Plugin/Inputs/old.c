struct Info {
  const char *abi, *name;
  void (*reg)(void *);
};
__attribute__((visibility("default"))) struct Info linnetPlugin(void) {
  struct Info info = {"linnet-0.0.1/llvm-1.0.0", "old", 0};
  return info;
}
