#include "support/small_vector.h"

#include <gtest/gtest.h>

#include <random>

namespace ferryman {
namespace {

using List = SmallVector<int, 3>;

bool lies_inside(const List& list) {
  const auto* const begin = reinterpret_cast<const std::byte*>(&list);
  const auto* const data = reinterpret_cast<const std::byte*>(list.data());
  return data >= begin && data < begin + sizeof(list);
}

TEST(SmallVector, KeepsItsFirstElementsInside) {
  List list = {1, 2};
  list.push_back(3);
  EXPECT_TRUE(lies_inside(list));
  list.push_back(4);
  EXPECT_FALSE(lies_inside(list));
  EXPECT_EQ(list, (List{1, 2, 3, 4}));
}

TEST(SmallVector, TakesAnElementOfItsOwnWhenItGrows) {
  List list = {7, 8, 9};
  list.push_back(list.front());
  list.insert(list.begin(), list.back());
  EXPECT_EQ(list, (List{7, 7, 8, 9, 7}));
  list.resize(40, list[2]);
  EXPECT_EQ(list.back(), 8);
}

TEST(SmallVector, MovesWhatIsOnTheHeapAndCopiesWhatIsInside) {
  for (const size_t size : {size_t{0}, size_t{2}, size_t{3}, size_t{9}}) {
    List from(size, 5);
    const int* const data = from.data();
    const bool was_inside = lies_inside(from);
    List to = {1, 2, 3, 4};
    to = std::move(from);
    EXPECT_EQ(to, List(size, 5));
    EXPECT_EQ(to.data() == data, !was_inside);
    EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): it says so
    from.push_back(6);
    EXPECT_EQ(from, List{6});
    const List& itself = to;
    to = itself;
    EXPECT_EQ(to, List(size, 5));
  }
}

TEST(SmallVector, ComparesAsVectorsDo) {
  EXPECT_LT((List{1, 2}), (List{1, 3}));
  EXPECT_LT((List{1, 2}), (List{1, 2, 0}));
  EXPECT_NE((List{1}), (List{1, 1}));
  EXPECT_EQ(List(std::vector<int>{1, 2}), (List{1, 2}));
  EXPECT_EQ(std::vector<int>(List{1, 2}), (std::vector<int>{1, 2}));
}

// Any sequence of changes leaves what it leaves of std::vector.
TEST(SmallVector, ChangesAsVectorsDo) {
  std::mt19937 random(1);
  const auto below = [&](size_t bound) {
    return std::uniform_int_distribution<size_t>(0, bound - 1)(random);
  };
  List list;
  std::vector<int> expected;
  for (int step = 0; step < 5000; ++step) {
    const auto at = static_cast<std::ptrdiff_t>(below(expected.size() + 1));
    const List more = {step, -step};
    switch (below(8)) {
      case 0:
        list.push_back(step);
        expected.push_back(step);
        break;
      case 1:
        list.insert(list.begin() + at, step);
        expected.insert(expected.begin() + at, step);
        break;
      case 2:
        list.insert(list.begin() + at, more.begin(), more.end());
        expected.insert(expected.begin() + at, more.begin(), more.end());
        break;
      case 3:
        list.erase(list.begin() + at, list.end());
        expected.erase(expected.begin() + at, expected.end());
        break;
      case 4:
        list.insert(list.begin() + at, 2, step);
        expected.insert(expected.begin() + at, 2, step);
        break;
      case 5:
        erase_if(list, [](int item) { return item % 3 == 0; });
        std::erase_if(expected, [](int item) { return item % 3 == 0; });
        break;
      case 6:
        list.resize(static_cast<size_t>(at), step);
        expected.resize(static_cast<size_t>(at), step);
        break;
      case 7:
        list = List(list);
        list.assign(more.begin(), more.end());
        expected.assign(more.begin(), more.end());
        break;
      default:
        break;
    }
    ASSERT_EQ(std::vector<int>(list), expected) << "step " << step;
  }
}

}  // namespace
}  // namespace ferryman
