#include "support/byte_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "support/check.h"

namespace ferryman {

namespace {

constexpr size_t kPendingBytes = size_t{1} << 16;
constexpr int kMaxAttempts = 100;  // temporary names that other processes may hold

Diag write_error(const std::string& path, const std::string& reason) {
  return Diag::error(DiagCode::kCannotWrite, "cannot write '" + path + "'").because(reason);
}

// Follows a symbolic link, so that the file it names is replaced and not the link.
std::string resolved(const std::string& path) {
  char* real = realpath(path.c_str(), nullptr);
  if (real == nullptr) return path;
  std::string result(real);
  std::free(real);
  return result;
}

Status write_fully(int descriptor, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return write_error(path, std::strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(count));
  }
  return {};
}

}  // namespace

Status MemorySink::write(std::span<const std::byte> bytes) {
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  return {};
}

FileSink::FileSink(std::string shown_path, std::string target, std::string temporary,
                   int descriptor)
    : shown_path_(std::move(shown_path)),
      target_(std::move(target)),
      temporary_(std::move(temporary)),
      descriptor_(descriptor) {
  pending_.reserve(kPendingBytes);
}

Result<std::unique_ptr<FileSink>> FileSink::create(const std::string& path) {
  const std::string target = resolved(path);
  struct stat status = {};
  if (stat(target.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return write_error(path,
                       S_ISDIR(status.st_mode) ? "it is a directory" : "it is not a regular file");
  }
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    std::string temporary =
        target + ".part-" + std::to_string(getpid()) + "-" + std::to_string(attempt);
    const int descriptor = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor < 0 && errno == EEXIST) continue;
    if (descriptor < 0) return write_error(path, std::strerror(errno));
    return std::unique_ptr<FileSink>(new FileSink(path, target, std::move(temporary), descriptor));
  }
  return write_error(path, "the directory is full of abandoned temporary files");
}

FileSink::~FileSink() {
  if (descriptor_ >= 0) close(descriptor_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

Diag FileSink::cannot_write(int error_number) const {
  return write_error(shown_path_, std::strerror(error_number));
}

Status FileSink::flush() {
  FERRYMAN_TRY_STATUS(write_fully(descriptor_, pending_, shown_path_));
  pending_.clear();
  return {};
}

Status FileSink::write(std::span<const std::byte> bytes) {
  check(descriptor_ >= 0, "write after commit");
  if (pending_.size() + bytes.size() > kPendingBytes) FERRYMAN_TRY_STATUS(flush());
  if (bytes.size() > kPendingBytes) return write_fully(descriptor_, bytes, shown_path_);
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  return {};
}

Status FileSink::commit() {
  FERRYMAN_TRY_STATUS(flush());
  // Some file systems report a full disk only on close, which therefore comes before the rename.
  if (close(std::exchange(descriptor_, -1)) != 0) return cannot_write(errno);
  if (rename(temporary_.c_str(), target_.c_str()) != 0) return cannot_write(errno);
  temporary_.clear();
  return {};
}

}  // namespace ferryman
