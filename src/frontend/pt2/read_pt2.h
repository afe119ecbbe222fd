// Programs that torch.export.save wrote (torch 2.9 and later).
//
//   FERRYMAN_TRY(Program program, read_pt2("model.pt2"));
//
// The file stays mapped as long as a weight of the program lives; weights are views of it. The
// program is verified. Anything wrong with the file is a diagnostic, whatever the bytes are.
#pragma once

#include <string>

#include "frontend/program/program.h"

namespace ferryman::frontend {

Result<Program> read_pt2(const std::string& path);
Result<Program> read_pt2(BlobRef file);

}  // namespace ferryman::frontend
