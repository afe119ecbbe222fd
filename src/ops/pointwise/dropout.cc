// Dropout. A file draws no random numbers: what is exported for inference drops nothing, and only a
// target that training goes on with keeps the ops.
#include "ops/attrs.h"
#include "ops/families.h"
#include "ops/infer.h"
#include "ops/names.h"

namespace ferryman {

namespace {

void define_dropout(Ops& ops, OpName name, std::string_view doc) {
  ops.set.define(name)
      .doc(doc)
      .operand("x", DTypeSet::kFloating)
      .attr(attr::kProbability)
      .attr(attr::kOfChannels, false)  // whole ones, along axis 1
      .result(same_as_first)
      .axes(AxisRule::kElementwise)
      .draws();
}

Diag drops_in_training(ImportContext& call) {
  return call.unsupported("in training mode")
      .because("a file draws no random numbers")
      .hint(
          "call model.eval() first; torch.nn.functional.dropout(x) drops in either mode: write "
          "dropout(x, p, training=self.training)");
}

// In evaluation nothing is dropped, nor with a probability of zero.
template <const OpName& kName, bool kOfChannels>
Imported import_dropout(ImportContext& call) {
  FERRYMAN_TRY(const ValueId x, call.tensor("input"));
  FERRYMAN_TRY(const double probability, call.number("p"));
  FERRYMAN_TRY(const bool training, call.flag("train", true));
  if (training && probability != 0) return drops_in_training(call);
  const CoreWriter write = call.writer();
  const bool is_kept = call.is_trained_on() && probability > 0 && is_floating(write.dtype(x)) &&
                       write.rank(x) > (kOfChannels ? 1 : 0);
  if (!is_kept) return std::vector{x, ValueId()};
  const ValueId result =
      write.op(kName, {x}, {{attr::kProbability, probability}, {attr::kOfChannels, kOfChannels}});
  return std::vector{result, ValueId()};
}

}  // namespace

void add_dropout_ops(Ops& ops) {
  define_dropout(ops, ops::kDropout, "x; training zeroes some elements, and enlarges the others");
  define_dropout(ops, ops::kAlphaDropout, "dropout that keeps the mean and the variance, for selu");
  ops.imports.add({"dropout.default", "native_dropout.default"},
                  import_dropout<ops::kDropout, false>);
  ops.imports.add("feature_dropout.default", import_dropout<ops::kDropout, true>);
  ops.imports.add("alpha_dropout.default", import_dropout<ops::kAlphaDropout, false>);
  ops.imports.add("feature_alpha_dropout.default", import_dropout<ops::kAlphaDropout, true>);
}

}  // namespace ferryman
