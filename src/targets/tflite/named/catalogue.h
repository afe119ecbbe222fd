// The operators that a program may name, for who calls them from Python: as JSON, since a list of
// them, the types of some operands and the types of results are all that goes across.
//
//   operators_json()       [{"name": "MEAN", "op": "tfl_mean", "min_inputs": 2, "max_inputs": 2,
//                            "num_outputs": 1, "is_pointwise": false,
//                            "options": [{"name": "keep_dims", "type": "bool", "default": false}]}]
//   outputs_json(code, R"([{"dtype": "float32", "shape": [1, 8, 8, 3]}])")
//                          [{"dtype": "float32", "shape": [1, 3]}]
//
// Any number of inputs or outputs is -1. In lists of operands null is an absent one, and a small
// one of whole numbers may have its numbers: "constant": [1, 2].
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace ferryman::tflite {

std::string operators_json();

// What the runtime makes of such operands.
Result<std::string> outputs_json(std::string_view code, std::string_view operands);

// A file with the operator alone; its inputs are the operands without constants, in their order.
Result<std::vector<std::byte>> operator_file(std::string_view code, std::string_view operands);

// {"inputs": [{"dtype": …, "shape": …}], "outputs": […]} of a file's main graph.
Result<std::string> graph_ports_json(const std::string& path);

// write_without_custom (without_custom.h): [{"tensor": 3, "op": "MyOp"}].
Result<std::string> fed_tensors_json(const std::string& path, const std::string& output_path);

// A JSON value as FlexBuffer, the form of custom operators' options.
Result<std::vector<std::byte>> flexbuffer(std::string_view json);

}  // namespace ferryman::tflite
