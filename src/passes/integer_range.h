// Between which numbers the elements of an integer value lie, as far as the graph tells: the
// position of a maximum is less than the size of its axis, a comparison gives 0 or 1.
//
//   IntegerRanges ranges(graph);
//   if (ranges.of(value).fits(DType::kI32)) …                 // int32 holds every element
//
// Invariant: a range holds for the value's id for good, so a graph may change meanwhile.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "ir/graph.h"

namespace ferryman {

struct IntegerRange {
  int64_t min = 0;
  int64_t max = 0;
  bool operator==(const IntegerRange&) const = default;

  bool holds(int64_t number) const { return min <= number && number <= max; }
  bool fits(DType dtype) const;
};

// All numbers that a dtype has: 0 and 1 for bool; of u64 only those that int64 has, too.
IntegerRange range_of_dtype(DType dtype);

class IntegerRanges {
 public:
  explicit IntegerRanges(const Graph& graph) : graph_(graph) {}

  // Of an integer or bool value.
  IntegerRange of(ValueId value) { return of(value, kMaxDepth); }

 private:
  static constexpr int kMaxDepth = 48;  // ops that are looked back

  IntegerRange of(ValueId value, int depth);
  IntegerRange compute(ValueId value, int depth);
  IntegerRange of_result(const Op& op, ValueId value, int depth);

  const Graph& graph_;
  std::unordered_map<ValueId, IntegerRange> known_;
};

}  // namespace ferryman
