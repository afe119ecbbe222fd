#include "frontend/program/location.h"

#include <charconv>
#include <optional>
#include <vector>

namespace ferryman::frontend {

namespace {

struct Frame {
  std::string_view file;
  int line = 0;
};

//   File "/home/me/model.py", line 12, in forward
std::optional<Frame> parse_frame(std::string_view line) {
  constexpr std::string_view kFile = "File \"";
  constexpr std::string_view kLine = "\", line ";
  const size_t start = line.find_first_not_of(' ');
  if (start == std::string_view::npos || !line.substr(start).starts_with(kFile)) return {};
  line.remove_prefix(start + kFile.size());
  const size_t end = line.rfind(kLine);
  if (end == std::string_view::npos) return std::nullopt;
  Frame frame{line.substr(0, end), 0};
  const std::string_view number = line.substr(end + kLine.size());
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), frame.line);
  if (parsed.ec != std::errc()) return std::nullopt;
  return frame;
}

bool is_of_torch(std::string_view file) {
  if (file.starts_with("<eval_with_key>")) return true;  // code that torch.fx wrote, of a body
  for (const std::string_view folder :
       {"-packages/torch/", "-packages\\torch\\", "/torch/nn/", "/torch/_"}) {
    if (file.find(folder) != std::string_view::npos) return true;
  }
  return false;
}

Frame find_user_frame(std::string_view stack_trace) {
  Frame user, any;
  while (!stack_trace.empty()) {
    const size_t end = stack_trace.find('\n');
    if (const auto frame = parse_frame(stack_trace.substr(0, end))) {
      any = *frame;
      if (!is_of_torch(frame->file)) user = *frame;
    }
    if (end == std::string_view::npos) break;
    stack_trace.remove_prefix(end + 1);
  }
  return user.file.empty() ? any : user;
}

}  // namespace

SourceLocation make_location(std::string node, const ModuleCall& module,
                             std::string_view stack_trace) {
  const Frame frame = find_user_frame(stack_trace);
  SourceLocation location;
  location.node = std::move(node);
  location.module_path = module.path;
  if (const size_t again = module.key.rfind('@'); again != std::string_view::npos) {
    location.module_path += module.key.substr(again);
  }
  location.module_type = module.type;
  location.file = frame.file;
  location.line = frame.line;
  return location;
}

ModuleCall innermost_module(std::string_view nn_module_stack) {
  // Neither ';' nor ',' outside of brackets occurs in keys and paths; a type may hold commas in
  // brackets, and is the last part.
  const size_t last = nn_module_stack.rfind(';');
  if (last != std::string_view::npos) nn_module_stack.remove_prefix(last + 1);
  int depth = 0;
  std::vector<std::string_view> parts;
  size_t start = 0;
  for (size_t i = 0; i < nn_module_stack.size(); ++i) {
    const char c = nn_module_stack[i];
    if (c == '(' || c == '[') ++depth;
    if (c == ')' || c == ']') --depth;
    if (c != ',' || depth != 0) continue;
    parts.push_back(nn_module_stack.substr(start, i - start));
    start = i + 1;
  }
  if (parts.size() != 2) return {};
  return {parts[0], parts[1], nn_module_stack.substr(start)};
}

}  // namespace ferryman::frontend
