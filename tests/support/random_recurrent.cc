#include "tests/support/random_recurrent.h"

#include <algorithm>
#include <array>

#include "ops/attrs.h"
#include "ops/layers/recurrent.h"
#include "ops/names.h"
#include "tests/support/random_tensor.h"

namespace ferryman {

namespace {

class RecurrentDrawer {
 public:
  RecurrentDrawer(Builder& builder, const OpDef& def, RandomSource& random)
      : builder_(builder), def_(def), random_(random) {}

  OpId draw(const std::vector<ValueId>& values) {
    const bool is_lstm = def_.name == ops::kLstm.text;
    const bool is_gru = def_.name == ops::kGru.text;
    cell_ = is_lstm ? Cell::kLstm : is_gru ? Cell::kGru : Cell::kRnnTanh;
    const ValueId first = draw_first(values);
    const Ints sizes = static_sizes(builder_.graph().type(first).dims);
    batch_ = sizes[1];
    directions_ = random_.between(1, 2);
    hidden_ = random_.between(1, 3);
    inputs_ = sizes.back();
    outputs_ = hidden_;
    const bool projects = is_lstm && random_.chance(50);
    if (projects) outputs_ = random_.between(1, 2);
    std::vector<ValueId> operands = {first};
    for (size_t i = 1; i < def_.operands.size(); ++i)
      operands.push_back(draw_operand(def_.operands[i], projects));
    const Result<OpId> made = builder_.try_create(OpName{def_.name}, operands, attrs());
    return made.ok() ? *made : OpId();
  }

 private:
  ValueId constant(const Ints& shape) {
    const auto seed = static_cast<uint64_t>(random_.between(0, 1 << 20));
    return builder_.constant(random_tensor(DType::kF32, shape, seed));
  }

  ValueId draw_first(const std::vector<ValueId>& values) {
    std::vector<ValueId> fitting;
    for (const ValueId value : values) {
      const TensorType& type = builder_.graph().type(value);
      if (type.dtype == DType::kF32 && type.rank() == 3 && num_elements(type.dims) > 0)
        fitting.push_back(value);
    }
    if (!fitting.empty()) return random_.pick(fitting);
    return constant({random_.between(1, 3), random_.between(1, 2), 2});
  }

  ValueId draw_operand(const OperandSpec& spec, bool projects) {
    const int64_t gates = hidden_ * num_gates(cell_);
    if (spec.name == "h0") return constant({directions_, batch_, outputs_});
    if (spec.name == "c0") return constant({directions_, batch_, hidden_});
    if (spec.name == "w_ih") return constant({directions_, gates, inputs_});
    if (spec.name == "w_hh") return constant({directions_, gates, outputs_});
    if (spec.name == "w_hr")
      return projects ? constant({directions_, outputs_, hidden_}) : ValueId();
    return random_.chance(50) ? constant({directions_, gates}) : ValueId();  // a bias
  }

  std::vector<NamedAttr> attrs() {
    static constexpr std::array<std::string_view, 2> kNonlinearities = {"tanh", "relu"};
    if (cell_ != Cell::kRnnTanh) return {};
    return {{attr::kNonlinearity, std::string(random_.pick(kNonlinearities))}};
  }

  Builder& builder_;
  const OpDef& def_;
  RandomSource& random_;
  Cell cell_ = Cell::kLstm;
  int64_t batch_ = 1, directions_ = 1, hidden_ = 1, inputs_ = 1, outputs_ = 1;
};

}  // namespace

bool is_recurrent(const OpDef& def) {
  static constexpr std::array kNames = {ops::kLstm, ops::kGru, ops::kRnn};
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](OpName name) { return name.text == def.name; });
}

OpId add_random_recurrent_op(Builder& builder, const OpDef& def, const std::vector<ValueId>& values,
                             RandomSource& random) {
  return RecurrentDrawer(builder, def, random).draw(values);
}

}  // namespace ferryman
