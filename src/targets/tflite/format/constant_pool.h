// Constants of a file, each content once.
//
//   ConstantPool pool;
//   uint32_t first = pool.add(bias_a);    // 0
//   uint32_t again = pool.add(bias_b);    // 0 if the bytes are equal, whatever the shapes are
//
// Invariant: the constants outlive the pool.
// Most constants are told apart by their size or their first bytes, so that a permuted weight is
// read once for writing and not also for hashing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "targets/tflite/format/constant.h"

namespace ferryman::tflite {

class ConstantPool {
 public:
  // The index of the pooled constant with these bytes; indices count up from 0.
  uint32_t add(const ConstantRef& constant);
  const std::vector<ConstantRef>& constants() const { return constants_; }

 private:
  uint64_t full_hash(uint32_t index);

  std::vector<ConstantRef> constants_;
  std::vector<std::optional<uint64_t>> full_hashes_;
  std::unordered_map<const ConstantSource*, uint32_t> by_identity_;
  std::map<std::pair<int64_t, uint64_t>, std::vector<uint32_t>> by_size_and_prefix_;
};

}  // namespace ferryman::tflite
