//   ferryman convert model.pt2 -o model.tflite
//   ferryman inspect model.tflite
//   ferryman ops
//   ferryman passes
//   ferryman verify model.pt2 model.tflite      (by the Python package: it runs both models)
#include "cli/program.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/signals.h"

namespace ferryman::cli {
namespace {

struct Arguments {
  ConvertArguments convert;
  std::string inspected;
  std::string target = "tflite";
  bool json = false;
  Format format() const { return json ? Format::kJson : Format::kText; }
};

void add_ports(CLI::App& command, ConvertArguments& convert) {
  command.add_option("--input-layout", convert.input_layouts,
                     "channels_last for all images (4 axes) and volumes (5); NAME=channels_last "
                     "moves axis 1 of any tensor with 3 axes or more to the end, NAME=1,2,0 says "
                     "the order of its axes, NAME=channels_first leaves it as in PyTorch");
  command.add_option("--output-layout", convert.output_layouts,
                     "the same; also any, whatever is cheapest");
  command.add_option("--input-names", convert.input_names, "names in the file, in order")
      ->delimiter(',');
  command.add_option("--output-names", convert.output_names, "names in the file, in order")
      ->delimiter(',');
  command.add_option("--input-name", convert.input_renames, "OLD=NEW: another name for this input");
  command.add_option("--output-name", convert.output_renames,
                     "OLD=NEW: another name for this output");
}

void add_convert(CLI::App& app, Arguments& arguments) {
  ConvertArguments& convert = arguments.convert;
  CLI::App* command =
      app.add_subcommand("convert", "Convert an exported program (.pt2) to TFLite or Keras");
  command->add_option("model", convert.input, "the .pt2 that torch.export.save wrote")->required();
  command->add_option("-o,--output", convert.output, "the .tflite or .keras to write")->required();
  add_ports(*command, convert);
  command
      ->add_option("--recurrent", convert.recurrent,
                   "LSTM, GRU and RNN layers: 'unrolled' step by step, as a 'loop' (WHILE), or "
                   "'auto', whichever is expected to be faster")
      ->check(CLI::IsMember({"auto", "unrolled", "loop"}))
      ->capture_default_str();
  command
      ->add_option("--nan", convert.nan,
                   "NaN in extremes and orders: 'fast', as the target's own operators take it, or "
                   "'exact', as PyTorch does")
      ->check(CLI::IsMember({"fast", "exact"}))
      ->capture_default_str();
  command
      ->add_option("--state", convert.state,
                   "buffers that forward writes: 'variables' of the file, which TFLite does not "
                   "have yet, or 'explicit', an input and an output each; Keras has no others")
      ->check(CLI::IsMember({"variables", "explicit"}))
      ->capture_default_str();
  command->add_option("--nested", convert.nested,
                      "Keras: this module becomes a model inside of the model, by its path; or "
                      "'*', all that have parts");
  command->add_option("--report", convert.report, "write what became of every node, as JSON");
  command->add_option("--disable-pass", convert.disabled_passes,
                      "for finding a fault: leave out this pass, or '*', all that `ferryman "
                      "passes` does not call needed");
  command->add_option("--print-after", convert.print_after,
                      "print the graph to stderr after this pass, or '*', each that changes it");
  command->add_flag("--remarks", convert.show_remarks,
                    "print what was fused, and what not and why");
  command->add_flag("--json", arguments.json, "print for machines");
}

void add_others(CLI::App& app, Arguments& arguments) {
  CLI::App* inspect = app.add_subcommand("inspect", "Show what a .tflite or .pt2 file holds");
  inspect->add_option("file", arguments.inspected)->required();
  inspect->add_flag("--json", arguments.json, "print for machines");
  CLI::App* ops = app.add_subcommand("ops", "List the ATen ops that convert");
  ops->add_option("--target", arguments.target)->capture_default_str();
  ops->add_flag("--json", arguments.json, "print for machines");
  CLI::App* passes = app.add_subcommand("passes", "List the passes, and which are needed and why");
  passes->add_flag("--json", arguments.json, "print for machines");
}

// An environment holds this program beside the interpreter that has the package.
std::string find_python() {
  std::error_code failed;
  const std::filesystem::path beside =
      std::filesystem::read_symlink("/proc/self/exe", failed).parent_path() / "python3";
  return std::filesystem::exists(beside, failed) ? beside.string() : "python3";
}

// Verification runs PyTorch and LiteRT, which live in Python.
ExitStatus run_python(std::vector<std::string> arguments) {
  std::string python = find_python();
  std::vector<char*> command = {python.data(), const_cast<char*>("-m"),
                                const_cast<char*>("ferryman")};
  for (size_t i = 1; i < arguments.size(); ++i) command.push_back(arguments[i].data());
  command.push_back(nullptr);
  execvp(command[0], command.data());
  std::perror("ferryman: cannot start python3, which 'verify' needs");
  return ExitStatus::kBadInput;
}

ExitStatus run(const std::vector<std::string>& given) {
  if (given.size() > 1 && given[1] == "verify") return run_python(given);
  CLI::App app(
      "Carries PyTorch models to TFLite and Keras: the same numbers, the fewest transposes");
  app.set_version_flag("--version", std::string(version()));
  app.require_subcommand(1);
  Arguments arguments;
  add_convert(app, arguments);
  add_others(app, arguments);
  app.add_subcommand("verify", "Compare a .tflite or .keras file with its .pt2 (needs Python)");
  try {
    // CLI11 takes them from the back.
    app.parse(std::vector<std::string>(given.rbegin(), given.rend() - 1));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitStatus::kDone : ExitStatus::kBadInput;
  }
  arguments.convert.format = arguments.format();
  if (app.got_subcommand("convert")) return run_convert(arguments.convert);
  if (app.got_subcommand("inspect")) return run_inspect(arguments.inspected, arguments.format());
  if (app.got_subcommand("passes")) return run_passes_command(arguments.format());
  return run_ops(arguments.target, arguments.format());
}

}  // namespace

std::string_view version() {
  return FERRYMAN_VERSION;
}

int run_program(const std::vector<std::string>& arguments) {
  clean_up_on_signals();
  const ExitStatus status = run(arguments);
  std::fflush(nullptr);
  return static_cast<int>(status);
}

}  // namespace ferryman::cli
