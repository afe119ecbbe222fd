// Reader of zip archives whose members are stored without compression, as PyTorch writes them.
//
//   FERRYMAN_TRY(ZipArchive zip, ZipArchive::open(file));
//   if (const ZipEntry* entry = zip.find("model/byteorder")) {
//     FERRYMAN_TRY(BlobRef bytes, zip.read(*entry));
//   }
//
// Members are views of the file, never copies. Only the central directory is believed (PyTorch's
// local headers hold no sizes); every offset is checked against the file before it is used, and two
// members of one name are refused. Compressed members may be listed but not read.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/blob.h"
#include "support/result.h"

namespace ferryman::frontend {

struct ZipEntry {
  std::string name;
  uint64_t header_offset = 0;
  uint64_t stored_bytes = 0;
  uint64_t original_bytes = 0;
  uint32_t crc32 = 0;
  uint16_t method = 0;  // 0 = stored
  uint16_t flags = 0;
};

class ZipArchive {
 public:
  // Bytes that a zip archive starts with; does not say that the rest is one.
  static bool has_signature(std::span<const std::byte> bytes);

  static Result<ZipArchive> open(BlobRef file);

  // In the order of the central directory.
  const std::vector<ZipEntry>& entries() const { return entries_; }
  const ZipEntry* find(std::string_view name) const;
  // The bytes of a member, after comparing them with its checksum.
  Result<BlobRef> read(const ZipEntry& entry) const;

 private:
  BlobRef file_;
  uint64_t directory_offset_ = 0;  // members end before it
  std::vector<ZipEntry> entries_;
  std::map<std::string, size_t, std::less<>> by_name_;
};

}  // namespace ferryman::frontend
