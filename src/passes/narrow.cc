#include "passes/narrow.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/reshape_groups.h"
#include "passes/match.h"
#include "passes/replace.h"

namespace ferryman {

namespace {

bool is_whole(const SliceRange& range, const Dim& size) {
  return range == SliceRange{0, 1, size} || (size == Dim(1) && range.count == Dim(1));
}

Dims counts(const SliceRanges& ranges) {
  Dims sizes;
  for (const SliceRange& range : ranges) sizes.push_back(range.count);
  return sizes;
}

SliceRanges all_of(const Graph& graph, ValueId value) {
  return whole(graph.type(value).dims);
}

// The part of an operand that broadcasts to the op's result.
SliceRanges broadcast_part(const Graph& graph, ValueId operand, const SliceRanges& ranges) {
  SliceRanges part = all_of(graph, operand);
  const size_t skipped = ranges.size() - part.size();
  for (size_t axis = 0; axis < part.size(); ++axis) {
    if (part[axis].count != Dim(1)) part[axis] = ranges[skipped + axis];
  }
  return part;
}

std::optional<Narrowed> narrow_elementwise(const Graph& graph, const Op& op,
                                           const SliceRanges& ranges) {
  Narrowed part{{}, attrs_of(op)};
  for (const ValueId operand : op.operands)
    part.operands.push_back(operand.valid() ? broadcast_part(graph, operand, ranges)
                                            : SliceRanges());
  return part;
}

std::optional<Narrowed> narrow_permute(const Op& op, const SliceRanges& ranges) {
  const Ints& perm = op.attr(attr::kPerm).values;
  SliceRanges part(ranges.size());
  for (size_t axis = 0; axis < ranges.size(); ++axis)
    part[static_cast<size_t>(perm[axis])] = ranges[axis];
  return Narrowed{{part}, attrs_of(op)};
}

std::optional<Narrowed> narrow_expand(const Graph& graph, const Op& op, const SliceRanges& ranges) {
  const ShapeAttr shape{counts(ranges)};
  return Narrowed{{broadcast_part(graph, op.operands[0], ranges)}, {{attr::kShape, shape}}};
}

// Axes [begin, end) of one side of a reshape.
struct Group {
  size_t begin, end;
};

// Elements [begin, begin + count) of a group's, if the ranges are such a run.
struct ElementRun {
  int64_t begin, count;
};
std::optional<ElementRun> run_of(const Dims& dims, const SliceRanges& ranges, Group group) {
  const Dims own(dims.begin() + static_cast<std::ptrdiff_t>(group.begin),
                 dims.begin() + static_cast<std::ptrdiff_t>(group.end));
  if (!all_static(own)) return std::nullopt;
  int64_t inner = 1;
  std::optional<ElementRun> run;
  for (size_t axis = group.end; axis-- > group.begin;) {
    const SliceRange& range = ranges[axis];
    const bool all = range.count == dims[axis];
    if (run.has_value()) {
      if (dims[axis] != Dim(1)) return std::nullopt;  // a part of each of several rows
    } else if (!all) {
      if (range.step != 1) return std::nullopt;
      run = ElementRun{range.start * inner, range.count.size() * inner};
    }
    inner *= dims[axis].size();
  }
  return run.value_or(ElementRun{0, inner});
}

bool takes_all(const Dims& dims, const SliceRanges& ranges, Group group) {
  for (size_t axis = group.begin; axis < group.end; ++axis)
    if (!is_whole(ranges[axis], dims[axis])) return false;
  return true;
}

// The run as a range of the group's first axis with several indices.
bool apply_run(const Dims& dims, Group group, const ElementRun& run, SliceRanges& part) {
  int64_t total = 1;
  for (size_t axis = group.begin; axis < group.end; ++axis) total *= dims[axis].size();
  if (run.count == total) return true;
  for (size_t axis = group.begin; axis < group.end; ++axis) {
    if (dims[axis] == Dim(1)) continue;
    const int64_t inner = total / dims[axis].size();
    if (run.begin % inner != 0 || run.count % inner != 0) return false;
    part[axis] = {run.begin / inner, 1, run.count / inner};
    return true;
  }
  return false;
}

std::optional<Narrowed> narrow_reshape(const Graph& graph, const Op& op,
                                       const SliceRanges& ranges) {
  const Dims& from = graph.type(op.operands[0]).dims;
  const Dims& to = graph.type(op.result()).dims;
  SliceRanges part = whole(from);
  for (const DimGroup& group : group_dims(graph.symbols(), from, to)) {
    if (takes_all(to, ranges, {group.rhs_begin, group.rhs_end})) continue;
    const std::optional<ElementRun> run = run_of(to, ranges, {group.rhs_begin, group.rhs_end});
    const bool fits =
        run.has_value() && apply_run(from, {group.lhs_begin, group.lhs_end}, *run, part);
    if (!fits) return std::nullopt;
  }
  return Narrowed{{part}, {{attr::kShape, ShapeAttr{counts(ranges)}}}};
}

// Columns of the result are rows of the weight.
std::optional<Narrowed> narrow_linear(const Graph& graph, const Op& op, const SliceRanges& ranges) {
  Narrowed part{{}, attrs_of(op)};
  SliceRanges x = ranges;
  x.back() = all_of(graph, op.operands[0]).back();
  part.operands.push_back(x);
  const bool all = is_whole(ranges.back(), graph.type(op.result()).dims.back());
  for (size_t i = 1; i < op.operands.size(); ++i) {
    if (!op.has_operand(i)) {
      part.operands.emplace_back();
      continue;
    }
    if (!all && !is_known_constant(graph, op.operands[i])) return std::nullopt;
    part.operands.push_back(all_of(graph, op.operands[i]));
    part.operands.back().front() = ranges.back();
  }
  return part;
}

std::optional<Narrowed> narrow_matmul(const Graph& graph, const Op& op, const SliceRanges& ranges) {
  SliceRanges a = broadcast_part(graph, op.operands[0], ranges);
  SliceRanges b = broadcast_part(graph, op.operands[1], ranges);
  const SliceRange inner = all_of(graph, op.operands[0]).back();
  a[a.size() - 2] = ranges[ranges.size() - 2];
  a.back() = inner;
  b[b.size() - 2] = inner;
  b.back() = ranges.back();
  return Narrowed{{a, b}, attrs_of(op)};
}

// An op that looks along axes which must stay whole; further operands do not have the other axes.
std::optional<Narrowed> narrow_along(const Graph& graph, const Op& op, const SliceRanges& ranges,
                                     const Ints& axes) {
  const Dims& dims = graph.type(op.result()).dims;
  for (const int64_t axis : axes) {
    const auto at = static_cast<size_t>(axis);
    if (!is_whole(ranges[at], dims[at])) return std::nullopt;
  }
  Narrowed part{{ranges}, attrs_of(op)};
  for (size_t i = 1; i < op.operands.size(); ++i) {
    part.operands.push_back(op.has_operand(i) ? all_of(graph, op.operands[i]) : SliceRanges());
    if (part.operands.back().size() > axes.size()) return std::nullopt;
  }
  return part;
}

bool looks_along_one_axis(const Op& op) {
  return op.is(ops::kSoftmax) || op.is(ops::kLogSoftmax) || op.is(ops::kCumsum);
}

}  // namespace

std::optional<Narrowed> narrow(const Graph& graph, const Op& op, const SliceRanges& ranges) {
  if (op.is(ops::kLinear)) return narrow_linear(graph, op, ranges);
  if (op.is(ops::kMatmul)) return narrow_matmul(graph, op, ranges);
  if (op.is(ops::kPermute)) return narrow_permute(op, ranges);
  if (op.is(ops::kReshape)) return narrow_reshape(graph, op, ranges);
  if (op.is(ops::kExpand)) return narrow_expand(graph, op, ranges);
  if (looks_along_one_axis(op))
    return narrow_along(graph, op, ranges, {op.attr(attr::kAxis).value});
  if (op.is(ops::kLayerNorm) || op.is(ops::kRmsNorm))
    return narrow_along(graph, op, ranges, op.attr(attr::kAxes).values);
  const bool elementwise = op.def->axes == AxisRule::kElementwise && op.results.size() == 1;
  return elementwise ? narrow_elementwise(graph, op, ranges) : std::nullopt;
}

bool is_product(const Op& op) {
  return op.is(ops::kLinear) || op.is(ops::kMatmul);
}

}  // namespace ferryman
