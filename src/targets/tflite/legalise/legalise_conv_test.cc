#include "targets/tflite/legalise/legalise_test_support.h"

namespace ferryman::tflite {
namespace {

std::vector<NamedAttr> conv_attrs(Ints stride, Ints before, Ints after, Ints dilation,
                                  int64_t groups) {
  return {{attr::kStride, std::move(stride)},
          {attr::kPaddingBefore, std::move(before)},
          {attr::kPaddingAfter, std::move(after)},
          {attr::kDilation, std::move(dilation)},
          {attr::kGroups, groups}};
}

TEST(LegaliseConv, OneSpatialAxisBecomesTwo) {
  const OneOpCase one = {
      ops::kConv,
      {random_values({2, 3, 9}), random_values({4, 3, 3}, 2), random_values({4}, 3)},
      conv_attrs({2}, {1}, {2}, {1}, 1)};
  expect_legalises(one);
  EXPECT_EQ(legalise_one(one).ops, (std::vector<std::string>{"reshape", "conv", "reshape"}));
}

TEST(LegaliseConv, LargeDepthwiseKernelsAreSplit) {
  const auto depthwise = [](Ints kernel, std::vector<NamedAttr> attrs) {
    const Ints weight = {6, 1, kernel[0], kernel[1]};
    return OneOpCase{
        ops::kConv,
        {random_values({1, 3, 12, 13}), random_values(weight, 2), random_values({6}, 3)},
        std::move(attrs)};
  };
  const OneOpCase same = depthwise({7, 7}, conv_attrs({1, 1}, {3, 3}, {3, 3}, {1, 1}, 3));
  expect_legalises(same);
  EXPECT_EQ(legalise_one(same).ops,
            (std::vector<std::string>{"conv", "conv", "add", "conv", "add"}));
  expect_legalises(depthwise({7, 7}, conv_attrs({2, 1}, {3, 2}, {2, 3}, {1, 1}, 3)));
  expect_legalises(depthwise({9, 9}, conv_attrs({1, 2}, {4, 4}, {4, 4}, {1, 1}, 3)));
  expect_legalises(depthwise({6, 5}, conv_attrs({1, 1}, {5, 4}, {5, 4}, {2, 2}, 3)));
  expect_legalises(depthwise({1, 31}, conv_attrs({1, 1}, {0, 15}, {0, 15}, {1, 1}, 3)));
}

TEST(LegaliseConv, FiveByFiveDepthwiseStaysOneOp) {
  EXPECT_EQ(legalise_one({ops::kConv,
                          {random_values({1, 3, 8, 8}), random_values({3, 1, 5, 5}, 2)},
                          conv_attrs({1, 1}, {2, 2}, {2, 2}, {1, 1}, 3)})
                .ops,
            std::vector<std::string>{"conv"});
}

TEST(LegaliseConv, GroupsOfThreeAxesAreConvolvedOneByOne) {
  expect_legalises(
      {ops::kConv,
       {random_values({1, 4, 3, 4, 5}), random_values({6, 2, 2, 2, 2}, 2), random_values({6}, 3)},
       conv_attrs({1, 1, 2}, {0, 1, 0}, {0, 1, 0}, {1, 1, 1}, 2)});
}

struct TransposedCase {
  int64_t kernel, stride, before, after, output_padding, dilation, groups;
};

void expect_transposed_legalises(const TransposedCase& c, size_t rank) {
  const auto all = [&](int64_t number) { return Ints(rank, number); };
  Ints input = {2, 4};
  Ints weight = {4, 3};
  for (size_t axis = 0; axis < rank; ++axis) {
    input.push_back(4 + static_cast<int64_t>(axis));
    weight.push_back(c.kernel);
  }
  std::vector<NamedAttr> attrs =
      conv_attrs(all(c.stride), all(c.before), all(c.after), all(c.dilation), c.groups);
  attrs.push_back({attr::kOutputPadding, all(c.output_padding)});
  SCOPED_TRACE(testing::Message() << "kernel " << c.kernel << " stride " << c.stride << " padding "
                                  << c.before << " " << c.after << " output_padding "
                                  << c.output_padding << " dilation " << c.dilation << " groups "
                                  << c.groups << " rank " << rank);
  expect_legalises(
      {ops::kConvTranspose,
       {random_values(input), random_values(weight, 2), random_values({3 * c.groups}, 3)},
       attrs});
}

TEST(LegaliseConvTranspose, IsAConvolutionForEveryStridePaddingDilationAndGroup) {
  for (const int64_t kernel : {1, 2, 3, 4}) {
    for (const int64_t stride : {1, 2, 3}) {
      for (const int64_t padding : {0, 1, 2}) {
        for (const int64_t dilation : {1, 2}) {
          for (const int64_t output_padding : {int64_t{0}, stride - 1}) {
            const int64_t size =
                3 * stride + dilation * (kernel - 1) + 1 + output_padding - 2 * padding;
            if (size < 1) continue;
            expect_transposed_legalises(
                {kernel, stride, padding, padding, output_padding, dilation, 2}, 1);
          }
        }
      }
    }
  }
}

TEST(LegaliseConvTranspose, InTwoAndThreeAxes) {
  expect_transposed_legalises({4, 2, 1, 1, 0, 1, 1}, 2);
  expect_transposed_legalises({3, 2, 1, 1, 1, 1, 2}, 2);
  expect_transposed_legalises({3, 1, 0, 2, 0, 2, 4}, 2);
  expect_transposed_legalises({2, 2, 0, 0, 0, 1, 1}, 3);
  expect_transposed_legalises({3, 2, 1, 1, 1, 1, 2}, 3);
}

TEST(LegaliseConvTranspose, KernelEqualToStrideNeedsNeitherPaddingNorSlice) {
  std::vector<NamedAttr> attrs = conv_attrs({2, 2}, {0, 0}, {0, 0}, {1, 1}, 1);
  attrs.push_back({attr::kOutputPadding, Ints{0, 0}});
  EXPECT_EQ(legalise_one({ops::kConvTranspose,
                          {random_values({1, 4, 3, 3}), random_values({4, 5, 2, 2}, 2)},
                          attrs})
                .ops,
            (std::vector<std::string>{"conv", "reshape", "permute", "reshape", "depth_to_space"}));
}

}  // namespace
}  // namespace ferryman::tflite
