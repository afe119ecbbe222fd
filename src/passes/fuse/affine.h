// y = x * scale + shift along one axis, with constant factors: what a batch_norm, a bias or a layer
// scale is, and what convolutions and linear layers absorb into their weights.
//
//   const std::optional<Affine> affine = affine_of(graph, op, 1);       // batch_norm, mul, add, …
//   const std::optional<Absorbed> made = scale_results(graph, conv, *affine);
//   ValueId y = create_absorbed(rewriter, *made);
//
// Invariants: weights are scaled by TensorData::scaled, so none is copied (grouped ones apart).
#pragma once

#include <optional>
#include <vector>

#include "ir/builder.h"

namespace ferryman {

struct Affine {
  ValueId x;
  std::vector<double> scale;  // one for each index of the axis
  std::vector<double> shift;

  bool is_uniform() const;  // then any axis will do
  bool has_shift() const;
  bool has_scale() const;
};

// What `op` does to its operand 0, if it is affine along `axis`, and the result has x's type.
std::optional<Affine> affine_of(const Graph& graph, const Op& op, size_t axis);
// batch_norm with constant statistics, along axis 1.
std::optional<Affine> affine_of_batch_norm(const Graph& graph, const Op& batch_norm);

// conv, conv_transpose and linear with constant weights of f32.
bool is_weighted(const Graph& graph, const Op& op);
// The axis of its result that weights make (1, or the last).
size_t result_channel_axis(const Graph& graph, const Op& weighted);

// A weighted op with other weights.
struct Absorbed {
  OpName op;
  ValueId x;
  TensorData weight;
  std::string weight_name;
  std::optional<TensorData> bias;
  std::string bias_name;
  std::vector<NamedAttr> attrs;
};

// op(x) * scale + shift as one op. The scale has one entry for each channel of the result.
std::optional<Absorbed> scale_results(const Graph& graph, const Op& weighted, const Affine& affine);
// op(x * scale + shift) as one op on affine.x; exact only without zero padding or shift, which the
// caller has checked.
std::optional<Absorbed> scale_operand(const Graph& graph, const Op& weighted, const Affine& affine);

ValueId create_absorbed(Rewriter& rewriter, const Absorbed& absorbed);

}  // namespace ferryman
