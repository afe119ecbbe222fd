#include "targets/tflite/lower/polish.h"

#include <algorithm>
#include <optional>

#include "targets/tflite/format/option_fields.h"

namespace ferryman::tflite {

namespace {

std::optional<Activation> activation_of(Op op) {
  switch (op) {
    case Op::kRelu:
      return Activation::kRelu;
    case Op::kRelu6:
      return Activation::kRelu6;
    case Op::kReluN1To1:
      return Activation::kReluN1To1;
    default:
      return std::nullopt;
  }
}

bool only_selects_elements(Op op) {
  return op == Op::kReshape || op == Op::kTranspose || op == Op::kDepthToSpace ||
         op == Op::kSpaceToDepth || op == Op::kSlice;
}

// XNNPACK ignores, and the CPU kernel refuses, an activation on CONCATENATION; integer kernels of
// DIV and the like have none either.
bool takes_activation(Op op) {
  switch (op) {
    case Op::kConv2d:
    case Op::kDepthwiseConv2d:
    case Op::kFullyConnected:
    case Op::kAdd:
    case Op::kSub:
    case Op::kMul:
    case Op::kDiv:
    case Op::kAveragePool2d:
    case Op::kMaxPool2d:
    case Op::kTransposeConv:
    case Op::kConv3d:
      return true;
    default:
      return false;
  }
}

struct ActivationSlot {
  Activation* slot = nullptr;
  template <typename Field, typename Value>
  void operator()(const Field&, Value& value) {
    if constexpr (std::is_same_v<Value, Activation>) slot = &value;
  }
};

class ActivationFusion {
 public:
  // `placements`: null where nobody asks where values lie.
  ActivationFusion(Model& model, size_t subgraph, Placements* placements)
      : model_(model),
        number_(subgraph),
        graph_(model.subgraphs[subgraph]),
        placements_(placements) {
    producer_.assign(graph_.tensors.size(), kNone);
    readers_.assign(graph_.tensors.size(), 0);
    for (size_t i = 0; i < graph_.operators.size(); ++i) {
      for (const TensorIndex output : graph_.operators[i].outputs) producer_[index(output)] = i;
      for (const TensorIndex input : graph_.operators[i].inputs) {
        if (input != kAbsent) ++readers_[index(input)];
      }
    }
    for (const TensorIndex output : graph_.outputs) ++readers_[index(output)];
  }

  void run() {
    removed_.assign(graph_.operators.size(), false);
    forgotten_.assign(graph_.tensors.size(), false);
    for (size_t i = 0; i < graph_.operators.size(); ++i) fuse(i);
    compact();
  }

 private:
  static constexpr size_t kNone = SIZE_MAX;
  static size_t index(TensorIndex tensor) { return static_cast<size_t>(tensor); }

  void fuse(size_t activation) {
    const Operator& relu = graph_.operators[activation];
    const std::optional<Activation> kind = activation_of(relu.op);
    if (!kind.has_value() || graph_.tensor(relu.outputs[0]).type.code != TensorType::kFloat32)
      return;
    std::vector<size_t> movers;
    size_t producer = producer_[index(relu.inputs[0])];
    TensorIndex read = relu.inputs[0];
    while (producer != kNone && readers_[index(read)] == 1 &&
           only_selects_elements(graph_.operators[producer].op)) {
      movers.push_back(producer);
      read = graph_.operators[producer].inputs[0];
      producer = producer_[index(read)];
    }
    if (producer == kNone || readers_[index(read)] != 1) return;
    if (!set_activation(graph_.operators[producer], *kind)) return;
    forget(read);
    for (const size_t mover : movers) forget(graph_.operators[mover].outputs[0]);
    bypass(activation);
  }

  // The slot of the operator's options, if it has one that is free.
  bool set_activation(Operator& op, Activation kind) {
    if (!takes_activation(op.op)) return false;
    if (op.options.is_default()) op.options = default_options(op.op);
    ActivationSlot slot;
    visit_fields(op.options, slot);
    if (slot.slot == nullptr || *slot.slot != Activation::kNone) return false;
    *slot.slot = kind;
    return true;
  }

  // The activation's operand now holds its result: it takes over name, readers and placements.
  void bypass(size_t activation) {
    const TensorIndex operand = graph_.operators[activation].inputs[0];
    const TensorIndex result = graph_.operators[activation].outputs[0];
    const size_t producer = producer_[index(operand)];
    for (TensorIndex& output : graph_.operators[producer].outputs) {
      if (output == operand) output = result;
    }
    producer_[index(result)] = producer;
    removed_[activation] = true;
  }

  // Its values from before the activation are nowhere any more.
  void forget(TensorIndex tensor) { forgotten_[index(tensor)] = true; }

  // Drops the operators that were removed. Tensors that nobody names any more go with them.
  void compact() {
    if (placements_ != nullptr) {
      std::erase_if(placements_->nodes, [&](const NamedPlacement& node) {
        return node.placement.tensor != kAbsent && forgotten_[index(node.placement.tensor)];
      });
    }
    std::vector<Operator> kept;
    kept.reserve(graph_.operators.size());
    for (size_t i = 0; i < graph_.operators.size(); ++i) {
      if (!removed_[i]) kept.push_back(std::move(graph_.operators[i]));
    }
    graph_.operators = std::move(kept);
    std::vector<TensorIndex> renumbered(graph_.tensors.size(), kAbsent);
    std::vector<Tensor> tensors;
    tensors.reserve(graph_.tensors.size());
    const auto keep = [&](TensorIndex& tensor) {
      if (tensor == kAbsent) return;
      TensorIndex& target = renumbered[index(tensor)];
      if (target == kAbsent) {
        target = static_cast<TensorIndex>(tensors.size());
        tensors.push_back(std::move(graph_.tensors[index(tensor)]));
      }
      tensor = target;
    };
    std::for_each(graph_.inputs.begin(), graph_.inputs.end(), keep);
    for (Operator& op : graph_.operators) {
      std::for_each(op.inputs.begin(), op.inputs.end(), keep);
      std::for_each(op.outputs.begin(), op.outputs.end(), keep);
    }
    std::for_each(graph_.outputs.begin(), graph_.outputs.end(), keep);
    if (placements_ != nullptr) {
      for (NamedPlacement& node : placements_->nodes) keep(node.placement.tensor);
      for (Placement& input : placements_->inputs) keep(input.tensor);
      for (Placement& output : placements_->outputs) keep(output.tensor);
    }
    for (Signature& signature : model_.signatures) {
      if (signature.subgraph != number_) continue;
      for (NamedTensor& named : signature.inputs) keep(named.tensor);
      for (NamedTensor& named : signature.outputs) keep(named.tensor);
    }
    graph_.tensors = std::move(tensors);
  }

  Model& model_;
  size_t number_;
  Subgraph& graph_;
  Placements* placements_;
  std::vector<size_t> producer_;
  std::vector<size_t> readers_;
  std::vector<bool> removed_;
  std::vector<bool> forgotten_;  // per tensor
};

}  // namespace

void rename_ports(Model& model, const std::vector<std::string>& inputs,
                  const std::vector<std::string>& outputs) {
  const auto rename = [&](std::vector<NamedTensor>& ports, const std::vector<std::string>& names) {
    for (size_t i = 0; i < names.size(); ++i) ports[i].name = names[i];
  };
  rename(model.signatures.front().inputs, inputs);
  rename(model.signatures.front().outputs, outputs);
}

void fuse_activations(Lowered& lowered) {
  for (size_t i = 0; i < lowered.model.subgraphs.size(); ++i)
    ActivationFusion(lowered.model, i, i == 0 ? &lowered.placements : nullptr).run();
}

}  // namespace ferryman::tflite
