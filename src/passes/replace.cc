#include "passes/replace.h"

namespace ferryman {

void apply_forward(Rewriter& rewriter, const Forward& found) {
  rewriter.replace_value(found.result, found.value);
}

void apply_one_op(Rewriter& rewriter, const OneOp& found) {
  std::vector<ValueId> operands = found.operands;
  if (found.last_operand.has_value())
    operands.push_back(rewriter.constant(*found.last_operand, found.last_name));
  rewriter.replace_value(found.result, rewriter.create(found.op, operands, found.attrs));
}

std::vector<NamedAttr> attrs_of(const Op& op) {
  std::vector<NamedAttr> attrs;
  for (size_t i = 0; i < op.attrs.size(); ++i)
    attrs.emplace_back(op.def->attrs[i].name, op.attrs[i]);
  return attrs;
}

}  // namespace ferryman
