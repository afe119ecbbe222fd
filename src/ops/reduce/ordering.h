// Putting the elements along an axis into order, and reading each line at positions of its own.
//
//   const Ordered top = emit_topk(write, x, axis, k, Order::kDescending);
//   const ValueId y = gather_elements(write, other, top.positions, axis);
//
// Invariants: orders are stable and count NaN as larger than every number; positions are int32.
#pragma once

#include "ops/import.h"

namespace ferryman {

enum class Order : uint8_t { kAscending, kDescending };

struct Ordered {
  ValueId values;
  ValueId positions;
};

// The first `count` of the elements along an axis in that order. Any dtype; x has an axis.
Ordered emit_topk(CoreWriter write, ValueId x, int64_t axis, Dim count, Order order);
// All of them.
Ordered emit_sort(CoreWriter write, ValueId x, int64_t axis, Order order);

// sort, topk, kthvalue, median, mode, … (ordering_import.cc)
void add_ordering_imports(ImportTable& imports);
// quantile.cc
void add_quantile_imports(ImportTable& imports);

}  // namespace ferryman
