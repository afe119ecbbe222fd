#include "ops/reshape_groups.h"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "ir/dim.h"
#include "support/result.h"

namespace ferryman {
namespace {

class ReshapeGroups : public testing::Test {
 protected:
  Dim size(std::string_view text) {
    Result<Dim> dim = symbols_.parse(text);
    EXPECT_TRUE(dim.ok()) << text;
    return std::move(dim).value();
  }

  Dims dims(std::initializer_list<std::string_view> texts) {
    Dims found;
    for (const std::string_view text : texts) found.push_back(size(text));
    return found;
  }

  // As "0 1 | 0, 2 | 1 2", the places of the dims of each group.
  std::string groups(std::initializer_list<std::string_view> lhs,
                     std::initializer_list<std::string_view> rhs) {
    std::string text;
    const auto places = [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) text += std::to_string(i) + " ";
    };
    for (const DimGroup& group : group_dims(symbols_, dims(lhs), dims(rhs))) {
      if (!text.empty()) text += ", ";
      places(group.lhs_begin, group.lhs_end);
      text += "| ";
      places(group.rhs_begin, group.rhs_end);
    }
    return text;
  }

  SymbolTable symbols_;
  const Dim batch_ = symbols_.symbol("b", {1, 64}, 2);
  const Dim length_ = symbols_.symbol("t", {1, 512}, 7);
};

TEST_F(ReshapeGroups, NumbersAreSplitWhereTheirProductsMeet) {
  EXPECT_EQ(groups({"2", "6", "5"}, {"2", "2", "3", "5"}), "0 | 0 , 1 | 1 2 , 2 | 3 ");
  EXPECT_EQ(groups({"4", "9"}, {"6", "6"}), "0 1 | 0 1 ");
}

TEST_F(ReshapeGroups, AFreeAxisStandsAloneBesideAnother) {
  EXPECT_EQ(groups({"b", "t", "768"}, {"b", "t", "12", "64"}), "0 | 0 , 1 | 1 , 2 | 2 3 ");
}

TEST_F(ReshapeGroups, TwoFreeAxesBecomeOne) {
  EXPECT_EQ(groups({"b", "t", "768"}, {"b*t", "768"}), "0 1 | 0 , 2 | 1 ");
  EXPECT_EQ(groups({"b*t", "12", "64"}, {"b", "t", "768"}), "0 | 0 1 , 1 2 | 2 ");
}

TEST_F(ReshapeGroups, ANumberBesideAFreeAxisJoinsIt) {
  EXPECT_EQ(groups({"b", "12", "t", "t"}, {"12*b", "t", "t"}), "0 1 | 0 , 2 | 1 , 3 | 2 ");
  EXPECT_EQ(groups({"1", "b", "4", "t"}, {"b", "2", "2*t"}), "0 | , 1 | 0 , 2 3 | 1 2 ");
}

TEST_F(ReshapeGroups, WhatIsNotKnownToBeEqualIsOneGroupUpToACommonEnd) {
  EXPECT_EQ(groups({"b", "t", "7"}, {"t", "b", "7"}), "0 1 | 0 1 , 2 | 2 ");
}

// Whatever was merged and split on the way, groups cover both sides, in order, with equal products.
TEST_F(ReshapeGroups, GroupsCoverBothSidesWithEqualProducts) {
  std::mt19937 random(5);
  for (int round = 0; round < 500; ++round) {
    Dims pieces;
    for (int i = 0; i < 5; ++i) {
      const std::array choices{Dim(1), Dim(2), Dim(3), batch_, length_};
      pieces.push_back(choices[random() % choices.size()]);
    }
    const auto merged = [&] {
      Dims found;
      for (const Dim piece : pieces) {
        if (found.empty() || random() % 2 == 0) {
          found.push_back(piece);
        } else {
          found.back() = symbols_.mul(found.back(), piece);
        }
      }
      return found;
    };
    const Dims lhs = merged();
    const Dims rhs = merged();
    size_t l = 0;
    size_t r = 0;
    for (const DimGroup& group : group_dims(symbols_, lhs, rhs)) {
      EXPECT_EQ(group.lhs_begin, l);
      EXPECT_EQ(group.rhs_begin, r);
      Dim left = 1;
      Dim right = 1;
      for (; l < group.lhs_end; ++l) left = symbols_.mul(left, lhs[l]);
      for (; r < group.rhs_end; ++r) right = symbols_.mul(right, rhs[r]);
      EXPECT_EQ(left, right);
    }
    EXPECT_EQ(l, lhs.size());
    EXPECT_EQ(r, rhs.size());
  }
}

}  // namespace
}  // namespace ferryman
