// Tells whether a model may be written: whether it is sound, and whether the LiteRT CPU runtime
// would run it and give right results.
//
//   const Diagnostics found = verify_model(model);
//   if (found.has_errors()) …                      // a bug in lowering, never the user's fault
//
// The runtime itself checks little: operators in the wrong order compute with stale data, and some
// models end the process. Whatever is known to go wrong is found here, before a file exists.
#pragma once

#include "support/diagnostic.h"
#include "target/tflite/model.h"

namespace ferryman::tflite {

// Everything below, in this order; the others only if the first found nothing.
Diagnostics verify_model(const Model& model);

// Indices, shapes, sizes of constants, order of operators, signatures: what can be said without
// knowing any operator.
Diagnostics verify_structure(const Model& model);

// Operators that run other graphs: conditions and bodies of loops. The structure must be sound.
Diagnostics verify_calls(const Model& model);

// What each operator demands. The structure must be sound.
Diagnostics verify_operators(const Model& model);

// "CONV_2D (operator 3 of 'main')", as messages name an operator.
std::string describe_operator(const Subgraph& subgraph, size_t position);

}  // namespace ferryman::tflite
