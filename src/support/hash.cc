#include "support/hash.h"

#define XXH_STATIC_LINKING_ONLY  // XXH3_state_t by value
#include <xxhash.h>

#include <new>

namespace ferryman {

struct Hasher::State {
  XXH3_state_t xxh;
};

Hasher::Hasher() {
  static_assert(sizeof(State) <= sizeof(storage_) && alignof(State) <= alignof(Hasher));
  new (storage_) State;
  XXH3_64bits_reset(&state().xxh);
}

Hasher::State& Hasher::state() {
  return *std::launder(reinterpret_cast<State*>(storage_));
}
const Hasher::State& Hasher::state() const {
  return *std::launder(reinterpret_cast<const State*>(storage_));
}

void Hasher::update(std::span<const std::byte> bytes) {
  XXH3_64bits_update(&state().xxh, bytes.data(), bytes.size());
}

void Hasher::update(uint64_t number) {
  XXH3_64bits_update(&state().xxh, &number, sizeof(number));
}

uint64_t Hasher::digest() const {
  return XXH3_64bits_digest(&state().xxh);
}

}  // namespace ferryman
