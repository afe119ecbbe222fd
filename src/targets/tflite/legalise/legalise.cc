#include "targets/tflite/legalise/legalise.h"

#include "passes/bodies/select_instead_of_if.h"
#include "passes/bodies/simplify_bodies.h"
#include "passes/bodies/tell_sizes.h"
#include "passes/canonicalise/canonicalise.h"
#include "passes/decompose/decompose.h"
#include "passes/decompose/recurrent.h"
#include "passes/fold/fold.h"
#include "targets/tflite/legalise/recurrent_form.h"
#include "targets/tflite/lower/keeps.h"

namespace ferryman::tflite {

namespace {

constexpr SmallBranches kSmallBranches = {.max_ops = 8, .max_elements = 4096};

Pass legalise_ops(NanForm nan) {
  std::vector<Rule> rules;
  append_rules(rules, legal_conv_rules());
  append_rules(rules, legal_norm_rules());
  append_rules(rules, legal_activation_rules());
  append_rules(rules, legal_math_rules());
  append_rules(rules, legal_integer_rules());
  append_rules(rules, legal_product_rules());
  append_rules(rules, legal_shape_rules());
  append_rules(rules, legal_order_rules(nan));
  return needed_because("the target has no operators for most ops as they are",
                        decompose_pass("legalise_ops", "every op in a form that TFLite has", keeps,
                                       std::move(rules)));
}

}  // namespace

std::vector<Pass> prepare_passes(const Choices& choices) {
  std::vector<Pass> passes;
  passes.push_back(check_state());
  passes.push_back(decompose_composites(keeps));
  passes.push_back(widen_types());
  if (choices.nan == NanForm::kFast) passes.push_back(drop_nan_guards());
  return passes;
}

std::vector<Pass> legalise_passes(const Choices& choices) {
  std::vector<Pass> passes;
  passes.push_back(select_instead_of_if(kSmallBranches));
  passes.push_back(decompose_recurrent(
      keeps, [form = choices.recurrent](const Graph& graph, const RecurrentLayer& layer) {
        return plan_recurrent(form, graph, layer);
      }));
  passes.push_back(fold_constants());
  passes.push_back(simplify_bodies());  // weights of loops become constants of their bodies
  passes.push_back(fold_constants());
  passes.push_back(narrow_integers());
  passes.push_back(guard_values());
  passes.push_back(choices.nan == NanForm::kExact ? guard_nan() : leave_nan());
  passes.push_back(legalise_ops(choices.nan));
  passes.push_back(merge_equal_ops());
  passes.push_back(fold_constants());
  passes.push_back(remove_dead_code());
  passes.push_back(tell_sizes_to_bodies());
  passes.push_back(check_target());
  return passes;
}

}  // namespace ferryman::tflite
