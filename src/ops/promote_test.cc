#include "ops/promote.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace ferryman {
namespace {

// torch 2.13's torch.result_type for each pair of: a tensor with axes of every dtype (in the order
// of DType), a tensor without axes of every dtype, a Python bool, int and float. '-': refused.
constexpr std::array<std::string_view, 33> kTorch = {
    "hffdhhhhhhhhhczhhhhhhhhhhhhh--hhh", "fbfdbbbbbbbbbczbbbbbbbbbbbbbccbbb",
    "fffdfffffffffczfffffffffffffccfff", "dddddddddddddzzdddddddddddddzzddd",
    "hbfdaslqs---aczhbfdaaaaaaaaaczaaf", "hbfdsslqs---sczhbfdsssssssssczssf",
    "hbfdlllql---lczhbfdlllllllllczllf", "hbfdqqqqq---qczhbfdqqqqqqqqqczqqf",
    "hbfdsslqA---AczhbfdAAAAAAAAAczAAf", "hbfd-----S-----hbfdSSSSSSSSSczSSf",
    "hbfd------L----hbfdLLLLLLLLLczLLf", "hbfd-------Q---hbfdQQQQQQQQQczQQf",
    "hbfdaslqA---?czhbfdaslqA---?cz?qf", "ccczccccc---cczcccccccccccccccccc",
    "zzzzzzzzz---zzzzzzzzzzzzzzzzzzzzz", "hbfdhhhhhhhhhczhffdhhhhhhhhhczhhh",
    "hbfdbbbbbbbbbczfbfdbbbbbbbbbczbbb", "hbfdfffffffffczfffdfffffffffczfff",
    "hbfddddddddddczdddddddddddddzzddd", "hbfdaslqASLQaczhbfdaslqs---aczaaf",
    "hbfdaslqASLQsczhbfdsslqs---sczssf", "hbfdaslqASLQlczhbfdlllql---lczllf",
    "hbfdaslqASLQqczhbfdqqqqq---qczqqf", "hbfdaslqASLQAczhbfdsslqA---AczAAf",
    "hbfdaslqASLQ-czhbfd-----S-----SSf", "hbfdaslqASLQ-czhbfd------L----LLf",
    "hbfdaslqASLQ-czhbfd-------Q---QQf", "hbfdaslqASLQ?czhbfdaslqA---?cz?qf",
    "-cczcccccccccczccczccccc---cczccc", "-cczzzzzzzzzzczzzzzzzzzz---zzzzzz",
    "hbfdaslqASLQ?czhbfdaslqASLQ?cz?qf", "hbfdaslqASLQqczhbfdaslqASLQqczqqf",
    "hbfdfffffffffczhbfdfffffffffczfff",
};
constexpr std::string_view kCodes = "hbfdaslqASLQ?cz";  // one letter for each DType

PromotionArg operand(size_t position) {
  if (position < kNumDTypes) return {static_cast<DType>(position), OperandCategory::kTensor};
  if (position < 2 * kNumDTypes)
    return {static_cast<DType>(position - kNumDTypes), OperandCategory::kScalarTensor};
  constexpr DType kNumbers[] = {DType::kBool, DType::kI64, DType::kF32};
  return {kNumbers[position - 2 * kNumDTypes], OperandCategory::kNumber};
}

char code(std::optional<DType> dtype) {
  return dtype.has_value() ? kCodes[static_cast<size_t>(*dtype)] : '-';
}

TEST(Promotion, AgreesWithTorchOnEveryPair) {
  for (size_t a = 0; a < kTorch.size(); ++a) {
    std::string row;
    for (size_t b = 0; b < kTorch.size(); ++b)
      row += code(result_type(std::array{operand(a), operand(b)}));
    EXPECT_EQ(row, kTorch[a]) << "with operand " << a << " first";
  }
}

TEST(Promotion, AScalarTensorAndANumberTogetherStayBelowATensorWithAxes) {
  EXPECT_EQ(result_type(std::array{PromotionArg{DType::kF16, OperandCategory::kTensor},
                                   PromotionArg{DType::kF64, OperandCategory::kScalarTensor},
                                   PromotionArg{DType::kF32, OperandCategory::kNumber}}),
            DType::kF16);
}

}  // namespace
}  // namespace ferryman
