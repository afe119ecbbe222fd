#include "ops/attrs.h"
#include "ops/names.h"
#include "ops/row_test.h"
#include "ops/spatial/pool_sizes.h"

namespace ferryman {
namespace {

using Values = std::vector<double>;

std::vector<NamedAttr> conv_attrs(Ints stride, Ints before, Ints after, Ints dilation,
                                  int64_t groups) {
  return {{attr::kStride, std::move(stride)},
          {attr::kPaddingBefore, std::move(before)},
          {attr::kPaddingAfter, std::move(after)},
          {attr::kDilation, std::move(dilation)},
          {attr::kGroups, groups}};
}

TEST(Conv, PadsEachSideByItself) {
  const TensorData x = TensorData::of<float>({1, 1, 3}, {1, 2, 3});
  const TensorData weight = TensorData::of<float>({1, 1, 2}, {10, 1});
  const TensorData bias = TensorData::of<float>({1}, {0.5F});
  EXPECT_EQ(evaluate_row(ops::kConv, {x, weight, bias}, conv_attrs({1}, {0}, {1}, {1}, 1)),
            (Values{12.5, 23.5, 30.5}));
  EXPECT_EQ(evaluate_row(ops::kConv, {x, weight, bias}, conv_attrs({2}, {1}, {0}, {1}, 1)),
            (Values{1.5, 23.5}));
}

TEST(Conv, GroupsReadTheirOwnChannels) {
  const TensorData x = TensorData::of<float>({1, 2, 1}, {3, 5});
  const TensorData weight = TensorData::of<float>({4, 1, 1}, {1, 2, 3, 4});
  EXPECT_EQ(evaluate_row(ops::kConv, {x, weight}, conv_attrs({1}, {0}, {0}, {1}, 2)),
            (Values{3, 6, 15, 20}));
}

TEST(Conv, RefusesChannelsThatDoNotFit) {
  EXPECT_EQ(refused_row(ops::kConv, {iota({1, 3, 4}), iota({2, 2, 1})},
                        conv_attrs({1}, {0}, {0}, {1}, 1)),
            "conv: 3 input channels in 1 groups with weight [2, 2, 1]");
}

TEST(ConvTranspose, ScattersEachInputOverItsWindow) {
  const TensorData x = TensorData::of<float>({1, 1, 2}, {1, 2});
  const TensorData weight = TensorData::of<float>({1, 1, 3}, {1, 10, 100});
  std::vector<NamedAttr> attrs = conv_attrs({2}, {0}, {0}, {1}, 1);
  attrs.push_back({attr::kOutputPadding, Ints{1}});
  EXPECT_EQ(evaluate_row(ops::kConvTranspose, {x, weight}, attrs),
            (Values{1, 10, 102, 20, 200, 0}));
  attrs = conv_attrs({2}, {1}, {1}, {1}, 1);
  attrs.push_back({attr::kOutputPadding, Ints{1}});
  EXPECT_EQ(evaluate_row(ops::kConvTranspose, {x, weight}, attrs), (Values{10, 102, 20, 200}));
}

TEST(MaxPool, PaddingNeverWins) {
  const TensorData x = TensorData::of<float>({1, 1, 3}, {-5, -3, -4});
  EXPECT_EQ(evaluate_row(ops::kMaxPool, {x},
                         {{attr::kKernel, Ints{2}},
                          {attr::kStride, Ints{2}},
                          {attr::kPaddingBefore, Ints{1}},
                          {attr::kPaddingAfter, Ints{0}},
                          {attr::kDilation, Ints{1}}}),
            (Values{-5, -3}));
}

// torch.nn.functional.avg_pool1d(x, 3, 2, 1, ceil_mode=True)
TEST(AvgPool, CountsPaddingButNotWhatCeilModeAdds) {
  const TensorData x = TensorData::of<float>({1, 1, 6}, {3, 6, 9, 12, 15, 18});
  const auto attrs = [](bool count_include_pad) {
    return std::vector<NamedAttr>{
        {attr::kKernel, Ints{3}},        {attr::kStride, Ints{2}},
        {attr::kPaddingBefore, Ints{1}}, {attr::kPaddingAfter, Ints{1}},
        {attr::kCeilMode, true},         {attr::kCountIncludePad, count_include_pad}};
  };
  EXPECT_EQ(evaluate_row(ops::kAvgPool, {x}, attrs(true)), (Values{3, 9, 15, 9}));
  EXPECT_EQ(evaluate_row(ops::kAvgPool, {x}, attrs(false)), (Values{4.5, 9, 15, 18}));
}

TEST(PoolSizes, CeilModeAddsNoWindowThatStartsInThePaddingBehind) {
  const Window window = {{2}, {2}, {1}, {1}, {1}};
  EXPECT_EQ(ceil_mode_padding(window, 0, 3), 1);  // 5 padded: the third window would start at 4
  EXPECT_EQ(ceil_mode_padding(window, 0, 4), 1);
  const Window unpadded = {{3}, {2}, {1}, {0}, {0}};
  EXPECT_EQ(ceil_mode_padding(unpadded, 0, 6), 1);
  EXPECT_EQ(ceil_mode_padding(unpadded, 0, 7), 0);
}

TEST(AvgPool, RefusesAStrideOfZeroBeforeItDividesByIt) {
  EXPECT_EQ(refused_row(ops::kAvgPool, {iota({1, 1, 4})},
                        {{attr::kKernel, Ints{2}},
                         {attr::kStride, Ints{0}},
                         {attr::kPaddingBefore, Ints{0}},
                         {attr::kPaddingAfter, Ints{0}},
                         {attr::kCeilMode, true}}),
            "avg_pool: kernel size, stride or dilation below 1");
}

TEST(AdaptiveMaxPool, RefusesAnEmptyImage) {
  EXPECT_EQ(refused_row(ops::kAdaptiveMaxPool, {iota({1, 1, 0})}, {{attr::kOutputSize, Ints{1}}}),
            "adaptive_max_pool: adaptive pooling of no elements");
}

TEST(AdaptiveAvgPool, WindowsOverlapWhereSizesDoNotDivide) {
  EXPECT_EQ(evaluate_row(ops::kAdaptiveAvgPool, {iota({1, 1, 7})}, {{attr::kOutputSize, Ints{3}}}),
            (Values{1, 3, 5}));
  EXPECT_EQ(evaluate_row(ops::kAdaptiveMaxPool, {iota({1, 1, 7})}, {{attr::kOutputSize, Ints{3}}}),
            (Values{2, 4, 6}));
}

}  // namespace
}  // namespace ferryman
