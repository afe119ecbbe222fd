// One node of a program as the import functions see it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ops/import.h"

namespace ferryman::frontend {

class NodeCall final : public ImportContext {
 public:
  struct Arg {
    std::string_view name;
    ImportArg value;
    bool was_read = false;
  };
  struct ResultSlot {
    TensorType type;
    bool is_read = false;
  };

  NodeCall(Builder& builder, std::string_view target, std::vector<Arg> args,
           std::vector<ResultSlot> results, bool is_trained_on)
      : builder_(builder),
        target_(target),
        args_(std::move(args)),
        results_(std::move(results)),
        is_trained_on_(is_trained_on) {}

  CoreWriter writer() override { return {builder_, error_}; }
  // Of the first op that did not fit its operands: what was returned after it is of no meaning.
  const Status& error() const { return error_; }
  std::string_view target() const override { return target_; }
  const TensorType& result_type(size_t index) const override;
  size_t num_results() const override { return results_.size(); }
  bool is_result_read(size_t index) const override;
  bool is_trained_on() const override { return is_trained_on_; }
  std::vector<std::string_view> argument_names() const override;
  const ImportArg* find(std::string_view name) override;

  // The arguments that were never asked for and are not None.
  std::vector<std::string_view> unread_args() const;

 private:
  Builder& builder_;
  std::string_view target_;
  std::vector<Arg> args_;
  std::vector<ResultSlot> results_;
  bool is_trained_on_;
  Status error_;
};

}  // namespace ferryman::frontend
