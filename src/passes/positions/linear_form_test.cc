// Forms say what graphs compute: the same random steps are written with free sizes and with numbers
// in their place, where the evaluator runs them.
#include "passes/positions/linear_form.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "ir/evaluate.h"
#include "ir/print.h"
#include "ops/attrs.h"
#include "ops/core_writer.h"
#include "ops/families.h"
#include "ops/names.h"

namespace ferryman {
namespace {

struct Sizes {
  Dim batch, length;
};

using Values = std::vector<ValueId>;
using Step = std::function<ValueId(CoreWriter, const Values&, const Sizes&)>;

// One step after the other, each chosen by what there is in the graph with free sizes.
class RandomSteps {
 public:
  explicit RandomSteps(uint64_t seed) : random_(seed) {}

  // Nothing if what was drawn has no step.
  std::optional<Step> draw(CoreWriter write, const Values& values) {
    const size_t a = random_() % values.size();
    const size_t b = random_() % values.size();
    const size_t rank = write.rank(values[a]);
    const bool is_bool = write.dtype(values[a]) == DType::kBool;
    if (is_bool && random_() % 2 == 0) return draw_logic(write, values, a, b);
    if (random_() % 3 == 0) return draw_pair(write, values, a, b);
    if (rank == 0) return std::nullopt;
    return draw_move(rank, a, b, is_bool);
  }

 private:
  static bool fit(CoreWriter write, ValueId a, ValueId b) {
    return write.dims(a) == write.dims(b) || write.rank(a) == 0 || write.rank(b) == 0;
  }

  std::optional<Step> draw_logic(CoreWriter write, const Values& values, size_t a, size_t b) {
    if (write.dtype(values[b]) != DType::kBool) {
      return Step(
          [a](CoreWriter w, const Values& v, const Sizes&) { return w.cast(v[a], DType::kI64); });
    }
    if (!fit(write, values[a], values[b])) return std::nullopt;
    const OpName name = std::array{ops::kLogicalAnd, ops::kLogicalOr}[random_() % 2];
    return Step(
        [=](CoreWriter w, const Values& v, const Sizes&) { return w.binary(name, v[a], v[b]); });
  }

  std::optional<Step> draw_pair(CoreWriter write, const Values& values, size_t a, size_t b) {
    if (write.dtype(values[a]) != write.dtype(values[b]) || !fit(write, values[a], values[b]))
      return std::nullopt;
    constexpr std::array kNames = {ops::kAdd, ops::kSub, ops::kMul, ops::kLt, ops::kLe,
                                   ops::kGt,  ops::kGe,  ops::kEq,  ops::kNe};
    const bool is_bool = write.dtype(values[a]) == DType::kBool;
    const OpName name = kNames[is_bool ? 7 + random_() % 2 : random_() % kNames.size()];
    return Step(
        [=](CoreWriter w, const Values& v, const Sizes&) { return w.binary(name, v[a], v[b]); });
  }

  Step draw_move(size_t rank, size_t a, size_t b, bool is_bool) {
    const size_t axis = random_() % rank;
    switch (random_() % (is_bool ? 4 : 7)) {
      case 0:
        return [=](CoreWriter w, const Values& v, const Sizes&) {
          return w.reshape(v[a], {w.num_elements(v[a])});
        };
      case 1:
        return [=](CoreWriter w, const Values& v, const Sizes&) {
          Dims dims = w.dims(v[a]);
          dims.insert(dims.begin() + static_cast<ptrdiff_t>(axis), Dim(1));
          return dims.size() > 4 ? ValueId() : w.reshape(v[a], dims);
        };
      case 2:
        return [=](CoreWriter w, const Values& v, const Sizes& sizes) {
          Dims dims = w.dims(v[a]);
          dims.insert(dims.begin(), sizes.batch);
          return dims.size() > 3 ? ValueId() : w.expand(v[a], dims);
        };
      case 3: {
        return [=](CoreWriter w, const Values& v, const Sizes&) {
          Ints perm = iota_axes(rank);
          std::swap(perm.front(), perm[axis]);
          return w.permute(v[a], perm);
        };
      }
      case 4:
        return [=](CoreWriter w, const Values& v, const Sizes&) {
          return w.op(ops::kCumsum, {v[a]}, {{attr::kAxis, Axis{static_cast<int64_t>(axis)}}});
        };
      case 5:  // as the difference of neighbours begins
        return [=](CoreWriter w, const Values& v, const Sizes&) {
          const ValueId first = w.slice_axis(v[a], axis, 0, 1);
          return w.concat({w.sub(first, 1), v[a]}, axis);
        };
      default:
        return [=](CoreWriter w, const Values& v, const Sizes&) {
          const bool is_place = w.dtype(v[b]) == DType::kI64 && w.rank(v[b]) > 0;
          const ValueId table = w.reshape(v[a], {w.num_elements(v[a])});
          return is_place ? w.gather(table, 0, v[b]) : w.slice_axis(v[a], axis, 0, 1);
        };
    }
  }

  std::mt19937_64 random_;
};

// The same values in two graphs.
class Pair {
 public:
  Pair(const OpSet& ops, uint64_t seed, int64_t batch, int64_t length)
      : free_(ops), fixed_(ops), batch_(batch), length_(length) {
    const Sizes names{free_.symbols().symbol("b", {1, 9}, 2),
                      free_.symbols().symbol("t", {2, 9}, 3)};
    const Sizes numbers{batch, length};
    Builder free_builder(free_);
    Builder fixed_builder(fixed_);
    const CoreWriter write_free(free_builder);
    const CoreWriter write_fixed(fixed_builder);
    for (const auto& [write, sizes, values] : {std::tuple(write_free, names, &free_values_),
                                               std::tuple(write_fixed, numbers, &fixed_values_)}) {
      values->push_back(write.cast(write.numbers(sizes.length, "n"), DType::kI64));
      values->push_back(write.size_value(sizes.batch, DType::kI64));
      values->push_back(write.scalar(DType::kI64, 1));
      values->push_back(write.filled(DType::kI64, {sizes.batch, sizes.length}, 2, "twos"));
    }
    RandomSteps steps(seed);
    for (int count = 0; count < 24; ++count) {
      const std::optional<Step> step = steps.draw(write_free, free_values_);
      if (!step.has_value()) continue;
      const ValueId value = (*step)(write_free, free_values_, names);
      if (!value.valid()) continue;
      free_values_.push_back(value);
      fixed_values_.push_back((*step)(write_fixed, fixed_values_, numbers));
    }
  }

  // How many forms there were; each is compared with what the evaluator gives.
  int check(uint64_t seed) {
    for (const ValueId value : fixed_values_)
      fixed_.add_output("y" + std::to_string(fixed_.outputs().size()), value);
    const Result<std::vector<TensorData>> results = evaluate_graph(fixed_, {});
    if (!results.ok()) return 0;  // a position beyond the table
    LinearForms forms(free_);
    int found = 0;
    for (size_t i = 0; i < free_values_.size(); ++i) {
      const std::optional<LinearForm> form = forms.of(free_values_[i]);
      if (!form.has_value()) continue;
      ++found;
      EXPECT_EQ(elements(*form, (*results)[i].shape()), (*results)[i].to_ints())
          << "seed " << seed << ", value " << i << "\n"
          << print_graph(free_);
    }
    check_truths(forms, *results);
    return found;
  }

 private:
  int64_t number(const SizeExpr& expr) {
    // Of what may be negative, as a difference of two sizes.
    const SizeExpr much(int64_t{1} << 30);
    return free_.symbols().evaluate(free_.symbols().dim(expr + much), [&](size_t symbol) {
      return symbol == 0 ? batch_ : length_;
    }) - (int64_t{1} << 30);
  }

  Ints elements(const LinearForm& form, const Ints& shape) {
    Ints found{number(form.offset)};
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      Ints wider;
      for (const int64_t start : found)
        for (int64_t i = 0; i < shape[axis]; ++i)
          wider.push_back(start + i * number(form.steps[axis]));
      found = wider;
    }
    return found;
  }

  void check_truths(LinearForms& forms, const std::vector<TensorData>& results) {
    for (size_t i = 0; i < free_values_.size(); ++i) {
      const TensorData& result = results[i];
      if (result.dtype() != DType::kBool || result.rank() == 0) continue;
      const size_t axis = result.rank() - 1;
      if (!forms.has_true_along(free_values_[i], axis)) continue;
      const Ints values = result.to_ints();
      const auto row = static_cast<size_t>(result.shape()[axis]);
      for (size_t begin = 0; begin < values.size(); begin += row) {
        int64_t any = 0;
        for (size_t k = begin; k < begin + row; ++k) any |= values[k];
        EXPECT_EQ(any, 1) << print_graph(free_);
      }
    }
  }

  Graph free_, fixed_;
  int64_t batch_, length_;
  Values free_values_, fixed_values_;
};

TEST(LinearForms, SayWhatRandomGraphsCompute) {
  Ops ops;
  add_all_ops(ops);
  int found = 0;
  for (uint64_t seed = 0; seed < 300; ++seed) {
    for (const auto& [batch, length] : {std::pair{1, 2}, {3, 5}})
      found += Pair(ops.set, seed, batch, length).check(seed);
    if (testing::Test::HasFailure()) return;
  }
  EXPECT_GT(found, 5000);
}

}  // namespace
}  // namespace ferryman
