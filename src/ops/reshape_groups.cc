#include "ops/reshape_groups.h"

#include <optional>

namespace ferryman {

namespace {

// Whether a group with these products goes on with a dim of its left side: it has fewer elements as
// far as is known. Of sizes that do not divide, one must be multiplied by the other anyway.
bool left_is_behind(SymbolTable& symbols, Dim lhs, Dim rhs) {
  if (lhs.is_static() && rhs.is_static()) return lhs.size() <= rhs.size();
  return !symbols.exact_quotient(lhs, rhs).has_value();
}

// The end of the smallest group that starts at (lhs_begin, rhs_begin): equal products on both
// sides. Nothing if none is known to be equal.
std::optional<DimGroup> next_group(SymbolTable& symbols, const Dims& lhs, const Dims& rhs, size_t l,
                                   size_t r) {
  DimGroup group{l, l, r, r};
  Dim lhs_product = 1;
  Dim rhs_product = 1;
  do {
    const bool take_lhs =
        r == rhs.size() || (l < lhs.size() && left_is_behind(symbols, lhs_product, rhs_product));
    const Dims& side = take_lhs ? lhs : rhs;
    size_t& at = take_lhs ? l : r;
    if (at == side.size()) return std::nullopt;
    Dim& product = take_lhs ? lhs_product : rhs_product;
    product = symbols.mul(product, side[at++]);
  } while (lhs_product != rhs_product);
  group.lhs_end = l;
  group.rhs_end = r;
  return group;
}

}  // namespace

DimGroups group_dims(SymbolTable& symbols, const Dims& lhs, const Dims& rhs) {
  DimGroups groups;
  size_t l = 0;
  size_t r = 0;
  while (l < lhs.size() || r < rhs.size()) {
    std::optional<DimGroup> group;
    if (l < lhs.size() && r < rhs.size() && lhs[l] == rhs[r]) {
      group = DimGroup{l, l + 1, r, r + 1};
    } else {
      group = next_group(symbols, lhs, rhs, l, r);
    }
    if (!group.has_value()) break;
    groups.push_back(*group);
    l = group->lhs_end;
    r = group->rhs_end;
  }
  if (l == lhs.size() && r == rhs.size()) return groups;
  // What is left is one group, apart from a common end.
  size_t tail = 0;
  while (l + tail < lhs.size() && r + tail < rhs.size() &&
         lhs[lhs.size() - 1 - tail] == rhs[rhs.size() - 1 - tail]) {
    ++tail;
  }
  groups.push_back({l, lhs.size() - tail, r, rhs.size() - tail});
  for (; tail > 0; --tail) {
    groups.push_back(
        {lhs.size() - tail, lhs.size() - tail + 1, rhs.size() - tail, rhs.size() - tail + 1});
  }
  return groups;
}

}  // namespace ferryman
