// The sizes of a program that are free: symbols among the sizes of its inputs, and what is computed
// from these alone, or is by what the program asserts. Other open sizes are counted while the
// program runs (frontend/counted).
//
//   FreeSizes sizes(program, graph.symbols());
//   const std::optional<Dim> dim = sizes.find(size);      // none: it is counted
//
// Invariants: a symbol has the user's name in the table, the range that torch found and the
// example's size as its hint; no size is below 1.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "frontend/program/asserted_orders.h"
#include "frontend/program/program.h"
#include "frontend/program/size_term.h"
#include "ir/dim.h"

namespace ferryman::frontend {

class FreeSizes {
 public:
  FreeSizes(const Program& program, SymbolTable& symbols);

  bool empty() const { return symbols_of_.empty(); }
  // Also of sizes that are numbers. SizeError if it grows beyond what a size may be.
  std::optional<Dim> find(const SymSize& size);
  // By torch's name; none: it is not free.
  std::optional<Dim> find_symbol(const std::string& name) const;

 private:
  void declare(const SizeTerm& term, const Program& program, const SymSize& size);
  std::optional<SizeExpr> evaluate(const SizeTerm& term);
  std::optional<SizeExpr> combine(SizeTerm::Kind kind, const SizeExpr& a, const SizeExpr& b);

  // Of a sum in which only free symbols are left.
  std::optional<SizeExpr> by_orders(const SizeTerm& term) const;

  SymbolTable& symbols_;
  AssertedOrders orders_;
  std::map<std::string, Dim> symbols_of_;  // by torch's name
  std::unordered_map<std::string, std::optional<Dim>> known_;
};

}  // namespace ferryman::frontend
