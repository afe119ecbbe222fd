// Any bytes as a .tflite file: reading fails with a diagnostic or gives a model that can be printed
// and verified; what verifies can be written, and reads back as the same text.
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/check.h"
#include "targets/tflite/format/print.h"
#include "targets/tflite/format/read.h"
#include "targets/tflite/format/write.h"
#include "targets/tflite/runtime/verify.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ferryman;
  const auto bytes = std::as_bytes(std::span(data, size));
  const Result<tflite::Model> model = tflite::read_tflite(owned_blob({bytes.begin(), bytes.end()}));
  if (!model.ok()) return 0;
  const std::string text = tflite::print_model(*model);
  if (tflite::verify_model(*model).has_errors()) return 0;
  const Result<std::vector<std::byte>> written = tflite::serialise_tflite(*model);
  check(written.ok(), "a verified model cannot be written");
  const Result<tflite::Model> again = tflite::read_tflite(owned_blob(*written));
  check(again.ok(), "what was written cannot be read");
  check(tflite::print_model(*again) == text, "writing changed the model");
  return 0;
}
