#include "targets/keras/format/archive.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "support/crc32.h"

namespace ferryman::keras {

namespace {

// PKWARE's APPNOTE.TXT, 4.3.
constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kCentralHeader = 0x02014b50;
constexpr uint32_t kEnd64 = 0x06064b50;
constexpr uint32_t kLocator64 = 0x07064b50;
constexpr uint32_t kEnd = 0x06054b50;
constexpr uint16_t kVersion64 = 45;
constexpr uint16_t kDate = 0x21;  // 1980-01-01, the first there is
constexpr uint16_t kUtf8 = 1 << 11;
constexpr uint16_t kExtra64 = 1;
constexpr uint32_t kIn64 = UINT32_MAX;
constexpr size_t kChunkBytes = size_t{1} << 20;

// Little-endian numbers, one after the other.
class Record {
 public:
  template <typename T>
  Record& add(T number) {
    for (size_t i = 0; i < sizeof(T); ++i)
      bytes_ += static_cast<char>(static_cast<uint64_t>(number) >> (8 * i) & 0xff);
    return *this;
  }
  Record& text(std::string_view text) {
    bytes_ += text;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

uint16_t length16(std::string_view text) {
  return static_cast<uint16_t>(text.size());
}

// What local and central headers share: version to the length of the name.
void add_description(Record& record, uint32_t crc, std::string_view name) {
  record.add(kVersion64).add(kUtf8).add(uint16_t{0}).add(uint16_t{0}).add(kDate).add(crc);
  record.add(kIn64).add(kIn64).add(length16(name));
}

Diag cannot_read_back() {
  return Diag::error(DiagCode::kCannotWrite, "the file of weights cannot be read back");
}

// Calls `take` with the file's bytes in pieces.
template <typename Take>
Status for_each_chunk(int descriptor, uint64_t num_bytes, Take take) {
  std::vector<std::byte> chunk(kChunkBytes);
  for (uint64_t at = 0; at < num_bytes;) {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(kChunkBytes, num_bytes - at));
    const ssize_t got = pread(descriptor, chunk.data(), wanted, static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return cannot_read_back();
    FERRYMAN_TRY_STATUS(take(std::span(chunk).first(static_cast<size_t>(got))));
    at += static_cast<uint64_t>(got);
  }
  return {};
}

}  // namespace

Status ArchiveWriter::write(std::string_view bytes) {
  position_ += bytes.size();
  return sink_.write(std::as_bytes(std::span(bytes.data(), bytes.size())));
}

Status ArchiveWriter::begin(Member member) {
  member.header_offset = position_;
  Record header;
  header.add(kLocalHeader);
  add_description(header, member.crc, member.name);
  header.add(uint16_t{20}).text(member.name);  // the extra field's length
  header.add(kExtra64).add(uint16_t{16}).add(member.num_bytes).add(member.num_bytes);
  members_.push_back(std::move(member));
  return write(header.bytes());
}

Status ArchiveWriter::add(std::string name, std::string_view text) {
  const uint32_t crc = crc32(std::as_bytes(std::span(text.data(), text.size())));
  FERRYMAN_TRY_STATUS(begin({std::move(name), 0, text.size(), crc}));
  return write(text);
}

Status ArchiveWriter::add_file(std::string name, int descriptor) {
  struct stat found = {};
  if (fstat(descriptor, &found) != 0) return cannot_read_back();
  const auto num_bytes = static_cast<uint64_t>(found.st_size);
  uint32_t crc = 0;
  FERRYMAN_TRY_STATUS(
      for_each_chunk(descriptor, num_bytes, [&](std::span<const std::byte> bytes) -> Status {
        crc = crc32(bytes, crc);
        return {};
      }));
  FERRYMAN_TRY_STATUS(begin({std::move(name), 0, num_bytes, crc}));
  return for_each_chunk(descriptor, num_bytes, [&](std::span<const std::byte> bytes) -> Status {
    position_ += bytes.size();
    return sink_.write(bytes);
  });
}

Status ArchiveWriter::finish() {
  const uint64_t directory = position_;
  for (const Member& member : members_) {
    Record header;
    header.add(kCentralHeader).add(kVersion64);
    add_description(header, member.crc, member.name);
    header.add(uint16_t{28}).add(uint16_t{0}).add(uint16_t{0}).add(uint16_t{0}).add(uint32_t{0});
    header.add(kIn64).text(member.name);
    header.add(kExtra64).add(uint16_t{24});
    header.add(member.num_bytes).add(member.num_bytes).add(member.header_offset);
    FERRYMAN_TRY_STATUS(write(header.bytes()));
  }
  const uint64_t end = position_;
  const uint64_t count = members_.size();
  Record record;
  record.add(kEnd64).add(uint64_t{44}).add(kVersion64).add(kVersion64).add(uint32_t{0});
  record.add(uint32_t{0}).add(count).add(count).add(end - directory).add(directory);
  record.add(kLocator64).add(uint32_t{0}).add(end).add(uint32_t{1});
  record.add(kEnd).add(uint32_t{0}).add(static_cast<uint16_t>(count));
  record.add(static_cast<uint16_t>(count)).add(kIn64).add(kIn64).add(uint16_t{0});
  return write(record.bytes());
}

}  // namespace ferryman::keras
