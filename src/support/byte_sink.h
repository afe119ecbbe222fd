// Where bytes of an output go: memory, or a file that appears only when it is complete.
//
//   FERRYMAN_TRY(std::unique_ptr<FileSink> file, FileSink::create("model.tflite"));
//   FERRYMAN_TRY_STATUS(file->write(bytes));
//   FERRYMAN_TRY_STATUS(file->commit());       // without it, nothing is left behind
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "support/result.h"

namespace ferryman {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual Status write(std::span<const std::byte> bytes) = 0;
};

class MemorySink final : public ByteSink {
 public:
  Status write(std::span<const std::byte> bytes) override;
  std::vector<std::byte> take() && { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

// Writes a temporary file beside the target and renames it over the target on commit, so that a
// reader sees the old file or the new one, never a part. A symbolic link stays a link.
class FileSink final : public ByteSink {
 public:
  static Result<std::unique_ptr<FileSink>> create(const std::string& path);
  ~FileSink() override;
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

  Status write(std::span<const std::byte> bytes) override;
  Status commit();

 private:
  FileSink(std::string shown_path, std::string target, std::string temporary, int descriptor);
  Status flush();
  Diag cannot_write(int error_number) const;

  std::string shown_path_;  // as the user wrote it
  std::string target_;
  std::string temporary_;
  int descriptor_;
  std::vector<std::byte> pending_;  // small writes are gathered
};

}  // namespace ferryman
