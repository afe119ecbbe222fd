// 64-bit content hashes (XXH3), fed in pieces.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ferryman {

class Hasher {
 public:
  Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;

  void update(std::span<const std::byte> bytes);
  void update(uint64_t number);
  uint64_t digest() const;

 private:
  struct State;
  State& state();
  const State& state() const;

  alignas(64) std::byte storage_[576];  // of the State, which only hash.cc knows
};

}  // namespace ferryman
