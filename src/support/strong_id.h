// Ids that the compiler keeps apart: comparing an OpId with a ValueId does not compile.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <limits>

namespace ferryman {

template <typename Tag>
struct StrongId {
  static constexpr uint32_t kInvalid = std::numeric_limits<uint32_t>::max();
  uint32_t index = kInvalid;

  constexpr StrongId() = default;
  constexpr explicit StrongId(size_t i) : index(static_cast<uint32_t>(i)) {}
  constexpr bool valid() const { return index != kInvalid; }
  constexpr auto operator<=>(const StrongId&) const = default;
};

}  // namespace ferryman

template <typename Tag>
struct std::hash<ferryman::StrongId<Tag>> {
  size_t operator()(const ferryman::StrongId<Tag>& id) const noexcept { return id.index; }
};
