// The whole flow, readable from the top: a program in memory becomes a file.
//
//   FERRYMAN_TRY(frontend::Program program, frontend::read_pt2(path));
//   Conversion result = convert(std::move(program), options, "model.tflite");
//   if (!result.report) std::cerr << render(result.diagnostics, Severity::kError);
//
// All problems of a stage are collected before it fails. The file is complete or absent.
#pragma once

#include <optional>
#include <string>

#include "driver/options.h"
#include "driver/report.h"
#include "frontend/program/program.h"
#include "targets/target.h"

namespace ferryman {

struct Conversion {
  std::optional<ConvertReport> report;  // empty: diagnostics say why
  Diagnostics diagnostics;
};

Conversion convert(frontend::Program program, const ConvertOptions& options,
                   const std::string& output_path);

// To a target that find_target need not know; options.target plays no part.
Conversion convert_to(const Target& target, frontend::Program program,
                      const ConvertOptions& options, const std::string& output_path);

}  // namespace ferryman
