#include "support/blob.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "support/check.h"

namespace ferryman {

namespace {

struct Mapping {
  void* address = nullptr;
  size_t num_bytes = 0;
  ~Mapping() {
    if (address != nullptr) munmap(address, num_bytes);
  }
};

struct FileDescriptor {
  int number;
  ~FileDescriptor() {
    if (number >= 0) close(number);
  }
};

Diag unreadable(const std::string& path, const std::string& reason) {
  return Diag::error(DiagCode::kUnreadableFile, "cannot read '" + path + "'").because(reason);
}

}  // namespace

Result<BlobRef> map_file(const std::string& path) {
  const FileDescriptor file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.number < 0) return unreadable(path, std::strerror(errno));
  struct stat status = {};
  if (fstat(file.number, &status) != 0) return unreadable(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return unreadable(path, "it is not a regular file");
  if (status.st_size == 0) return owned_blob({});

  auto mapping = std::make_shared<Mapping>();
  const auto num_bytes = static_cast<size_t>(status.st_size);
  void* address = mmap(nullptr, num_bytes, PROT_READ, MAP_PRIVATE, file.number, 0);
  if (address == MAP_FAILED) return unreadable(path, std::strerror(errno));
  mapping->address = address;
  mapping->num_bytes = num_bytes;
  const std::span bytes(static_cast<const std::byte*>(address), num_bytes);
  return borrowed_blob(bytes, std::move(mapping));
}

BlobRef owned_blob(std::vector<std::byte> bytes) {
  auto storage = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  const std::span<const std::byte> view(*storage);
  return std::make_shared<const Blob>(view, std::move(storage));
}

BlobRef borrowed_blob(std::span<const std::byte> bytes, std::shared_ptr<const void> keep_alive) {
  return std::make_shared<const Blob>(bytes, std::move(keep_alive));
}

BlobRef sub_blob(const BlobRef& parent, size_t offset, size_t num_bytes) {
  check(offset <= parent->size() && num_bytes <= parent->size() - offset,
        "sub_blob outside its parent");
  return std::make_shared<const Blob>(parent->bytes().subspan(offset, num_bytes), parent);
}

}  // namespace ferryman
