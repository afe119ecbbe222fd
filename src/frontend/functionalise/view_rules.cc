#include "frontend/functionalise/view_rules.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "frontend/functionalise/strides.h"
#include "frontend/functionalise/view_building.h"
#include "frontend/translate/node_args.h"
#include "ops/core_writer.h"

namespace ferryman::frontend {

// --- rules: the same elements --------------------------------------------------------------------

std::optional<Chain> always_same(const ViewCall& call) {
  return Chain{same(call)};
}

std::optional<Chain> same_unless_complex(const ViewCall& call) {
  if (!is_complex(call.self.dtype)) return Chain{same(call)};
  return Chain{impossible(call, "conjugates of complex tensors are not tracked")};
}

// dropout and its kin return the input itself outside training
std::optional<Chain> same_if_no_dropout(const ViewCall& call) {
  const Argument* probability = find_arg(call.node, "p");
  const double* p = probability == nullptr ? nullptr : probability->as<double>();
  const bool drops = is_true_arg(call.node, "train") && (p == nullptr || *p != 0.0);
  return drops ? Chain{} : Chain{same(call)};
}

namespace {
std::string_view memory_format(const Node& node) {
  const Argument* argument = find_arg(node, "memory_format");
  const EnumArg* format = argument == nullptr ? nullptr : argument->as<EnumArg>();
  return format == nullptr ? std::string_view() : std::string_view(format->text);
}

bool is_channels_last_format(std::string_view format) {
  return format == "channels_last" || format == "channels_last_3d";
}
}  // namespace

std::optional<Chain> same_if_dense(const ViewCall& call) {
  const bool channels_last = is_channels_last_format(memory_format(call.node));
  const bool dense =
      is_dense(call.self, channels_last ? MemoryOrder::kChannelsLast : MemoryOrder::kRowMajor);
  return dense ? Chain{same(call)} : Chain{};
}

// to(...) copies if it must, or is told to. The device is not looked at: a program for one device
// is all that we read.
std::optional<Chain> same_if_nothing_changes(const ViewCall& call) {
  if (call.self.dtype != call.result.dtype || is_true_arg(call.node, "copy")) return Chain{};
  const std::string_view format = memory_format(call.node);
  const bool keeps_order = format.empty() || format == "preserve_format" ||
                           is_channels_last_format(format) == suggests_channels_last(call.self);
  return keeps_order ? Chain{same(call)} : Chain{};
}

std::optional<Chain> same_if_same_size(const ViewCall& call) {
  return call.self.sizes == call.result.sizes ? Chain{same(call)} : Chain{};
}

std::optional<Chain> opaque_if_single_operand(const ViewCall& call) {
  const Argument* tensors = find_arg(call.node, "tensors");
  const ArgumentList* list = tensors == nullptr ? nullptr : tensors->as<ArgumentList>();
  if (list == nullptr || list->size() != 1) return Chain{};
  View view = impossible(call, "applied to one tensor, this op may return a view of it");
  view.redo.reset();
  view.start.reset();
  return Chain{view};
}

// --- rules: the same elements in another shape ---------------------------------------------------

std::optional<Chain> reshape_view(const ViewCall& call) {
  return Chain{reshaped(call.self, call.result, same_call(call.node))};
}

std::optional<Chain> reshape_if_strides_allow(const ViewCall& call) {
  if (!can_view_as(call.self, call.result.sizes)) return Chain{};
  return reshape_view(call);
}

namespace {
std::optional<Chain> swap_axes(const ViewCall& call, std::optional<size_t> a,
                               std::optional<size_t> b) {
  if (!a || !b) return std::nullopt;
  Axes perm = iota_axes(call.rank());
  std::swap(perm[*a], perm[*b]);
  return Chain{permuted(call, perm)};
}
}  // namespace

// transpose(dim0, dim1), swapdims(dim0, dim1), swapaxes(axis0, axis1)
std::optional<Chain> transpose_view(const ViewCall& call) {
  const bool axes = find_arg(call.node, "axis0") != nullptr;
  if (call.rank() == 0) return Chain{same(call)};
  return swap_axes(call, axis_arg(call.node, axes ? "axis0" : "dim0", std::nullopt, call.rank()),
                   axis_arg(call.node, axes ? "axis1" : "dim1", std::nullopt, call.rank()));
}

std::optional<Chain> matrix_transpose_view(const ViewCall& call) {
  if (call.rank() < 2) return Chain{same(call)};
  return swap_axes(call, call.rank() - 2, call.rank() - 1);
}

std::optional<Chain> conjugate_transpose_view(const ViewCall& call) {
  if (is_complex(call.self.dtype)) return same_unless_complex(call);
  return matrix_transpose_view(call);
}

std::optional<Chain> reverse_axes_view(const ViewCall& call) {
  Axes perm = iota_axes(call.rank());
  std::reverse(perm.begin(), perm.end());
  return Chain{permuted(call, perm)};
}

std::optional<Chain> permute_view(const ViewCall& call) {
  const std::optional<Axes> dims = ints_arg(call.node, "dims");
  if (!dims || dims->size() != call.rank()) return std::nullopt;
  Axes perm;
  std::vector<bool> seen(call.rank(), false);
  for (const int64_t dim : *dims) {
    const std::optional<size_t> axis = normalise_axis(dim, call.rank());
    if (!axis || seen[*axis]) return std::nullopt;
    seen[*axis] = true;
    perm.push_back(static_cast<int64_t>(*axis));
  }
  return Chain{permuted(call, perm)};
}

// movedim(source, destination): the moved axes take their places, the others keep their order.
std::optional<Chain> movedim_view(const ViewCall& call) {
  if (call.rank() == 0) return Chain{same(call)};
  const std::optional<Axes> source = ints_arg(call.node, "source");
  const std::optional<Axes> destination = ints_arg(call.node, "destination");
  if (!source || !destination || source->size() != destination->size()) return std::nullopt;
  constexpr int64_t kFree = -1;
  Axes perm(call.rank(), kFree);
  std::vector<bool> moved(call.rank(), false);
  for (size_t i = 0; i < source->size(); ++i) {
    const std::optional<size_t> from = normalise_axis((*source)[i], call.rank());
    const std::optional<size_t> to = normalise_axis((*destination)[i], call.rank());
    if (!from || !to || moved[*from] || perm[*to] != kFree) return std::nullopt;
    moved[*from] = true;
    perm[*to] = static_cast<int64_t>(*from);
  }
  size_t next = 0;
  for (int64_t& axis : perm) {
    if (axis != kFree) continue;
    while (moved[next]) ++next;
    axis = static_cast<int64_t>(next++);
  }
  return Chain{permuted(call, perm)};
}

// --- rules: parts --------------------------------------------------------------------------------

std::optional<Chain> slice_view(const ViewCall& call) {
  const bool whole = call.self.sizes == call.result.sizes &&
                     int_arg(call.node, "step", 1) == std::optional<int64_t>(1);
  if (whole) return Chain{same(call)};
  View view = scattered(call, same_call(call.node),
                        {"aten.slice_scatter.default", same_call(call.node).args});
  const std::optional<size_t> axis = axis_arg(call.node, "dim", 0, call.rank());
  if (!axis) return std::nullopt;
  const std::optional<int64_t> start = int_arg(call.node, "start", 0);
  const int64_t size = call.self.sizes[*axis].value;
  const int64_t from_front = start.value_or(0) < 0 ? start.value_or(0) + size : start.value_or(0);
  view.start.reset();
  if (start && call.self.sizes[*axis].is_static()) {
    view.start = place(call.self, *axis, std::clamp(from_front, int64_t{0}, size));
  } else if (start && *start >= 0) {
    view.start = place(call.self, *axis, *start);
  }
  return Chain{view};
}

std::optional<Chain> narrow_view(const ViewCall& call) {
  const std::optional<size_t> axis = axis_arg(call.node, "dim", std::nullopt, call.rank());
  if (!axis) return std::nullopt;
  const std::optional<int64_t> start = int_arg(call.node, "start", std::nullopt);
  const SymSize& length = call.result.sizes[*axis];
  const SymSize& size = call.self.sizes[*axis];
  if (!start || !length.is_static() || !size.is_static()) {
    // torch has no operator for this, so the name is ours.
    View view = scattered(call, same_call(call.node),
                          {"aten.narrow_scatter.default", same_call(call.node).args});
    view.start.reset();
    return Chain{view};
  }
  const int64_t first = *start < 0 ? *start + size.value : *start;
  if (first < 0 || length.value < 0 || length.value > size.value - first) return std::nullopt;
  return Chain{sliced(call, *axis, first, length.value)};
}

std::optional<Chain> select_view(const ViewCall& call) {
  View view = scattered(call, same_call(call.node),
                        {"aten.select_scatter.default", same_call(call.node).args});
  const std::optional<size_t> axis = axis_arg(call.node, "dim", std::nullopt, call.rank());
  if (!axis) return std::nullopt;
  const std::optional<int64_t> index = int_arg(call.node, "index", std::nullopt);
  const SymSize& size = call.self.sizes[*axis];
  view.start.reset();
  if (index && (size.is_static() || *index >= 0)) {
    view.start = place(call.self, *axis, *index < 0 ? *index + size.value : *index);
  }
  return Chain{view};
}

std::optional<Chain> unbind_view(const ViewCall& call) {
  const std::optional<size_t> axis = axis_arg(call.node, "dim", 0, call.rank());
  if (!axis) return std::nullopt;
  const std::vector<NamedArgument> args = {named("dim", static_cast<int64_t>(*axis)),
                                           named("index", static_cast<int64_t>(call.position))};
  View view = scattered(call, {"aten.select.int", args}, {"aten.select_scatter.default", args});
  view.start = place(call.self, *axis, static_cast<int64_t>(call.position));
  return Chain{view};
}

namespace {

// The results of a split lie side by side along one axis.
std::optional<Chain> partition(const ViewCall& call, std::optional<size_t> axis) {
  if (!axis) return std::nullopt;
  int64_t start = 0;
  for (size_t i = 0; i <= call.position; ++i) {
    const TensorMeta* part = call.results[i];
    if (part == nullptr || *axis >= part->sizes.size()) return std::nullopt;
    const SymSize& length = part->sizes[*axis];
    if (!length.is_static()) {
      View view = impossible(call, "a split into parts whose sizes are not constants");
      view.redo.reset();
      return Chain{view};
    }
    const int64_t size = call.self.sizes[*axis].value;
    if (length.value < 0 || start < 0 || length.value > size - start) return std::nullopt;
    if (i < call.position) start += length.value;
  }
  return Chain{sliced(call, *axis, start, call.result.sizes[*axis].value)};
}
}  // namespace

std::optional<Chain> split_view(const ViewCall& call) {
  return partition(call, axis_arg(call.node, "dim", 0, call.rank()));
}
std::optional<Chain> hsplit_view(const ViewCall& call) {
  return partition(call, normalise_axis(call.rank() == 1 ? 0 : 1, call.rank()));
}
std::optional<Chain> vsplit_view(const ViewCall& call) {
  return partition(call, normalise_axis(0, call.rank()));
}
std::optional<Chain> dsplit_view(const ViewCall& call) {
  return partition(call, normalise_axis(2, call.rank()));
}

// Parts between given indices may leave gaps or overlap.
std::optional<Chain> split_at_indices(const ViewCall& call) {
  View view = impossible(call, "a split at indices is not tracked");
  view.redo.reset();
  view.start.reset();
  return Chain{view};
}

namespace {

std::optional<Chain> diagonal_of(const ViewCall& call, int64_t dim1, int64_t dim2) {
  const std::optional<int64_t> offset = int_arg(call.node, "offset", 0);
  const std::optional<size_t> row = axis_arg(call.node, "dim1", dim1, call.rank());
  const std::optional<size_t> column = axis_arg(call.node, "dim2", dim2, call.rank());
  if (!offset || !row || !column || *offset == INT64_MIN) return std::nullopt;
  const std::vector<NamedArgument> args = {named("offset", *offset),
                                           named("dim1", static_cast<int64_t>(*row)),
                                           named("dim2", static_cast<int64_t>(*column))};
  View view =
      scattered(call, {"aten.diagonal.default", args}, {"aten.diagonal_scatter.default", args});
  view.start = *offset >= 0 ? place(call.self, *column, *offset) : place(call.self, *row, -*offset);
  return Chain{view};
}

}  // namespace

std::optional<Chain> diagonal_view(const ViewCall& call) {
  return diagonal_of(call, 0, 1);
}
std::optional<Chain> linalg_diagonal_view(const ViewCall& call) {
  return diagonal_of(call, -2, -1);
}

// The view's elements lie at storage_offset + sum(index * stride) of the storage. Without an offset
// it starts where its tensor starts.
std::optional<Chain> as_strided_view(const ViewCall& call) {
  View view = impossible(call,
                         "as_strided is followed only where the tensor that owns the memory fills "
                         "it, the view's start in it is known, and no two indices meet");
  view.addresses_storage = true;
  const std::optional<Axes> sizes = ints_arg(call.node, "size");
  const std::optional<Axes> strides = ints_arg(call.node, "stride");
  view.start = int_arg(call.node, "storage_offset", std::nullopt);
  if (sizes && strides && !may_overlap_itself(*sizes, *strides)) {
    view.undo = Undo::kScatter;
    view.undo_call = {"aten.as_strided_scatter.default", same_call(call.node).args};
  }
  return Chain{view};
}

namespace {

TensorMeta with_sizes(const TensorMeta& tensor, std::vector<SymSize> sizes) {
  return {tensor.dtype, std::move(sizes), {}};
}

// Windows that do not overlap are rows of the axis split at the step:
//   slice to num_windows * step -> unflatten to [num_windows, step] -> slice to the window's size
//   -> move the inner axis last
Chain disjoint_windows(const ViewCall& call, size_t axis, int64_t size, int64_t step) {
  const int64_t num_windows = call.result.sizes[axis].value;
  // One window needs no gap behind it.
  const int64_t row = num_windows == 1 ? size : step;
  View covered = sliced(call, axis, 0, num_windows * row);
  covered.meta = with_sizes(call.self, call.self.sizes);
  covered.meta.sizes[axis].value = num_windows * row;

  const size_t inner = axis + 1;
  const TensorMeta rows = [&] {
    std::vector<SymSize> sizes = covered.meta.sizes;
    sizes[axis].value = num_windows;
    sizes.insert(sizes.begin() + static_cast<ptrdiff_t>(inner), SymSize{row, {}});
    return with_sizes(call.self, std::move(sizes));
  }();
  View unflatten = reshaped(covered.meta, rows,
                            {"aten.reshape.default", {named("shape", concrete(rows.sizes))}});
  View window = sliced(call, inner, 0, size);
  window.meta = rows;
  window.meta.sizes[inner].value = size;

  Axes perm = iota_axes(call.rank() + 1);
  std::rotate(perm.begin() + static_cast<ptrdiff_t>(inner),
              perm.begin() + static_cast<ptrdiff_t>(inner) + 1, perm.end());
  View move = permuted(call, perm);
  move.redo = Call{"aten.permute.default", {named("dims", perm)}};
  return {std::move(covered), std::move(unflatten), std::move(window), std::move(move)};
}

}  // namespace

std::optional<Chain> unfold_view(const ViewCall& call) {
  if (call.rank() == 0) return reshape_view(call);
  const std::optional<int64_t> size = int_arg(call.node, "size", std::nullopt);
  const std::optional<int64_t> step = int_arg(call.node, "step", std::nullopt);
  const std::optional<size_t> axis = axis_arg(call.node, "dimension", std::nullopt, call.rank());
  const bool is_known = axis && size && step && *size > 0 && *step > 0 &&
                        is_static(call.self.sizes) && is_static(call.result.sizes) &&
                        call.result.sizes.size() == call.rank() + 1;
  if (!is_known) return Chain{impossible(call, "unfold with sizes that are not constants")};
  const int64_t length = call.self.sizes[*axis].value;
  const int64_t num_windows = call.result.sizes[*axis].value;
  if (*size > length || num_windows != (length - *size) / *step + 1) return std::nullopt;
  if (num_windows > 1 && *size > *step) {
    return Chain{impossible(call, "the windows of unfold overlap")};
  }
  if (num_windows > 1 && num_windows * *step > length) {
    return Chain{impossible(call, "the last window of unfold ends without a gap")};
  }
  return disjoint_windows(call, *axis, *size, *step);
}

// --- rules: repeated elements --------------------------------------------------------------------

namespace {
View expanded(const ViewCall& call, const TensorMeta& from, Call redo) {
  const bool repeats = [&] {
    size_t i = call.result.sizes.size();
    for (size_t axis = from.sizes.size(); axis-- > 0;) {
      if (i == 0 || from.sizes[axis] != call.result.sizes[--i]) return true;
    }
    while (i > 0) {
      if (call.result.sizes[--i] != SymSize{1, {}}) return true;
    }
    return false;
  }();
  if (!repeats) return reshaped(from, call.result, std::move(redo));
  View view = impossible(call, "several elements of an expanded tensor are the same memory");
  view.redo = std::move(redo);
  return view;
}
}  // namespace

std::optional<Chain> expand_view(const ViewCall& call) {
  return Chain{expanded(call, call.self, same_call(call.node))};
}

namespace {
std::optional<Call> expand_to(const TensorMeta& result) {
  if (!is_static(result.sizes)) return std::nullopt;
  return Call{"aten.expand.default", {named("size", concrete(result.sizes))}};
}
}  // namespace

std::optional<Chain> broadcast_tensors_view(const ViewCall& call) {
  View view = expanded(call, call.self, {});
  view.redo = expand_to(call.result);
  return Chain{view};
}

// meshgrid(a, b): a varies along one axis of the result and is repeated along the others
std::optional<Chain> meshgrid_view(const ViewCall& call) {
  const size_t rank = call.result.sizes.size();
  const Argument* indexing = find_arg(call.node, "indexing");
  const std::string* order = indexing == nullptr ? nullptr : indexing->as<std::string>();
  size_t axis = call.position;
  if (order != nullptr && *order == "xy" && axis < 2 && call.results.size() >= 2) axis = 1 - axis;
  if (axis >= rank || call.rank() > 1) return std::nullopt;
  TensorMeta column = call.self;
  column.sizes.assign(rank, SymSize{1, {}});
  column.sizes[axis] = call.result.sizes[axis];
  column.strides.clear();
  View reshape = reshaped(call.self, column, {});
  View expand = expanded(call, column, {});
  reshape.redo.reset();
  expand.redo = expand_to(call.result);
  if (is_static(column.sizes)) {
    reshape.redo = Call{"aten.reshape.default", {named("shape", concrete(column.sizes))}};
  }
  return Chain{std::move(reshape), std::move(expand)};
}

// --- rules: other element types ------------------------------------------------------------------

namespace {

// Places are counted in elements of the tensor's type.
View retyped(View view) {
  view.start.reset();
  return view;
}

}  // namespace

std::optional<Chain> view_as_real_view(const ViewCall& call) {
  return Chain{retyped(replaced(call, {"aten.view_as_complex.default", {}}))};
}

std::optional<Chain> view_as_complex_view(const ViewCall& call) {
  return Chain{retyped(replaced(call, {"aten.view_as_real.default", {}}))};
}

std::optional<Chain> bitcast_view(const ViewCall& call) {
  return Chain{retyped(replaced(call, {"aten.view.dtype", {named("dtype", call.self.dtype)}}))};
}

// real(z) is view_as_real(z)[..., 0]
std::optional<Chain> component(const ViewCall& call, int64_t index) {
  if (!is_complex(call.self.dtype)) return Chain{same(call)};
  View pairs = retyped(replaced(call, {"aten.view_as_complex.default", {}}));
  pairs.redo = Call{"aten.view_as_real.default", {}};
  pairs.meta = call.self;
  pairs.meta.dtype = call.result.dtype;
  pairs.meta.sizes.push_back(SymSize{2, {}});
  pairs.meta.strides.clear();
  const std::vector<NamedArgument> args = {named("dim", int64_t{-1}), named("index", index)};
  return Chain{std::move(pairs),
               scattered(call, {"aten.select.int", args}, {"aten.select_scatter.default", args})};
}
std::optional<Chain> real_view(const ViewCall& call) {
  return component(call, 0);
}
std::optional<Chain> imag_view(const ViewCall& call) {
  return component(call, 1);
}

}  // namespace ferryman::frontend
