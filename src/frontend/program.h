// An exported program as plain structs that mirror torch's export schema. Both sources, the .pt2
// archive and the live export, fill this same struct; no policy lives here.
//
// Invariants (checked by verify_program): every ValueIndex is in range; a value has one producer
// (an input or one node); nodes are in execution order; an argument refers to earlier values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "ir/dtype.h"
#include "support/blob.h"
#include "support/diagnostic.h"
#include "support/result.h"

namespace ferryman::frontend {

using ValueIndex = uint32_t;
inline constexpr ValueIndex kNoValue = UINT32_MAX;

// A size: a number, or the text of a symbolic expression as the export wrote it.
struct SymSize {
  int64_t value = 0;  // the number, or the hint of an expression
  std::string expr;   // empty = static
  bool is_static() const { return expr.empty(); }
  bool operator==(const SymSize&) const = default;
};

struct TensorMeta {
  DType dtype = DType::kF32;
  std::vector<SymSize> sizes;
  std::vector<SymSize> strides;  // in elements
  bool operator==(const TensorMeta&) const = default;
};

// One SSA value of the program: a tensor, or a symbolic number.
struct Value {
  std::string name;
  std::optional<TensorMeta> tensor;  // absent for symbolic numbers, which have `number`
  std::optional<SymSize> number;
};

struct None {
  bool operator==(const None&) const = default;
};
struct ValueRef {
  ValueIndex value = kNoValue;
  bool operator==(const ValueRef&) const = default;
};
struct DTypeArg {
  DType dtype;
  bool operator==(const DTypeArg&) const = default;
};
// Memory formats, layouts, devices and whatever else carries no number: kept as torch spells it.
struct EnumArg {
  std::string kind;  // "memory_format", "layout", "device", "operator", "complex"
  std::string text;  // "contiguous_format", "strided", "cpu"
  bool operator==(const EnumArg&) const = default;
};

struct Argument;
using ArgumentList = std::vector<Argument>;

// A list may mix values, numbers and None ([x, None, y]; [sym_size_1, -1]).
struct Argument {
  std::variant<None, bool, int64_t, double, std::string, DTypeArg, EnumArg, ValueRef, ArgumentList>
      value;
  bool is_none() const { return std::holds_alternative<None>(value); }
  template <typename T>
  const T* as() const { return std::get_if<T>(&value); }
  bool operator==(const Argument&) const;
};

struct NamedArgument {
  std::string name;  // the ATen schema's parameter name: "self", "dim", "other"
  Argument arg;
};

struct Node {
  std::string target;  // "aten.conv2d.default", "_operator.add", "higher_order.cond"
  std::string name;    // the fx node
  std::vector<NamedArgument> args;  // those that the program spells; defaults are left out
  std::vector<ValueIndex> results;  // kNoValue for a result that is None
  SourceLocation location;
};

// Bytes of a parameter, buffer or constant, as laid out in its storage.
struct TensorStorage {
  BlobRef storage;          // the whole storage
  int64_t offset = 0;       // elements
  std::vector<int64_t> strides;  // elements
};

enum class InputKind : uint8_t { kUser, kParameter, kBuffer, kConstant };
struct Input {
  InputKind kind = InputKind::kUser;
  ValueIndex value = kNoValue;  // kNoValue: a Python constant among the user's arguments
  std::string name;             // user inputs: flattened argument name; others: fully qualified name
  std::optional<TensorStorage> data;  // parameters, buffers, constants
  // Two inputs with equal non-negative `storage_id` share their storage (tied weights, views).
  int64_t storage_id = -1;
};

enum class OutputKind : uint8_t { kUser, kBufferMutation, kInputMutation };
struct Output {
  OutputKind kind = OutputKind::kUser;
  Argument arg;      // a ValueRef, or a constant that forward returned
  std::string name;  // user outputs: "" or the key in forward's result; mutations: the target
};

struct Program {
  std::vector<Value> values;
  std::vector<Input> inputs;    // in placeholder order
  std::vector<Node> nodes;      // in execution order
  std::vector<Output> outputs;  // mutations first, then what forward returns
  // Symbols of dynamic shapes: name and range; empty with static shapes.
  struct SymbolRange {
    std::string symbol;
    int64_t min = 0;
    int64_t max = INT64_MAX;
  };
  std::vector<SymbolRange> symbols;
  std::vector<std::string> guards;
  std::string torch_version;
  std::string input_tree, output_tree;  // treespecs as torch writes them; may be empty
};

Status verify_program(const Program& program);

// One line per node, for tests and bug reports:
//   %add_1: f32[2, 3] = aten.add.Tensor(self=%x, other=%y, alpha=2)
std::string print_program(const Program& program);

}  // namespace ferryman::frontend
