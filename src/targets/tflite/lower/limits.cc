#include "targets/tflite/lower/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ops/attrs.h"
#include "ops/spatial/spatial.h"
#include "targets/tflite/lower/lower_families.h"
#include "targets/tflite/lower/same_padding.h"
#include "targets/tflite/runtime/legality.h"

namespace ferryman::tflite {

namespace {

size_t rank_of(const Graph& graph, const ferryman::Op& op) {
  return graph.type(op.operands[0]).rank();
}

std::optional<Limit> image_limit(const Graph& graph, const ferryman::Op& op) {
  const size_t rank = rank_of(graph, op);
  if (rank == 4) return std::nullopt;
  return Limit{fmt::format("'{}' over {} spatial axes", op.def->name, rank - 2),
               "the runtime's kernel takes two", "reshape the input to two spatial axes"};
}

// Kernels know padding as SAME only.
std::optional<Limit> window_limit(const Graph& graph, const ferryman::Op& pool) {
  const ferryman::TensorType& x = graph.type(pool.operands[0]);
  const Window window = window_of(graph, pool);
  if (!has_padding(window) && !is_dilated(window)) return std::nullopt;
  const bool is_same =
      !is_dilated(window) && is_same_padding(graph.symbols(), window, x, graph.type(pool.result()));
  if (is_same) return std::nullopt;
  return Limit{fmt::format("'{}' with dilation, or another padding than SAME", pool.def->name),
               "the runtime's kernel knows neither", ""};
}

}  // namespace

std::optional<Limit> conv_limit(const Graph& graph, const ferryman::Op& op) {
  const size_t rank = rank_of(graph, op);
  if (rank > 5) {
    return Limit{fmt::format("a convolution over {} spatial axes", rank - 2),
                 "the runtime has kernels for one to three", ""};
  }
  if (rank < 5 || op.attr(attr::kGroups) == 1) return std::nullopt;
  return Limit{"a grouped convolution over three spatial axes", "CONV_3D knows no groups", ""};
}

std::optional<Limit> conv_transpose_limit(const Graph& graph, const ferryman::Op& op) {
  if (graph.is_constant(op.operands[1])) return std::nullopt;
  return Limit{"a transposed convolution with a kernel that is computed",
               "its kernel is rearranged when the file is written",
               "make the kernel a parameter or a buffer"};
}

std::optional<Limit> max_pool_limit(const Graph& graph, const ferryman::Op& op) {
  if (std::optional<Limit> limit = image_limit(graph, op)) return limit;
  return window_limit(graph, op);
}

std::optional<Limit> avg_pool_limit(const Graph& graph, const ferryman::Op& op) {
  if (std::optional<Limit> limit = image_limit(graph, op)) return limit;
  const bool counts_padding = op.attr(attr::kCountIncludePad) && has_padding(window_of(graph, op));
  if (counts_padding || op.attr(attr::kCeilMode) || op.attr(attr::kDivisorOverride) != 0) {
    return Limit{fmt::format("'{}' with a divisor of its own", op.def->name),
                 "AVERAGE_POOL_2D divides by the number of elements inside", ""};
  }
  return window_limit(graph, op);
}

std::optional<Limit> resize_limit(const Graph& graph, const ferryman::Op& op) {
  if (std::optional<Limit> limit = image_limit(graph, op)) return limit;
  if (op.attr(attr::kScales).empty()) return std::nullopt;
  return Limit{fmt::format("'{}' with scales", op.def->name),
               "the runtime's kernel takes the quotient of the sizes", ""};
}

std::optional<Limit> resize_nearest_limit(const Graph& graph, const ferryman::Op& op) {
  if (std::optional<Limit> limit = resize_limit(graph, op)) return limit;
  constexpr std::array kDTypes = {DType::kF32, DType::kI8, DType::kU8, DType::kI32};
  const DType dtype = graph.type(op.operands[0]).dtype;
  if (std::find(kDTypes.begin(), kDTypes.end(), dtype) != kDTypes.end()) return std::nullopt;
  return Limit{fmt::format("'{}' of {}", op.def->name, torch_name(dtype)),
               "the runtime's kernel does not take that type", ""};
}

std::optional<Limit> elu_limit(const Graph&, const ferryman::Op& op) {
  const bool is_plain =
      op.attr(attr::kAlpha) == 1 && op.attr(attr::kScale) == 1 && op.attr(attr::kInputScale) == 1;
  if (is_plain) return std::nullopt;
  return Limit{"'elu' with other factors than 1", "the runtime's ELU has none", ""};
}

std::optional<Limit> division_limit(const Graph& graph, const ferryman::Op& op) {
  if (is_integer(graph.type(op.operands[0]).dtype)) return std::nullopt;
  return Limit{fmt::format("'{}' of floating point numbers", op.def->name),
               "the runtime's kernel rounds otherwise, or fails on a zero divisor", ""};
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
