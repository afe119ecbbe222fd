// The sizes of a program that are only known when it runs: what counts the entries (nonzero, nms)
// names a symbol, and all other such sizes are expressions over these.
//
//   CountedSizes sizes(builder);
//   FERRYMAN_TRY_STATUS(sizes.define("Symbol('u0', integer=True)", count, 100));
//   FERRYMAN_TRY(const Dim most, sizes.bound(expr));         // at conversion
//   FERRYMAN_TRY(const ValueId count, sizes.count(expr));    // at run time, int32
//
// Invariants: 0 <= count <= bound, which may be a free size; asking twice for the count of one
// expression gives one value.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "frontend/program/free_sizes.h"
#include "frontend/program/program.h"
#include "frontend/program/size_term.h"
#include "ir/builder.h"

namespace ferryman::frontend {

class CountedSizes {
 public:
  CountedSizes(Builder& builder, FreeSizes& free) : builder_(builder), free_(free) {}

  // Whether all symbols of the expression are defined.
  bool is_known(const std::string& expr) const;
  // Gives the one symbol that the expression is its count, an int32 number.
  Status define(const std::string& expr, ValueId count, Dim bound);
  // A size that was open in the program, and is the same for all inputs.
  Status define_fixed(const std::string& expr, Dim size);
  // The size, where it is a number, free, or follows from fixed ones: where nothing counts it.
  std::optional<Dim> dim_of(const SymSize& size) const;
  Result<Dim> bound(const std::string& expr) const;
  Result<ValueId> count(const std::string& expr);
  // The same as a number to compute with: a difference may be negative.
  Result<ValueId> number(const std::string& expr) const;

 private:
  struct Size {
    ValueId count;
    Dim bound;
    bool is_fixed = false;
  };
  // Of a symbol that is free: its size.
  std::optional<Dim> free_symbol(const SizeTerm& term) const;
  SymbolTable& table() const { return builder_.symbols(); }
  SizeExpr combine(SizeTerm::Kind kind, const SizeExpr& a, const SizeExpr& b) const;
  Result<SizeExpr> bound_of(const SizeTerm& term) const;
  Result<ValueId> count_of(const SizeTerm& term) const;
  bool is_defined(const SizeTerm& term) const;
  std::optional<SizeExpr> fixed_value(const SizeTerm& term) const;

  Builder& builder_;
  FreeSizes& free_;
  std::unordered_map<std::string, Size> symbols_;
  std::unordered_map<std::string, ValueId> counts_;  // by expression
};

}  // namespace ferryman::frontend
