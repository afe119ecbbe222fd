#include "tests/support/random_control.h"

#include <algorithm>

#include "ops/attrs.h"
#include "ops/names.h"

namespace ferryman {

namespace {

constexpr int kMaxOpsInside = 4;
constexpr size_t kMaxOperands = 3;
constexpr int64_t kMaxTrips = 3;
constexpr int kPercentNested = 30;

class ControlDrawer {
 public:
  ControlDrawer(Builder& builder, RandomSource& random, const OpChoices& inside)
      : builder_(builder), random_(random), inside_(inside) {}

  OpId draw(OpName op, const std::vector<ValueId>& values) {
    std::vector<ValueId> operands = draw_operands(values);
    if (operands.empty()) return OpId();
    if (op == ops::kIf) return draw_if(operands);
    if (op == ops::kWhile) return draw_while(operands);
    return draw_scan(operands);
  }

 private:
  const TensorType& type(ValueId value) const { return builder_.graph().type(value); }

  std::vector<ValueId> draw_operands(const std::vector<ValueId>& values) {
    std::vector<ValueId> fitting, operands;
    for (const ValueId value : values) {
      const bool fits = type(value).dtype == DType::kF32 && num_elements(type(value).dims) > 0;
      if (fits) fitting.push_back(value);
    }
    if (fitting.empty()) return {};
    const size_t count = 1 + random_.below(kMaxOperands);
    for (size_t i = 0; i < count; ++i) operands.push_back(random_.pick(fitting));
    return operands;
  }

  Graph draw_body(std::string name, const std::vector<TensorType>& inputs) {
    Graph body = builder_.new_body(std::move(name));
    for (size_t i = 0; i < inputs.size(); ++i) body.add_input("x" + std::to_string(i), inputs[i]);
    return body;
  }

  // Values of the body, the inputs first: some random ops on those that are floats.
  std::vector<ValueId> fill(Graph& body) {
    Builder inside(body);
    std::vector<ValueId> values(body.inputs().begin(), body.inputs().end());
    const int64_t count = inside_.empty() ? 0 : random_.between(0, kMaxOpsInside);
    for (int64_t i = 0; i < count; ++i) {
      const OpDef& def = *random_.pick(inside_);
      if (def.has_bodies() && !random_.chance(kPercentNested)) continue;
      const OpId op = add_random_op(inside, def, values, random_, inside_);
      if (!op.valid()) continue;
      const std::vector<ValueId>& results = body.op(op).results;
      values.insert(values.end(), results.begin(), results.end());
    }
    return values;
  }

  // The latest of that type, or at times an earlier one: it may be an input as it is.
  ValueId draw_of_type(const Graph& body, const std::vector<ValueId>& values,
                       const TensorType& wanted) {
    std::vector<ValueId> fitting;
    for (const ValueId value : values) {
      if (body.type(value) == wanted) fitting.push_back(value);
    }
    return random_.chance(70) ? fitting.back() : random_.pick(fitting);
  }

  std::vector<TensorType> types_of(const std::vector<ValueId>& operands) const {
    std::vector<TensorType> types;
    for (const ValueId operand : operands) types.push_back(type(operand));
    return types;
  }

  void give(Graph& body, const std::vector<ValueId>& values,
            const std::vector<TensorType>& wanted) {
    for (const TensorType& each : wanted)
      body.add_output("y" + std::to_string(body.outputs().size()),
                      draw_of_type(body, values, each));
  }

  ValueId condition_of(ValueId value) {
    Axes all;
    for (size_t i = 0; i < type(value).rank(); ++i) all.values.push_back(static_cast<int64_t>(i));
    const ValueId largest = builder_.create(ops::kAmax, {value}, {{attr::kAxes, all}});
    return builder_.create(ops::kGt, {largest, builder_.scalar(DType::kF32, 0.5)});
  }

  OpId draw_if(std::vector<ValueId> operands) {
    const std::vector<TensorType> types = types_of(operands);
    const size_t count = 1 + random_.below(types.size());
    const std::vector<TensorType> wanted(types.begin(),
                                         types.begin() + static_cast<std::ptrdiff_t>(count));
    BodyId branches[2];
    for (BodyId& branch : branches) {
      Graph body = draw_body("branch", types);
      give(body, fill(body), wanted);
      branch = builder_.add_body(std::move(body));
    }
    operands.insert(operands.begin(), condition_of(operands[0]));
    return create(ops::kIf, operands, {{attr::kThen, branches[0]}, {attr::kElse, branches[1]}});
  }

  // for (i = 0; i < trips; ++i)
  OpId draw_while(std::vector<ValueId> operands) {
    operands.insert(operands.begin(), builder_.scalar(DType::kI64, 0));
    const std::vector<TensorType> types = types_of(operands);
    Graph condition = draw_body("condition", types);
    Builder test(condition);
    const ValueId trips =
        test.scalar(DType::kI64, static_cast<double>(random_.between(0, kMaxTrips)));
    condition.add_output("go_on", test.create(ops::kLt, {condition.inputs()[0], trips}));
    Graph body = draw_body("body", types);
    const std::vector<ValueId> values = fill(body);
    Builder count(body);
    body.add_output("next",
                    count.create(ops::kAdd, {body.inputs()[0], count.scalar(DType::kI64, 1)}));
    const size_t carried = 1 + random_.below(types.size() - 1);
    give(body, values,
         std::vector(types.begin() + 1, types.begin() + 1 + static_cast<std::ptrdiff_t>(carried)));
    return create(ops::kWhile, operands,
                  {{attr::kCondition, builder_.add_body(std::move(condition))},
                   {attr::kBody, builder_.add_body(std::move(body))}});
  }

  // The last operand is the sequence.
  OpId draw_scan(const std::vector<ValueId>& operands) {
    std::vector<TensorType> types = types_of(operands);
    TensorType& entry = types.back();
    if (entry.dims.empty()) return OpId();
    entry.dims.erase(entry.dims.begin());
    Graph body = draw_body("body", types);
    const std::vector<ValueId> values = fill(body);
    const std::vector<TensorType> carried(types.begin(), types.end() - 1);
    give(body, values, carried);
    give(body, values, {entry});
    return create(ops::kScan, operands,
                  {{attr::kBody, builder_.add_body(std::move(body))},
                   {attr::kNumCarried, std::ssize(carried)},
                   {attr::kNumSequences, int64_t{1}},
                   {attr::kReverse, random_.chance(30)}});
  }

  OpId create(OpName name, const std::vector<ValueId>& operands,
              const std::vector<NamedAttr>& attrs) {
    const Result<OpId> made = builder_.try_create(name, operands, attrs);
    return made.ok() ? *made : OpId();
  }

  Builder& builder_;
  RandomSource& random_;
  const OpChoices& inside_;
};

}  // namespace

OpId add_random_control_op(Builder& builder, const OpDef& def, const std::vector<ValueId>& values,
                           RandomSource& random, const OpChoices& inside) {
  return ControlDrawer(builder, random, inside).draw(OpName{def.name}, values);
}

}  // namespace ferryman
