// Ferryman as a C++ library: an exported PyTorch program becomes a file of a target.
//
//   ferryman::Options options;
//   options.input_layouts["image"] = "channels_last";
//   const ferryman::Outcome outcome =
//       ferryman::convert_archive("model.pt2", "model.tflite", options);
//   for (const ferryman::Message& error : outcome.errors) std::cerr << error.text << "\n";
//
// Nothing here throws over bad input: what is wrong is told in Outcome::errors, all problems of a
// run at once. Memory that runs out ends in std::bad_alloc. Functions may be called from several
// threads at a time.
//
// Versions are semantic; before 1.0.0, programs have to be compiled again for each minor version.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#define FERRYMAN_API __attribute__((visibility("default")))

namespace ferryman {

// "0.2.0".
FERRYMAN_API std::string_view library_version();

// The names of the targets: "tflite".
FERRYMAN_API std::vector<std::string> target_names();

struct Options {
  // Empty: what the ending of the output says.
  std::string target = {};
  // By the name of an input or output, the one in the file or the program's; "*" stands for all.
  // "channels_last", "channels_first", "any" (outputs: whatever is cheapest), or an order of axes,
  // outermost first: "1,2,0". What is not named stays as in PyTorch.
  std::map<std::string, std::string> input_layouts = {};
  std::map<std::string, std::string> output_layouts = {};
  // Names in the file, by the program's.
  std::map<std::string, std::string> input_names = {};
  std::map<std::string, std::string> output_names = {};
  // LSTM, GRU and RNN layers: "auto", "unrolled" or "loop".
  std::string recurrent = "auto";
  // NaN in extremes and orders: "fast", as the target's operators have it, or "exact".
  std::string nan = "fast";
  // Buffers that forward writes: "variables", or "explicit", an input and an output each.
  std::string state = "variables";
  // Keras: modules that become models inside of the model, by their paths; "*": all with parts.
  std::vector<std::string> nested = {};
  // For finding a fault: passes that are left out, "*" for all that may be.
  std::vector<std::string> disabled_passes = {};
};

// Where something lies in the user's model. Every part may be empty.
struct Place {
  std::string module_path;  // "features.3.conv", as in named_modules()
  std::string module_type;  // "torchvision.models.resnet.Bottleneck"
  std::string node;         // of the exported graph
  std::string file;         // the user's source
  int line = 0;             // 0: not known
};

// Something that is wrong, or worth saying.
struct Message {
  std::string code;  // "E0203", which keeps its meaning; remarks have none
  std::string name;  // "unsupported-op"
  std::string what;
  std::vector<Place> places;
  std::string why;
  std::string hint;
  std::string text;  // all of it for people, in lines
};

struct Outcome {
  bool ok = false;              // the file is written; otherwise there is none
  std::vector<Message> errors;  // why not
  std::vector<Message> remarks;
  // What became of every node, as JSON: docs/report.md. Empty without a file.
  std::string report;
  int64_t file_bytes = 0;
  // Read and written by transpositions, and the least that any order of axes needs.
  int64_t bytes_moved = 0;
  int64_t lower_bound = 0;
  std::map<std::string, int64_t> operators;  // how many of each kind: "CONV_2D"
};

// `archive`: what torch.export.save wrote. The file at `output` appears complete or not at all; one
// that was there stays until then.
FERRYMAN_API Outcome convert_archive(const std::string& archive, const std::string& output,
                                     const Options& options = {});

}  // namespace ferryman
