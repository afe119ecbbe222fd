#include "tests/support/random_attention.h"

#include "ops/attrs.h"
#include "ops/layers/multi_head_attention.h"
#include "ops/names.h"
#include "tests/support/random_tensor.h"

namespace ferryman {

namespace {

class AttentionDrawer {
 public:
  AttentionDrawer(Builder& builder, RandomSource& random) : builder_(builder), random_(random) {}

  OpId draw(const std::vector<ValueId>& values) {
    const ValueId query = draw_query(values);
    const Ints sizes = static_sizes(builder_.graph().type(query).dims);
    const int64_t key_heads = random_.between(1, 2), heads = key_heads * random_.between(1, 2);
    const int64_t width = random_.between(1, 3), value_width = random_.between(1, 2);
    const int64_t columns = random_.between(1, 3), outputs = random_.between(1, 3);
    const bool has_biases = random_.chance(50), has_mask = random_.chance(50);
    const auto bias = [&](int64_t size) { return has_biases ? constant({size}) : ValueId(); };
    std::vector<ValueId> operands(kNumAttentionOperands);
    operands[kAttentionQuery] = query;
    operands[kAttentionKey] = constant({sizes[0], columns, 2});
    operands[kAttentionValue] = constant({sizes[0], columns, 3});
    operands[kQueryWeight] = constant({heads * width, sizes[2]});
    operands[kKeyWeight] = constant({key_heads * width, 2});
    operands[kValueWeight] = constant({key_heads * value_width, 3});
    operands[kOutputWeight] = constant({outputs, heads * value_width});
    operands[kQueryBias] = bias(heads * width);
    operands[kKeyBias] = bias(key_heads * width);
    operands[kValueBias] = bias(key_heads * value_width);
    operands[kOutputBias] = bias(outputs);
    if (has_mask)
      operands[kAttentionMask] = constant({sizes[0], 1, sizes[1], columns}, DType::kBool);
    const bool is_causal = !has_mask && random_.chance(50);
    const std::vector<NamedAttr> attrs = {
        {attr::kNumHeads, heads}, {attr::kNumKeyHeads, key_heads}, {attr::kIsCausal, is_causal}};
    const Result<OpId> made = builder_.try_create(ops::kMultiHeadAttention, operands, attrs);
    return made.ok() ? *made : OpId();
  }

 private:
  ValueId constant(const Ints& shape, DType dtype = DType::kF32) {
    const auto seed = static_cast<uint64_t>(random_.between(0, 1 << 20));
    return builder_.constant(random_tensor(dtype, shape, seed));
  }

  ValueId draw_query(const std::vector<ValueId>& values) {
    std::vector<ValueId> fitting;
    for (const ValueId value : values) {
      const TensorType& type = builder_.graph().type(value);
      if (type.dtype == DType::kF32 && type.rank() == 3 && num_elements(type.dims) > 0)
        fitting.push_back(value);
    }
    return fitting.empty() ? constant({2, 3, 2}) : random_.pick(fitting);
  }

  Builder& builder_;
  RandomSource& random_;
};

}  // namespace

OpId add_random_attention_layer(Builder& builder, const std::vector<ValueId>& values,
                                RandomSource& random) {
  return AttentionDrawer(builder, random).draw(values);
}

}  // namespace ferryman
