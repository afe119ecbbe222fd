#include "frontend/functionalise/view_ops.h"

#include <algorithm>
#include <array>
#include <utility>

#include "frontend/functionalise/view_rules.h"

namespace ferryman::frontend {

namespace {

using Rule = std::optional<Chain> (*)(const ViewCall&);

// A row of a whole target ("view.dtype") counts before the row of its op ("view").
struct ViewRow {
  std::string_view op;
  Rule rule;
};

constexpr std::array kRows = {
    ViewRow{"alias", always_same},
    ViewRow{"detach", always_same},
    ViewRow{"lift_fresh", always_same},
    ViewRow{"lift", always_same},
    ViewRow{"positive", always_same},
    ViewRow{"resolve_neg", always_same},
    ViewRow{"pin_memory", always_same},
    ViewRow{"requires_grad", always_same},
    ViewRow{"conj", same_unless_complex},
    ViewRow{"_conj", same_unless_complex},
    ViewRow{"conj_physical", same_unless_complex},
    ViewRow{"resolve_conj", same_unless_complex},
    ViewRow{"dropout", same_if_no_dropout},
    ViewRow{"feature_dropout", same_if_no_dropout},
    ViewRow{"alpha_dropout", same_if_no_dropout},
    ViewRow{"feature_alpha_dropout", same_if_no_dropout},
    ViewRow{"contiguous", same_if_dense},
    ViewRow{"to", same_if_nothing_changes},
    ViewRow{"type_as", same_if_nothing_changes},
    ViewRow{"cpu", same_if_nothing_changes},
    ViewRow{"sum_to_size", same_if_same_size},
    ViewRow{"einsum", opaque_if_single_operand},
    ViewRow{"cartesian_prod", opaque_if_single_operand},

    ViewRow{"view", reshape_view},
    ViewRow{"view.dtype", bitcast_view},
    ViewRow{"view_as", reshape_view},
    ViewRow{"_unsafe_view", reshape_view},
    ViewRow{"unflatten", reshape_view},
    ViewRow{"squeeze", reshape_view},
    ViewRow{"unsqueeze", reshape_view},
    ViewRow{"atleast_1d.default", reshape_view},
    ViewRow{"atleast_2d.default", reshape_view},
    ViewRow{"atleast_3d.default", reshape_view},
    ViewRow{"reshape", reshape_if_strides_allow},
    ViewRow{"reshape_as", reshape_if_strides_allow},
    ViewRow{"_reshape_alias", reshape_if_strides_allow},
    ViewRow{"flatten", reshape_if_strides_allow},
    ViewRow{"ravel", reshape_if_strides_allow},

    ViewRow{"transpose", transpose_view},
    ViewRow{"swapaxes", transpose_view},
    ViewRow{"swapdims", transpose_view},
    ViewRow{"t", matrix_transpose_view},
    ViewRow{"mT", matrix_transpose_view},
    ViewRow{"mH", conjugate_transpose_view},
    ViewRow{"adjoint", conjugate_transpose_view},
    ViewRow{"matrix_H", conjugate_transpose_view},
    ViewRow{"numpy_T", reverse_axes_view},
    ViewRow{"permute", permute_view},
    ViewRow{"movedim", movedim_view},
    ViewRow{"moveaxis", movedim_view},

    ViewRow{"slice", slice_view},
    ViewRow{"narrow", narrow_view},
    ViewRow{"select", select_view},
    ViewRow{"unbind", unbind_view},
    ViewRow{"split", split_view},
    ViewRow{"split_with_sizes", split_view},
    ViewRow{"chunk", split_view},
    ViewRow{"unsafe_split", split_view},
    ViewRow{"unsafe_split_with_sizes", split_view},
    ViewRow{"unsafe_chunk", split_view},
    ViewRow{"tensor_split", split_view},
    ViewRow{"tensor_split.indices", split_at_indices},
    ViewRow{"tensor_split.tensor_indices_or_sections", split_at_indices},
    ViewRow{"hsplit.int", hsplit_view},
    ViewRow{"vsplit.int", vsplit_view},
    ViewRow{"dsplit.int", dsplit_view},
    ViewRow{"hsplit.array", split_at_indices},
    ViewRow{"vsplit.array", split_at_indices},
    ViewRow{"dsplit.array", split_at_indices},
    ViewRow{"diagonal", diagonal_view},
    ViewRow{"linalg_diagonal", linalg_diagonal_view},
    ViewRow{"unfold", unfold_view},
    ViewRow{"as_strided", as_strided_view},

    ViewRow{"expand", expand_view},
    ViewRow{"expand_as", expand_view},
    ViewRow{"broadcast_to", expand_view},
    ViewRow{"broadcast_tensors", broadcast_tensors_view},
    ViewRow{"meshgrid", meshgrid_view},

    ViewRow{"view_as_real", view_as_real_view},
    ViewRow{"view_as_complex", view_as_complex_view},
    ViewRow{"real", real_view},
    ViewRow{"imag", imag_view},
};

const ViewRow* find_view_row(std::string_view target) {
  constexpr std::string_view kPrefix = "aten.";
  if (!target.starts_with(kPrefix)) return nullptr;
  const std::string_view full = target.substr(kPrefix.size());
  const std::string_view op = full.substr(0, full.find('.'));
  const ViewRow* found = nullptr;
  for (const ViewRow& row : kRows) {
    if (row.op == full) return &row;
    if (row.op == op) found = &row;
  }
  return found;
}

// The tensor that result `position` looks at: the first argument, or an element of that list.
ValueIndex looked_at(const Node& node, size_t position) {
  if (node.args.empty()) return kNoValue;
  // einsum(equation, tensors)
  for (const NamedArgument& argument : node.args) {
    if (const ValueRef* ref = argument.arg.as<ValueRef>()) return ref->value;
    const ArgumentList* list = argument.arg.as<ArgumentList>();
    if (list == nullptr) continue;
    const ValueRef* ref = position < list->size() ? (*list)[position].as<ValueRef>() : nullptr;
    return ref == nullptr ? kNoValue : ref->value;
  }
  return kNoValue;
}

const TensorMeta* meta_of(const Program& program, ValueIndex value) {
  if (value >= program.values.size()) return nullptr;
  const std::optional<TensorMeta>& tensor = program.values[value].tensor;
  return tensor ? &*tensor : nullptr;
}

Diag arguments_do_not_fit(const Node& node) {
  return Diag::error(DiagCode::kMalformedProgram,
                     "the arguments of " + node.target + " do not fit its operands")
      .at(node.location)
      .about(node.target);
}

}  // namespace

std::optional<std::string> twin_of_in_place_view(std::string_view target) {
  constexpr std::array<std::string_view, 9> kOps = {
      "aten.t_",         "aten.transpose_",  "aten.squeeze_",
      "aten.unsqueeze_", "aten.swapaxes_",   "aten.swapdims_",
      "aten.detach_",    "aten.as_strided_", "aten.requires_grad_"};
  const size_t dot = target.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view op = target.substr(0, dot);
  if (std::find(kOps.begin(), kOps.end(), op) == kOps.end()) return std::nullopt;
  const bool transpose = op == "aten.transpose_";
  return std::string(op.substr(0, op.size() - 1)) +
         (transpose ? ".int" : std::string(target.substr(dot)));
}

Result<std::vector<ResultViews>> describe_views(const Program& program, const Node& node) {
  std::vector<ResultViews> described(node.results.size());
  const ViewRow* row = find_view_row(node.target);
  if (row == nullptr) return described;
  std::vector<const TensorMeta*> results;
  for (const ValueIndex result : node.results) results.push_back(meta_of(program, result));

  for (size_t i = 0; i < described.size(); ++i) {
    if (results[i] == nullptr) continue;
    const ValueIndex of = looked_at(node, i);
    const TensorMeta* self = meta_of(program, of);
    if (self == nullptr) return arguments_do_not_fit(node);
    std::optional<Chain> chain = row->rule({node, *self, *results[i], i, results});
    if (!chain) return arguments_do_not_fit(node);
    described[i] = {of, std::move(*chain)};
  }
  return described;
}

}  // namespace ferryman::frontend
