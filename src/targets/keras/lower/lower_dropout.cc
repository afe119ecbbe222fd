// Dropout: layers that leave everything as it is until they are trained.
#include <string>
#include <utility>

#include "ops/attrs.h"
#include "targets/keras/lower/lower_families.h"

namespace ferryman::keras {

namespace {

bool is_of_channels(const Graph& graph, const Op& op) {
  return op.attr(attr::kOfChannels) && graph.type(op.operands[0]).rank() > 2;
}

// One number for each channel of a sample, which lies last: [null, 1, 1, null].
void add_noise_shape(const LowerOp& op, LayerSpec& spec) {
  if (!is_of_channels(op.graph(), op.op())) return;
  JsonArray sizes(op.rank(0), Json(1));
  sizes.front() = sizes.back() = Json();
  spec.config.emplace_back("noise_shape", std::move(sizes));
}

}  // namespace

Forms dropout_forms(const Graph& graph, OpId op) {
  if (!is_of_channels(graph, graph.op(op))) return {};
  return channels_last_forms(graph, op);
}

void lower_dropout(LowerOp& op) {
  const size_t num_spatial = op.rank(0) - 2;
  const TensorIndex x = op.operand(0);
  LayerSpec spec = {"Dropout", {{"rate", op.attr(attr::kProbability)}}};
  if (is_of_channels(op.graph(), op.op()) && num_spatial <= 3) {
    spec.class_name = "SpatialDropout" + std::to_string(num_spatial) + "D";
    if (num_spatial > 1) spec.config.emplace_back("data_format", "channels_last");
  } else {
    add_noise_shape(op, spec);
  }
  op.finish_layer(std::move(spec), {TensorRef{x}});
}

void lower_alpha_dropout(LowerOp& op) {
  LayerSpec spec = {"AlphaDropout", {{"rate", op.attr(attr::kProbability)}}};
  add_noise_shape(op, spec);
  op.finish_layer(std::move(spec), {TensorRef{op.operand(0)}});
}

}  // namespace ferryman::keras
