// What a user may choose between in how a model is written; passes and targets read it.
#pragma once

#include <cstdint>

namespace ferryman {

enum class RecurrentForm : uint8_t {
  kAuto,      // what is expected to be faster
  kUnrolled,  // always: for compilers that take no loops
  kLoop,      // wherever there are enough steps
};

// Of NaN in extremes, orders and signs, which a target's operators may treat otherwise.
enum class NanForm : uint8_t {
  kFast,   // the target's own operator, whatever it makes of NaN
  kExact,  // as in PyTorch, by further operators
};

// What becomes of buffers that forward writes.
enum class StateForm : uint8_t {
  kVariables,  // the file keeps them between calls, where it can
  kExplicit,   // each is an input and an output
};

struct Choices {
  RecurrentForm recurrent = RecurrentForm::kAuto;
  NanForm nan = NanForm::kFast;
  StateForm state = StateForm::kVariables;
};

}  // namespace ferryman
