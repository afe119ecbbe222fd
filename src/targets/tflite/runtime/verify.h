// Tells whether a model may be written: whether it is sound, and whether the LiteRT CPU runtime
// would run it and give right results.
//
//   const Diagnostics found = verify_model(model);
//   if (found.has_errors()) …                      // a bug in lowering, never the user's fault
//
// The runtime itself checks little: operators in the wrong order compute with stale data, outputs
// that are declared with another shape than the kernel makes are read as something else, and some
// models end the process. Whatever is known to go wrong is found here, before a file exists, and
// told with the operator and the user's place. The time is linear in the number of operators.
#pragma once

#include <string>
#include <string_view>

#include "support/diagnostic.h"
#include "targets/tflite/format/model.h"

namespace ferryman::tflite {

// Everything below: the structure, if that is sound what operators demand, and if they get it
// what they make of it.
Diagnostics verify_model(const Model& model);

// Indices, shapes, sizes of constants, order of operators, signatures: what can be said without
// knowing any operator.
Diagnostics verify_structure(const Model& model);

// Operators that run other graphs: conditions and bodies of loops. The structure must be sound.
Diagnostics verify_calls(const Model& model);

// What each operator demands. The structure must be sound.
Diagnostics verify_operators(const Model& model);

// Whether each operator makes what its outputs are declared to be (output_table.h). The structure
// must be sound.
Diagnostics verify_outputs(const Model& model);

// "CONV_2D (operator 3 of 'main')", as messages name an operator.
std::string describe_operator(const Subgraph& subgraph, size_t position);
// That with a complaint, and the place in the user's model that the operator comes from.
Diag operator_error(const Model& model, const Subgraph& subgraph, size_t position,
                    std::string_view complaint);

}  // namespace ferryman::tflite
