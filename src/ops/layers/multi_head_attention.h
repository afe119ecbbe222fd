// Attention with its projections: what the operands of multi_head_attention are.
//
//   op.operands[kQueryWeight]
//
//   q, k, v = heads of query W_q^T + b_q, key W_k^T + b_k, value W_v^T + b_v
//   (softmax(q k^T / sqrt(E)) v, all heads beside each other) W_o^T + b_o
//
// Heads of keys and values serve num_heads / num_key_heads heads of queries each, in their order.
#pragma once

#include <cstdint>

namespace ferryman {

enum AttentionOperand : uint8_t {
  kAttentionQuery,  // [B, T, D]
  kAttentionKey,    // [B, S, Dk]
  kAttentionValue,  // [B, S, Dv]
  kQueryWeight,     // [num_heads * E, D]
  kKeyWeight,       // [num_key_heads * E, Dk]
  kValueWeight,     // [num_key_heads * F, Dv]
  kOutputWeight,    // [O, num_heads * F]
  kQueryBias,
  kKeyBias,
  kValueBias,
  kOutputBias,
  kAttentionMask,  // bools [B or 1, num_heads or 1, T or 1, S or 1]: what is seen
  kNumAttentionOperands,
};

}  // namespace ferryman
