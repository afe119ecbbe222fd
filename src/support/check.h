// Assertions for what only Ferryman itself can get wrong. They stay on in release builds: a wrong
// result is worse than a crash with a place.
#pragma once

#include <source_location>
#include <string_view>

namespace ferryman {

// Prints the message with the place in our source and ends the process.
[[noreturn]] void internal_error(
    std::string_view message, const std::source_location& where = std::source_location::current());

inline void check(bool condition, std::string_view message,
                  const std::source_location& where = std::source_location::current()) {
  if (!condition) internal_error(message, where);
}

}  // namespace ferryman
