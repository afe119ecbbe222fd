#include "targets/keras/legalise/axis_trace.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman::keras {

AxisTrace::AxisTrace(SymbolTable& symbols, const Dims& dims) : symbols_(&symbols) {
  for (size_t origin = 0; origin < dims.size(); ++origin) {
    const Range all = {dims[origin], 0, dims[origin]};
    parts_.push_back({all, origin});
    ranges_.push_back(all);
    of_origin_.push_back({origin});
    axes_.push_back(without_ones({origin}));
  }
}

AxisTrace::PartList AxisTrace::without_ones(const PartList& parts) const {
  PartList left;
  std::copy_if(parts.begin(), parts.end(), std::back_inserter(left),
               [&](PartIndex index) { return !(parts_[index].size == Dim(1)); });
  return left;
}

Dim AxisTrace::size_of(const PartList& parts) const {
  Dim size = 1;
  for (const PartIndex index : parts) size = symbols_->mul(size, parts_[index].size);
  return size;
}

bool AxisTrace::apply(const Op& op) {
  if (op.is(ops::kReshape)) return reshape(op.attr(attr::kShape).dims);
  if (op.is(ops::kPermute)) return permute(op.attr(attr::kPerm).values);
  return op.is(ops::kSlice) && slice(op);
}

bool AxisTrace::permute(const Ints& perm) {
  std::vector<PartList> moved;
  for (const int64_t axis : perm) moved.push_back(axes_[static_cast<size_t>(axis)]);
  axes_ = std::move(moved);
  return true;
}

// Splits off the outer part of this size; the rest, inside of it, is returned.
std::optional<AxisTrace::PartIndex> AxisTrace::split(PartIndex outer, Dim outer_size) {
  const std::optional<Dim> inner = symbols_->exact_quotient(parts_[outer].size, outer_size);
  if (!inner.has_value() || !parts_[outer].is_whole()) return std::nullopt;
  const PartIndex rest = parts_.size();
  parts_.push_back({{*inner, 0, *inner}, parts_[outer].origin});
  parts_[outer].full = parts_[outer].size = outer_size;
  PartList& siblings = of_origin_[parts_[outer].origin];
  siblings.insert(std::find(siblings.begin(), siblings.end(), outer) + 1, rest);
  return rest;
}

bool AxisTrace::reshape(const Dims& to) {
  PartList left;  // the innermost first
  for (const PartList& axis : axes_) left.insert(left.end(), axis.begin(), axis.end());
  std::reverse(left.begin(), left.end());
  std::vector<PartList> made;
  for (const Dim size : to) {
    PartList& axis = made.emplace_back();
    Dim missing = size;
    while (!(missing == Dim(1))) {
      if (left.empty()) return false;
      const PartIndex next = left.back();
      left.pop_back();
      axis.push_back(next);
      if (const auto rest = symbols_->exact_quotient(missing, parts_[next].size);
          rest.has_value()) {
        missing = *rest;
        continue;
      }
      const std::optional<PartIndex> inner = split(next, missing);
      if (!inner.has_value()) return false;
      left.push_back(*inner);
      missing = 1;
    }
  }
  axes_ = std::move(made);
  return left.empty();
}

bool AxisTrace::slice(const Op& op) {
  const Dims& begins = op.attr(attr::kStarts).values;
  const Dims& ends = op.attr(attr::kEnds).values;
  const Ints& steps = op.attr(attr::kSteps).values;
  for (size_t axis = 0; axis < axes_.size(); ++axis) {
    if (steps[axis] != 1 || !slice_axis(axis, begins[axis], ends[axis])) return false;
  }
  return true;
}

bool AxisTrace::slice_axis(size_t axis, Dim begin, Dim end) {
  if (begin == Dim(0) && end == size_of(axes_[axis])) return true;
  if (axes_[axis].size() != 1) return false;
  Part& part = parts_[axes_[axis][0]];
  const bool is_all_of_origin = of_origin_[part.origin].size() == 1 && part.is_whole();
  Range& range = is_all_of_origin ? ranges_[part.origin] : part;
  range.begin = symbols_->add(range.begin, begin);
  range.size = part.size = symbols_->sub(end, begin);
  if (is_all_of_origin) part.full = part.size;  // it may still be split
  axes_[axis] = without_ones(axes_[axis]);
  return true;
}

}  // namespace ferryman::keras
