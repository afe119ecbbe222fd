#include "passes/bodies/inline_body.h"

#include "passes/replace.h"

namespace ferryman {

namespace {

class BodyInliner {
 public:
  BodyInliner(Rewriter& rewriter, const Graph& body)
      : rewriter_(rewriter), body_(body), values_(body.num_value_ids()) {}

  std::vector<ValueId> run(std::span<const ValueId> inputs) {
    for (size_t i = 0; i < inputs.size(); ++i) values_[body_.inputs()[i]] = inputs[i];
    const LocationId around = rewriter_.current_location();
    for (const OpId op : body_.op_ids()) copy(body_.op(op));
    rewriter_.set_location(around);
    std::vector<ValueId> results;
    for (const GraphOutput& output : body_.outputs()) results.push_back(value(output.value));
    return results;
  }

 private:
  ValueId value(ValueId inner) {
    if (!inner.valid()) return inner;
    ValueId& outer = values_[inner];
    if (!outer.valid()) outer = rewriter_.constant(body_.constant(inner), body_.value(inner).name);
    return outer;
  }

  void copy(const Op& op) {
    std::vector<ValueId> operands;
    for (const ValueId operand : op.operands) operands.push_back(value(operand));
    std::vector<NamedAttr> attrs = attrs_of(op);
    for (NamedAttr& attr : attrs) {
      if (auto* id = std::get_if<BodyId>(&attr.attr))
        *id = rewriter_.add_body(body_.body(*id).draft());
    }
    rewriter_.set_location(op.location);
    const std::vector<ValueId> results =
        rewriter_.create_all(OpName{op.def->name}, operands, attrs);
    // Without the body's names: the graph around has its own, and may have the same for another
    // value.
    for (size_t i = 0; i < results.size(); ++i) values_[op.results[i]] = results[i];
  }

  Rewriter& rewriter_;
  const Graph& body_;
  ValueMap<ValueId> values_;
};

}  // namespace

std::vector<ValueId> inline_body(Rewriter& rewriter, const Graph& body,
                                 std::span<const ValueId> inputs) {
  return BodyInliner(rewriter, body).run(inputs);
}

}  // namespace ferryman
