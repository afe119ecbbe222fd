#include "tests/support/test_net.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/infer.h"
#include "ops/names.h"
#include "tests/support/test_contract.h"

namespace ferryman::layout {

TestNet::TestNet() : ops_(std::make_unique<Ops>()) {
  add_all_ops(*ops_);
  graph_ = std::make_unique<Graph>(ops_->set);
}

ValueId TestNet::input(std::string name, Dims dims) {
  return graph_->add_input(std::move(name), {DType::kF32, std::move(dims)});
}

ValueId TestNet::constant(Ints shape) {
  return graph_->add_constant(TensorData::filled(DType::kF32, std::move(shape), 0.5), "constant");
}

ValueId TestNet::conv(ValueId x, int64_t channels, int64_t kernel) {
  const size_t spatial = dims(x).size() - 2;
  Ints weight{channels, dims(x)[1].size()};
  weight.insert(weight.end(), spatial, kernel);
  const Ints ones(spatial, 1);
  const Ints padding(spatial, kernel / 2);
  return Builder(*graph_).create(ops::kConv, {x, constant(std::move(weight)), constant({channels})},
                                 {{attr::kStride, ones},
                                  {attr::kPaddingBefore, padding},
                                  {attr::kPaddingAfter, padding},
                                  {attr::kDilation, ones}});
}

ValueId TestNet::depthwise_conv(ValueId x) {
  const int64_t channels = dims(x)[1].size();
  const Ints ones(2, 1);
  return Builder(*graph_).create(ops::kConv, {x, constant({channels, 1, 3, 3})},
                                 {{attr::kStride, ones},
                                  {attr::kPaddingBefore, ones},
                                  {attr::kPaddingAfter, ones},
                                  {attr::kDilation, ones},
                                  {attr::kGroups, channels}});
}

ValueId TestNet::max_pool(ValueId x) {
  const Ints twos(dims(x).size() - 2, 2);
  const Ints zeros(twos.size(), 0);
  const Ints ones(twos.size(), 1);
  return Builder(*graph_).create(ops::kMaxPool, {x},
                                 {{attr::kKernel, twos},
                                  {attr::kStride, twos},
                                  {attr::kPaddingBefore, zeros},
                                  {attr::kPaddingAfter, zeros},
                                  {attr::kDilation, ones}});
}

ValueId TestNet::relu(ValueId x) {
  return Builder(*graph_).create(ops::kRelu, {x});
}
ValueId TestNet::add(ValueId a, ValueId b) {
  return Builder(*graph_).create(ops::kAdd, {a, b});
}
ValueId TestNet::mul(ValueId a, ValueId b) {
  return Builder(*graph_).create(ops::kMul, {a, b});
}

ValueId TestNet::mean(ValueId x, Ints axes, bool keepdim) {
  return Builder(*graph_).create(ops::kMean, {x},
                                 {{attr::kAxes, Axes{std::move(axes)}}, {attr::kKeepDim, keepdim}});
}

ValueId TestNet::permute(ValueId x, Ints perm) {
  return Builder(*graph_).create(ops::kPermute, {x}, {{attr::kPerm, Perm{std::move(perm)}}});
}

ValueId TestNet::reshape(ValueId x, Dims dims) {
  return Builder(*graph_).create(ops::kReshape, {x}, {{attr::kShape, ShapeAttr{std::move(dims)}}});
}

ValueId TestNet::concat(const std::vector<ValueId>& values, int64_t axis) {
  const std::vector<NamedAttr> attrs{{attr::kAxis, Axis{axis}}};
  return Builder(*graph_).create(ops::kConcat, values, attrs);
}

ValueId TestNet::slice(ValueId x, int64_t axis, int64_t begin, int64_t end) {
  Ints starts(dims(x).size(), 0);
  Ints steps(dims(x).size(), 1);
  Ints ends = static_sizes(dims(x));
  starts[static_cast<size_t>(axis)] = begin;
  ends[static_cast<size_t>(axis)] = end;
  return Builder(*graph_).create(ops::kSlice, {x},
                                 {{attr::kStarts, AxisSizes{to_dims(starts)}},
                                  {attr::kEnds, AxisSizes{to_dims(ends)}},
                                  {attr::kSteps, PerAxis{std::move(steps)}}});
}

ValueId TestNet::gather(ValueId x, int64_t axis, Ints shape) {
  Builder builder(*graph_);
  const ValueId positions =
      builder.constant(TensorData::filled(DType::kI32, shape, 0), "positions");
  return builder.create(ops::kGather, {x, positions}, {{attr::kAxis, Axis{axis}}});
}

ValueId TestNet::linear(ValueId x, int64_t out) {
  const ValueId weight = constant({out, dims(x).back().size()});
  return Builder(*graph_).create(ops::kLinear, {x, weight, constant({out})});
}

ValueId TestNet::matmul(ValueId a, ValueId b) {
  return Builder(*graph_).create(ops::kMatmul, {a, b});
}

ValueId TestNet::softmax(ValueId x, int64_t axis) {
  return Builder(*graph_).create(ops::kSoftmax, {x}, {{attr::kAxis, Axis{axis}}});
}

ValueId TestNet::pixel_shuffle(ValueId x, int64_t factor) {
  return Builder(*graph_).create(ops::kPixelShuffle, {x}, {{attr::kFactor, factor}});
}

LayoutPlan TestNet::plan(const IoLayouts& io) const {
  return plan_layout(*graph_, ChannelsLastContract(), io);
}

std::string TestNet::shape(const Layout& layout) const {
  return print_dims(layout.shape(), graph_->symbols());
}

std::string TestNet::name_of(ValueId value) const {
  const Value& of = graph_->value(value);
  if (!of.name.empty()) return of.name;
  return std::string(graph_->op(of.producer).def->name);
}

std::string TestNet::copies(const LayoutPlan& plan) const {
  std::vector<std::string> lines;
  for (const LayoutCopy& copy : plan.copies) {
    lines.push_back(name_of(copy.value) + " " + shape(copy.from) + " -> " + shape(copy.to) + "\n");
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

}  // namespace ferryman::layout
