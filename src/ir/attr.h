// Attributes of ops: a closed set of kinds. The axis kinds are types of their own, since the layout
// stage renumbers them without knowing the op.
//
//   constexpr AttrKey<double> kNegativeSlope{"negative_slope"};
//   double slope = op.attr(kNegativeSlope);          // a misspelling does not compile
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ir/dim.h"
#include "ir/dtype.h"
#include "ir/type.h"
#include "support/strong_id.h"

namespace ferryman {

using Ints = std::vector<int64_t>;
using Floats = std::vector<double>;

// One axis of operand 0 (or of the result, where the op adds it). Never negative.
struct Axis {
  int64_t value = 0;
  bool operator==(const Axis&) const = default;
};
// Several axes of operand 0, ascending unless the op says otherwise.
struct Axes {
  Ints values;
  bool operator==(const Axes&) const = default;
};
// One number for each axis of operand 0: steps, pad widths, repeats.
struct PerAxis {
  Ints values;
  bool operator==(const PerAxis&) const = default;
};
// One size for each axis of operand 0: where slices begin and end.
struct AxisSizes {
  Dims values;
  bool operator==(const AxisSizes&) const = default;
};
// Result axis i is operand axis values[i] (maps new to old).
struct Perm {
  Ints values;
  bool operator==(const Perm&) const = default;
};
// One size: how many there are of something.
struct SizeAttr {
  Dim value;
  bool operator==(const SizeAttr&) const = default;
};
// The dims of the result.
struct ShapeAttr {
  Dims dims;
  bool operator==(const ShapeAttr&) const = default;
};

// The types of the results, of an op that cannot work them out.
struct TypesAttr {
  std::vector<TensorType> values;
  bool operator==(const TypesAttr&) const = default;
};

// A closed graph that the op runs: a branch, a condition, the body of a loop (Graph::body).
using BodyId = StrongId<struct BodyTag>;

using Attr = std::variant<bool, int64_t, double, std::string, DType, Ints, Floats, Axis, Axes,
                          PerAxis, AxisSizes, Perm, SizeAttr, ShapeAttr, TypesAttr, BodyId>;

// In the order of Attr's alternatives.
enum class AttrKind : uint8_t {
  kBool,
  kInt,
  kFloat,
  kString,
  kDType,
  kInts,
  kFloats,
  kAxis,
  kAxes,
  kPerAxis,
  kAxisSizes,
  kPerm,
  kSize,
  kShape,
  kTypes,
  kBody,
};
static_assert(std::variant_size_v<Attr> == static_cast<size_t>(AttrKind::kBody) + 1);

inline AttrKind kind_of(const Attr& attr) {
  return static_cast<AttrKind>(attr.index());
}

template <typename T>
struct AttrKey {
  std::string_view name;
};

namespace detail {
template <typename T, size_t I = 0>
constexpr AttrKind attr_kind_of() {
  if constexpr (std::is_same_v<T, std::variant_alternative_t<I, Attr>>) {
    return static_cast<AttrKind>(I);
  } else {
    return attr_kind_of<T, I + 1>();
  }
}
}  // namespace detail

template <typename T>
inline constexpr AttrKind kAttrKindOf = detail::attr_kind_of<T>();

// A value for one key, as passed to Builder::create: {{kAxis, Axis{1}}, {kKeepDim, true}}.
struct NamedAttr {
  template <typename T>
  NamedAttr(AttrKey<T> key, T value) : name(key.name), attr(std::move(value)) {}
  NamedAttr(std::string_view attr_name, Attr value) : name(attr_name), attr(std::move(value)) {}
  std::string_view name;
  Attr attr;
};

}  // namespace ferryman
