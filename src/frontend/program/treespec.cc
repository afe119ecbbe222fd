#include "frontend/program/treespec.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <optional>
#include <set>

namespace ferryman::frontend {

namespace {

using simdjson::dom::element;

constexpr int kMaxTreeDepth = 128;

// One step from a node to its child.
struct Step {
  std::string text;
  bool is_key = false;  // otherwise a position
};
using Path = std::vector<Step>;

Diag malformed_tree(std::string why) {
  return Diag::error(DiagCode::kMalformedProgram, "the tree of arguments or results is malformed")
      .because(std::move(why));
}

std::optional<std::vector<std::string>> scalars(element list) {
  simdjson::dom::array items;
  if (list.get(items) != simdjson::SUCCESS) return std::nullopt;
  std::vector<std::string> texts;
  for (const element item : items) {
    if (item.is_array() || item.is_object()) return std::nullopt;
    std::string_view text;
    texts.push_back(item.get(text) == simdjson::SUCCESS ? std::string(text)
                                                        : simdjson::minify(item));
  }
  return texts;
}

// The keys of a node's children, where its context spells them:
//   dict, transformers' outputs:  ["a", "b"]
//   dataclass:                    [["a", "b", "c"], ["c"]]    fields, and those that are None
//   named tuple:                  the name of a type whose fields are listed elsewhere
std::optional<std::vector<std::string>> keys_of(std::string_view context,
                                                const NamedTupleFields& fields) {
  if (const auto entry = fields.find(context); entry != fields.end()) return entry->second;
  simdjson::dom::parser parser;
  element parsed;
  if (parser.parse(context.data(), context.size()).get(parsed) != simdjson::SUCCESS) return {};
  std::string_view type_name;
  if (parsed.get(type_name) == simdjson::SUCCESS) {
    const auto entry = fields.find(type_name);
    if (entry != fields.end()) return entry->second;
    return std::nullopt;
  }
  if (auto keys = scalars(parsed)) return keys;
  simdjson::dom::array pair;
  if (parsed.get(pair) != simdjson::SUCCESS || pair.size() != 2) return std::nullopt;
  auto present = scalars(pair.at(0));
  const auto absent = scalars(pair.at(1));
  if (!present || !absent) return std::nullopt;
  const std::set<std::string> none(absent->begin(), absent->end());
  std::erase_if(*present, [&](const std::string& name) { return none.contains(name); });
  return present;
}

class LeafNamer {
 public:
  explicit LeafNamer(const NamedTupleFields& fields) : fields_(fields) {}

  Status visit(element node, int depth) {
    simdjson::dom::object object;
    simdjson::dom::array children;
    if (node.get(object) != simdjson::SUCCESS ||
        object["children_spec"].get(children) != simdjson::SUCCESS) {
      return malformed_tree("a node is no object with 'children_spec'");
    }
    if (depth > kMaxTreeDepth) return malformed_tree("it is nested too deeply");
    std::string_view type;
    if (object["type"].get(type) != simdjson::SUCCESS) {  // null: a leaf
      paths_.push_back(path_);
      return {};
    }
    std::string_view context;
    std::optional<std::vector<std::string>> keys;
    if (object["context"].get(context) == simdjson::SUCCESS) keys = keys_of(context, fields_);
    if (keys && keys->size() != children.size()) keys.reset();
    size_t position = 0;
    for (const element child : children) {
      path_.push_back(keys ? Step{(*keys)[position], true} : Step{std::to_string(position), false});
      FERRYMAN_TRY_STATUS(visit(child, depth + 1));
      path_.pop_back();
      ++position;
    }
    return {};
  }

  // Leading positions say little: (loss, {"logits": x}) gives "logits". Where that makes two names
  // equal, the whole paths are used.
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    std::set<std::string> seen;
    bool unique = true;
    for (const Path& path : paths_) {
      size_t first = 0;
      while (first < path.size() && !path[first].is_key) ++first;
      names.push_back(join(path, first));
      if (!names.back().empty()) unique = seen.insert(names.back()).second && unique;
    }
    if (unique) return names;
    for (size_t i = 0; i < names.size(); ++i) {
      if (!names[i].empty()) names[i] = join(paths_[i], 0);
    }
    return names;
  }

 private:
  static std::string join(const Path& path, size_t first) {
    std::string name;
    for (size_t i = first; i < path.size(); ++i) {
      if (i > first) name += "_";
      name += path[i].text;
    }
    return name;
  }

  const NamedTupleFields& fields_;
  Path path_;
  std::vector<Path> paths_;
};

}  // namespace

Result<std::vector<std::string>> name_leaves(std::string_view tree,
                                             const NamedTupleFields& fields) {
  simdjson::dom::parser parser;
  element root;
  if (const auto error = parser.parse(tree.data(), tree.size()).get(root)) {
    return malformed_tree(simdjson::error_message(error));
  }
  simdjson::dom::array pair;
  if (root.get(pair) != simdjson::SUCCESS || pair.size() != 2) {
    return malformed_tree("it is no pair of a protocol number and a node");
  }
  int64_t protocol = 0;
  if (pair.at(0).get(protocol) != simdjson::SUCCESS || protocol != 1) {
    return malformed_tree("its protocol is not 1");
  }
  LeafNamer namer(fields);
  FERRYMAN_TRY_STATUS(namer.visit(pair.at(1), 0));
  return namer.names();
}

}  // namespace ferryman::frontend
