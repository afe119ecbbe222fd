// What the runtime makes of an operator's operands: the types and shapes of its outputs, as its
// kernels work them out. verify_outputs compares them with what a model declares.
//
//   OutputInference op(use);
//   output_row(Op::kTile)->infer(op);
//   if (op.complaint().empty()) … op.outputs() …      // else the operands do not fit together
//
// A rule is one function on an OutputInference (output_rules.h); it reads operands, options and
// constants, and gives one output after the other. No operand of it has a dynamic dimension.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "ir/attr.h"
#include "targets/tflite/format/op_use.h"

namespace ferryman::tflite {

// An extent that only running tells.
inline constexpr int64_t kAnyExtent = -1;

struct InferredOutput {
  std::optional<ElementType> type;  // nothing: the operator takes whatever is declared
  std::optional<Ints> shape;        // nothing: only running tells
};

class OutputInference {
 public:
  // `use` must outlive it.
  explicit OutputInference(const OpUse& use) : use_(use) {}
  explicit OutputInference(const OpUse&&) = delete;

  size_t num_inputs() const { return use_.op.inputs.size(); }
  size_t num_outputs() const { return use_.op.outputs.size(); }
  bool has(size_t input) const { return use_.input(input) != nullptr; }
  // Of an input that is there.
  ElementType type(size_t input) const { return use_.input(input)->type; }
  Ints shape(size_t input) const;
  int64_t rank(size_t input) const;
  // The values of an input that is a small constant of whole numbers.
  std::optional<Ints> numbers(size_t input) const;
  ElementType declared_type(size_t output) const { return use_.output(output)->type; }
  Ints declared_shape(size_t output) const;
  template <typename Table>
  Table options() const {
    return use_.options<Table>();
  }

  // Returns `holds`; the first complaint is the one that is told.
  bool demand(bool holds, std::string_view complaint);
  void give(std::optional<ElementType> type, std::optional<Ints> shape) {
    outputs_.push_back({type, std::move(shape)});
  }
  // An output of the type and shape of that input.
  void give_like(size_t input) { give(type(input), shape(input)); }

  std::string_view complaint() const { return complaint_; }
  const std::vector<InferredOutput>& outputs() const { return outputs_; }

 private:
  const OpUse& use_;
  std::vector<InferredOutput> outputs_;
  std::string_view complaint_;
};

int64_t product(const Ints& extents);
// Numpy's rule; nothing where extents contradict each other.
std::optional<Ints> broadcast(const Ints& a, const Ints& b);
// Counted from the front; nothing if there is no such axis.
std::optional<size_t> axis_from_front(int64_t axis, int64_t rank);

}  // namespace ferryman::tflite
