#include "targets/tflite/format/constant_pool.h"

namespace ferryman::tflite {

namespace {

constexpr int64_t kPrefixBytes = int64_t{1} << 16;

}  // namespace

uint64_t ConstantPool::full_hash(uint32_t index) {
  std::optional<uint64_t>& hash = full_hashes_[index];
  if (!hash) hash = content_hash(*constants_[index]);
  return *hash;
}

uint32_t ConstantPool::add(const ConstantRef& constant) {
  const auto known = by_identity_.find(constant.get());
  if (known != by_identity_.end()) return known->second;

  const auto key = std::pair(constant->num_bytes(), prefix_hash(*constant, kPrefixBytes));
  std::vector<uint32_t>& candidates = by_size_and_prefix_[key];
  std::optional<uint64_t> hash;
  if (!candidates.empty()) hash = content_hash(*constant);
  for (const uint32_t candidate : candidates) {
    if (full_hash(candidate) != hash) continue;
    if (!same_content(*constants_[candidate], *constant)) continue;
    by_identity_.emplace(constant.get(), candidate);
    return candidate;
  }
  const auto index = static_cast<uint32_t>(constants_.size());
  constants_.push_back(constant);
  full_hashes_.push_back(hash);
  candidates.push_back(index);
  by_identity_.emplace(constant.get(), index);
  return index;
}

}  // namespace ferryman::tflite
