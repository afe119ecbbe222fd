// What to do about an op that no import knows.
//
//   how_to_do_without("rand_like.default", Origin::kLive)   // "… give the model an input for them
//   …"
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "frontend/program.h"

namespace ferryman::frontend {

// `key` as import_key gives it.
inline bool draws_numbers(std::string_view key) {
  constexpr std::array<std::string_view, 7> kNames = {
      "bernoulli", "exponential", "multinomial",     "normal",
      "poisson",   "uniform",     "rrelu_with_noise"};
  const std::string_view name = key.substr(0, key.find('.'));
  return name.starts_with("rand") || std::any_of(kNames.begin(), kNames.end(), [&](auto known) {
           return name == known || (name.starts_with(known) && name.substr(known.size()) == "_");
         });
}

inline std::string how_to_do_without(std::string_view key, Origin origin) {
  if (draws_numbers(key))
    return "a file draws no random numbers: give the model an input for them, and draw outside";
  std::string hint = "express it with other operations of torch";
  if (origin == Origin::kArchive)
    hint += "; ferryman.export(module, args, path) has torch decompose what it can";
  return hint;
}

}  // namespace ferryman::frontend
