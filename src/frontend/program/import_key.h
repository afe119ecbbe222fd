// Under which name the op table knows an operator of a program.
#pragma once

#include <string>
#include <string_view>

namespace ferryman::frontend {

// "conv2d.default" for "aten.conv2d.default"; other namespaces stay.
inline std::string_view import_key(std::string_view target) {
  constexpr std::string_view kAten = "aten.";
  return target.starts_with(kAten) ? target.substr(kAten.size()) : target;
}

// The reverse: operators of other libraries, and Python's own, keep their names.
inline std::string named_by_import_key(std::string_view key) {
  for (const std::string_view other : {"_operator.", "builtins.", "ferryman.", "math.",
                                       "quantized_decomposed.", "torch.", "torchvision."}) {
    if (key.starts_with(other)) return std::string(key);
  }
  return "aten." + std::string(key);
}

}  // namespace ferryman::frontend
