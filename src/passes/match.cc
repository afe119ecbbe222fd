#include "passes/match.h"

#include <algorithm>
#include <array>

#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman {

namespace {

constexpr int64_t kMaxUniformElems = 1 << 16;  // larger constants are not compared one by one
constexpr int kMaxLookBack = 16;               // ops that is_non_negative looks back

double element(const TensorData& data, int64_t index) {
  std::array<std::byte, 16> bytes{};
  const auto width = static_cast<size_t>(byte_size(data.dtype()));
  data.read(index, std::span(bytes).first(width));
  return load_double(data.dtype(), bytes.data());
}

bool is_broadcast_everywhere(const TensorData& data) {
  for (size_t axis = 0; axis < data.rank(); ++axis) {
    if (!data.is_broadcast_along(axis)) return false;
  }
  return true;
}

template <size_t N>
bool is_any_of(const Op& op, const std::array<OpName, N>& names) {
  return std::any_of(names.begin(), names.end(), [&](OpName name) { return op.is(name); });
}

constexpr std::array kNonNegativeResults = {
    ops::kRelu,   ops::kRelu6, ops::kSigmoid, ops::kHardsigmoid, ops::kAbs,
    ops::kSquare, ops::kSqrt,  ops::kRsqrt,   ops::kExp,         ops::kSoftmax};
// Their results are elements of operand 0, or averages of them.
constexpr std::array kPassOn = {
    ops::kReshape, ops::kPermute,       ops::kExpand, ops::kSlice,          ops::kMaxPool,
    ops::kAmax,    ops::kAmin,          ops::kMean,   ops::kFlip,           ops::kTile,
    ops::kAvgPool, ops::kResizeNearest, ops::kSum,    ops::kAdaptiveAvgPool};
constexpr std::array kCombine = {ops::kConcat, ops::kAdd, ops::kMul, ops::kMaximum, ops::kMinimum};

bool is_non_negative_within(const Graph& graph, ValueId value, int depth) {
  const OpId producer = graph.producer(value);
  if (depth == 0 || !producer.valid()) return false;
  const Op& op = graph.op(producer);
  if (is_any_of(op, kNonNegativeResults)) return true;
  if (op.is(ops::kClamp)) return op.attr(attr::kMin) >= 0 && op.attr(attr::kMax) >= 0;
  if (op.is(ops::kSoftplus)) return op.attr(attr::kBeta) > 0 && op.attr(attr::kThreshold) >= 0;
  if (op.is(ops::kAvgPool) && op.attr(attr::kDivisorOverride) < 0) return false;
  if (is_any_of(op, kPassOn)) return is_non_negative_within(graph, op.operands[0], depth - 1);
  if (!is_any_of(op, kCombine)) return false;
  return std::all_of(op.operands.begin(), op.operands.end(), [&](ValueId operand) {
    return is_non_negative_within(graph, operand, depth - 1);
  });
}

}  // namespace

bool is_known_constant(const Graph& graph, ValueId value) {
  return value.valid() && graph.is_constant(value) && !graph.constant(value).is_elided();
}

std::optional<double> uniform_value(const Graph& graph, ValueId value) {
  if (!is_known_constant(graph, value)) return std::nullopt;
  const TensorData& data = graph.constant(value);
  if (data.num_elems() == 0 || is_complex(data.dtype())) return std::nullopt;
  const double first = element(data, 0);
  if (is_broadcast_everywhere(data)) return first;
  if (data.num_elems() > kMaxUniformElems || element(data, 1) != first) return std::nullopt;
  if (element(data, data.num_elems() - 1) != first) return std::nullopt;
  const std::vector<double> all = data.to_doubles();
  if (std::any_of(all.begin(), all.end(), [&](double other) { return other != first; }))
    return std::nullopt;
  return first;
}

bool has_one_reader(const Graph& graph, ValueId value) {
  return graph.num_readers(value) == 1;
}

bool same_type(const Graph& graph, ValueId a, ValueId b) {
  return graph.type(a) == graph.type(b);
}

bool is_floating(const Graph& graph, ValueId value) {
  return is_floating(graph.type(value).dtype);
}

std::optional<std::vector<double>> values_along(const Graph& graph, ValueId constant,
                                                const Dims& dims, size_t axis) {
  if (!is_known_constant(graph, constant) || axis >= dims.size()) return std::nullopt;
  const TensorData& data = graph.constant(constant);
  if (data.rank() > dims.size() || !dims[axis].is_static()) return std::nullopt;
  const size_t missing = dims.size() - data.rank();
  Ints sizes(data.rank(), 1);
  for (size_t i = 0; i < data.rank(); ++i) {
    if (data.shape()[i] != 1 && !(Dim(data.shape()[i]) == dims[missing + i])) return std::nullopt;
    if (data.is_broadcast_along(i)) continue;
    if (missing + i != axis) return std::nullopt;
    sizes[i] = data.shape()[i];
  }
  const Ints zeros(data.rank(), 0);
  const Ints ones(data.rank(), 1);
  std::vector<double> values = data.sliced(zeros, sizes, ones).to_doubles();
  if (values.size() == 1) values.resize(static_cast<size_t>(dims[axis].size()), values[0]);
  return values;
}

bool is_non_negative(const Graph& graph, ValueId value) {
  return is_non_negative_within(graph, value, kMaxLookBack);
}

bool runs_before(const Graph& graph, OpId first, OpId second) {
  for (OpId op = graph.op(first).next; op.valid(); op = graph.op(op).next) {
    if (op == second) return true;
  }
  return false;
}

}  // namespace ferryman
