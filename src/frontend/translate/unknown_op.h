// The errors about ops that no import knows, with what converts in their place.
//
//   return unknown_op(node, program.origin);
//   // error[E0203]: aten.rand_like.default is not supported
//   //   hint: a file draws no random numbers: give the model an input for them, and draw outside
#pragma once

#include <string>

#include "frontend/program/program.h"
#include "support/diagnostic.h"

namespace ferryman::frontend {

Diag unknown_op(const Node& node, Origin origin);
// One that writes in place, which functionalising has not made another of.
Diag unknown_write(const Node& node, Origin origin);
// What converts in the place of an op, for an error that has nothing to say about it; may be empty.
std::string idiom_in_place_of(const Node& node);
// One that is known for real numbers.
Diag no_complex_form(const Node& node);

}  // namespace ferryman::frontend
