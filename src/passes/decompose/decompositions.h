// How ops are written in simpler ones, by family; each stands in its own file. A decomposition is a
// rule that always applies where it can: whether it should is asked of the target (decompose.h).
//
//   ValueId silu(CoreWriter write, const Op& op) {
//     const ValueId x = op.operands[0];
//     return write.mul(x, write.unary(ops::kSigmoid, x));
//   }
//   rules.push_back(decomposition("silu_to_product", {ops::kSilu}, silu));
//
// Invariants: the values are equal up to the rounding of float32. An op is written in others, or
// in one of its kind of which less is asked, so that it ends.
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "ops/core_writer.h"
#include "passes/rewrite.h"

namespace ferryman {

// Writes what stands for the op's one result. The op is a copy, as the graph changes meanwhile.
using WriteOp = std::function<ValueId(CoreWriter, const Op&)>;
Rule decomposition(std::string_view name, std::vector<OpName> roots, WriteOp write,
                   std::string_view remark = {});
// Of an op with several results: what stands for each.
using WriteResults = std::function<std::vector<ValueId>(CoreWriter, const Op&)>;
Rule decomposition(std::string_view name, std::vector<OpName> roots, WriteResults write,
                   std::string_view remark = {});

// The rule for those roots of which `holds` is true.
Rule only_where(std::function<bool(const Graph&, const Op&)> holds, Rule rule);

bool has_floats(const Graph& graph, const Op& op);  // the first operand

std::vector<Rule> all_decompositions();

std::vector<Rule> activation_decompositions();
std::vector<Rule> attention_decompositions();
std::vector<Rule> composite_decompositions();
std::vector<Rule> conv3d_decompositions();
std::vector<Rule> conv_transpose_decompositions();
std::vector<Rule> computed_kernel_decompositions();
std::vector<Rule> math_decompositions();
std::vector<Rule> norm_decompositions();
std::vector<Rule> pool_decompositions();
std::vector<Rule> resize_decompositions();
std::vector<Rule> shuffle_decompositions();
std::vector<Rule> special_decompositions();

}  // namespace ferryman
