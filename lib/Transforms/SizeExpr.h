//===- SizeExpr.h - sizes as polynomials in symbols -------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_LIB_TRANSFORMS_SIZEEXPR_H
#define LINNET_LIB_TRANSFORMS_SIZEEXPR_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringMap.h"
#include <map>
#include <string>
#include <vector>

namespace linnet {

/// A polynomial with integer coefficients. Equal polynomials are equal sizes; unequal ones
/// may still be, at some values of the symbols.
class SizeExpr {
public:
  SizeExpr(int64_t constant = 0) {
    if (constant)
      terms[{}] = constant;
  }
  static SizeExpr symbol(unsigned id) {
    SizeExpr e;
    e.terms[{id}] = 1;
    return e;
  }

  SizeExpr operator+(const SizeExpr &o) const;
  SizeExpr operator*(const SizeExpr &o) const;
  SizeExpr operator-(const SizeExpr &o) const { return *this + o * SizeExpr(-1); }
  bool operator==(const SizeExpr &o) const { return terms == o.terms; }
  bool operator!=(const SizeExpr &o) const { return terms != o.terms; }

  std::optional<int64_t> constant() const;
  /// The quotient when every coefficient is a multiple of `divisor`.
  std::optional<SizeExpr> dividedBy(int64_t divisor) const;
  /// The least it can be where its symbols are at least so large; none where that does not say.
  std::optional<int64_t> least(const llvm::DenseMap<unsigned, int64_t> &ofSymbols) const;
  std::string print(llvm::ArrayRef<std::string> names) const;

private:
  /// Sorted symbols of a product, and its coefficient.
  std::map<std::vector<unsigned>, int64_t> terms;
};

/// The sizes and index values of one function. Asks ops to reify their shapes, so it adds
/// arithmetic to the function: give it a copy.
class SizeAnalysis {
public:
  /// Of a dimension of a ranked tensor.
  SizeExpr sizeOf(mlir::Value tensor, int64_t dim);
  /// Of an integer or index.
  SizeExpr valueOf(mlir::Value value);
  SizeExpr valueOf(mlir::OpFoldResult value);
  /// What `linnet.dims` calls a size.
  SizeExpr named(llvm::StringRef name) { return intern(name); }
  std::string print(const SizeExpr &e) const { return e.print(names); }

private:
  using Key = std::pair<mlir::Value, int64_t>;

  SizeExpr computeSize(mlir::Value tensor, int64_t dim);
  SizeExpr symbolOf(mlir::FunctionOpInterface fn, mlir::StringAttr name);
  SizeExpr larger(const SizeExpr &a, const SizeExpr &b);
  SizeExpr sizeOfArgument(mlir::BlockArgument arg, int64_t dim);
  SizeExpr sizeOfResult(mlir::OpResult result, int64_t dim);
  SizeExpr computeValue(mlir::Value value);
  SizeExpr affine(mlir::AffineExpr e, unsigned numDims, llvm::ArrayRef<SizeExpr> operands);
  SizeExpr quotient(llvm::StringRef kind, const SizeExpr &a, const SizeExpr &b);
  /// The result of a pure op by its name and operands.
  SizeExpr application(llvm::StringRef name, llvm::ArrayRef<SizeExpr> operands);
  SizeExpr intern(llvm::StringRef name);
  SizeExpr unknown(mlir::Value value, int64_t dim);

  std::vector<std::string> names;
  llvm::StringMap<unsigned> ids;
  llvm::DenseMap<unsigned, int64_t> least; ///< of symbols that are sizes of arguments
  llvm::DenseMap<Key, SizeExpr> known;
  llvm::DenseMap<mlir::Operation *, mlir::SmallVector<mlir::SmallVector<mlir::OpFoldResult>>>
      reified;
};

} // namespace linnet

#endif // LINNET_LIB_TRANSFORMS_SIZEEXPR_H
