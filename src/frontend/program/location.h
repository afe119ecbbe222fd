// Where an exported node lies in the user's model, from what the exporter noted beside it.
//
//   make_location("conv2d", {"L__self__features.0@1", "features.0", "torch...Conv2d"}, traceback)
//     -> node conv2d, module_path "features.0@1", file "/home/me/model.py", line 12
#pragma once

#include <string>
#include <string_view>

#include "support/diagnostic.h"

namespace ferryman::frontend {

// The innermost entry of a node's nn_module_stack.
struct ModuleCall {
  std::string_view key;   // carries "@n" when the module is called again
  std::string_view path;  // fully qualified name; "" = the root
  std::string_view type;
};

// The file and line are those of the innermost frame outside of torch itself: for a node of
// torch.nn.Linear the line that called the layer. Only if all frames are torch's, its innermost.
SourceLocation make_location(std::string node, const ModuleCall& module,
                             std::string_view stack_trace);

// The innermost entry of an nn_module_stack as archives write it:
// "key,path,type;key,path,type". Empty parts when the text has another form.
ModuleCall innermost_module(std::string_view nn_module_stack);

}  // namespace ferryman::frontend
