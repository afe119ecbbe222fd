// Attention layers: MultiHeadAttention, or GroupQueryAttention where heads of keys and values serve
// several of queries.
//
// Both hold torch's weights [heads * width, features] as [features, heads, width], in layers of
// their own: query, key, value and attention_output.
#include <numeric>
#include <string>
#include <utility>

#include "ops/attrs.h"
#include "ops/layers/multi_head_attention.h"
#include "support/check.h"
#include "targets/keras/lower/lower_families.h"
#include "targets/keras/lower/weight_rows.h"

namespace ferryman::keras {

namespace {

class Attention {
 public:
  explicit Attention(LowerOp& op)
      : op_(op),
        heads_(op.attr(attr::kNumHeads)),
        key_heads_(op.attr(attr::kNumKeyHeads)),
        key_width_(op.type(kQueryWeight).dims[0].size() / heads_),
        value_width_(op.type(kValueWeight).dims[0].size() / key_heads_) {}

  void lower() {
    const TensorIndex query = op_.operand(kAttentionQuery);
    const TensorIndex key = op_.operand(kAttentionKey);
    const TensorIndex value = op_.operand(kAttentionValue);
    JsonObject kwargs;
    if (key != value) kwargs.emplace_back("key", TensorRef{key});
    if (op_.has(kAttentionMask)) {
      const TensorIndex mask = op_.builder().as_tensor(op_.operand(kAttentionMask));
      kwargs.emplace_back("attention_mask", TensorRef{mask});
    }
    if (op_.attr(attr::kIsCausal)) kwargs.emplace_back("use_causal_mask", true);
    op_.finish(op_.builder()
                   .layers(spec(), {TensorRef{query}, TensorRef{value}}, std::move(kwargs),
                           {op_.result_spec()})
                   .front());
  }

 private:
  bool is_grouped() const { return heads_ != key_heads_; }

  LayerSpec spec() const {
    LayerSpec made = {is_grouped() ? "GroupQueryAttention" : "MultiHeadAttention",
                      config(),
                      {},
                      op_.graph().location(op_.id()).module_path};
    add_projection("query", kQueryWeight, kQueryBias, {heads_, key_width_}, made.variables);
    add_projection("key", kKeyWeight, kKeyBias, {key_heads_, key_width_}, made.variables);
    add_projection("value", kValueWeight, kValueBias, {key_heads_, value_width_}, made.variables);
    add_output(made.variables);
    return made;
  }

  JsonObject config() const {
    JsonObject config = heads_config();
    if (const double dropout = op_.attr(attr::kProbability); dropout > 0)
      config.emplace_back("dropout", dropout);
    return config;
  }

  JsonObject heads_config() const {
    const bool has_bias = op_.has(kQueryBias);
    if (is_grouped()) {
      return {{"head_dim", key_width_},
              {"num_query_heads", heads_},
              {"num_key_value_heads", key_heads_},
              {"use_bias", has_bias}};
    }
    JsonObject config = {{"num_heads", heads_}, {"key_dim", key_width_}};
    if (value_width_ != key_width_) config.emplace_back("value_dim", value_width_);
    config.emplace_back("use_bias", has_bias);
    const int64_t features = op_.type(kOutputWeight).dims[0].size();
    if (!(op_.type(kAttentionQuery).dims[2] == Dim(features)))
      config.emplace_back("output_shape", Ints{features});
    return config;
  }

  // The layer that has the weights: MultiHeadAttention names it as its users may ask for it.
  std::string place(const std::string& name) const {
    return (is_grouped() ? "_" : "") + name + "_dense";
  }

  // The rows of the parameter that operand is, as they stand in it.
  Variable variable(size_t operand) const {
    const std::optional<WeightRows> rows = weight_rows(op_.graph(), op_.op().operands[operand]);
    check(rows.has_value(), "an attention layer with a weight that is computed");
    const TensorData& source = op_.graph().constant(rows->source);
    TensorData data = rows->axis == 0 ? source : source.permuted({1, 0});
    Ints starts(data.rank(), 0), sizes = data.shape();
    Variable made = {.place = {}, .name = {}, .data = {}, .shape = {}, .source = rows->source};
    if (rows->size != sizes[0]) {
      made.part = {static_cast<int64_t>(rows->axis), rows->begin, rows->begin + rows->size};
      starts[0] = rows->begin;
      sizes[0] = rows->size;
      data = data.sliced(starts, sizes, Ints(data.rank(), 1));
    }
    made.data = std::move(data);
    return made;
  }

  void add(const std::string& layer, const std::string& place_of_layer, const std::string& name,
           Variable made, std::vector<Variable>& variables) const {
    made.place = place_of_layer;
    made.name = name;
    made.path = layer + "/" + name;
    variables.push_back(std::move(made));
  }

  void add_projection(const std::string& name, size_t weight, size_t bias, const Ints& heads,
                      std::vector<Variable>& variables) const {
    Variable kernel = variable(weight);
    kernel.data = kernel.data.permuted({1, 0});
    kernel.shape = {kernel.data.shape()[0], heads[0], heads[1]};
    add(name, place(name), "kernel", std::move(kernel), variables);
    if (!op_.has(bias)) return;
    Variable added = variable(bias);
    added.shape = heads;
    add(name, place(name), "bias", std::move(added), variables);
  }

  void add_output(std::vector<Variable>& variables) const {
    Variable kernel = variable(kOutputWeight);
    kernel.data = kernel.data.permuted({1, 0});
    kernel.shape = {heads_, value_width_, kernel.data.shape()[1]};
    add("attention_output", place("output"), "kernel", std::move(kernel), variables);
    if (!op_.has(kOutputBias)) return;
    Variable added = variable(kOutputBias);
    added.shape = added.data.shape();
    add("attention_output", place("output"), "bias", std::move(added), variables);
  }

  LowerOp& op_;
  int64_t heads_, key_heads_;
  int64_t key_width_, value_width_;
};

}  // namespace

// Batch, sequence, features; weights as they are.
Forms attention_forms(const Graph& graph, OpId id) {
  layout::Form form;
  for (const ValueId operand : graph.op(id).operands) {
    layout::TensorDemand& demand = form.operands.emplace_back();
    if (!operand.valid()) continue;
    demand.innermost.resize(graph.type(operand).rank());
    std::iota(demand.innermost.begin(), demand.innermost.end(), 0);
  }
  form.results = {{{0, 1, 2}}};
  return {form};
}

void lower_attention(LowerOp& op) {
  Attention(op).lower();
}

}  // namespace ferryman::keras
