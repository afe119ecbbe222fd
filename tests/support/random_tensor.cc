#include "tests/support/random_tensor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "ir/element.h"
#include "ir/evaluate.h"

namespace ferryman {

namespace {

constexpr double kTolerance = 3e-5;  // of the largest element; f32 results of reordered sums

double largest(const std::vector<double>& values) {
  double result = 1.0;
  for (const double value : values) {
    if (std::isfinite(value)) result = std::max(result, std::abs(value));
  }
  return result;
}

bool is_close(double a, double b, double tolerance) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= tolerance;
}

std::string tensor_difference(const TensorData& a, const TensorData& b, std::string_view name) {
  if (a.dtype() != b.dtype() || a.shape() != b.shape())
    return fmt::format("output '{}' has another type", name);
  if (is_complex(a.dtype())) return {};
  const std::vector<double> left = a.to_doubles();
  const std::vector<double> right = b.to_doubles();
  const double tolerance = is_floating(a.dtype()) ? kTolerance * largest(left) : 0.0;
  for (size_t i = 0; i < left.size(); ++i) {
    if (is_close(left[i], right[i], tolerance)) continue;
    return fmt::format("output '{}' element {}: {} became {}", name, i, left[i], right[i]);
  }
  return {};
}

bool can_be_fed(const Graph& graph) {
  return std::all_of(graph.inputs().begin(), graph.inputs().end(), [&](ValueId input) {
    return all_static(graph.type(input).dims) && !is_complex(graph.type(input).dtype);
  });
}

}  // namespace

TensorData random_tensor(DType dtype, const Ints& shape, uint64_t seed) {
  std::mt19937_64 engine(seed);
  const auto width = static_cast<size_t>(byte_size(dtype));
  std::vector<std::byte> bytes(static_cast<size_t>(product(shape)) * width);
  constexpr int64_t kSteps = 4096;
  for (size_t i = 0; i < bytes.size(); i += width) {
    const auto step = static_cast<int64_t>(engine() % kSteps);
    if (is_floating(dtype)) {
      store_double(dtype, 4.0 * static_cast<double>(step) / kSteps - 2.0, &bytes[i]);
    } else {
      store_int(dtype, dtype == DType::kBool ? step % 2 : step % 5, &bytes[i]);
    }
  }
  return TensorData::contiguous(owned_blob(std::move(bytes)), dtype, shape);
}

std::vector<TensorData> random_inputs(const Graph& graph, uint64_t seed) {
  std::vector<TensorData> inputs;
  for (const ValueId input : graph.inputs()) {
    const TensorType& type = graph.type(input);
    inputs.push_back(random_tensor(type.dtype, static_sizes(type.dims), seed + inputs.size()));
  }
  return inputs;
}

std::string difference(const Graph& before, const Graph& after, uint64_t seed) {
  if (!can_be_fed(before)) return {};
  const std::vector<TensorData> inputs = random_inputs(before, seed);
  const Result<std::vector<TensorData>> expected = evaluate_graph(before, inputs);
  if (!expected.ok()) return {};
  const Result<std::vector<TensorData>> got = evaluate_graph(after, inputs);
  if (!got.ok()) return fmt::format("cannot be evaluated any more: {}", got.diag().what);
  if (got->size() != expected->size()) return "another number of outputs";
  for (size_t i = 0; i < got->size(); ++i) {
    std::string found = tensor_difference((*expected)[i], (*got)[i], before.outputs()[i].name);
    if (!found.empty()) return found;
  }
  return {};
}

}  // namespace ferryman
