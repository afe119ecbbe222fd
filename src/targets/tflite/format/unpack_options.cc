#include "targets/tflite/format/unpack_options.h"

#include <fmt/format.h>

#include <type_traits>

#include "targets/tflite/format/option_fields.h"
#include "targets/tflite/format/stored_vector.h"
#include "targets/tflite/format/vtable_position.h"

namespace ferryman::tflite {

namespace {

using flatbuffers::Vector;
using flatbuffers::voffset_t;

void read_value(const flatbuffers::Table& stored, voffset_t position, int, std::string& value) {
  const auto* text = stored.GetPointer<const flatbuffers::String*>(position);
  value = text == nullptr ? std::string() : text->str();
}

template <typename Element>
void read_value(const flatbuffers::Table& stored, voffset_t position, int,
                std::vector<Element>& values) {
  using Stored = std::conditional_t<std::is_same_v<Element, std::byte>, uint8_t, Element>;
  const auto* vector = stored.GetPointer<const Vector<Stored>*>(position);
  values.clear();
  if (vector == nullptr) return;
  for (const Stored element : copy_elements(*vector))
    values.push_back(static_cast<Element>(element));
}

template <typename Scalar>
void read_value(const flatbuffers::Table& stored, voffset_t position, int absent, Scalar& value) {
  if constexpr (std::is_same_v<Scalar, bool>) {
    value = stored.GetField<uint8_t>(position, static_cast<uint8_t>(absent)) != 0;
  } else if constexpr (std::is_same_v<Scalar, ElementType>) {
    value = static_cast<TensorType>(stored.GetField<int8_t>(position, static_cast<int8_t>(absent)));
  } else if constexpr (std::is_enum_v<Scalar>) {
    value = static_cast<Scalar>(stored.GetField<int8_t>(position, static_cast<int8_t>(absent)));
  } else {
    value = stored.GetField<Scalar>(position, static_cast<Scalar>(absent));
  }
}

}  // namespace

Result<Options> unpack_options(OptionTable table, const flatbuffers::Table& stored) {
  Options options = default_options(table);
  std::string_view bad_field;
  visit_fields(options, [&](const auto& field, auto& value) {
    read_value(stored, vtable_position(field.slot), field.absent, value);
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(value)>, ElementType>) {
      if (static_cast<uint8_t>(value.code) >= kNumTensorTypes) bad_field = field.name;
    }
  });
  if (bad_field.empty()) return options;
  return Diag::error(DiagCode::kMalformedModel,
                     fmt::format("the option '{}' is no known tensor type", bad_field));
}

}  // namespace ferryman::tflite
