// The smallest target that is one: a file of text, with a line for each tensor that it holds.
//
//   t0 = input image: f32[1, 3, 32, 32]
//   t1 = transpose(t0, [0, 2, 3, 1]): f32[1, 32, 32, 3]
//   t2 = conv(t1, …) {stride=[2, 2]}: f32[1, 16, 16, 8]
//
// It keeps convolutions, norms and attention whole, has every other op in simpler ones where there
// are such, and images channels last. docs/adding_a_target.md reads it.
#pragma once

#include "passes/decompose/decompose.h"
#include "targets/target.h"
#include "tests/support/test_contract.h"

namespace ferryman {

class TextTarget : public Target {
 public:
  std::string_view name() const override { return "text"; }
  std::string_view suffix() const override { return ".txt"; }
  std::vector<Pass> prepare(const Choices&) const override { return {decompose_composites(keeps)}; }
  std::vector<Pass> legalise(const Choices&) const override {
    return {decompose_pass("legalise_ops", "every op as text has it", keeps, {})};
  }
  const layout::TargetContract& contract() const override { return contract_; }
  Result<Artifact> write(const WriteRequest& request) const override;

 private:
  static bool keeps(const Graph& graph, const Op& op);
  layout::ChannelsLastContract contract_;
};

}  // namespace ferryman
