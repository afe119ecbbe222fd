// What a conversion is asked to do, the same for Python and the command line.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "layout/contract.h"
#include "passes/pass.h"
#include "target/tflite/nan_form.h"
#include "target/tflite/recurrent_form.h"

namespace ferryman {

struct ConvertOptions {
  // By the program's name of the input or output; "*" stands for all.
  std::map<std::string, std::string> input_layouts;  // "channels_last", "channels_first", "any"
  std::map<std::string, std::string> output_layouts;
  // Names in the file, one for each tensor input or output in order; empty: from the model.
  std::vector<std::string> input_names;
  std::vector<std::string> output_names;
  tflite::RecurrentForm recurrent = tflite::RecurrentForm::kAuto;
  tflite::NanForm nan = tflite::NanForm::kFast;
  PassOptions passes;
  std::string description = "Converted by Ferryman";
};

// {"target": "tflite", "input_layouts": {…}, "output_layouts": {…}, "input_names": […] or null,
//  "output_names": […] or null, "recurrent": "auto", "nan": "fast", "disabled_passes": […]};
// unknown keys are an error.
Result<ConvertOptions> parse_options(std::string_view json);

// "auto", "unrolled", "loop".
Result<tflite::RecurrentForm> parse_recurrent_form(std::string_view text);
// "fast", "exact".
Result<tflite::NanForm> parse_nan_form(std::string_view text);

// The layouts of the graph's inputs and outputs; a name that the graph does not have, or a tensor
// without channels, is an error.
Result<layout::IoLayouts> resolve_io_layouts(const Graph& graph, const ConvertOptions& options);

// As many names as ports, and no name twice.
Status check_port_names(const Graph& graph, const ConvertOptions& options);

}  // namespace ferryman
