#include "tests/support/random_layers.h"

#include <array>
#include <string>
#include <vector>

#include "ops/attrs.h"
#include "ops/names.h"
#include "passes/fold/constants.h"
#include "passes/slice_range.h"
#include "tests/support/random_graph.h"
#include "tests/support/random_tensor.h"

namespace ferryman {

namespace {

constexpr int kMinLayers = 4;
constexpr int kMaxLayers = 12;

// Builds on [1, C, H, W] values with C even.
class LayerBuilder {
 public:
  LayerBuilder(Graph& graph, uint64_t seed) : graph_(graph), builder_(graph), random_(seed) {}

  void build() {
    const int64_t channels = 2 * random_.between(1, 3);
    const ValueId x =
        graph_.add_input("x", {DType::kF32, to_dims({1, channels, random_.between(3, 5), 4})});
    values_.push_back(x);
    const int64_t count = random_.between(kMinLayers, kMaxLayers);
    for (int64_t i = 0; i < count; ++i) add_layer();
    for (size_t i = 1; i < values_.size(); ++i) {
      if (graph_.value(values_[i]).uses.empty())
        graph_.add_output("y" + std::to_string(i), values_[i]);
    }
    if (random_.chance(50)) graph_.add_output("head", head(values_.back()));
    if (graph_.outputs().empty()) graph_.add_output("y", values_.back());
  }

 private:
  int64_t channels(ValueId value) const { return graph_.type(value).dims[1].size(); }
  Ints sizes(ValueId value) const { return static_sizes(graph_.type(value).dims); }

  // The latest value mostly.
  ValueId draw() {
    const size_t back = random_.chance(75) ? 1 : 1 + random_.below(values_.size());
    return values_[values_.size() - back];
  }

  ValueId random_constant(const Ints& shape) {
    return builder_.constant(
        random_tensor(DType::kF32, shape, static_cast<uint64_t>(random_.between(0, 1 << 20))));
  }
  ValueId positive_constant(const Ints& shape) {
    const TensorData signed_data =
        random_tensor(DType::kF32, shape, static_cast<uint64_t>(random_.between(0, 1 << 20)));
    return builder_.constant(
        map_elements(signed_data, [](double value) { return value * value + 0.5; }));
  }

  ValueId conv(ValueId x) {
    const int64_t in = channels(x);
    const int64_t kind = random_.between(0, 3);  // dense twice, depthwise, two groups
    const int64_t groups = kind == 2 ? in : kind == 3 ? 2 : 1;
    const int64_t out = kind == 2 ? in * random_.between(1, 2) : 2 * random_.between(1, 3);
    const int64_t kernel = random_.chance(60) ? 1 : 3;
    const int64_t padding = kernel == 3 || random_.chance(20) ? 1 : 0;
    const ValueId operands[] = {x, random_constant({out, in / groups, kernel, kernel}),
                                random_.chance(50) ? random_constant({out}) : ValueId()};
    const NamedAttr attrs[] = {{attr::kStride, Ints{1, 1}},
                               {attr::kDilation, Ints{1, 1}},
                               {attr::kPaddingBefore, Ints{padding, padding}},
                               {attr::kPaddingAfter, Ints{padding, padding}},
                               {attr::kGroups, groups}};
    return builder_.create(ops::kConv, operands, attrs);
  }

  ValueId conv_transpose(ValueId x) {
    const int64_t groups = random_.chance(50) ? 1 : 2;
    const ValueId operands[] = {
        x, random_constant({channels(x), random_.between(1, 2) * 2 / groups, 2, 2}), ValueId()};
    const NamedAttr attrs[] = {
        {attr::kStride, Ints{1, 1}},        {attr::kDilation, Ints{1, 1}},
        {attr::kPaddingBefore, Ints{1, 0}}, {attr::kPaddingAfter, Ints{0, 1}},
        {attr::kOutputPadding, Ints{0, 0}}, {attr::kGroups, groups}};
    return builder_.create(ops::kConvTranspose, operands, attrs);
  }

  ValueId batch_norm(ValueId x) {
    const Ints shape = {channels(x)};
    const ValueId operands[] = {x, random_constant(shape), positive_constant(shape),
                                random_.chance(70) ? random_constant(shape) : ValueId(),
                                random_.chance(70) ? random_constant(shape) : ValueId()};
    const NamedAttr attrs[] = {{attr::kEps, 1e-3}};
    return builder_.create(ops::kBatchNorm, operands, attrs);
  }

  ValueId along_channels(ValueId x) {
    static constexpr std::array kNames = {ops::kAdd, ops::kMul, ops::kSub, ops::kDiv};
    const Ints shape = random_.chance(70) ? Ints{channels(x), 1, 1} : Ints{};
    return builder_.create(random_.pick(kNames), {x, positive_constant(shape)});
  }

  ValueId activation(ValueId x) {
    static constexpr std::array kNames = {ops::kRelu, ops::kRelu6,  ops::kSigmoid,
                                          ops::kNeg,  ops::kSquare, ops::kHardswish};
    return builder_.create(random_.pick(kNames), {x});
  }

  ValueId pad(ValueId x) {
    const int64_t before = random_.between(0, 1);
    return builder_.create(ops::kPad, {x},
                           {{attr::kBefore, PerAxis{{0, 0, before, 1}}},
                            {attr::kAfter, PerAxis{{0, 0, 1, 0}}},
                            {attr::kValue, random_.chance(80) ? 0.0 : 1.0}});
  }

  ValueId pool(ValueId x) {
    const NamedAttr kernel(attr::kKernel, Ints{2, 2});
    const NamedAttr stride(attr::kStride, Ints{1, 1});
    const NamedAttr before(attr::kPaddingBefore, Ints{0, 1});
    const NamedAttr after(attr::kPaddingAfter, Ints{1, 0});
    if (random_.chance(50)) {
      return builder_.create(ops::kMaxPool, {x},
                             {kernel, stride, before, after, {attr::kDilation, Ints{1, 1}}});
    }
    return builder_.create(
        ops::kAvgPool, {x},
        {kernel, stride, before, after, {attr::kCountIncludePad, random_.chance(50)}});
  }

  // [1, C, H, W] as [1, a, C / a, H, W], the two exchanged.
  ValueId shuffle(ValueId x) {
    const Ints old = sizes(x);
    const int64_t groups = old[1] % 3 == 0 && random_.chance(40) ? 3 : 2;
    const Dims split = to_dims({old[0], groups, old[1] / groups, old[2], old[3]});
    const ValueId a = builder_.create(ops::kReshape, {x}, {{attr::kShape, ShapeAttr{split}}});
    const ValueId b = builder_.create(ops::kPermute, {a}, {{attr::kPerm, Perm{{0, 2, 1, 3, 4}}}});
    return builder_.create(ops::kReshape, {b}, {{attr::kShape, ShapeAttr{to_dims(old)}}});
  }

  ValueId piece(ValueId x, int64_t start, int64_t count) {
    SliceRanges ranges = whole(to_dims(sizes(x)));
    ranges[1] = {start, 1, count};
    const ValueId operands[] = {x};
    return builder_.create(ops::kSlice, operands, slice_attrs(ranges));
  }

  // A ShuffleNet unit: one half passes, the other is convolved.
  ValueId split_unit(ValueId x) {
    const int64_t half = channels(x) / 2;
    if (half < 2 || half % 2 != 0) return shuffle(x);
    const ValueId left = piece(x, 0, half);
    ValueId right = piece(x, half, half);
    const ValueId weight = random_constant({half, half, 1, 1});
    const NamedAttr attrs[] = {{attr::kStride, Ints{1, 1}},
                               {attr::kDilation, Ints{1, 1}},
                               {attr::kPaddingBefore, Ints{0, 0}},
                               {attr::kPaddingAfter, Ints{0, 0}}};
    const ValueId operands[] = {right, weight, ValueId()};
    right = builder_.create(ops::kConv, operands, attrs);
    return shuffle(builder_.create(ops::kConcat, {left, right}, {{attr::kAxis, Axis{1}}}));
  }

  // Two values of the same size summed, or of the same image size concatenated.
  ValueId join(ValueId x) {
    const ValueId other = values_[random_.below(values_.size())];
    if (graph_.type(other) == graph_.type(x) && random_.chance(50))
      return builder_.create(ops::kAdd, {x, other});
    Ints mine = sizes(x);
    Ints its = sizes(other);
    const int64_t total = mine[1] + its[1];
    mine[1] = its[1] = 0;
    if (mine != its || total > 16) return shuffle(x);
    return builder_.create(ops::kConcat, {x, other}, {{attr::kAxis, Axis{1}}});
  }

  ValueId head(ValueId x) {
    const ValueId mean =
        builder_.create(ops::kMean, {x}, {{attr::kAxes, Axes{{2, 3}}}, {attr::kKeepDim, false}});
    return builder_.create(ops::kLinear,
                           {mean, random_constant({3, channels(x)}), random_constant({3})});
  }

  void add_layer() {
    const ValueId x = draw();
    switch (random_.below(10)) {
      case 0:
      case 1:
        return values_.push_back(conv(x));
      case 2:
        return values_.push_back(batch_norm(x));
      case 3:
        return values_.push_back(along_channels(x));
      case 4:
        return values_.push_back(activation(x));
      case 5:
        return values_.push_back(random_.chance(50) ? pad(x) : pool(x));
      case 6:
        return values_.push_back(shuffle(x));
      case 7:
        return values_.push_back(split_unit(x));
      case 8:
        return values_.push_back(join(x));
      default:
        return values_.push_back(random_.chance(40) ? conv_transpose(x) : batch_norm(conv(x)));
    }
  }

  Graph& graph_;
  Builder builder_;
  RandomSource random_;
  std::vector<ValueId> values_;
};

}  // namespace

Graph random_layers(const OpSet& ops, uint64_t seed) {
  Graph graph(ops, "layers");
  LayerBuilder(graph, seed).build();
  return graph;
}

}  // namespace ferryman
