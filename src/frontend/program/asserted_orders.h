// What a program asserts of its sizes (torch._check, and what the exporter checks at run time), and
// sizes that are simpler by it.
//
//   program.orders = asserted_orders(program);      // u0 + 5 <= n, of at + 5 <= x.shape[1]
//   const AssertedOrders orders(program);
//   orders.sum(term);       // 5, of Max(0, u0 - Min(n, u0) + 5), the entries of x[:, at:at + 5]
//
// Invariants: where an assertion does not hold, torch refuses the inputs.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "frontend/program/program.h"
#include "frontend/program/size_term.h"

namespace ferryman::frontend {

// Of the nodes that check; those that no output needs go before the program is translated.
std::vector<SizeOrder> asserted_orders(const Program& program);

// Symbols, by torch's names, so many times each, and a number.
struct SizeSum {
  std::map<std::string, int64_t> times;
  int64_t number = 0;
};

class AssertedOrders {
 public:
  explicit AssertedOrders(const Program& program);

  bool empty() const { return not_negative_.empty(); }
  // Nothing if it is none, as far as is known.
  std::optional<SizeSum> sum(const SizeTerm& term) const;

 private:
  bool is_not_negative(const SizeSum& sum) const;
  bool is_least_possible(const SizeSum& sum) const;
  std::optional<SizeSum> product(const SizeTerm& term) const;
  std::optional<SizeSum> extreme(const SizeTerm& term) const;

  std::map<std::string, int64_t> least_;  // by symbol
  std::vector<SizeSum> not_negative_;
};

}  // namespace ferryman::frontend
