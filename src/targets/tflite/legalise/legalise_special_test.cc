// Each special function, written in elementary ones, gives the numbers of its row.
#include <gtest/gtest.h>

#include "ops/names.h"
#include "ops/special/special_functions.h"
#include "ops/special/special_names.h"
#include "targets/tflite/legalise/legalise_test_support.h"

namespace ferryman::tflite {
namespace {

TEST(LegaliseSpecial, FunctionsOfOneOperandKeepTheirNumbers) {
  const TensorData x = TensorData::of<float>(
      {12}, {-7.3F, -2.6F, -0.7F, -0.01F, 0.01F, 0.4F, 0.9F, 1.5F, 2.7F, 4.9F, 5.1F, 17.0F});
  for (const SpecialUnary& row : special_unaries()) {
    SCOPED_TRACE(row.rule);
    expect_legalises({row.name, {x}}, 1e-4);
  }
  for (const int64_t order : {1, 2, 5}) {
    expect_legalises({ops::kPolygamma, {x}, {{attr::kOrder, order}}}, 1e-3);
  }
}

TEST(LegaliseSpecial, FunctionsOfTwoOperandsBroadcast) {
  const TensorData x = TensorData::of<float>({3, 1}, {1.5F, 3.0F, 30.0F});
  const TensorData y = TensorData::of<float>({4}, {0.2F, 1.7F, 6.5F, 31.0F});
  for (const SpecialBinary& row : special_binaries()) {
    SCOPED_TRACE(row.rule);
    expect_legalises({row.name, {x, y}}, 1e-5);
  }
}

TEST(LegaliseSpecial, RsqrtOfWhatMayBeZeroIsADivision) {
  const OneOpCase one = {ops::kRsqrt, {TensorData::of<float>({3}, {0.0F, -0.0F, 4.0F})}};
  expect_legalises(one);
  EXPECT_EQ(legalise_one(one).ops, (std::vector<std::string>{"sqrt", "reciprocal"}));
}

TEST(LegaliseSpecial, ShiftsOfInt64AreExact) {
  const TensorData x = TensorData::of<int64_t>(
      {5}, {-1, 5, int64_t{1} << 62, std::numeric_limits<int64_t>::min(), -123456789012345});
  for (const int64_t by : {0, 1, 31, 32, 33, 63}) {
    expect_legalises({ops::kShiftRight, {x, TensorData::of<int64_t>({}, {by})}}, 0);
  }
}

}  // namespace
}  // namespace ferryman::tflite
