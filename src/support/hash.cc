#include "support/hash.h"

#define XXH_STATIC_LINKING_ONLY  // XXH3_state_t by value
#include <xxhash.h>

namespace ferryman {

struct Hasher::State {
  XXH3_state_t xxh;
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  XXH3_64bits_reset(&state_->xxh);
}
Hasher::~Hasher() = default;

void Hasher::update(std::span<const std::byte> bytes) {
  XXH3_64bits_update(&state_->xxh, bytes.data(), bytes.size());
}

void Hasher::update(uint64_t number) {
  XXH3_64bits_update(&state_->xxh, &number, sizeof(number));
}

uint64_t Hasher::digest() const {
  return XXH3_64bits_digest(&state_->xxh);
}

}  // namespace ferryman
