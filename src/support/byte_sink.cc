#include "support/byte_sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
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

constexpr const char* kDescriptors = "/proc/self/fd/";

// For a signal handler, which cannot be given anything: the temporary name in use. Whoever claims
// it first has it; `is_set` says that the text is complete.
constexpr size_t kMaxPath = 4096;
std::array<char, kMaxPath> partial_path;
std::atomic<bool> is_claimed = false;
std::atomic<bool> is_set = false;
static_assert(std::atomic<bool>::is_always_lock_free);

bool claim_partial_path(const std::string& path) {
  if (path.size() >= kMaxPath || is_claimed.exchange(true)) return false;
  std::memcpy(partial_path.data(), path.c_str(), path.size() + 1);
  is_set.store(true);
  return true;
}

void release_partial_path() {
  is_set.store(false);
  is_claimed.store(false);
}

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

// A file without a name in the folder of `target`; negative where there is no such thing, or no way
// to name it later.
int open_unnamed(const std::string& target) {
  if (access(kDescriptors, X_OK) != 0) return -1;
  const size_t slash = target.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : target.substr(0, slash + 1);
  return open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
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

FileSink::FileSink(std::string shown_path, std::string target, int descriptor)
    : shown_path_(std::move(shown_path)), target_(std::move(target)), descriptor_(descriptor) {
  pending_.reserve(kPendingBytes);
}

Result<std::unique_ptr<FileSink>> FileSink::create(const std::string& path, Naming naming) {
  const std::string target = resolved(path);
  struct stat status = {};
  if (stat(target.c_str(), &status) == 0 && !S_ISREG(status.st_mode)) {
    return write_error(path,
                       S_ISDIR(status.st_mode) ? "it is a directory" : "it is not a regular file");
  }
  const int descriptor = naming == Naming::kTemporary ? -1 : open_unnamed(target);
  auto sink = std::unique_ptr<FileSink>(new FileSink(path, target, descriptor));
  if (descriptor < 0) FERRYMAN_TRY_STATUS(sink->open_temporary());
  return sink;
}

// Tries names until `make` does not find one taken.
template <typename Make>  // bool(const std::string& name), false with errno
Status FileSink::take_name(Make make) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const std::string name =
        target_ + ".part-" + std::to_string(getpid()) + "-" + std::to_string(attempt);
    has_claim_ = claim_partial_path(name);  // first: a signal may come at any time
    if (make(name)) {
      temporary_ = name;
      return {};
    }
    const int error_number = errno;
    forget_name();
    if (error_number != EEXIST) return cannot_write(error_number);
  }
  return write_error(shown_path_, "the directory is full of abandoned temporary files");
}

void FileSink::forget_name() {
  temporary_.clear();
  if (std::exchange(has_claim_, false)) release_partial_path();
}

Status FileSink::open_temporary() {
  return take_name([this](const std::string& name) {
    descriptor_ = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    return descriptor_ >= 0;
  });
}

// A link never replaces a file that stands there, a renaming does: the complete file has a
// temporary name for that moment.
Status FileSink::give_name() {
  const std::string unnamed = kDescriptors + std::to_string(descriptor_);
  return take_name([&](const std::string& name) {
    return linkat(AT_FDCWD, unnamed.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
  });
}

FileSink::~FileSink() {
  if (descriptor_ >= 0) close(descriptor_);
  if (temporary_.empty()) return;
  unlink(temporary_.c_str());
  forget_name();
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
  if (temporary_.empty()) FERRYMAN_TRY_STATUS(give_name());
  // Some file systems report a full disk only on close, which therefore comes before the rename.
  if (close(std::exchange(descriptor_, -1)) != 0) return cannot_write(errno);
  if (rename(temporary_.c_str(), target_.c_str()) != 0) return cannot_write(errno);
  forget_name();
  return {};
}

void remove_partial_file() noexcept {
  if (is_set.load()) unlink(partial_path.data());
}

}  // namespace ferryman
