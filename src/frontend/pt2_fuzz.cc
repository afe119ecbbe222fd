// Whatever a .pt2 file holds, reading it gives a verified program or a diagnostic.
//
// An input that is a zip archive is read as it is; anything else becomes the JSON program of an
// archive whose other members are in order, since mutations of a zip file rarely survive its
// offsets.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "frontend/pt2/archive_for_test.h"
#include "frontend/pt2/read_pt2.h"
#include "support/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t num_bytes) {
  using namespace ferryman::frontend;
  const std::string_view text(reinterpret_cast<const char*>(bytes), num_bytes);
  const auto program =
      read_pt2(text.starts_with("PK") ? blob_of(text) : make_zip(small_archive(std::string(text))));
  if (!program.ok()) return 0;
  ferryman::check(verify_program(*program).ok(), "an unverified program was read");
  ferryman::check(!print_program(*program).empty(), "a program without text");
  return 0;
}
