// A size as torch writes it in a program, read into a tree:
//
//   parse_size("Min(Integer(1000), Symbol('u0', integer=True))")
//     -> {kMin, {{kNumber 1000}, {kSymbol "u0"}}}
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace ferryman::frontend {

struct SizeTerm {
  enum class Kind : uint8_t { kNumber, kSymbol, kAdd, kMul, kMin, kMax, kFloorDiv, kMod, kPow };
  Kind kind = Kind::kNumber;
  int64_t number = 0;              // kNumber
  std::string symbol;              // kSymbol
  std::vector<SizeTerm> operands;  // the others; kFloorDiv, kMod and kPow have two
};

Result<SizeTerm> parse_size(std::string_view text);

}  // namespace ferryman::frontend
