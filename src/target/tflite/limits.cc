#include "target/tflite/limits.h"

#include <fmt/format.h>

#include "ops/attrs.h"
#include "target/tflite/legality.h"
#include "target/tflite/lower_families.h"

namespace ferryman::tflite {

namespace {

size_t rank_of(const Graph& graph, const ferryman::Op& op) {
  return graph.type(op.operands[0]).rank();
}

}  // namespace

std::optional<Limit> conv_limit(const Graph& graph, const ferryman::Op& op) {
  const size_t rank = rank_of(graph, op);
  if (rank <= 5) return std::nullopt;
  return Limit{fmt::format("a convolution over {} spatial axes", rank - 2),
               "the runtime has kernels for one to three", ""};
}

std::optional<Limit> conv_transpose_limit(const Graph& graph, const ferryman::Op& op) {
  if (graph.is_constant(op.operands[1])) return std::nullopt;
  return Limit{"a transposed convolution with a kernel that is computed",
               "its kernel is rearranged when the file is written",
               "make the kernel a parameter or a buffer"};
}

std::optional<Limit> image_limit(const Graph& graph, const ferryman::Op& op) {
  const size_t rank = rank_of(graph, op);
  if (rank == 4) return std::nullopt;
  return Limit{fmt::format("'{}' over {} spatial axes", op.def->name, rank - 2),
               "the runtime's kernel takes two", "reshape the input to two spatial axes"};
}

std::optional<Limit> matmul_limit(const Graph& graph, const ferryman::Op& op) {
  if (rank_of(graph, op) <= kMaxMatmulRank) return std::nullopt;
  return Limit{"a matrix product of more than five axes that broadcasts",
               "BATCH_MATMUL takes five axes", "expand or reshape the operands before it"};
}

std::optional<Limit> segment_limit(const Graph& graph, const ferryman::Op& op) {
  return type_limit(segment_kernel(op.attr(attr::kReduction)), op,
                    graph.type(op.operands[0]).dtype);
}

std::optional<Limit> type_limit(Op kernel, const ferryman::Op& op, DType dtype) {
  if (check_legal(kernel, type_key(dtype), {}).is_usable()) return std::nullopt;
  return Limit{fmt::format("'{}' of {}", op.def->name, torch_name(dtype)),
               fmt::format("the runtime's {} does not compute on that type", to_string(kernel)),
               "cast its operands to float32, or to int32 if they are whole numbers"};
}

}  // namespace ferryman::tflite
