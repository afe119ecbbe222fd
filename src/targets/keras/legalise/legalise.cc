#include "targets/keras/legalise/legalise.h"

#include <cstdint>

#include "passes/bodies/select_instead_of_if.h"
#include "passes/bodies/simplify_bodies.h"
#include "passes/canonicalise/canonicalise.h"
#include "passes/decompose/decompose.h"
#include "passes/decompose/recurrent.h"
#include "passes/fold/fold.h"
#include "targets/keras/lower/lower_table.h"

namespace ferryman::keras {

namespace {

// A functional model has no branches: of those that can do no harm both sides are computed.
constexpr SmallBranches kAnyBranches = {.max_ops = INT64_MAX, .max_elements = INT64_MAX};

Pass legalise_keras_ops() {
  return needed_because("Keras has no operations for some ops as they are",
                        decompose_pass("legalise_keras_ops", "every op in a form that Keras has",
                                       keeps, weight_rules()));
}

}  // namespace

std::vector<Pass> prepare_passes(const Choices&) {
  return {check_keras_state(), decompose_composites(keeps)};
}

std::vector<Pass> legalise_passes(const Choices&) {
  std::vector<Pass> passes;
  passes.push_back(hold_weights());
  passes.push_back(recognise_attention());
  passes.push_back(select_instead_of_if(kAnyBranches));
  passes.push_back(decompose_recurrent(
      keeps,
      [](const Graph&, const RecurrentLayer&) -> std::optional<RecurrentPlan> { return {}; }));
  passes.push_back(fold_constants());
  passes.push_back(simplify_bodies());
  passes.push_back(fold_constants());
  passes.push_back(legalise_keras_ops());
  passes.push_back(merge_equal_ops());
  passes.push_back(fold_constants());
  passes.push_back(remove_dead_code());
  passes.push_back(check_keras());
  return passes;
}

}  // namespace ferryman::keras
