// Immutable bytes with an owner: a mapped file, a borrowed tensor, or memory of our own.
// Shared by reference; nothing here copies the bytes.
//
//   FERRYMAN_TRY(BlobRef file, map_file(path));
//   BlobRef weight = sub_blob(file, offset, num_bytes);
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "support/result.h"

namespace ferryman {

class Blob {
 public:
  // `keep_alive` is destroyed with the blob; it owns `bytes`.
  Blob(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive)
      : bytes_(bytes), keep_alive_(std::move(keep_alive)) {}
  Blob(const Blob&) = delete;
  Blob& operator=(const Blob&) = delete;

  std::span<const std::byte> bytes() const { return bytes_; }
  size_t size() const { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> keep_alive_;
};

using BlobRef = std::shared_ptr<const Blob>;

// Maps a regular file read-only. The pages are read from disk only when touched.
Result<BlobRef> map_file(const std::string& path);
BlobRef owned_blob(std::vector<std::byte> bytes);
// The caller promises that `keep_alive` keeps `bytes` valid and unchanged.
BlobRef borrowed_blob(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive);
// A part of `parent`, which stays alive. The range must lie inside (asserted).
BlobRef sub_blob(const BlobRef& parent, size_t offset, size_t num_bytes);

}  // namespace ferryman
