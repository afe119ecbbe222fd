// Normalisations: layers with their parameters, or followed by these where they are not the layer's
// own.
#include "ops/attrs.h"
#include "targets/keras/lower/lower_families.h"

namespace ferryman::keras {

namespace {

// Which operands are the weight and the bias, and what Keras calls them.
struct Affine {
  size_t weight;
  size_t bias;
};

bool can_hold(const LowerOp& op, const Affine& affine) {
  return op.can_hold(affine.weight) && op.can_hold(affine.bias);
}

// `shape` is that of gamma and beta.
void add_affine(LowerOp& op, const Affine& affine, const Ints& shape, LayerSpec& spec) {
  const bool holds = can_hold(op, affine);
  spec.config.emplace_back("scale", holds && op.has(affine.weight));
  spec.config.emplace_back("center", holds && op.has(affine.bias));
  if (!holds) return;
  const auto add = [&](std::string name, size_t index) {
    if (!op.has(index)) return;
    spec.variables.push_back(op.vector(std::move(name), index));
    spec.variables.back().shape = shape;
  };
  add("gamma", affine.weight);
  add("beta", affine.bias);
}

void finish_norm(LowerOp& op, const Affine& affine, LayerSpec spec, TensorIndex x) {
  ModelBuilder& builder = op.builder();
  TensorIndex result = builder.layer(std::move(spec), {TensorRef{x}}, op.result_spec());
  if (!can_hold(op, affine)) {
    const auto apply = [&](std::string_view name, size_t index) {
      if (!op.has(index)) return;
      result = builder.operation(kNumpy, name, {TensorRef{result}, TensorRef{op.operand(index)}},
                                 {}, op.result_spec());
    };
    apply("Multiply", affine.weight);
    apply("Add", affine.bias);
  }
  op.finish(result);
}

std::string name_of(const LowerOp& op, const Affine& affine) {
  const std::string name = op.module_of(affine.weight);
  return name.empty() ? op.module_of(affine.bias) : name;
}

Ints trailing_axes(const LowerOp& op) {
  Ints axes;
  for (size_t i = op.attr(attr::kAxes).values.size(); i > 0; --i)
    axes.push_back(-static_cast<int64_t>(i));
  return axes;
}

Ints trailing_shape(LowerOp& op) {
  Ints shape;
  for (const int64_t axis : op.attr(attr::kAxes).values)
    shape.push_back(op.type(0).dims[static_cast<size_t>(axis)].size());
  return shape;
}

}  // namespace

std::optional<Limit> batch_norm_limit(const Graph& graph, const Op& op) {
  for (const size_t statistics : {size_t{1}, size_t{2}}) {
    if (!graph.is_stored(op.operands[statistics]))
      return Limit{"batch_norm with statistics that are computed", "", ""};
  }
  return std::nullopt;
}

// PyTorch's momentum is the part of the new, Keras' that of the old.
void lower_batch_norm(LowerOp& op) {
  const Affine affine = {3, 4};
  const TensorIndex x = op.operand(0);
  LayerSpec spec = {
      "BatchNormalization",
      {{"axis", -1}, {"momentum", 1 - op.attr(attr::kMomentum)}, {"epsilon", op.attr(attr::kEps)}},
      {},
      name_of(op, affine),
      /*is_always_trained=*/!op.has(3) && !op.has(4)};
  add_affine(op, affine, {op.type(1).dims[0].size()}, spec);
  spec.variables.push_back(op.vector("moving_mean", 1));
  spec.variables.push_back(op.vector("moving_variance", 2));
  finish_norm(op, affine, std::move(spec), x);
}

void lower_layer_norm(LowerOp& op) {
  const Affine affine = {1, 2};
  const TensorIndex x = op.operand(0);
  LayerSpec spec = {"LayerNormalization",
                    {{"axis", trailing_axes(op)}, {"epsilon", op.attr(attr::kEps)}},
                    {},
                    name_of(op, affine)};
  add_affine(op, affine, trailing_shape(op), spec);
  finish_norm(op, affine, std::move(spec), x);
}

void lower_group_norm(LowerOp& op) {
  const Affine affine = {1, 2};
  const TensorIndex x = op.operand(0);
  LayerSpec spec = {
      "GroupNormalization",
      {{"groups", op.attr(attr::kGroups)}, {"axis", -1}, {"epsilon", op.attr(attr::kEps)}},
      {},
      name_of(op, affine)};
  add_affine(op, affine, {op.type(0).dims[1].size()}, spec);
  finish_norm(op, affine, std::move(spec), x);
}

std::optional<Limit> rms_norm_limit(const Graph&, const Op& op) {
  if (op.has_operand(1) && op.attr(attr::kAxes).values.size() == 1) return std::nullopt;
  return Limit{"rms_norm over several axes, or without a weight",
               "Keras' RMSNormalization has one axis and a scale", ""};
}

// The layer has a scale in any case; where the weight is another layer's, the operation takes it.
void lower_rms_norm(LowerOp& op) {
  const TensorIndex x = op.operand(0);
  if (!op.can_hold(1)) {
    return op.finish_operation(kNn, "RMSNorm", {TensorRef{x}, TensorRef{op.operand(1)}},
                               {{"axis", -1}, {"epsilon", op.attr(attr::kEps)}});
  }
  op.finish_layer({"RMSNormalization",
                   {{"axis", -1}, {"epsilon", op.attr(attr::kEps)}},
                   {op.vector("scale", 1)},
                   op.module_of(1)},
                  {TensorRef{x}});
}

}  // namespace ferryman::keras
