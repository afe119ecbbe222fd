// carry model.pt2 model.tflite: what Ferryman has to say of a model, and its file.
#include <ferryman/ferryman.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: carry model.pt2 model.tflite\n";
    return 2;
  }
  ferryman::Options options;
  options.input_layouts["*"] = "channels_last";
  const ferryman::Outcome outcome = ferryman::convert_archive(argv[1], argv[2], options);
  for (const ferryman::Message& error : outcome.errors) std::cerr << error.text << "\n";
  if (!outcome.ok) return 1;
  std::cout << argv[2] << ": " << outcome.file_bytes << " bytes, by Ferryman "
            << ferryman::library_version() << "\n";
  for (const auto& [name, count] : outcome.operators) std::cout << count << " " << name << "\n";
  for (const ferryman::Message& remark : outcome.remarks) std::cout << remark.text << "\n";
}
