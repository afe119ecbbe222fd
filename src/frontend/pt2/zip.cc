#include "frontend/pt2/zip.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "support/crc32.h"

namespace ferryman::frontend {

namespace {

// Signatures and sizes of the records, from the zip specification (APPNOTE 4.3).
constexpr uint32_t kLocalSignature = 0x04034b50;
constexpr uint32_t kDirectorySignature = 0x02014b50;
constexpr uint32_t kEndSignature = 0x06054b50;
constexpr uint32_t kZip64EndSignature = 0x06064b50;
constexpr uint32_t kZip64LocatorSignature = 0x07064b50;
constexpr size_t kLocalBytes = 30;
constexpr size_t kDirectoryBytes = 46;
constexpr size_t kEndBytes = 22;
constexpr size_t kZip64EndBytes = 56;
constexpr size_t kZip64LocatorBytes = 20;
constexpr size_t kMaxCommentBytes = 0xffff;
constexpr uint16_t kZip64Extra = 0x0001;
constexpr uint16_t kEncryptedFlag = 0x0001;
constexpr uint16_t kSaturated16 = 0xffff;
constexpr uint32_t kSaturated32 = 0xffffffff;

Diag damaged_zip(std::string why) {
  return Diag::error(DiagCode::kMalformedArchive, "the zip archive is damaged")
      .because(std::move(why));
}

// Little-endian numbers at an offset that the caller has checked.
template <typename T>
T load(std::span<const std::byte> bytes, size_t offset) {
  T number = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    number =
        static_cast<T>(number | static_cast<T>(std::to_integer<T>(bytes[offset + i]) << (8 * i)));
  }
  return number;
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool fits(uint64_t offset, uint64_t num_bytes, uint64_t limit) {
  return offset <= limit && num_bytes <= limit - offset;
}

struct Directory {
  uint64_t offset = 0;
  uint64_t num_bytes = 0;
  uint64_t num_entries = 0;
};

// The end record lies before a comment of unknown length.
std::optional<size_t> find_end_record(std::span<const std::byte> file) {
  if (file.size() < kEndBytes) return std::nullopt;
  const size_t last = file.size() - kEndBytes;
  const size_t first = last > kMaxCommentBytes ? last - kMaxCommentBytes : 0;
  for (size_t offset = last + 1; offset-- > first;) {
    if (load<uint32_t>(file, offset) != kEndSignature) continue;
    if (offset + kEndBytes + load<uint16_t>(file, offset + 20) == file.size()) return offset;
  }
  return std::nullopt;
}

Result<Directory> read_zip64_end(std::span<const std::byte> file, size_t end) {
  if (end < kZip64LocatorBytes) return damaged_zip("the zip64 locator is missing");
  const size_t locator = end - kZip64LocatorBytes;
  if (load<uint32_t>(file, locator) != kZip64LocatorSignature) {
    return damaged_zip("the zip64 locator is missing");
  }
  const auto record = load<uint64_t>(file, locator + 8);
  if (!fits(record, kZip64EndBytes, locator) ||
      load<uint32_t>(file, record) != kZip64EndSignature) {
    return damaged_zip("the zip64 end record is missing");
  }
  return Directory{.offset = load<uint64_t>(file, record + 48),
                   .num_bytes = load<uint64_t>(file, record + 40),
                   .num_entries = load<uint64_t>(file, record + 32)};
}

Result<Directory> find_directory(std::span<const std::byte> file) {
  const auto end = find_end_record(file);
  if (!end) return damaged_zip("it has no end record; is the file complete?");
  Directory directory{.offset = load<uint32_t>(file, *end + 16),
                      .num_bytes = load<uint32_t>(file, *end + 12),
                      .num_entries = load<uint16_t>(file, *end + 10)};
  if (directory.offset == kSaturated32 || directory.num_bytes == kSaturated32 ||
      directory.num_entries == kSaturated16) {
    FERRYMAN_TRY(directory, read_zip64_end(file, *end));
  }
  if (!fits(directory.offset, directory.num_bytes, *end)) {
    return damaged_zip("the directory lies outside of the file");
  }
  if (directory.num_entries > directory.num_bytes / kDirectoryBytes) {
    return damaged_zip(
        fmt::format("the directory is too short for its {} members", directory.num_entries));
  }
  return directory;
}

// The zip64 field holds, in this order, those of the three numbers that are saturated.
Status read_zip64_extra(std::span<const std::byte> extra, ZipEntry& entry) {
  while (extra.size() >= 4) {
    const auto id = load<uint16_t>(extra, 0);
    const auto num_bytes = load<uint16_t>(extra, 2);
    extra = extra.subspan(4);
    if (num_bytes > extra.size()) break;
    std::span<const std::byte> field = extra.first(num_bytes);
    extra = extra.subspan(num_bytes);
    if (id != kZip64Extra) continue;
    for (uint64_t* number : {&entry.original_bytes, &entry.stored_bytes, &entry.header_offset}) {
      if (*number != kSaturated32) continue;
      if (field.size() < sizeof(uint64_t)) break;
      *number = load<uint64_t>(field, 0);
      field = field.subspan(sizeof(uint64_t));
    }
    return {};
  }
  return damaged_zip(fmt::format("'{}' lacks its zip64 sizes", entry.name));
}

}  // namespace

bool ZipArchive::has_signature(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(uint32_t)) return false;
  const auto signature = load<uint32_t>(bytes, 0);
  return signature == kLocalSignature || signature == kEndSignature;
}

Result<ZipArchive> ZipArchive::open(BlobRef file) {
  FERRYMAN_TRY(const Directory directory, find_directory(file->bytes()));
  std::span<const std::byte> rest = file->bytes().subspan(directory.offset, directory.num_bytes);
  ZipArchive archive;
  archive.file_ = std::move(file);
  archive.directory_offset_ = directory.offset;
  for (uint64_t i = 0; i < directory.num_entries; ++i) {
    if (rest.size() < kDirectoryBytes || load<uint32_t>(rest, 0) != kDirectorySignature) {
      return damaged_zip(fmt::format("member {} of its directory is damaged", i));
    }
    const size_t name_bytes = load<uint16_t>(rest, 28);
    const size_t extra_bytes = load<uint16_t>(rest, 30);
    const size_t comment_bytes = load<uint16_t>(rest, 32);
    const size_t record_bytes = kDirectoryBytes + name_bytes + extra_bytes + comment_bytes;
    if (rest.size() < record_bytes) {
      return damaged_zip(fmt::format("member {} reaches outside of its directory", i));
    }
    ZipEntry entry{.name = std::string(text_of(rest.subspan(kDirectoryBytes, name_bytes))),
                   .header_offset = load<uint32_t>(rest, 42),
                   .stored_bytes = load<uint32_t>(rest, 20),
                   .original_bytes = load<uint32_t>(rest, 24),
                   .crc32 = load<uint32_t>(rest, 16),
                   .method = load<uint16_t>(rest, 10),
                   .flags = load<uint16_t>(rest, 8)};
    if (std::max({entry.header_offset, entry.stored_bytes, entry.original_bytes}) == kSaturated32) {
      FERRYMAN_TRY_STATUS(
          read_zip64_extra(rest.subspan(kDirectoryBytes + name_bytes, extra_bytes), entry));
    }
    rest = rest.subspan(record_bytes);
    if (!archive.by_name_.emplace(entry.name, archive.entries_.size()).second) {
      return damaged_zip(fmt::format("it has two members named '{}'", entry.name));
    }
    archive.entries_.push_back(std::move(entry));
  }
  return archive;
}

const ZipEntry* ZipArchive::find(std::string_view name) const {
  const auto entry = by_name_.find(name);
  return entry == by_name_.end() ? nullptr : &entries_[entry->second];
}

Result<BlobRef> ZipArchive::read(const ZipEntry& entry) const {
  const std::span<const std::byte> file = file_->bytes();
  const auto damaged = [&](std::string_view why) {
    return damaged_zip(fmt::format("member '{}' {}", entry.name, why));
  };
  if (entry.method != 0) return damaged("is compressed");
  if ((entry.flags & kEncryptedFlag) != 0) return damaged("is encrypted");
  if (entry.stored_bytes != entry.original_bytes) return damaged("has two different sizes");
  if (!fits(entry.header_offset, kLocalBytes, directory_offset_) ||
      load<uint32_t>(file, entry.header_offset) != kLocalSignature) {
    return damaged("has no header where the directory says");
  }
  const size_t name_bytes = load<uint16_t>(file, entry.header_offset + 26);
  const size_t extra_bytes = load<uint16_t>(file, entry.header_offset + 28);
  const uint64_t payload = entry.header_offset + kLocalBytes + name_bytes + extra_bytes;
  if (!fits(payload, entry.stored_bytes, directory_offset_)) {
    return damaged("reaches outside of the file");
  }
  if (text_of(file.subspan(entry.header_offset + kLocalBytes, name_bytes)) != entry.name) {
    return damaged("has another name in its header");
  }
  BlobRef bytes = sub_blob(file_, payload, entry.stored_bytes);
  // torch can be told to write no checksums (torch.serialization.set_crc32_options): they are 0.
  if (entry.crc32 != 0 && crc32(bytes->bytes()) != entry.crc32) {
    return damaged("does not have its checksum");
  }
  return bytes;
}

}  // namespace ferryman::frontend
