#include "tests/support/random_graph.h"

#include <algorithm>
#include <array>
#include <limits>

#include "ops/attrs.h"
#include "ops/names.h"
#include "tests/support/random_attention.h"
#include "tests/support/random_control.h"
#include "tests/support/random_recurrent.h"
#include "tests/support/random_tensor.h"

namespace ferryman {

namespace {

constexpr int kAttempts = 60;        // draws for one op before it is given up
constexpr int64_t kMaxElems = 4096;  // results above that are not worth their time

class OpDrawer {
 public:
  OpDrawer(Builder& builder, const OpDef& def, const std::vector<ValueId>& values,
           RandomSource& random)
      : builder_(builder), def_(def), values_(values), random_(random) {}

  OpId draw() {
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
      if (!draw_operands()) return OpId();
      draw_attrs();
      if (!is_small()) continue;
      Result<OpId> made = builder_.try_create(OpName{def_.name}, operands_, attrs_);
      if (made.ok()) return *made;
    }
    return OpId();
  }

 private:
  const Graph& graph() const { return builder_.graph(); }
  const Dims& first_dims() const { return graph().type(operands_.front()).dims; }

  // A value of a dtype that the row takes; the latest ones more often, so that ops form chains.
  ValueId draw_value(const OperandSpec& spec) {
    std::vector<ValueId> fitting;
    for (const ValueId value : values_) {
      if (contains(spec.dtypes, graph().type(value).dtype)) fitting.push_back(value);
    }
    if (fitting.empty()) return ValueId();
    const size_t reach = std::min<size_t>(fitting.size(), random_.chance(70) ? 2 : fitting.size());
    return fitting[fitting.size() - 1 - random_.below(reach)];
  }

  // A constant whose sizes are those of operand 0, or small ones.
  ValueId draw_constant() {
    const Ints like = static_sizes(first_dims());
    const size_t rank = random_.chance(50) ? 1 : like.size();
    Ints shape;
    for (size_t i = 0; i < rank; ++i) {
      const bool own = !like.empty() && random_.chance(50);
      shape.push_back(own ? random_.pick(like) : random_.between(1, 3));
    }
    if (product(shape) > kMaxElems) return ValueId();
    const DType dtype = graph().type(operands_.front()).dtype;
    const auto seed = static_cast<uint64_t>(random_.between(0, 1 << 20));
    return builder_.constant(random_tensor(dtype, shape, seed));
  }

  // For operands of whole numbers beside one of others: places along an axis.
  ValueId draw_places() {
    const Ints shape = draw_ints(random_.below(2), 1, 3);
    std::vector<int32_t> places;
    for (int64_t i = 0; i < product(shape); ++i)
      places.push_back(static_cast<int32_t>(random_.between(0, 1)));
    return builder_.constant(TensorData::of<int32_t>(shape, places));
  }

  ValueId draw_constant(const OperandSpec& spec) {
    const DType dtype = graph().type(operands_.front()).dtype;
    return contains(spec.dtypes, dtype) ? draw_constant() : draw_places();
  }

  bool draw_operands() {
    operands_.clear();
    for (const OperandSpec& spec : def_.operands) {
      const size_t count = spec.arity == Arity::kVariadic ? 1 + random_.below(3) : 1;
      for (size_t i = 0; i < count; ++i) {
        if (spec.arity == Arity::kOptional && random_.chance(50)) {
          operands_.push_back(ValueId());
          continue;
        }
        const bool first = operands_.empty();
        const ValueId value = !first && random_.chance(50) ? draw_constant(spec) : draw_value(spec);
        if (!value.valid()) return false;
        operands_.push_back(value);
      }
    }
    return !operands_.empty();
  }

  Ints draw_ints(size_t count, int64_t min, int64_t max) {
    Ints list;
    for (size_t i = 0; i < count; ++i) list.push_back(random_.between(min, max));
    return list;
  }

  Ints shuffled_axes() {
    Ints axes;
    for (size_t i = 0; i < first_dims().size(); ++i) axes.push_back(static_cast<int64_t>(i));
    for (size_t i = axes.size(); i > 1; --i) std::swap(axes[i - 1], axes[random_.below(i)]);
    return axes;
  }

  Ints some_axes() {
    Ints axes;
    for (size_t i = 0; i < first_dims().size(); ++i) {
      if (random_.chance(50)) axes.push_back(static_cast<int64_t>(i));
    }
    return axes;
  }

  // A factorisation of the same elements, or the sizes with units made larger.
  Dims draw_shape() {
    Ints sizes = static_sizes(first_dims());
    if (random_.chance(30)) {
      for (int64_t& size : sizes) size = size == 1 ? random_.between(1, 3) : size;
      return to_dims(sizes);
    }
    if (random_.chance(50) && sizes.size() >= 2) {
      const size_t at = random_.below(sizes.size() - 1);
      sizes[at] *= sizes[at + 1];
      sizes.erase(sizes.begin() + static_cast<std::ptrdiff_t>(at) + 1);
    }
    const size_t at = random_.below(sizes.size() + 1);
    if (at < sizes.size() && sizes[at] % 2 == 0 && sizes[at] > 0) {
      sizes[at] /= 2;
      sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(at), 2);
    } else {
      sizes.insert(sizes.begin() + static_cast<std::ptrdiff_t>(at), 1);
    }
    return to_dims(sizes);
  }

  Ints draw_per_axis() {
    Ints list;
    const Ints sizes = static_sizes(first_dims());
    for (const int64_t size : sizes)
      list.push_back(random_.chance(40) ? size : random_.between(0, 2));
    return list;
  }

  Attr draw_attr(const AttrSpec& spec) {
    const AttrKind kind = spec.kind;
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    static constexpr std::array<double, 9> kFloats = {0.0, 0.5,  1.0,        -1.0,     6.0,
                                                      2.0, 1e-3, -kInfinity, kInfinity};
    static constexpr std::array kDTypes = {DType::kF32, DType::kF32, DType::kI32, DType::kI64,
                                           DType::kBool};
    const size_t rank = first_dims().size();
    switch (kind) {
      case AttrKind::kBool:
        return random_.chance(50);
      case AttrKind::kInt:
        return random_.between(0, 3);
      case AttrKind::kFloat:
        return random_.pick(kFloats);
      case AttrKind::kString:
        return std::string("none");
      case AttrKind::kDType:
        return random_.pick(kDTypes);
      case AttrKind::kInts:
        return draw_ints(rank > 2 ? rank - 2 : 1, random_.between(0, 1), 2);
      case AttrKind::kFloats:
        return Floats();
      case AttrKind::kAxis:
        return Axis{rank == 0 ? 0 : random_.between(0, static_cast<int64_t>(rank) - 1)};
      case AttrKind::kAxes:
        return Axes{some_axes()};
      case AttrKind::kPerAxis:
        return PerAxis{draw_per_axis()};
      case AttrKind::kAxisSizes:
        return AxisSizes{to_dims(draw_per_axis())};
      case AttrKind::kPerm:
        return Perm{shuffled_axes()};
      case AttrKind::kSize:
        return SizeAttr{random_.between(0, 3)};
      case AttrKind::kShape:
        if (spec.name == attr::kResizedTo.name)
          return ShapeAttr{to_dims(draw_ints(rank > 2 ? rank - 2 : 1, 1, 3))};
        return ShapeAttr{draw_shape()};
      case AttrKind::kBody:
        break;  // ops with bodies are drawn as a whole (random_control.h)
      case AttrKind::kTypes:
        break;  // of code that only its target can run
    }
    return false;
  }

  void draw_attrs() {
    attrs_.clear();
    for (const AttrSpec& spec : def_.attrs) {
      if (spec.default_value.has_value() && random_.chance(50)) continue;
      attrs_.emplace_back(spec.name, draw_attr(spec));
    }
  }

  bool is_small() const {
    return std::all_of(operands_.begin(), operands_.end(), [&](ValueId value) {
      return !value.valid() || num_elements(graph().type(value).dims) <= kMaxElems;
    });
  }

  Builder& builder_;
  const OpDef& def_;
  const std::vector<ValueId>& values_;
  RandomSource& random_;
  std::vector<ValueId> operands_;
  std::vector<NamedAttr> attrs_;
};

Ints random_shape(RandomSource& random) {
  static constexpr std::array<int64_t, 4> kSizes = {1, 2, 3, 4};
  Ints shape;
  const int64_t rank = random.between(1, 4);
  for (int64_t i = 0; i < rank; ++i) shape.push_back(random.pick(kSizes));
  return shape;
}

}  // namespace

OpId add_random_op(Builder& builder, const OpDef& def, const std::vector<ValueId>& values,
                   RandomSource& random, const OpChoices& inside) {
  if (def.has_bodies()) return add_random_control_op(builder, def, values, random, inside);
  if (is_recurrent(def)) return add_random_recurrent_op(builder, def, values, random);
  if (def.name == ops::kMultiHeadAttention.text)
    return add_random_attention_layer(builder, values, random);
  return OpDrawer(builder, def, values, random).draw();
}

Graph random_graph(const OpSet& ops, uint64_t seed, const RandomGraphOptions& options) {
  RandomSource random(seed);
  Graph graph(ops, "random");
  std::vector<ValueId> values;
  const Ints shape = random_shape(random);
  values.push_back(graph.add_input("x", {DType::kF32, to_dims(shape)}));
  values.push_back(graph.add_input(
      "y", {DType::kF32, to_dims(random.chance(60) ? shape : random_shape(random))}));
  if (random.chance(30)) values.push_back(graph.add_input("n", {DType::kI64, to_dims(shape)}));

  OpChoices choices;
  for (const OpDef& def : ops.all()) {
    const bool excluded = std::find(options.excluded.begin(), options.excluded.end(), def.name) !=
                          options.excluded.end();
    if (!excluded && def.eval != nullptr) choices.push_back(&def);
  }
  Builder builder(graph);
  for (int made = 0, tried = 0; made < options.num_ops && tried < 20 * options.num_ops; ++tried) {
    const OpId op = add_random_op(builder, *random.pick(choices), values, random, choices);
    if (!op.valid()) continue;
    ++made;
    for (const ValueId result : graph.op(op).results) values.push_back(result);
  }
  for (const ValueId value : values) {
    const bool last = value == values.back();
    if (last || (graph.value(value).uses.empty() && graph.producer(value).valid()))
      graph.add_output("out" + std::to_string(graph.outputs().size()), value);
  }
  return graph;
}

}  // namespace ferryman
