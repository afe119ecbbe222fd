// A zip archive whose members are stored without compression, written from front to back.
//
//   ArchiveWriter archive(sink);
//   FERRYMAN_TRY_STATUS(archive.add("config.json", bytes));
//   FERRYMAN_TRY_STATUS(archive.add_file("model.weights.h5", descriptor));
//   FERRYMAN_TRY_STATUS(archive.finish());
//
// Members have the same date, so that equal contents are equal bytes. Large ones are ZIP64.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "support/byte_sink.h"

namespace ferryman::keras {

class ArchiveWriter {
 public:
  explicit ArchiveWriter(ByteSink& sink) : sink_(sink) {}

  Status add(std::string name, std::string_view text);
  // What is in the file, from its beginning.
  Status add_file(std::string name, int descriptor);
  Status finish();

 private:
  struct Member {
    std::string name;
    uint64_t header_offset = 0;
    uint64_t num_bytes = 0;
    uint32_t crc = 0;
  };
  Status begin(Member member);
  Status write(std::string_view bytes);

  ByteSink& sink_;
  uint64_t position_ = 0;
  std::vector<Member> members_;
};

}  // namespace ferryman::keras
