// Writes a model as a .tflite file. Constants are streamed behind the FlatBuffer through a 4 MB
// buffer, each content once; the same model gives the same bytes on every machine.
//
//   FERRYMAN_TRY_STATUS(write_tflite(model, "model.tflite"));
//
// A model that the runtime would not run (verify.h) is an internal error and nothing is written.
// The file appears complete or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "support/result.h"
#include "targets/tflite/format/model.h"

namespace ferryman::tflite {

// A FlatBuffer must stay below 2 GB; constants of larger models lie outside of it in the same file.
struct WriteLimits {
  int64_t max_flatbuffer_bytes = (int64_t{1} << 31) - 1;
};

Status write_tflite(const Model& model, const std::string& path, WriteLimits limits = {});
Result<std::vector<std::byte>> serialise_tflite(const Model& model, WriteLimits limits = {});

}  // namespace ferryman::tflite
