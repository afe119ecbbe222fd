#include "frontend/counted/lines.h"

#include <algorithm>

#include "frontend/counted/counted_table.h"

namespace ferryman::frontend {

namespace {

const ValueId* tensor_of(const ImportArg* arg) {
  return arg == nullptr ? nullptr : std::get_if<ValueId>(&arg->value);
}

bool names(const std::vector<std::string_view>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

// The axes that the call works along, none negative; empty if that is not known.
Ints axes_along(ImportContext& call, const LineRule& rule, size_t rank) {
  Result<Ints> axes =
      rule.along.empty() ? Ints{rule.default_axis.value_or(-1)} : call.integers(rule.along, {});
  if (!axes.ok()) return {};
  Ints found = *axes;
  if (found.empty() && rule.default_axis.has_value()) found.push_back(*rule.default_axis);
  for (int64_t& axis : found) {
    const Result<int64_t> normalised = normalise_axis(axis, rank);
    if (!normalised.ok()) return {};
    axis = *normalised;
  }
  return found;
}

}  // namespace

bool works_by_lines(CountedCall& call, const LineRule& rule) {
  ImportContext& context = call.context();
  const CountedAxis* common = nullptr;
  size_t num_counted = 0;
  const auto agrees = [&](const CountedAxis& axis) {
    if (common == nullptr) common = &axis;
    return common->axis == axis.axis && common->count == axis.count;
  };
  for (const std::string_view name : rule.together) {
    const ValueId* value = tensor_of(context.find(name));
    const CountedAxis* axis = value == nullptr ? nullptr : call.find(*value);
    if (axis == nullptr || !agrees(*axis)) return false;
    ++num_counted;
  }
  for (const std::string_view name : rule.alike) {
    const ValueId* value = tensor_of(context.find(name));
    const CountedAxis* axis = value == nullptr ? nullptr : call.find(*value);
    if (axis == nullptr || names(rule.together, name)) continue;
    if (!agrees(*axis)) return false;
    ++num_counted;
  }
  if (common == nullptr || num_counted < call.num_counted_operands()) return false;
  const ValueId* owner = tensor_of(context.find(rule.of));
  if (owner == nullptr || call.find(*owner) == nullptr) return owner != nullptr;
  const Ints along = axes_along(context, rule, call.writer().rank(*owner));
  return !along.empty() && std::find(along.begin(), along.end(), common->axis) == along.end();
}

void add_counted_lines(CountedTable& table) {
  const auto along = [](std::string_view name) {
    return LineRule{.along = name, .together = {"self"}};
  };
  const auto along_last = [](std::string_view name) {
    return LineRule{.along = name, .default_axis = -1, .together = {"self"}};
  };
  table.add_lines({"gather.default"},
                  {.along = "dim", .together = {"self", "index"}, .positions = "index"});
  table.add_lines({"take_along_dim.default"},
                  {.along = "dim", .together = {"self", "indices"}, .positions = "indices"});
  table.add_lines(
      {"scatter.src", "scatter.value", "scatter.reduce", "scatter.value_reduce",
       "scatter_add.default", "scatter_reduce.two"},
      {.along = "dim", .together = {"self", "index"}, .alike = {"src"}, .positions = "index"});
  table.add_lines({"searchsorted.Tensor"}, {.along = "",
                                            .default_axis = -1,
                                            .of = "sorted_sequence",
                                            .together = {"self"},
                                            .alike = {"sorted_sequence"}});
  table.add_lines({"bucketize.Tensor"}, {.along = "", .of = "boundaries", .together = {"self"}});
  table.add_lines(
      {"cummax.default", "cummin.default", "logcumsumexp.default", "median.dim", "nanmedian.dim",
       "index_select.default", "index_fill.int_Scalar", "index_fill.int_Tensor", "quantile.default",
       "quantile.scalar", "nanquantile.default", "nanquantile.scalar", "cumprod.default"},
      along("dim"));
  table.add_lines({"kthvalue.default", "mode.default"}, along_last("dim"));
  table.add_lines({"roll.default", "flip.default"}, along("dims"));
  table.add_lines({"index_add.default", "index_copy.default", "index_reduce.default"},
                  {.along = "dim", .together = {"self", "source"}});
}

}  // namespace ferryman::frontend
