// Masks of attention: numbers that are added to scores, none or very low ones, as bools.
//
//   if (is_mask_of_bools(graph, value)) …     // where(seen, 0, -inf), constants, and views of
//   these const ValueId seen = write_seen(write, value);
//
// A row that sees nothing is the mean of all values in Keras. It is so in PyTorch where the low
// number is finite and swallows the scores, and NaN where it is infinite; then it must be known
// that each row sees something.
#pragma once

#include <optional>

#include "ops/core_writer.h"

namespace ferryman::keras {

// Whether a number in the place of a score, or added to it, says that it is not seen.
bool is_unseen(double number);

// `value` is added to scores, whose rows are its last axis.
bool is_mask_of_bools(const Graph& graph, ValueId value);
// Which scores are seen; of what is_mask_of_bools takes.
ValueId write_seen(CoreWriter write, ValueId value);

// Of where(condition, scores, low), in the order of its operands.
struct ChosenScores {
  ValueId condition, scores;
  bool is_turned;  // where(condition, low, scores)
};
std::optional<ChosenScores> chosen_scores(const Graph& graph, const Op& where);

// Whether row i of each matrix sees the columns up to i, and no other.
bool is_causal(const Graph& graph, ValueId seen);
bool is_all_true(const Graph& graph, ValueId seen);

}  // namespace ferryman::keras
