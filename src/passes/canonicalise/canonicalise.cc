#include "passes/canonicalise/canonicalise.h"

namespace ferryman {

Pass canonicalise() {
  std::vector<Rule> rules;
  for (auto family : {canonical_shape_rules, canonical_arithmetic_rules, canonical_activation_rules,
                      canonical_piece_rules, canonical_reduce_rules, canonical_infinity_rules}) {
    for (Rule& rule : family()) rules.push_back(std::move(rule));
  }
  return rewrite_pass("canonicalise", "one spelling for each computation", std::move(rules));
}

}  // namespace ferryman
