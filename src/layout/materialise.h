// Turns a layout plan into tensors of a target: which tensor holds a value's memory in which order.
// The one place where an order becomes a RESHAPE, a TRANSPOSE or a move of blocks; a target derives
// from Materialiser and writes these. Each (memory, order) is copied at most once.
//
//   class Memory : public layout::Materialiser { … };
//   const Tensor x = memory.in_layout(value, layout);             // may write a copy
//   memory.enter(result, layout, tensor);                         // what an op produced
//
// Invariant: the copies written are exactly plan.copies.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "layout/copy_steps.h"
#include "layout/plan.h"

namespace ferryman {

// Where a value of the graph lies in the file.
//   stored = value.reshape(factors).permute(perm).reshape(shape of the tensor)
struct Placement {
  int32_t tensor = -1;  // its number in the file; -1: the file does not have it
  std::vector<ToldSize> factors = {};
  Ints perm = {};
};

}  // namespace ferryman

namespace ferryman::layout {

class Materialiser {
 public:
  using Tensor = int32_t;  // a number that the target gives
  using Shape = Dims;

  Materialiser(const Graph& graph, const LayoutPlan& plan) : graph_(graph), plan_(plan) {}
  Materialiser(const Materialiser&) = delete;
  Materialiser& operator=(const Materialiser&) = delete;
  virtual ~Materialiser() = default;

  void enter(ValueId value, const Layout& layout, Tensor tensor);
  Tensor in_layout(ValueId value, const Layout& layout);
  // The same with other axes of size 1, or neighbouring axes merged or split.
  Tensor in_shape(ValueId value, const Layout& layout, const Shape& shape);

  // The shape in which the memory lies in that order already; none for constants and for what would
  // have to be copied.
  std::optional<Shape> held_shape(ValueId value, const Layout& layout) const;

  // How `value` lies in the tensor in which its memory was produced; none if no op produced it
  // (constants).
  Placement placement(ValueId value) const;

  // The same of the tensor that has it in this layout, which keeps dims whole.
  Placement placement_in(ValueId value, const Layout& layout);

  int64_t bytes_copied() const { return bytes_copied_; }

 protected:
  const Graph& graph() const { return graph_; }

 private:
  // What the target writes.
  virtual Shape shape_of(Tensor tensor) const = 0;
  virtual Tensor constant(ValueId value, const TensorData& data, const Shape& shape) = 0;
  virtual Tensor reshape(Tensor from, const Shape& shape) = 0;
  // Result axis i is axis perm[i].
  virtual Tensor transpose(Tensor from, const Ints& perm) = 0;
  // Otherwise they are transposed.
  virtual bool can_move_blocks(const BlockMove& move, DType dtype) const = 0;
  // Transpositions of more axes, those of size 1 counted, would be slow.
  virtual size_t max_fast_rank() const { return SIZE_MAX; }
  virtual Tensor move_blocks(Tensor from, const BlockMove& move) = 0;

  struct Held {
    ValueId value;
    Layout layout;
    Tensor tensor;
  };
  Tensor constant_in(ValueId value, const Layout& layout, const Shape& shape);
  Tensor reshaped(Tensor from, const Shape& shape);
  Tensor copied(ValueId value, const Layout& layout, const Held& from, const Shape& wanted);
  Tensor in_steps(Tensor from, const std::vector<CopyStep>& steps);
  std::optional<Ints> axis_perm(const Held& from, ValueId value, const Layout& to) const;

  const Graph& graph_;
  const LayoutPlan& plan_;
  std::map<MemoryOrder, std::vector<Held>> held_;  // the first of a root's is the producer
  std::map<ValueId, Held> produced_;               // by root
  std::map<std::pair<ValueId, Shape>, std::vector<std::pair<Layout, Tensor>>> constants_;
  int64_t bytes_copied_ = 0;
};

}  // namespace ferryman::layout
