// What is known of an op, once, as data: from one OpDef follow verifier, printer and parser, shape
// inference, constant folding, layout behaviour and import from ATen.
// Rows are written with OpSet::define (op_set.h); the families are in src/ops.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/attr.h"
#include "ir/tensor_data.h"
#include "ir/type.h"
#include "support/check.h"
#include "support/result.h"

namespace ferryman {

struct OpDef;
class Graph;
struct Op;
struct OpAxes;

// The name of an op, as a constant that the compiler checks: ops::kRelu. Names are compared in
// every step of every pass, so by a number that follows from the text, which the compiler computes.
// It is the same in every library, and an OpSet refuses two ops with one number.
struct OpName {
  constexpr OpName() = default;
  constexpr explicit OpName(std::string_view name) : text(name), number(number_of(name)) {}
  constexpr bool operator==(const OpName& other) const { return number == other.number; }

  std::string_view text;
  uint64_t number = 0;

 private:
  // FNV-1a
  static constexpr uint64_t number_of(std::string_view name) {
    uint64_t number = 0xcbf29ce484222325;
    for (const char c : name) number = (number ^ static_cast<uint8_t>(c)) * 0x100000001b3;
    return number;
  }
};

enum class DTypeSet : uint8_t { kAny, kFloating, kInteger, kNumeric, kBool, kReal };
bool contains(DTypeSet set, DType dtype);
std::string_view describe(DTypeSet set);

// kVariadic: one or more; kAnyNumber: or none; kAnyOptional: and each may be absent. Of the last
// operand only.
enum class Arity : uint8_t { kOne, kOptional, kVariadic, kAnyNumber, kAnyOptional };

constexpr bool is_list(Arity arity) {
  return arity != Arity::kOne && arity != Arity::kOptional;
}

struct OperandSpec {
  std::string_view name;
  DTypeSet dtypes = DTypeSet::kAny;
  Arity arity = Arity::kOne;
};

struct AttrSpec {
  std::string_view name;
  AttrKind kind;
  std::optional<Attr> default_value;  // none: must be given
};

// The attributes of one op, in the order of its definition.
class AttrsView {
 public:
  AttrsView(const OpDef& def, std::span<const Attr> attrs) : def_(&def), attrs_(attrs) {}
  template <typename T>
  const T& operator[](AttrKey<T> key) const {
    const T* value = std::get_if<T>(&at(key.name));
    check(value != nullptr, "an attribute read as another kind");
    return *value;
  }
  const Attr& at(std::string_view name) const;
  bool has(std::string_view name) const;

 private:
  const OpDef* def_;
  std::span<const Attr> attrs_;
};

// What goes into a body and comes out of it.
struct BodyType {
  std::vector<TensorType> inputs;
  std::vector<TensorType> outputs;
};

// What shape inference sees. An absent optional operand has a null type.
struct InferArgs {
  std::span<const TensorType* const> operands;
  AttrsView attrs;
  SymbolTable& symbols;
  std::span<const BodyType> bodies = {};  // of the attributes that name one, in their order

  const TensorType& operand(size_t index) const { return *operands[index]; }
  bool has(size_t index) const { return index < operands.size() && operands[index] != nullptr; }
};
// The `what` of a failure is completed with the op and its location by the caller.
using InferFn = std::function<Result<std::vector<TensorType>>(const InferArgs&)>;

// Runs one of an op's bodies, by its place among them.
using RunBody =
    std::function<Result<std::vector<TensorData>>(size_t body, std::span<const TensorData> inputs)>;

// What the reference evaluator sees: contiguous operands (null if absent) and the inferred types.
struct EvalArgs {
  std::span<const TensorData* const> operands;
  AttrsView attrs;
  std::span<const TensorType> results;
  RunBody run_body = {};

  const TensorData& operand(size_t index) const { return *operands[index]; }
  bool has(size_t index) const { return index < operands.size() && operands[index] != nullptr; }
};
using EvalFn = std::function<Result<std::vector<TensorData>>(const EvalArgs&)>;

// How the axes of operands and results hang together, in kinds; see docs/layout.md. The attributes
// that name axes are found by their kind, so a rule carries no names.
enum class AxisRule : uint8_t {
  kOpaque,       // identity order only
  kElementwise,  // all operands and results alike, broadcasting from the right
  kAlong,        // any order; the Axis attribute follows (softmax, cumsum, concat, gather)
  kReduce,       // the Axes attribute disappears or becomes 1
  kWindowed,     // any order; PerAxis attributes are permuted (pad, slice, flip, tile)
  kPermute,      // relabelling by the Perm attribute
  kReshape,      // refinement of factors
  kExpand,       // broadcast to the ShapeAttr attribute
  kContract,     // by OpDef::contraction
  kAnchored,     // the target contract fixes the orders (conv, pool, resize)
};

// The same of one op, exactly (ops/op_axes.h).
using AxesFn = OpAxes (*)(const Graph&, const Op&);

// How operands of several dtypes are brought to one on import from ATen.
enum class Promotion : uint8_t {
  kNone,        // operands as they come
  kCommon,      // to torch.result_type of all operands
  kCommonFloat  // the same, and integers to float32 (div, exp, sigmoid)
};

// A rename between an ATen parameter and an operand or attribute of ours.
struct AtenBinding {
  std::string_view aten;
  std::string_view core;
};
struct AtenRow {
  std::string target;                 // "leaky_relu.default", without "aten."
  std::vector<AtenBinding> bindings;  // others bind by equal name; "self" and "input" to operand 0
};

struct OpDef {
  std::string_view name;
  uint64_t number = 0;  // of the name (OpName)
  std::string_view doc;
  std::vector<OperandSpec> operands;
  std::vector<AttrSpec> attrs;
  size_t num_results = 1;  // 0: as many as the bodies or the attributes say
  InferFn infer;
  EvalFn eval;  // empty: not folded
  AxisRule axes = AxisRule::kOpaque;
  AxesFn axes_of = nullptr;  // null: what is usual of the rule
  // kContract: einsum over axis letters, '*' any leading axes: "*mk,*kn->*mn".
  std::string_view contraction;
  Promotion promotion = Promotion::kNone;
  bool draws = false;  // random numbers, in training: two equal ops are not one
  std::vector<AtenRow> aten;

  std::optional<size_t> attr_index(std::string_view attr_name) const;
  std::optional<size_t> operand_index(std::string_view operand_name) const;
  bool is_variadic() const { return !operands.empty() && is_list(operands.back().arity); }
  bool has_bodies() const;
};

}  // namespace ferryman
