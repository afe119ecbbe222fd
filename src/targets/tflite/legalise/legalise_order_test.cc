#include "targets/tflite/legalise/legalise_test_support.h"

namespace ferryman::tflite {
namespace {

std::vector<NamedAttr> topk_attrs(int64_t axis, int64_t count, bool largest) {
  return {{attr::kAxis, Axis{axis}}, {attr::kCount, SizeAttr{count}}, {attr::kLargest, largest}};
}

constexpr double kExactly = 0;

TEST(LegaliseOrder, FloatsAreOrderedByTheirBitsOrAsTheyAre) {
  const TensorData x = TensorData::of<float>(
      {2, 5}, {-0.0F, 0, INFINITY, -3, -INFINITY, 1e-40F, -1e-40F, 2, -2, 3e38F});
  for (const NanForm nan : {NanForm::kFast, NanForm::kExact}) {
    for (const bool largest : {true, false}) {
      const OneOpCase cases[] = {
          {ops::kTopk, {x}, topk_attrs(1, 4, largest)},
          {ops::kTopk, {random_values({3, 4, 5})}, topk_attrs(0, 2, largest)}};
      for (const OneOpCase& one : cases) expect_legalises(one, kExactly, {.nan = nan});
    }
  }
}

TEST(LegaliseOrder, TheSmallestIntegersIncludeTheLowest) {
  const TensorData x = TensorData::of<int64_t>({4}, {INT64_MIN, 3, INT64_MAX, -1});
  expect_legalises({ops::kTopk, {x}, topk_attrs(0, 3, false)});
}

std::vector<NamedAttr> segment_attrs(int64_t count, std::string reduction) {
  return {{attr::kCount, SizeAttr{count}}, {attr::kReduction, std::move(reduction)}};
}

TEST(LegaliseOrder, ExtremesOfSegmentsOfFloats) {
  const TensorData numbers = TensorData::of<int32_t>({4}, {2, 0, 2, 0});
  for (const char* reduction : {"amax", "amin"})
    expect_legalises(
        {ops::kSegmentReduce, {random_values({4, 3}), numbers}, segment_attrs(4, reduction)});
}

TEST(LegaliseOrder, SegmentsOfInt64BecomeATable) {
  const TensorData x = TensorData::of<int64_t>({4, 1}, {1L << 40, -5, 3, 1L << 41});
  const TensorData numbers = TensorData::of<int32_t>({4}, {2, 0, 2, 0});
  for (const char* reduction : {"amax", "amin", "prod"})
    expect_legalises({ops::kSegmentReduce, {x, numbers}, segment_attrs(3, reduction)});
}

}  // namespace
}  // namespace ferryman::tflite
