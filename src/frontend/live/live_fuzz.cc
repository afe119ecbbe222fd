// Whatever a live buffer holds, reading it gives a verified program or a diagnostic.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "frontend/live/live.h"
#include "support/check.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t num_bytes) {
  using namespace ferryman;
  const auto buffer = borrowed_blob(std::as_bytes(std::span(bytes, num_bytes)), nullptr);
  const std::vector<BlobRef> storages = {owned_blob(std::vector<std::byte>(64)), owned_blob({})};
  const auto program = frontend::read_live(buffer, storages);
  if (!program.ok()) return 0;
  check(frontend::verify_program(*program).ok(), "an unverified program was read");
  check(!frontend::print_program(*program).empty(), "a program without text");
  return 0;
}
