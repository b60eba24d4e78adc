//===- Linearize.h - attention under a contract -----------------*- C++ -*-===//
//
// Part of Linnet, under Apache-2.0 WITH LLVM-exception. See LICENSE.
//
// What `linnet-linearize-attention` and its methods say to each other. A method looks at a site and
// proposes forms, each with a certificate: how far its weights are from softmax's, and what f32
// arithmetic adds. The pass turns certificates into errors in the contract's metric and takes the
// fastest form that meets the contract and pays.
//
//===----------------------------------------------------------------------===//
#ifndef LINNET_TRANSFORMS_LINEARIZE_H
#define LINNET_TRANSFORMS_LINEARIZE_H

#include "linnet/Analysis/CostModel.h"
#include "linnet/Analysis/LogitBound.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include <functional>
#include <memory>

namespace linnet {

/// Marks attention that is a certified form already, in a program that is looked at again.
inline constexpr llvm::StringLiteral kCertifiedAttr = "linnet.certified";

/// Results that compare the forms of a site are named so, and by the site.
inline constexpr llvm::StringLiteral kDifferencePrefix = "linnet.difference ";
inline constexpr llvm::StringLiteral kErrorPrefix = "linnet.error ";

/// An attention with a contract, and what methods want to know about it.
struct AttentionSite {
  mutable AttentionOp op; ///< a handle: const where the site is
  ContractAttr contract;
  LogitBound logits;
  CostModel cost;
  /// Sizes: a dynamic one is the maximum of its symbol, or CostModel::unknownSize.
  double batch = 1, heads = 1, keyHeads = 1, queries = 1, keys = 1, depth = 1, valueDepth = 1;
  bool knowsKeys = true; ///< a number that is the same in all calls
  /// At most so many, in any call; infinity where the program does not say.
  double mostKeys = 0, mostPairs = 0; ///< keys of a head; queries and keys of all heads
  double scale = 1;                   ///< of the scores
  bool sameLengths = false;           ///< as many queries as keys
  bool causal = false;

  /// Visible keys are j <= i, as many as queries.
  bool isCausal() const { return causal; }
  /// Scores of all visible pairs.
  double scores() const { return batch * heads * queries * keys * (causal ? 0.5 : 1); }
  Work exactWork() const;
  double exactSeconds() const;
};

/// What is proven about a form, against attention in real arithmetic.
struct Certificate {
  std::string method; ///< with its parameters: "taylor of degree 2"
  /// Half the L1 distance between the weights and those of softmax, at most.
  double weights = 0;
  /// What rounding does to an element of the result, relative to the largest |v| of its channel.
  double rounding = 0;
  double failure = 0;    ///< probability, over the seed, that `weights` is exceeded in a call
  std::string condition; ///< what was proven for it
  Work work;
  double seconds = 0; ///< predicted
  /// No length makes it more work than attention: where the length is not known it is taken as
  /// such.
  bool saves = false;
};

struct LinearForm {
  Certificate certificate;
  /// Builds the result before the op, with the type of `o`.
  std::function<mlir::Value(mlir::ImplicitLocOpBuilder &)> build;
};

class LinearizeMethod {
public:
  virtual ~LinearizeMethod() = default;
  /// As `method` of a contract.
  virtual llvm::StringRef getName() const = 0;
  /// Appends forms that compute the site; where there is none, says why not.
  virtual void propose(const AttentionSite &site, llvm::SmallVectorImpl<LinearForm> &forms,
                       std::string &refusal) const = 0;
};

/// All methods, in the order in which they are tried.
llvm::ArrayRef<const LinearizeMethod *> getLinearizeMethods();
/// Adds a method; call it before passes run.
void registerLinearizeMethod(std::unique_ptr<LinearizeMethod> method);

/// A contract from the text of an option, "bound = 1e-2, ..."; failure, with `error`.
mlir::FailureOr<ContractAttr> parseContract(mlir::MLIRContext *context, llvm::StringRef text,
                                            std::string &error);

//===----------------------------------------------------------------------===//
// Parts of bounds
//===----------------------------------------------------------------------===//

/// Half the L1 distance between two distributions whose weights differ by factors between low and
/// high, at most: (sqrt(high / low) - 1) / (sqrt(high / low) + 1).
double distanceOfRatios(double low, double high);

/// n * 2^-24 / (1 - n * 2^-24), the relative error of n roundings; infinity where that is none.
double roundings(double n);

/// Why no method replaces an op that gives or takes more than scores and values: a log-sum-exp,
/// parts, a bias, dropout. Empty: it does not.
std::string refuseExtras(const AttentionSite &site);

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

/// Attention with weights dot(phi(q), phi(k)) over their sum. Refused, with a reason, where the
/// op does anything that only scores can have.
std::string refuseKernel(const AttentionSite &site);
/// Work and seconds of a kernel of so many features, which are gone through so many times, by so
/// many dispatches, until products read them.
void countKernel(const AttentionSite &site, double features, double passes, double dispatches,
                 Certificate &certificate);
/// The rounding of a read-out whose features have the relative error `feature` together; `spread`
/// is the largest sum of |phi_f(q) phi_f(k)| over the least weight.
double roundingOfKernel(const AttentionSite &site, double features, double feature, double spread);
/// The result from features [B,H,Nq,m] and [B,Hk,Nk,m] of f32; `least` is a positive bound from
/// below of every weight.
mlir::Value buildKernel(mlir::ImplicitLocOpBuilder &b, const AttentionSite &site,
                        mlir::Value queries, mlir::Value keys, double least);
/// Entries `from` to `from + count` of a dimension; the tensor itself where these are all.
mlir::Value sliceDim(mlir::ImplicitLocOpBuilder &b, mlir::Value x, unsigned dim, int64_t from,
                     int64_t count);

} // namespace linnet

#endif // LINNET_TRANSFORMS_LINEARIZE_H
