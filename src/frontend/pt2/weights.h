// Parameters, buffers and constants of an archive: where their bytes lie, and which share them.
//
//   FERRYMAN_TRY(WeightTable weights, WeightTable::read(archive));
//   FERRYMAN_TRY_STATUS(weights.fill(input, tensor_type));
#pragma once

#include <map>
#include <string>

#include "frontend/program/program.h"
#include "frontend/pt2/archive.h"

namespace ferryman::frontend {

class WeightTable {
 public:
  // Which of the archive's two tables a tensor is in: parameters and persistent buffers, or
  // constants and buffers outside of the state dict.
  enum class Section : uint8_t { kWeights, kConstants };

  static Result<WeightTable> read(const Pt2Archive& archive);

  // Sets `data`, `storage_id` and `requires_grad` of the input called `input.name`; `type` is what
  // the graph says of it, and must agree.
  Status fill(Section section, const TensorMeta& type, Input& input) const;

 private:
  struct Entry {
    TensorMeta type;
    TensorStorage data;
    int64_t storage_id = -1;
    bool requires_grad = false;
    std::string problem;  // why it cannot be used, if it cannot
  };
  using Entries = std::map<std::string, Entry, std::less<>>;
  class Reader;

  Entries weights_, constants_;
};

}  // namespace ferryman::frontend
