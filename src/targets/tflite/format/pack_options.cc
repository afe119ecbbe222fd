#include "targets/tflite/format/pack_options.h"

#include <array>
#include <type_traits>

#include "targets/tflite/format/option_fields.h"
#include "targets/tflite/format/vtable_position.h"

namespace ferryman::tflite {

namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::uoffset_t;

constexpr size_t kMaxSlots = 16;  // no option table is wider
using StoredFields = std::array<uoffset_t, kMaxSlots>;

// Strings and vectors must be stored before the table that refers to them.
uoffset_t store_value(FlatBufferBuilder& builder, const std::string& text) {
  return builder.CreateString(text).o;
}
template <typename Element>
uoffset_t store_value(FlatBufferBuilder& builder, const std::vector<Element>& values) {
  return builder.CreateVector(values).o;
}
uoffset_t store_value(FlatBufferBuilder& builder, const std::vector<std::byte>& bytes) {
  return builder.CreateVector(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()).o;
}
template <typename Scalar>
uoffset_t store_value(FlatBufferBuilder&, const Scalar&) {
  return 0;
}

template <typename Value>
void add_field(FlatBufferBuilder& builder, int slot, int absent, const Value& value,
               uoffset_t stored) {
  const auto position = vtable_position(slot);
  if constexpr (std::is_same_v<Value, bool>) {
    builder.AddElement<uint8_t>(position, value ? 1 : 0, static_cast<uint8_t>(absent));
  } else if constexpr (std::is_same_v<Value, ElementType>) {
    builder.AddElement<int8_t>(position, static_cast<int8_t>(value.code),
                               static_cast<int8_t>(absent));
  } else if constexpr (std::is_enum_v<Value>) {
    builder.AddElement<int8_t>(position, static_cast<int8_t>(value), static_cast<int8_t>(absent));
  } else if constexpr (std::is_arithmetic_v<Value>) {
    builder.AddElement<Value>(position, value, static_cast<Value>(absent));
  } else {
    builder.AddOffset(position, flatbuffers::Offset<void>(stored));
  }
}

}  // namespace

flatbuffers::Offset<void> pack_options(FlatBufferBuilder& builder, const Options& options) {
  StoredFields stored = {};
  visit_fields(options, [&](const auto& field, const auto& value) {
    stored[static_cast<size_t>(field.slot)] = store_value(builder, value);
  });
  const uoffset_t start = builder.StartTable();
  visit_fields(options, [&](const auto& field, const auto& value) {
    add_field(builder, field.slot, field.absent, value, stored[static_cast<size_t>(field.slot)]);
  });
  return flatbuffers::Offset<void>(builder.EndTable(start));
}

}  // namespace ferryman::tflite
