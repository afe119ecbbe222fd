// The captures of most rules: a value that stands for the root's result, or one op that makes it.
//
//   Match<Forward> match_neg_of_neg(const Graph& graph, OpId root);
//   rules.push_back(make_rule("neg_of_neg", {ops::kNeg}, match_neg_of_neg));
#pragma once

#include <optional>
#include <vector>

#include "passes/rewrite.h"

namespace ferryman {

// Readers of `result` read `value`.
struct Forward {
  ValueId result, value;
};

// `result` is made by this op instead.
struct OneOp {
  ValueId result;
  OpName op;
  std::vector<ValueId> operands;
  std::vector<NamedAttr> attrs = {};
  std::optional<TensorData> last_operand = {};  // a new constant, after the other operands
  std::string last_name = "constant";
};

void apply_forward(Rewriter& rewriter, const Forward& found);
void apply_one_op(Rewriter& rewriter, const OneOp& found);

inline Rule make_rule(std::string_view name, std::vector<OpName> roots,
                      Match<Forward> (*match)(const Graph&, OpId), std::string_view remark = {}) {
  return make_rule<Forward>(name, std::move(roots), match, apply_forward, remark);
}
inline Rule make_rule(std::string_view name, std::vector<OpName> roots,
                      Match<OneOp> (*match)(const Graph&, OpId), std::string_view remark = {}) {
  return make_rule<OneOp>(name, std::move(roots), match, apply_one_op, remark);
}

// All attributes of an op, to make another like it.
std::vector<NamedAttr> attrs_of(const Op& op);

}  // namespace ferryman
