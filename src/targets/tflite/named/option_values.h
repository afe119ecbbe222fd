// Options of operators by their names: which an operator has, and setting them.
//
//   for (const OptionSpec& spec : option_specs(Op::kSoftmax)) …      // {"beta", "float", "1.0"}
//   Options options = default_options(op_row(Op::kSoftmax).table);
//   FERRYMAN_TRY_STATUS(set_option(options, "beta", value));         // a value of JSON
//
// Enumerations and element types are texts, spelled as the runtime spells them ("SAME", "INT32").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"
#include "targets/tflite/format/op_table.h"

namespace simdjson::dom {
class element;
}

namespace ferryman::tflite {

struct OptionSpec {
  std::string name;
  std::string type;                     // "bool", "int", "float", "str", "int[]" or "float[]"
  std::string default_value;            // as JSON
  std::vector<std::string> words = {};  // all that a text may be; empty: anything
};

// Without those that hold bytes, of which there are none on operators that take nothing else.
std::vector<OptionSpec> option_specs(Op op);

// The error says what may stand there.
Status set_option(Options& options, std::string_view name, const simdjson::dom::element& value);

}  // namespace ferryman::tflite
