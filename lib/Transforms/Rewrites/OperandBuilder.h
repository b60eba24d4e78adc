//===- OperandBuilder.h - tensors in the order that an op wants -*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_REWRITES_OPERANDBUILDER_H
#define LINNET_LIB_TRANSFORMS_REWRITES_OPERANDBUILDER_H

#include "linnet/Analysis/Elements.h"
#include "mlir/IR/Builders.h"

namespace linnet::rewrites {

using Variables = llvm::SmallVector<unsigned, 4>;

/// A tensor each dimension of which stands for some variables, the last of which moves fastest; for
/// none: it has size 1.
struct Source {
  mlir::Value tensor;
  llvm::SmallVector<Variables> dims;
  bool uses(unsigned v) const {
    return llvm::any_of(dims, [&](const Variables &d) { return llvm::is_contained(d, v); });
  }
};

class OperandBuilder {
public:
  OperandBuilder(mlir::OpBuilder &b, mlir::Location loc, Elements &g) : b(b), loc(loc), g(g) {}
  mlir::OpBuilder &builder() { return b; }

  /// An element that a tensor made meanwhile holds: the end of the way that leads there.
  void know(const Element &e, Source holder) { known.push_back({e, std::move(holder)}); }
  /// A variable that counts so many, which dimensions that are read at it may exceed.
  void limit(unsigned v, mlir::OpFoldResult count) { limits[v] = count; }

  /// The tensors on the way from an element that can be read so, nearest first.
  llvm::SmallVector<Source> sources(const Element &e);
  /// Whether every size is a number, or that of a dimension of a source.
  bool knowsSizes(llvm::ArrayRef<unsigned> variables);
  /// The source as a tensor with one dimension per axis, the variables of an axis merged. What the
  /// source does not change with is repeated (stretch), or has size 1 where a whole axis is so.
  mlir::Value get(const Source &s, llvm::ArrayRef<Variables> axes, bool stretch);
  /// The same from the farthest source; null: there is none.
  mlir::Value get(const Element &e, llvm::ArrayRef<Variables> axes, bool stretch);
  /// A tensor with one dimension per variable, in the order in which they lie in memory. A
  /// dimension may be read in part: columns from an offset on, of all or, where a variable counts
  /// blocks, of each block.
  mlir::Value getColumns(const Element &e, Variables &order);
  bool canGetColumns(const Element &e) { return findColumns(e).has_value(); }
  /// Stretched from the nearest source, or that before it was widened.
  mlir::Value getNearest(const Element &e, llvm::ArrayRef<Variables> axes);
  /// Stretched, from steps of arithmetic and sums done again where no source holds the element.
  mlir::Value compute(const Element &e, llvm::ArrayRef<Variables> axes, int depth = 8);
  /// The element in a slice of the source that holds no more than what is read of it: every
  /// dimension is read at `stride * variable + offset`; nothing where one is not.
  std::optional<Element> sliced(const Element &e);
  /// From one dimension per axis to the tensor that `dims` describes.
  mlir::Value back(mlir::Value x, llvm::ArrayRef<Variables> axes, llvm::ArrayRef<Variables> dims,
                   mlir::RankedTensorType type);
  /// The variables of a dimension of this size that is read at x; nothing where it is not read
  /// once, in order and as a whole.
  std::optional<Variables> readDim(mlir::AffineExpr x, int64_t size);

  /// In a wider or the same float type; null where it is narrower.
  mlir::Value widened(mlir::Value x, mlir::FloatType type);
  /// In this float type, rounded where it is narrower.
  mlir::Value converted(mlir::Value x, mlir::FloatType type);
  /// A number at every place of axes.
  mlir::Value filled(double number, llvm::ArrayRef<Variables> axes, mlir::FloatType type);
  mlir::Value scaled(mlir::Value x, double by);
  /// A number at every place of x.
  mlir::Value splat(double number, mlir::Value x);
  mlir::Value inverted(mlir::Value condition);
  /// 0 where the condition is (or, negated, is not) true, else `hidden`.
  mlir::Value choose(mlir::Value condition, bool negated, double hidden);
  /// x with its sizes of 1 repeated to the shape of `like`.
  mlir::Value stretched(mlir::Value x, mlir::Value like);
  /// The sum of two tensors of one rank, sizes of 1 repeated.
  mlir::Value addBroadcast(mlir::Value x, mlir::Value y);

private:
  /// The variables of a dimension, and if it is read in part the width of a block and the offset.
  struct Columns {
    Variables variables;
    std::optional<std::pair<int64_t, int64_t>> slice;
  };
  std::optional<Columns> readColumns(mlir::AffineExpr x, int64_t size);
  /// The nearest tensor that can be read so.
  std::optional<std::pair<mlir::Value, llvm::SmallVector<Columns>>> findColumns(const Element &e);
  mlir::Value transposed(mlir::Value x, llvm::ArrayRef<int64_t> order);
  mlir::Value dropUnits(mlir::Value x, llvm::ArrayRef<bool> unit);
  mlir::Value insertUnits(mlir::Value x, llvm::ArrayRef<bool> unit);
  mlir::Value merged(mlir::Value x, llvm::ArrayRef<int64_t> counts);
  mlir::Value split(mlir::Value x, llvm::ArrayRef<int64_t> counts,
                    llvm::ArrayRef<unsigned> variables);
  mlir::Value repeated(mlir::Value x, llvm::ArrayRef<unsigned> present,
                       llvm::ArrayRef<unsigned> all);
  mlir::OpFoldResult sizeOf(unsigned v);
  Source limited(Source s);
  mlir::Value computeSum(const Element &e, llvm::ArrayRef<Variables> axes, int depth);

  mlir::OpBuilder &b;
  mlir::Location loc;
  Elements &g;
  llvm::DenseMap<unsigned, std::pair<mlir::Value, unsigned>> places; ///< to read sizes from
  llvm::SmallVector<std::pair<Element, Source>> known;
  llvm::DenseMap<unsigned, mlir::OpFoldResult> limits;
};

} // namespace linnet::rewrites

#endif // LINNET_LIB_TRANSFORMS_REWRITES_OPERANDBUILDER_H
