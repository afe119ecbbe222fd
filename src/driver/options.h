// What a conversion is asked to do, the same for Python and the command line.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "passes/choices.h"
#include "passes/pass.h"
#include "support/result.h"

namespace ferryman {

// Names in the file. Both empty: those of the model.
struct PortNames {
  std::vector<std::string> all;                // one for each tensor input or output in order
  std::map<std::string, std::string> renamed;  // or a few, by the program's name
  bool empty() const { return all.empty() && renamed.empty(); }
};

struct ConvertOptions {
  std::string target = {};  // by its name; empty: what the ending of the output says
  // By the name of the input or output, the new one or the program's; "*" stands for all.
  // "channels_last", "channels_first", "any", or an order of axes, outermost first: "1,2,0".
  std::map<std::string, std::string> input_layouts;
  std::map<std::string, std::string> output_layouts;
  PortNames input_names;
  PortNames output_names;
  std::vector<std::string> nested;  // paths of modules that become models of their own; "*": all
  Choices choices;
  PassOptions passes;
  // For a check of what bodies compute: each is written there as a file of its own. Empty: none
  // are.
  std::string bodies_folder;
  std::string description = "Converted by Ferryman";
};

Diag bad_option(std::string what);

// {"target": "…", "input_layouts": {…}, "output_layouts": {…},
//  "input_names": […], {old: new} or null, "output_names": the same, "recurrent": "auto",
//  "nan": "fast", "state": "variables", "nested": […], "disabled_passes": […],
//  "bodies_folder": ""}; unknown keys are an error.
Result<ConvertOptions> parse_options(std::string_view json);

// "auto", "unrolled", "loop".
Result<RecurrentForm> parse_recurrent_form(std::string_view text);
// "fast", "exact".
Result<NanForm> parse_nan_form(std::string_view text);
// "variables", "explicit".
Result<StateForm> parse_state_form(std::string_view text);

}  // namespace ferryman
