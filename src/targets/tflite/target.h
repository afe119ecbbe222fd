// TFLite, the format of LiteRT.
#pragma once

#include "targets/target.h"
#include "targets/tflite/lower/contract.h"

namespace ferryman::tflite {

class TfliteTarget : public Target {
 public:
  std::string_view name() const override { return "tflite"; }
  std::string_view suffix() const override { return ".tflite"; }
  std::vector<Pass> prepare(const Choices& choices) const override;
  std::vector<Pass> legalise(const Choices& choices) const override;
  const layout::TargetContract& contract() const override { return contract_; }
  Result<Artifact> write(const WriteRequest& request) const override;

 private:
  TfliteContract contract_;
};

}  // namespace ferryman::tflite
