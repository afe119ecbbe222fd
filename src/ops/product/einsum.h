// torch.einsum as permute, reshape and matmul.
//
//   parse_einsum("bhid,bhjd->bhij", ranks)   ->  {{0,1,2,3}, {0,1,4,3}}, {0,1,2,4}
//
// Invariants: a label is a small number; the axes that "..." stands for have labels of their own,
// aligned at the right.
#pragma once

#include <string_view>
#include <vector>

#include "ops/import.h"

namespace ferryman {

using Labels = std::vector<int>;

struct EinsumEquation {
  std::vector<Labels> operands;
  Labels result;
};

Result<EinsumEquation> parse_einsum(std::string_view text, const std::vector<size_t>& ranks);

Result<std::vector<ValueId>> import_einsum(ImportContext& call);
// Contractions in other words.
Result<std::vector<ValueId>> import_tensordot(ImportContext& call);
Result<std::vector<ValueId>> import_inner(ImportContext& call);
Result<std::vector<ValueId>> import_bilinear(ImportContext& call);

}  // namespace ferryman
