//===- Samples.cpp - small bundles that several tests use -----------------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "Samples.h"

namespace linnet::test {

void addAxpy(TestBundle &bundle, int64_t max) {
  FunctionBuilder f("axpy");
  Size n = f.symbol("N", 1, max);
  uint32_t x = f.argument("x", ElementType::F32, {n});
  uint32_t y = f.argument("y", ElementType::F32, {n});
  uint32_t out = f.result("out", ElementType::F32, {n});
  uint32_t chunk = f.constant(kChunk), zero = f.constant(0), three = f.constant(3);
  uint32_t twelve = f.constant(12);
  uint32_t chunks = f.op(Code::CeilDiv, n.index, chunk);
  uint32_t flops = f.op(Code::Mul, n.index, three), bytes = f.op(Code::Mul, n.index, twelve);
  f.entry();
  uint32_t vx = f.view(f.argumentBuffer(x)), vy = f.view(f.argumentBuffer(y)),
           vo = f.view(f.resultBuffer(out));
  f.dispatch(0, {vx, vy, vo}, {n.index}, chunks, zero, "test.axpy", flops, bytes);
  bundle.add(f);
}

void addCounter(TestBundle &bundle) {
  for (bool update : {true, false}) {
    FunctionBuilder f(update ? "update" : "read");
    Size n = f.symbol(update ? "N" : "M", 1, 8);
    uint32_t x = update ? f.argument("x", ElementType::I64, {n}) : 0;
    uint32_t sum = f.argument("sum", ElementType::I64, {n}, "sum");
    if (update)
      f.result("new", ElementType::I64, {n}, int32_t(sum));
    uint32_t out = f.result("old", ElementType::I64, {n});
    uint32_t eight = f.constant(8), bytes = f.op(Code::Mul, n.index, eight);
    f.entry();
    uint32_t vs = f.view(f.argumentBuffer(sum)), vo = f.view(f.resultBuffer(out));
    f.emit(Code::Copy, vo, vs, bytes);
    if (update) {
      uint32_t offset = f.reg(), go = f.reg(), a = f.reg(), b = f.reg();
      uint32_t xs = f.view(f.argumentBuffer(x), offset);
      uint32_t sums = f.view(f.function.views[vs].buffer(), offset);
      uint32_t i64 = uint32_t(ElementType::I64);
      f.emit(Code::While, go, 1, 5);
      f.emit(Code::CmpLT, go, offset, bytes);
      f.emit(Code::Load, a, xs, i64);
      f.emit(Code::Load, b, sums, i64);
      f.emit(Code::Add, a, a, b);
      f.emit(Code::Store, a, sums, i64);
      f.emit(Code::Add, offset, offset, eight);
    }
    bundle.add(f);
  }
}

void addGather(TestBundle &bundle) {
  FunctionBuilder f("gather");
  Size n = f.symbol("N", 0, 1024);
  uint32_t index = f.argument("index", ElementType::I32, {n});
  uint32_t seen = f.argument("seen", ElementType::I32, {n}, "seen");
  f.result("new", ElementType::I32, {n}, int32_t(seen));
  uint32_t site = f.site("test.other", "model.mlir:3:1", "never");
  site = f.site("test.gather", "model.mlir:7:5", "index out of range");
  uint32_t chunk = f.constant(kChunk), zero = f.constant(0), bound = f.constant(100);
  uint32_t four = f.constant(4), first = f.constant(site);
  uint32_t chunks = f.op(Code::CeilDiv, n.index, chunk), bytes = f.op(Code::Mul, n.index, four);
  f.entry();
  uint32_t vi = f.view(f.argumentBuffer(index)), vs = f.view(f.argumentBuffer(seen));
  f.emit(Code::Copy, vs, vi, bytes);
  f.dispatch(1, {vi}, {n.index, bound, first}, chunks, zero, "test.gather");
  bundle.add(f);
}

void addChain(TestBundle &bundle, int length, int64_t max) {
  FunctionBuilder f("chain" + std::to_string(length));
  Size n = f.symbol("N", 0, max);
  uint32_t x = f.argument("x", ElementType::F32, {n});
  uint32_t out = f.result("out", ElementType::F32, {n});
  uint32_t chunk = f.constant(kChunk), zero = f.constant(0), four = f.constant(4);
  uint32_t chunks = f.op(Code::CeilDiv, n.index, chunk);
  uint32_t bytes = f.op(Code::Mul, n.index, four);
  f.entry();
  bool bounded = max >= 0;
  uint64_t most = bounded ? uint64_t(max) * 4 : bundle::kUnbounded;
  uint64_t slot = bounded ? (most + 63) / 64 * 64 : 0;
  uint32_t nothing = f.view(f.argumentBuffer(x)), from = nothing;
  uint32_t fillAt = f.here();
  // y is a buffer of zeros that lives throughout; steps alternate between two slots.
  uint32_t y = f.view(f.arena(bytes, 0, most, fillAt, fillAt + uint32_t(length)));
  f.emit(Code::Fill, y, zero, bytes, 4);
  for (int step = 0; step < length; ++step) {
    uint32_t at = f.here();
    uint32_t to = step + 1 == length
                      ? f.view(f.resultBuffer(out))
                      : f.view(f.arena(bytes, slot * (1 + uint64_t(step % 2)), most, at, at + 1));
    f.dispatch(0, {from, y, to}, {n.index}, chunks, zero, "test.step");
    from = to;
  }
  f.function.largest_live = f.function.arena_bytes;
  bundle.add(f);
}

void addCommands(TestBundle &bundle) {
  FunctionBuilder f("commands");
  Size n = f.symbol("N", 1, 64, 2);
  uint32_t x = f.argument("x", ElementType::I32, {n, 2});
  uint32_t flag = f.argument("flag", ElementType::I1, {});
  uint32_t out = f.result("out", ElementType::I32, {n, 2});
  uint32_t site = f.site("test.check", "model.mlir:2:2", "expects an even size");
  uint32_t eight = f.constant(8), four = f.constant(4), two = f.constant(2), one = f.constant(1);
  uint32_t rest = f.op(Code::RemS, n.index, two), even = f.op(Code::CmpLT, rest, one);
  f.emit(Code::Check, even, 0, 0, site);
  uint32_t bytes = f.op(Code::Mul, n.index, eight);
  f.entry();
  uint32_t at = f.here();
  uint32_t copy = f.view(f.arena(bytes, 64, 512, at, at + 9));
  uint32_t vx = f.view(f.argumentBuffer(x)), vf = f.view(f.argumentBuffer(flag));
  uint32_t vo = f.view(f.resultBuffer(out));
  uint32_t r = f.reg(), go = f.reg(), offset = f.reg();
  uint32_t moving = f.view(f.function.views[copy].buffer(), offset);
  f.emit(Code::Copy, copy, vx, bytes);
  f.emit(Code::Load, r, vf, uint32_t(ElementType::I1));
  f.emit(Code::If, r, 5, 1);
  f.emit(Code::While, go, 1, 3);
  f.emit(Code::CmpLT, go, offset, bytes);
  f.emit(Code::Store, offset, moving, uint32_t(ElementType::I32));
  f.emit(Code::Add, offset, offset, four);
  f.emit(Code::Select, r, go, one, two);
  f.emit(Code::Fill, copy, two, eight, 2);
  f.emit(Code::Copy, vo, copy, bytes);
  bundle.add(f);
}

void addWeights(TestBundle &bundle) {
  uint32_t plain = bundle.addConstant("w", ElementType::F32, {3, 5}, nullptr, 60);
  uint32_t packed = bundle.addConstant("w", ElementType::F32, {3, 5}, nullptr, 96);
  auto layout = std::make_unique<fb::LayoutT>();
  layout->kind = fb::LayoutKind::Panels;
  layout->batch = 1;
  layout->n = 5, layout->n_stride = 1;
  layout->k = 3, layout->k_stride = 5;
  layout->panel = 4, layout->group = 1;
  bundle.bundle.constants[packed]->layout = std::move(layout);
  FunctionBuilder f("weights");
  uint32_t a = f.result("plain", ElementType::F32, {3, 5});
  uint32_t b = f.result("packed", ElementType::F32, {2, 3, 4});
  uint32_t plainBytes = f.constant(60), packedBytes = f.constant(96);
  f.entry();
  f.emit(Code::Copy, f.view(f.resultBuffer(a)), f.view(f.constantBuffer(plain)), plainBytes);
  f.emit(Code::Copy, f.view(f.resultBuffer(b)), f.view(f.constantBuffer(packed)), packedBytes);
  bundle.add(f);
}

void addCast(TestBundle &bundle) {
  for (bool brain : {true, false}) {
    FunctionBuilder f(brain ? "bf16" : "f16");
    Size n = f.symbol("N");
    ElementType type = brain ? ElementType::BF16 : ElementType::F16;
    uint32_t x = f.argument("x", type, {n}), out = f.result("out", type, {n});
    uint32_t two = f.constant(2), bytes = f.op(Code::Mul, n.index, two);
    f.entry();
    f.emit(Code::Copy, f.view(f.resultBuffer(out)), f.view(f.argumentBuffer(x)), bytes);
    bundle.add(f);
  }
}

bool makeSample(const std::string &kind, TestBundle &bundle) {
  bool all = kind == "all";
  if (all || kind == "axpy" || kind == "gather" || kind == "future" || kind == "v4")
    bundle.addImage({kAxpy, kBounds, kPartialSums},
                    kind == "v4" ? fb::Level::X86_64_V4 : fb::Level::X86_64_V3);
  if (all || kind == "axpy" || kind == "future" || kind == "v4")
    addAxpy(bundle);
  if (all || kind == "gather")
    addGather(bundle);
  if (all || kind == "counter")
    addCounter(bundle);
  if (all || kind == "commands")
    addCommands(bundle);
  if (all)
    addChain(bundle, 5, 100);
  if (kind == "cast")
    addCast(bundle);
  if (kind == "weights")
    addWeights(bundle);
  if (kind == "future")
    bundle.bundle.images[0]->features = {"avx2", "avx1024", "teleport"};
  if (all) {
    const float values[] = {1, 2, 3, 4};
    bundle.addConstant("embedded", ElementType::F32, {2, 2}, values, sizeof values);
  }
  return !bundle.bundle.functions.empty();
}

} // namespace linnet::test
