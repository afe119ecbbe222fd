#include "ops/linalg/matrix_jacobi.h"

#include <gtest/gtest.h>

#include <cmath>

#include "ops/matrix_test.h"

namespace ferryman {
namespace {

void expect_near(const std::vector<double>& found, const std::vector<double>& expected) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5) << "at " << i;
}

std::vector<ValueId> values(MatrixKit& kit, ValueId a) {
  return {singular_values(kit, a)};
}
std::vector<ValueId> eigenvalues(MatrixKit& kit, ValueId a) {
  return {symmetric_eigenvalues(kit, a)};
}

TEST(SingularValues, AreSortedDownwards) {
  expect_near(evaluate_matrices({{1, 3, 3}, {1, 0, 0, 0, -5, 0, 0, 0, 3}}, values)[0], {5, 3, 1});
  expect_near(evaluate_matrices({{1, 2, 2}, {3, 0, 4, 5}}, values)[0],
              {std::sqrt(45.0), std::sqrt(5.0)});
}

TEST(SingularValues, OfATallMatrixAreThoseOfTheWideOne) {
  const std::vector<double> expected = {std::sqrt(28.0), 0};
  expect_near(evaluate_matrices({{1, 3, 2}, {1, 1, 1, 3, 2, 4}}, values)[0],
              evaluate_matrices({{1, 2, 3}, {1, 1, 2, 1, 3, 4}}, values)[0]);
  expect_near(evaluate_matrices({{1, 2, 3}, {1, 2, 3, 1, 2, 3}}, values)[0], expected);
}

TEST(SingularValues, KeepTheirScale) {
  const auto found = evaluate_matrices({{2, 2, 2}, {3e20f, 0, 0, 1e20f, 3e-20f, 0, 0, 0}}, values);
  EXPECT_NEAR(found[0][0] / 3e20, 1, 1e-6);
  EXPECT_NEAR(found[0][1] / 1e20, 1, 1e-6);
  EXPECT_NEAR(found[0][2] / 3e-20, 1, 1e-6);
  EXPECT_EQ(found[0][3], 0);
}

TEST(SymmetricEigenvalues, KeepTheirSigns) {
  expect_near(evaluate_matrices({{2, 2, 2}, {0, 1, 1, 0, 2, 1, 1, 2}}, eigenvalues)[0],
              {-1, 1, 1, 3});
}

TEST(OrthogonaliseRows, TurnsBackIntoTheMatrix) {
  const auto turn_back = [](MatrixKit& kit, ValueId a) {
    const OrthogonalRows found = orthogonalise_rows(kit, a);
    return std::vector{kit.matmul(kit.transpose(found.turn), found.rows),
                       kit.matmul(found.rows, kit.transpose(found.rows))};
  };
  const std::vector<float> a = {1, 2, 3, 4, -1, 0, 2, 1, 5, 1, 1, 0};
  const Outcome found = evaluate_matrices({{1, 3, 4}, a}, turn_back);
  expect_near(found[0], std::vector<double>(a.begin(), a.end()));
  for (const size_t off_diagonal : {1U, 2U, 3U, 5U, 6U, 7U})
    EXPECT_NEAR(found[1][off_diagonal], 0, 1e-5);
}

}  // namespace
}  // namespace ferryman
