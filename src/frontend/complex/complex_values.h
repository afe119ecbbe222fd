// The complex values of a program that is being translated, and how they enter and leave the graph:
// in the file, a complex tensor is a real one with a last axis of two.
//
//   ComplexValues values(builder);
//   const ComplexValue z = values.of_pair(graph.add_input("z", pair_type(type)));
//   values.set(index, z, "z");
#pragma once

#include <complex>
#include <optional>
#include <string>
#include <unordered_map>

#include "frontend/program/program.h"
#include "ops/import.h"

namespace ferryman::frontend {

// Whether a complex tensor, number or dtype is among the node's arguments or results.
bool touches_complex(const Program& program, const Node& node);

// The number that make_complex wrote.
std::optional<std::complex<double>> parse_complex(std::string_view text);

// [..., 2] in the dtype of the parts.
TensorType pair_type(const TensorType& complex);
// The type of each part.
TensorType part_type(const TensorType& complex);

class ComplexValues {
 public:
  explicit ComplexValues(Builder& builder) : builder_(builder) {}

  const ComplexValue* find(ValueIndex index) const;  // null: not a complex value
  // The parts get the name of the program's value, where they have none.
  void set(ValueIndex index, const ComplexValue& value, const std::string& name);

  // A value of the file, [..., 2].
  ComplexValue of_pair(ValueId pair);
  // A weight; both parts lie in the program's storage.
  Result<ComplexValue> of_storage(const TensorStorage& data, const TensorType& type,
                                  const std::string& name);
  // What is to leave the graph.
  ValueId to_pair(ValueIndex index, const std::string& name);

 private:
  void give_name(ValueId value, const std::string& name);

  Builder& builder_;
  std::unordered_map<ValueIndex, ComplexValue> values_;
};

}  // namespace ferryman::frontend
