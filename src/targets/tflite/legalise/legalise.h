// Core graph -> the subset of core ops that TFLite expresses. Layout comes later: everything here
// is on torch's logical axes, and the copies that a rule's permutes and reshapes seem to cost are
// mostly none.
//
//   FERRYMAN_TRY(const PassReport prepared,
//                run_passes(graph, tflite::prepare_passes(), options, diagnostics));
//   …                                     // simplify
//   FERRYMAN_TRY(const PassReport report,
//                run_passes(graph, tflite::legalise_passes(), options, diagnostics));
//   if (diagnostics.has_errors()) …       // every op that remained without a form, in one run
//
// Invariants: shapes are static; a rule keeps values equal up to the rounding of f32. After the
// passes every op is one that lower.h lowers, on types and ranks that its operator takes.
#pragma once

#include <vector>

#include "passes/choices.h"
#include "passes/rewrite.h"

namespace ferryman::tflite {

// Before the graph is simplified: on the target's types, and without what it shall not compute, the
// fusions find what they look for.
std::vector<Pass> prepare_passes(const Choices& choices = {});
std::vector<Pass> legalise_passes(const Choices& choices = {});

// The rules that are TFLite's own, by family; each stands in its own file.
std::vector<Rule> legal_conv_rules();
std::vector<Rule> legal_norm_rules();
std::vector<Rule> legal_activation_rules();
std::vector<Rule> legal_math_rules();
std::vector<Rule> legal_integer_rules();
std::vector<Rule> legal_product_rules();
std::vector<Rule> legal_shape_rules();
std::vector<Rule> legal_order_rules(NanForm nan);

// State is refused: a file would forget it.
Pass check_state();
// Computes on types that the runtime has kernels for.
Pass widen_types();
// int64 whose values fit into int32.
Pass narrow_integers();
// Once, before the ops are written in the forms of the target: they would match what they make.
Pass guard_values();
Pass guard_nan();        // NanForm::kExact
Pass leave_nan();        // NanForm::kFast
Pass drop_nan_guards();  // NanForm::kFast
// Collects what has no form on the target, as errors.
Pass check_target();

}  // namespace ferryman::tflite
