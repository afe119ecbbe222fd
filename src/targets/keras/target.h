// Keras 3: functional models in .keras files, of layers that training goes on with.
#pragma once

#include "targets/target.h"

namespace ferryman::keras {

class KerasContract : public layout::TargetContract {
 public:
  std::vector<layout::Form> forms(const Graph& graph, OpId op) const override;
};

class KerasTarget : public Target {
 public:
  std::string_view name() const override { return "keras"; }
  std::string_view suffix() const override { return ".keras"; }
  bool trains_parameters() const override { return true; }
  bool has_variables() const override { return false; }
  bool can_nest() const override { return true; }
  std::vector<Pass> prepare(const Choices& choices) const override;
  std::vector<Pass> legalise(const Choices& choices) const override;
  const layout::TargetContract& contract() const override { return contract_; }
  Result<Artifact> write(const WriteRequest& request) const override;

 private:
  KerasContract contract_;
};

}  // namespace ferryman::keras
