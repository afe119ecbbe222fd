#include "ops/linalg/matrix_factor.h"

#include <gtest/gtest.h>

#include "ops/matrix_test.h"

namespace ferryman {
namespace {

TEST(FactorLu, SwapsTheLargestNumberOfAColumnUp) {
  const auto run = [](MatrixKit& kit, ValueId a) {
    const Lu lu = factor_lu(kit, a, {});
    return std::vector{lu.packed, lu.pivots, failed_pivot(kit, lu)};
  };
  EXPECT_EQ(evaluate_matrices({{1, 2, 2}, {1, 2, 4, 8}}, run),
            (Outcome{{4, 8, 0.25, 0}, {1, 0}, {2}}));
}

TEST(FactorLu, OfEquallyLargeNumbersTheFirstIsThePivot) {
  const auto run = [](MatrixKit& kit, ValueId a) {
    return std::vector{factor_lu(kit, a, {}).packed};
  };
  EXPECT_EQ(evaluate_matrices({{1, 3, 1}, {2, -4, 4}}, run), (Outcome{{-4, -0.5, -1}}));
}

TEST(FactorLu, CarriesAMatrixAlongSwappedOrEliminated) {
  const auto run = [](MatrixKit& kit, ValueId a) {
    const ValueId one = kit.identity(a, 2, 2);
    return std::vector{factor_lu(kit, a, {one, Carry::kSwapRows}).carried,
                       factor_lu(kit, a, {one, Carry::kEliminate}).carried};
  };
  EXPECT_EQ(evaluate_matrices({{1, 2, 2}, {1, 2, 4, 4}}, run),
            (Outcome{{0, 1, 1, 0}, {0, 1, 1, -0.25}}));
}

TEST(FactorLu, EachMatrixOfABatchHasItsOwnPivots) {
  const auto run = [](MatrixKit& kit, ValueId a) {
    const Lu lu = factor_lu(kit, a, {});
    return std::vector{lu.packed, lu.pivots};
  };
  EXPECT_EQ(evaluate_matrices({{2, 2, 1}, {1, 2, 2, 1}}, run), (Outcome{{2, 0.5, 2, 0.5}, {1, 0}}));
}

TEST(SwapRows, BackwardUndoesForward) {
  const auto run = [](MatrixKit& kit, ValueId b) {
    const ValueId pivots = kit.matrix(DType::kI32, {1, 3, 1}, {3, 3, 3});
    const ValueId swapped = swap_rows(kit, b, pivots, SwapOrder::kForward);
    return std::vector{swapped, swap_rows(kit, swapped, pivots, SwapOrder::kBackward)};
  };
  EXPECT_EQ(evaluate_matrices({{1, 3, 1}, {1, 2, 3}}, run), (Outcome{{3, 1, 2}, {1, 2, 3}}));
}

TEST(FirstFlagged, CountsFromOneAndIsZeroWithoutAFlag) {
  const auto run = [](MatrixKit& kit, ValueId x) {
    return std::vector{first_flagged(kit, kit.cast(x, DType::kBool))};
  };
  EXPECT_EQ(evaluate_matrices({{3, 1, 3}, {0, 1, 1, 0, 0, 0, 1, 0, 0}}, run), (Outcome{{2, 0, 1}}));
}

TEST(SolveTriangular, DoesNotReadOutsideTheTriangle) {
  const auto run = [](MatrixKit& kit, ValueId t) {
    const ValueId b = kit.matrix(DType::kF32, {1, 2, 1}, {4, 10});
    return std::vector{
        solve_triangular(kit, t, b, {Triangle::kLower}),
        solve_triangular(kit, t, b, {Triangle::kUpper}),
        solve_triangular(kit, t, b, {Triangle::kLower, Diagonal::kOne}),
    };
  };
  // The matrix [2 3; 1 4]: 2x = 4, x + 4y = 10; 4y = 10, 2x + 3y = 4; x = 4, x + y = 10.
  EXPECT_EQ(evaluate_matrices({{1, 2, 2}, {2, 3, 1, 4}}, run),
            (Outcome{{2, 2}, {-1.75, 2.5}, {4, 6}}));
}

TEST(FactorCholesky, ReadsTheLowerTriangleAndShowsWhereItFails) {
  const auto run = [](MatrixKit& kit, ValueId a) {
    const Cholesky cholesky = factor_cholesky(kit, a);
    return std::vector{cholesky.factor, cholesky.pivots};
  };
  EXPECT_EQ(evaluate_matrices({{1, 2, 2}, {4, 99, 2, 5}}, run), (Outcome{{2, 0, 1, 2}, {4, 4}}));
  EXPECT_EQ(evaluate_matrices({{1, 2, 2}, {4, 0, 4, 1}}, run)[1], (std::vector<double>{4, -3}));
}

// R's diagonal has the sign that LAPACK gives it: against that of the column's first number.
TEST(FactorQr, ReflectsAwayFromTheFirstNumber) {
  const auto run = [](MatrixKit& kit, ValueId a) {
    const Reflectors qr = factor_qr(kit, a);
    return std::vector{qr.packed, qr.taus};
  };
  const Outcome found = evaluate_matrices({{1, 2, 1}, {3, 4}}, run);
  EXPECT_FLOAT_EQ(static_cast<float>(found[0][0]), -5);
  EXPECT_FLOAT_EQ(static_cast<float>(found[0][1]), 0.5);
  EXPECT_FLOAT_EQ(static_cast<float>(found[1][0]), 1.6f);
}

TEST(FactorQr, LeavesAColumnAloneThatIsZeroBelow) {
  const auto run = [](MatrixKit& kit, ValueId a) {
    const Reflectors qr = factor_qr(kit, a);
    return std::vector{qr.packed, qr.taus};
  };
  EXPECT_EQ(evaluate_matrices({{1, 2, 2}, {3, 1, 0, -2}}, run), (Outcome{{3, 1, 0, -2}, {0, 0}}));
}

}  // namespace
}  // namespace ferryman
