// The rules behind the table of view_ops.cc: for one call, what its result looks at and how a write
// to it is undone. A rule returns an empty chain where the result is memory of its own, and nullopt
// where the arguments do not fit the op, so that the program is malformed.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "frontend/functionalise/view_ops.h"

namespace ferryman::frontend {

using Chain = std::vector<View>;

// One result of one call of a view op.
struct ViewCall {
  const Node& node;
  const TensorMeta& self;  // what is looked at
  const TensorMeta& result;
  size_t position;                         // of the result among the node's results
  std::vector<const TensorMeta*> results;  // all of them

  size_t rank() const { return self.sizes.size(); }
};

// The same elements.
std::optional<Chain> always_same(const ViewCall& call);
std::optional<Chain> same_unless_complex(const ViewCall& call);
std::optional<Chain> same_if_no_dropout(const ViewCall& call);
std::optional<Chain> same_if_dense(const ViewCall& call);
std::optional<Chain> same_if_nothing_changes(const ViewCall& call);
std::optional<Chain> same_if_same_size(const ViewCall& call);
std::optional<Chain> opaque_if_single_operand(const ViewCall& call);

// The same elements in another shape.
std::optional<Chain> reshape_view(const ViewCall& call);
std::optional<Chain> reshape_if_strides_allow(const ViewCall& call);
std::optional<Chain> transpose_view(const ViewCall& call);
std::optional<Chain> matrix_transpose_view(const ViewCall& call);
std::optional<Chain> conjugate_transpose_view(const ViewCall& call);
std::optional<Chain> reverse_axes_view(const ViewCall& call);
std::optional<Chain> permute_view(const ViewCall& call);
std::optional<Chain> movedim_view(const ViewCall& call);

// Parts.
std::optional<Chain> slice_view(const ViewCall& call);
std::optional<Chain> narrow_view(const ViewCall& call);
std::optional<Chain> select_view(const ViewCall& call);
std::optional<Chain> unbind_view(const ViewCall& call);
std::optional<Chain> split_view(const ViewCall& call);
std::optional<Chain> hsplit_view(const ViewCall& call);
std::optional<Chain> vsplit_view(const ViewCall& call);
std::optional<Chain> dsplit_view(const ViewCall& call);
std::optional<Chain> split_at_indices(const ViewCall& call);
std::optional<Chain> diagonal_view(const ViewCall& call);
std::optional<Chain> linalg_diagonal_view(const ViewCall& call);
std::optional<Chain> as_strided_view(const ViewCall& call);
std::optional<Chain> unfold_view(const ViewCall& call);

// Repeated elements.
std::optional<Chain> expand_view(const ViewCall& call);
std::optional<Chain> broadcast_tensors_view(const ViewCall& call);
std::optional<Chain> meshgrid_view(const ViewCall& call);

// Other element types.
std::optional<Chain> view_as_real_view(const ViewCall& call);
std::optional<Chain> view_as_complex_view(const ViewCall& call);
std::optional<Chain> bitcast_view(const ViewCall& call);
std::optional<Chain> real_view(const ViewCall& call);
std::optional<Chain> imag_view(const ViewCall& call);

}  // namespace ferryman::frontend
