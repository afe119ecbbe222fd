// Under which name the op table knows an operator of a program.
#pragma once

#include <string_view>

namespace ferryman::frontend {

// "conv2d.default" for "aten.conv2d.default"; other namespaces stay.
inline std::string_view import_key(std::string_view target) {
  constexpr std::string_view kAten = "aten.";
  return target.starts_with(kAten) ? target.substr(kAten.size()) : target;
}

}  // namespace ferryman::frontend
