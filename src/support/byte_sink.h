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

// Writes a file that has no name yet, or where the file system has no such thing, one of a
// temporary name beside the target, and gives it the target's name on commit. So a reader sees the
// old file or the new one, never a part, and a process that is killed leaves nothing behind (but a
// temporary name; see remove_partial_file). A symbolic link stays a link.
class FileSink final : public ByteSink {
 public:
  enum class Naming : uint8_t { kWhenComplete, kTemporary };

  // kTemporary: as on a file system that cannot hold files without a name.
  static Result<std::unique_ptr<FileSink>> create(const std::string& path,
                                                  Naming naming = Naming::kWhenComplete);
  ~FileSink() override;
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

  Status write(std::span<const std::byte> bytes) override;
  Status commit();

 private:
  FileSink(std::string shown_path, std::string target, int descriptor);
  Status flush();
  template <typename Make>
  Status take_name(Make make);
  void forget_name();
  Status open_temporary();
  Status give_name();
  Diag cannot_write(int error_number) const;

  std::string shown_path_;  // as the user wrote it
  std::string target_;
  std::string temporary_;   // empty: the file has no name
  bool has_claim_ = false;  // on the name that remove_partial_file removes
  int descriptor_;
  std::vector<std::byte> pending_;  // small writes are gathered
};

// Removes the temporary name that is in use, if any. May be called by a signal handler. Only one of
// the files that are written at a time is remembered: the program writes one.
void remove_partial_file() noexcept;

}  // namespace ferryman
