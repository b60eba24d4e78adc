//===- FoldWeights.cpp - what is known of weights is computed once ----------===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "FoldWeights.h"
#include "linnet-c/Runtime.h"
#include "linnet/Bundle/Bundle_generated.h"
#include "linnet/Bundle/CPULevel.h"
#include "linnet/Bundle/Write.h"
#include "linnet/Codegen/CPU.h"
#include "linnet/IR/LinnetDialect.h"
#include "linnet/Pipelines/Pipelines.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/RegionUtils.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FileSystem.h"

using namespace mlir;
using namespace linnet;

namespace {

/// What one function computes of weights.
struct Parts {
  func::FuncOp func;
  SmallVector<Value> results;
  SmallVector<Operation *> slice;     ///< that computes them, in order
  SmallVector<BlockArgument> weights; ///< that the slice reads
};

class PartFinder {
public:
  PartFinder(func::FuncOp func, llvm::function_ref<bool(BlockArgument)> known);
  std::optional<Parts> run();

private:
  enum Kind { Varying, Neutral, OfWeights };
  Kind kind(Operation &op);
  bool reachesOthers(Value v);
  bool isWorth(Value v);
  /// Operands, and what regions read from outside.
  static SmallVector<Value> inputs(Operation &op);

  func::FuncOp func;
  llvm::DenseMap<Value, Kind> kinds;
};

} // namespace

//===----------------------------------------------------------------------===//
// What to compute
//===----------------------------------------------------------------------===//

/// Ops that compute nothing: kernels can read their operands instead, but for what lies turned or
/// apart there, as the taps of a transposed convolution.
static bool isMove(Operation *op) {
  if (isa<tensor::TensorDialect>(op->getDialect()) ||
      isa<linalg::TransposeOp, linalg::BroadcastOp, linalg::FillOp, linalg::CopyOp>(op))
    return true;
  auto loops = dyn_cast<linalg::LinalgOp>(op);
  return loops &&
         llvm::all_of(loops.getBlock()->without_terminator(), llvm::IsaPred<linalg::IndexOp>) &&
         llvm::all_of(loops.getIndexingMapsArray(),
                      [](AffineMap map) { return map.isProjectedPermutation(true); });
}

static int64_t bytesOf(Value v) {
  auto type = cast<RankedTensorType>(v.getType());
  return type.getNumElements() * llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

SmallVector<Value> PartFinder::inputs(Operation &op) {
  llvm::SetVector<Value> all(op.operand_begin(), op.operand_end());
  getUsedValuesDefinedAbove(op.getRegions(), all);
  return all.takeVector();
}

PartFinder::Kind PartFinder::kind(Operation &op) {
  if (!isPure(&op) || op.hasTrait<OpTrait::IsTerminator>() ||
      llvm::any_of(op.getResultTypes(), [](Type t) {
        auto tensor = dyn_cast<ShapedType>(t);
        return tensor && !tensor.hasStaticShape();
      }))
    return Varying;
  Kind kind = Neutral;
  for (Value v : inputs(op)) {
    Kind of = kinds.lookup(v);
    if (of == Varying)
      return Varying;
    kind = std::max(kind, of);
  }
  return kind;
}

PartFinder::PartFinder(func::FuncOp func, llvm::function_ref<bool(BlockArgument)> known)
    : func(func) {
  for (BlockArgument arg : func.getArguments())
    if (known(arg))
      kinds[arg] = OfWeights;
  for (Operation &op : func.getBody().front()) {
    Kind k = kind(op);
    for (Value v : op.getResults())
      kinds[v] = k;
  }
}

/// Whether something that varies reads the value, or what moves have made of it.
bool PartFinder::reachesOthers(Value v) {
  SmallVector<Value> open = {v};
  while (!open.empty())
    for (Operation *user : open.pop_back_val().getUsers()) {
      Operation *top = func.getBody().front().findAncestorOpInBlock(*user);
      if (top->getNumResults() == 0 || kinds.lookup(top->getResult(0)) == Varying)
        return true;
      if (isMove(top))
        llvm::append_range(open, top->getResults());
    }
  return false;
}

/// Not larger than what it is made of, so that a repeated row or the product of two thin
/// matrices does not fill the bundle.
bool PartFinder::isWorth(Value v) {
  auto type = dyn_cast<RankedTensorType>(v.getType());
  if (!type || bundle::toElementType(type.getElementType()) == fb::ElementType::Invalid ||
      isMove(v.getDefiningOp()) || kinds.lookup(v) != OfWeights || !reachesOthers(v))
    return false;
  constexpr int64_t small = 16 << 10;
  llvm::SetVector<Value> made;
  made.insert(v);
  int64_t bytes = 0;
  for (unsigned i = 0; i < made.size(); ++i) {
    if (isa<BlockArgument>(made[i]))
      bytes += bytesOf(made[i]);
    else
      for (Value input : inputs(*made[i].getDefiningOp()))
        made.insert(input);
  }
  return bytesOf(v) <= std::max(bytes, small);
}

std::optional<Parts> PartFinder::run() {
  Parts parts{func, {}, {}, {}};
  for (Operation &op : func.getBody().front())
    for (Value v : op.getResults())
      if (isWorth(v))
        parts.results.push_back(v);
  if (parts.results.empty())
    return std::nullopt;
  llvm::SetVector<Value> needed(parts.results.begin(), parts.results.end());
  llvm::SetVector<Operation *> ops;
  for (unsigned i = 0; i < needed.size(); ++i) {
    if (auto arg = dyn_cast<BlockArgument>(needed[i])) {
      parts.weights.push_back(arg);
      continue;
    }
    Operation *op = needed[i].getDefiningOp();
    ops.insert(op);
    for (Value input : inputs(*op))
      needed.insert(input);
  }
  parts.slice = ops.takeVector();
  llvm::sort(parts.slice, [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return parts;
}

//===----------------------------------------------------------------------===//
// Computing it
//===----------------------------------------------------------------------===//

/// Whether its value is at hand now.
static bool isKnown(ml_program::GlobalOp global, const FoldOptions &options) {
  return global.getValue() && (!isa<ml_program::ExternAttr>(*global.getValue()) ||
                               (!options.external && !options.weights.empty()));
}

namespace {

/// A module with one function per `Parts`, compiled, and called.
class Evaluator {
public:
  Evaluator(ModuleOp source, const FoldOptions &options) : source(source), options(options) {}
  ~Evaluator();
  LogicalResult compile(ArrayRef<Parts> parts);
  /// The results of function `i`; a failure without a word is the runtime's.
  FailureOr<std::vector<std::vector<char>>> call(unsigned i, const Parts &parts);

private:
  void addFunction(const Parts &parts, unsigned i);
  bool ok(lnt_status *status) {
    bool good = lnt_status_code(status) == LNT_OK;
    lnt_status_free(status);
    return good;
  }

  ModuleOp source;
  const FoldOptions &options;
  OwningOpRef<ModuleOp> module;
  SmallString<128> path;
  lnt_runtime *runtime = nullptr;
  lnt_module *loaded = nullptr;
  lnt_session *session = nullptr;
};

} // namespace

Evaluator::~Evaluator() {
  lnt_session_destroy(session);
  lnt_module_destroy(loaded);
  lnt_runtime_destroy(runtime);
  if (!path.empty())
    (void)llvm::sys::fs::remove(path);
}

static std::string nameOf(unsigned i) { return "weights_" + std::to_string(i); }

void Evaluator::addFunction(const Parts &parts, unsigned i) {
  func::FuncOp from = parts.func;
  auto at = OpBuilder::atBlockEnd(module->getBody());
  auto type = at.getFunctionType(
      ValueRange(ArrayRef<Value>(parts.weights.begin(), parts.weights.end())).getTypes(),
      ValueRange(parts.results).getTypes());
  auto func = func::FuncOp::create(at, from.getLoc(), nameOf(i), type);
  Block *body = func.addEntryBlock();
  IRMapping map;
  for (auto [j, weight] : llvm::enumerate(parts.weights)) {
    map.map(weight, body->getArgument(j));
    func.setArgAttr(j, kConstantAttr, from.getArgAttr(weight.getArgNumber(), kConstantAttr));
  }
  at.setInsertionPointToEnd(body);
  for (Operation *op : parts.slice)
    at.clone(*op, map);
  SmallVector<Value> results;
  for (Value v : parts.results)
    results.push_back(map.lookup(v));
  func::ReturnOp::create(at, from.getLoc(), results);
}

LogicalResult Evaluator::compile(ArrayRef<Parts> parts) {
  module = ModuleOp::create(source.getLoc());
  auto at = OpBuilder::atBlockEnd(module->getBody());
  for (auto global : source.getOps<ml_program::GlobalOp>())
    if (isKnown(global, options))
      at.clone(*global);
  for (auto [i, part] : llvm::enumerate(parts))
    addFunction(part, i);
  PassManager pm(source.getContext());
  buildDispatchPipeline(pm);
  buildProgramPipeline(pm, {});
  bundle::Weights weights;
  auto target = codegen::getCPUTarget("x86-64-v3");
  if (failed(target) ||
      failed(weights.load(*module, options.external ? std::vector<std::string>() : options.weights,
                          /*external=*/false)) ||
      failed(pm.run(*module)))
    return failure();
  auto image = codegen::compileImage(*module, *target, options.jobs);
  if (failed(image))
    return failure();
  bundle::WriteOptions write;
  write.images.push_back({"x86-64-v3", target->cpu, bundle::featuresOfV3(), std::move(*image)});
  if (auto error = llvm::sys::fs::createTemporaryFile("linnet", "lnb", path))
    return emitError(source.getLoc()) << "cannot make a temporary file: " << error.message();
  return bundle::writeBundle(*module, weights, write, path);
}

FailureOr<std::vector<std::vector<char>>> Evaluator::call(unsigned i, const Parts &parts) {
  lnt_runtime_options threads = {};
  threads.size = sizeof(threads);
  threads.threads = 1;
  size_t function = 0;
  if (!runtime && !(ok(lnt_runtime_create(&threads, &runtime)) &&
                    ok(lnt_module_load_file(runtime, path.c_str(), nullptr, &loaded)) &&
                    ok(lnt_session_create(loaded, nullptr, 0, &session))))
    return failure();
  if (!loaded || !session || !ok(lnt_module_find_function(loaded, nameOf(i).c_str(), &function)))
    return failure();
  std::vector<std::vector<char>> bytes;
  std::vector<lnt_tensor> results;
  for (Value v : parts.results) {
    auto type = cast<RankedTensorType>(v.getType());
    bytes.emplace_back(bytesOf(v));
    lnt_tensor result = {};
    result.type = static_cast<lnt_type>(bundle::toElementType(type.getElementType()));
    result.rank = type.getRank();
    result.dims = type.getShape().data();
    result.buffer.handle = bytes.back().data();
    result.buffer.size = bytes.back().size();
    results.push_back(result);
  }
  if (!ok(lnt_call(session, function, nullptr, 0, results.data(), results.size(), nullptr)))
    return failure();
  return bytes;
}

//===----------------------------------------------------------------------===//
// Weights of their own
//===----------------------------------------------------------------------===//

namespace {

/// Globals for computed values; equal ones, say of prefill and decoding, are one.
class NewWeights {
public:
  explicit NewWeights(ModuleOp module) : module(module), symbols(module) {}
  void replace(Value v, ArrayRef<char> bytes, func::FuncOp func);

private:
  FlatSymbolRefAttr global(RankedTensorType type, ArrayRef<char> bytes, Location loc);

  ModuleOp module;
  SymbolTable symbols;
  llvm::DenseMap<Type, std::vector<std::pair<std::vector<char>, FlatSymbolRefAttr>>> made;
};

} // namespace

FlatSymbolRefAttr NewWeights::global(RankedTensorType type, ArrayRef<char> bytes, Location loc) {
  for (auto &[same, symbol] : made[type])
    if (ArrayRef<char>(same) == bytes)
      return symbol;
  auto blob = HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, alignof(int64_t));
  auto value = DenseResourceElementsAttr::get(type, "folded", std::move(blob));
  auto b = OpBuilder::atBlockBegin(module.getBody());
  auto op = ml_program::GlobalOp::create(b, loc, "folded", type, /*is_mutable=*/false, value,
                                         b.getStringAttr("private"));
  symbols.insert(op);
  auto symbol = FlatSymbolRefAttr::get(op.getSymNameAttr());
  made[type].push_back({std::vector<char>(bytes.begin(), bytes.end()), symbol});
  return symbol;
}

void NewWeights::replace(Value v, ArrayRef<char> bytes, func::FuncOp func) {
  MLIRContext *ctx = module.getContext();
  auto type = cast<RankedTensorType>(v.getType());
  NamedAttribute name(StringAttr::get(ctx, kConstantAttr), global(type, bytes, v.getLoc()));
  unsigned position = func.getNumArguments();
  if (succeeded(func.insertArgument(position, type, DictionaryAttr::get(ctx, name), v.getLoc())))
    v.replaceAllUsesWith(func.getArgument(position));
}

/// Weights that nothing reads any more are no part of the program.
static void dropUnread(func::FuncOp func) {
  IRRewriter rewriter(func.getContext());
  (void)runRegionDCE(rewriter, func->getRegions());
  for (unsigned i = func.getNumArguments(); i-- > 0;)
    if (func.getArgAttr(i, kConstantAttr) && func.getArgument(i).use_empty())
      (void)func.eraseArgument(i);
}

LogicalResult linnet::foldWeights(ModuleOp module, const FoldOptions &options) {
  auto known = [&](BlockArgument arg) {
    auto func = cast<func::FuncOp>(arg.getOwner()->getParentOp());
    auto symbol = func.getArgAttrOfType<FlatSymbolRefAttr>(arg.getArgNumber(), kConstantAttr);
    auto global = symbol ? module.lookupSymbol<ml_program::GlobalOp>(symbol.getAttr()) : nullptr;
    return global && isKnown(global, options);
  };
  SmallVector<Parts> parts;
  for (auto func : module.getOps<func::FuncOp>())
    if (!func.isExternal())
      if (auto found = PartFinder(func, known).run())
        parts.push_back(std::move(*found));
  if (parts.empty())
    return success();
  Evaluator evaluator(module, options);
  if (failed(evaluator.compile(parts)))
    return failure();
  NewWeights weights(module);
  for (auto [i, part] : llvm::enumerate(parts)) {
    auto values = evaluator.call(i, part);
    if (failed(values)) // a fault, say: every call will say so
      continue;
    for (auto [v, bytes] : llvm::zip_equal(part.results, *values)) {
      if (options.explain)
        emitRemark(v.getLoc(), "computed from weights, once: ") << v.getType();
      weights.replace(v, bytes, part.func);
    }
    dropUnread(part.func);
  }
  return success();
}
