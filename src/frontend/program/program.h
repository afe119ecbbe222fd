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

// less + by <= more
struct SizeOrder {
  SymSize less, more;
  int64_t by = 0;
};

struct TensorMeta {
  DType dtype = DType::kF32;
  std::vector<SymSize> sizes;
  std::vector<SymSize> strides;  // in elements
  bool operator==(const TensorMeta&) const = default;
};

enum class NumberKind : uint8_t { kInt, kFloat, kBool };

// One SSA value of the program: a tensor, a symbolic number, or (with neither) something opaque:
// an effect token or a custom object.
struct Value {
  std::string name;
  std::optional<TensorMeta> tensor;
  std::optional<SymSize> number;  // of floats and bools only the expression counts
  NumberKind number_kind = NumberKind::kInt;
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
  std::string kind;  // "memory_format", "layout", "device", "operator", "complex", "custom_obj"
  std::string text;  // "contiguous_format", "strided", "cpu", "aten.sin.default", "(1.0, -2.0)"
  bool operator==(const EnumArg&) const = default;
};

// The body of a higher-order op: an index into Program::subgraphs.
struct GraphRef {
  uint32_t graph = UINT32_MAX;
  bool operator==(const GraphRef&) const = default;
};

struct Argument;
using ArgumentList = std::vector<Argument>;

// A list may mix values, numbers and None ([x, None, y]; [sym_size_1, -1]). A dictionary, which
// only higher-order ops take, is a list of [key, value] lists.
struct Argument {
  std::variant<None, bool, int64_t, double, std::string, DTypeArg, EnumArg, ValueRef, GraphRef,
               ArgumentList>
      value;
  bool is_none() const { return std::holds_alternative<None>(value); }
  template <typename T>
  const T* as() const {
    return std::get_if<T>(&value);
  }
  bool operator==(const Argument&) const;
};

struct NamedArgument {
  std::string name;  // the schema's parameter name ("self", "dim"); "" in higher-order ops
  Argument arg;
};

struct Node {
  std::string target;               // "aten.conv2d.default", "_operator.add", "higher_order.cond"
  std::string name;                 // the fx node
  std::vector<NamedArgument> args;  // those that the program spells; defaults are left out
  std::vector<ValueIndex> results;  // kNoValue for a result that is None; Tensor[] is flattened
  SourceLocation location;
};

// A graph inside a higher-order op. Its values lie in Program::values like all others, but it sees
// only its own: everything from outside is an operand.
struct Subgraph {
  std::string name;  // "true_graph_0"
  std::vector<ValueIndex> inputs;
  std::vector<Node> nodes;
  ArgumentList outputs;
};

// Bytes of a parameter, buffer or constant, as laid out in its storage.
struct TensorStorage {
  BlobRef storage;               // the whole storage
  int64_t offset = 0;            // elements
  std::vector<int64_t> strides;  // elements
};

enum class InputKind : uint8_t { kUser, kParameter, kBuffer, kConstant, kToken, kCustomObject };
std::string_view to_string(InputKind kind);  // "buffer"
struct Input {
  InputKind kind = InputKind::kUser;
  ValueIndex value = kNoValue;  // kNoValue: a Python constant among the user's arguments
  Argument constant;            // that constant; otherwise None
  std::string name;  // user inputs: flattened argument name; others: fully qualified name
  std::optional<TensorStorage> data;  // parameters, buffers, constants
  bool requires_grad = false;         // of a parameter: training changes it
  std::string buffer = {};            // that a user input stands for (state_as_ports.h)
  // Two inputs with equal non-negative `storage_id` share their storage (tied weights, views).
  int64_t storage_id = -1;
};

enum class OutputKind : uint8_t {
  kUser,
  kBufferMutation,
  kParameterMutation,
  kInputMutation,
  kToken,
};
std::string_view to_string(OutputKind kind);  // "buffer_mutation"
struct Output {
  OutputKind kind = OutputKind::kUser;
  Argument arg;  // a ValueRef, or a constant that forward returned
  // User outputs: "" or the path of keys in forward's result ("logits", "boxes_0"). Mutations: the
  // name of the buffer, parameter or user input that is overwritten.
  std::string name;
  std::vector<SourceLocation> written_at = {};  // mutations, where that is known
  std::string buffer = {};                      // whose new value a user output is
};

// Whether torch was asked to decompose what the core does not know before the program came here.
enum class Origin : uint8_t { kLive, kArchive };

struct Program {
  Origin origin = Origin::kLive;
  std::vector<Value> values;
  std::vector<Input> inputs;        // in placeholder order
  std::vector<Node> nodes;          // in execution order
  std::vector<Output> outputs;      // mutations first, then what forward returns
  std::vector<Subgraph> subgraphs;  // bodies of higher-order ops, each used by one argument
  // Symbols of dynamic shapes; empty with static shapes.
  struct SymbolRange {
    std::string symbol;  // torch's: "s77"
    int64_t min = 0;
    int64_t max = INT64_MAX;
    std::string name = {};  // the user's: "batch"; empty: none
    int64_t hint = 0;       // in the example; 0: not known
  };
  std::vector<SymbolRange> symbols;
  std::vector<std::string> guards;
  std::vector<SizeOrder> orders;  // that it asserts as it runs
  std::string torch_version;
  // Values of inputs that tracing fixed at the example's, each with its place: "True of item in
  // blocks.0 (model.py:12)". The program is right for inputs that give the same ones.
  std::vector<std::string> frozen;
  std::string input_tree, output_tree;  // treespecs as torch writes them; may be empty
};

// How a node or body is called inside of the bodies that `path` names, the outermost first:
// "true_graph_0/conv2d". An empty path is the program itself.
std::string inside(std::string_view path, std::string_view name);

// Checks the invariants above and that every tensor's bytes cover its shape.
Status verify_program(const Program& program);

// One line per input, node and output, for tests and bug reports; expects a verified program:
//   %add_1: f32[2, 3] = aten.add.Tensor(self=%x, other=%y, alpha=2)
std::string print_program(const Program& program);

}  // namespace ferryman::frontend
