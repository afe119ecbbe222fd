#include "driver/ports.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>
#include <string_view>

namespace ferryman {

namespace {

using layout::IoLayout;

constexpr size_t kImageRank = 4;   // [N, C, H, W]
constexpr size_t kVolumeRank = 5;  // [N, C, D, H, W]

struct Port {
  std::string old_name;  // the program's
  std::string name;      // in the file
  size_t rank = 0;
};

// The inputs or the outputs.
struct Side {
  std::string_view kind;  // "input"
  std::vector<Port> ports;

  std::vector<std::string> old_names() const {
    std::vector<std::string> names;
    for (const Port& port : ports) names.push_back(port.old_name);
    return names;
  }
  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Port& port : ports) names.push_back(port.name);
    return names;
  }
};

std::string all_names(const Side& side) {
  std::vector<std::string> names = side.names();
  for (const Port& port : side.ports) {
    if (port.old_name != port.name) names.push_back(port.old_name);
  }
  return fmt::format("the names are: {}", fmt::join(names, ", "));
}

// ---- names ----

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\n\r\f\v") == std::string_view::npos;
}

Status check_names(const Side& side) {
  std::vector<std::string> sorted = side.names();
  if (std::any_of(sorted.begin(), sorted.end(), is_blank)) {
    return bad_option(fmt::format("{}_names has an empty name", side.kind))
        .hint("leave the option out to take the model's names");
  }
  std::sort(sorted.begin(), sorted.end());
  const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
  if (twice == sorted.end()) return {};
  return bad_option(fmt::format("{}_names has '{}' twice", side.kind, *twice))
      .because(fmt::format("each {} needs a name of its own", side.kind));
}

Status name_ports(Side& side, const PortNames& names) {
  if (names.empty()) return {};
  if (!names.all.empty() && names.all.size() != side.ports.size()) {
    return bad_option(fmt::format("{}_names names {} tensors, where the model has {}", side.kind,
                                  names.all.size(), side.ports.size()))
        .hint(all_names(side));
  }
  for (size_t i = 0; i < names.all.size(); ++i) side.ports[i].name = names.all[i];
  for (const auto& [old_name, name] : names.renamed) {
    const auto port = std::find_if(side.ports.begin(), side.ports.end(),
                                   [&](const Port& p) { return p.old_name == old_name; });
    if (port == side.ports.end()) {
      return bad_option(fmt::format("{}_names renames '{}', which the model does not have",
                                    side.kind, old_name))
          .hint(fmt::format("the names are: {}", fmt::join(side.old_names(), ", ")));
    }
    port->name = name;
  }
  return check_names(side);
}

// ---- layouts ----

// "1,2,0"
std::optional<std::vector<int>> parse_order(std::string_view text) {
  std::vector<int> order;
  const char* const end = text.data() + text.size();
  for (const char* at = text.data();; ++at) {
    int axis = 0;
    const auto [rest, failed] = std::from_chars(at, end, axis);
    if (failed != std::errc()) return std::nullopt;
    order.push_back(axis);
    at = rest;
    if (at == end) return order;
    if (*at != ',') return std::nullopt;
  }
}

Result<IoLayout> order_of(const Port& port, std::vector<int> order) {
  std::vector<int> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  std::vector<int> axes(port.rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (sorted == axes) return IoLayout{IoLayout::Kind::kOrder, std::move(order)};
  return bad_option(fmt::format("the order [{}] of '{}'", fmt::join(order, ", "), port.name))
      .because(fmt::format("it has {} axes, each of which is named once", port.rank));
}

Result<IoLayout> layout_of(const Port& port, const std::string& wanted) {
  if (wanted == "any") return IoLayout{IoLayout::Kind::kAny, {}};
  if (wanted == "channels_first") return IoLayout{IoLayout::Kind::kLogical, {}};
  if (std::optional<std::vector<int>> order = parse_order(wanted)) {
    return order_of(port, std::move(*order));
  }
  if (wanted != "channels_last") {
    return bad_option(fmt::format("layout '{}' of '{}'", wanted, port.name))
        .because(
            "a layout is 'channels_last', 'channels_first', 'any', or an order of axes: '1,2,0'");
  }
  if (port.rank < 3) {
    return bad_option(fmt::format("'{}' cannot be channels_last", port.name))
        .because(fmt::format("it has {} axes; channels_last moves axis 1 behind the spatial axes",
                             port.rank));
  }
  IoLayout layout{IoLayout::Kind::kOrder, {0}};
  for (size_t axis = 2; axis < port.rank; ++axis) layout.order.push_back(static_cast<int>(axis));
  layout.order.push_back(1);
  return layout;
}

// A name in the file, or the program's.
Result<size_t> find_port(const Side& side, const std::string& name) {
  std::vector<size_t> found;
  for (size_t i = 0; i < side.ports.size(); ++i) {
    if (side.ports[i].name == name || side.ports[i].old_name == name) found.push_back(i);
  }
  if (found.size() == 1) return found.front();
  if (found.empty()) {
    return bad_option(fmt::format("a layout for '{}', which the model does not have", name))
        .hint(all_names(side));
  }
  return bad_option(fmt::format("a layout for '{}', which may be two {}s", name, side.kind))
      .because(fmt::format("{}_names gives that name to one, and another has it in the model",
                           side.kind))
      .hint("give new names that the model does not have");
}

bool is_meant_by_all(const Port& port, const std::string& layout) {
  if (layout == "channels_last") return port.rank == kImageRank || port.rank == kVolumeRank;
  return layout != "any" || port.rank >= 3;
}

void remark_on_left(const Side& side, const std::vector<size_t>& left, Diagnostics& diagnostics) {
  if (left.empty()) return;
  std::vector<std::string> texts;
  for (const size_t i : left) {
    texts.push_back(fmt::format("'{}' ({} axes)", side.ports[i].name, side.ports[i].rank));
  }
  diagnostics.add(
      Diag::remark("io-layout", fmt::format("the {}s {} keep PyTorch's order of axes", side.kind,
                                            fmt::join(texts, ", ")))
          .because("channels_last for all means images (4 axes) and volumes (5 axes)")
          .hint("name the tensor to say otherwise: channels_last then moves axis 1 to the end, and "
                "an order of axes such as 1,2,0 says all"));
}

// Those without a layout of their own. What has no spatial axes needs no remark, unless nothing is
// an image.
Status lay_out_all(const Side& side, const std::string& wanted,
                   std::vector<std::optional<IoLayout>>& layouts, Diagnostics& diagnostics) {
  std::vector<size_t> left, spatial;
  bool is_used = false;
  for (size_t i = 0; i < side.ports.size(); ++i) {
    if (layouts[i].has_value()) continue;
    if (is_meant_by_all(side.ports[i], wanted)) {
      FERRYMAN_TRY(layouts[i], layout_of(side.ports[i], wanted));
      is_used = true;
    } else if (wanted == "channels_last") {
      left.push_back(i);
      if (side.ports[i].rank >= 3) spatial.push_back(i);
    }
  }
  remark_on_left(side, is_used ? spatial : left, diagnostics);
  return {};
}

Result<std::vector<IoLayout>> lay_out(const Side& side,
                                      const std::map<std::string, std::string>& wanted,
                                      Diagnostics& diagnostics) {
  std::vector<std::optional<IoLayout>> layouts(side.ports.size());
  for (const auto& [name, layout] : wanted) {
    if (name == "*") continue;
    FERRYMAN_TRY(const size_t i, find_port(side, name));
    if (layouts[i].has_value()) {
      return bad_option(fmt::format("two layouts for '{}'", side.ports[i].name))
          .because(fmt::format("'{}' and '{}' are the same {}", side.ports[i].old_name,
                               side.ports[i].name, side.kind));
    }
    FERRYMAN_TRY(layouts[i], layout_of(side.ports[i], layout));
  }
  if (const auto all = wanted.find("*"); all != wanted.end()) {
    FERRYMAN_TRY_STATUS(lay_out_all(side, all->second, layouts, diagnostics));
  }
  std::vector<IoLayout> resolved;
  for (const std::optional<IoLayout>& layout : layouts) {
    resolved.push_back(layout.value_or(IoLayout{}));
  }
  return resolved;
}

}  // namespace

Result<Ports> resolve_ports(const Graph& graph, const ConvertOptions& options,
                            Diagnostics& diagnostics) {
  Side inputs{"input", {}}, outputs{"output", {}};
  for (const ValueId input : graph.inputs()) {
    const std::string& name = graph.value(input).name;
    inputs.ports.push_back({name, name, graph.type(input).rank()});
  }
  for (const GraphOutput& output : graph.outputs()) {
    outputs.ports.push_back({output.name, output.name, graph.type(output.value).rank()});
  }
  FERRYMAN_TRY_STATUS(name_ports(inputs, options.input_names));
  FERRYMAN_TRY_STATUS(name_ports(outputs, options.output_names));
  Ports ports;
  FERRYMAN_TRY(ports.layouts.inputs, lay_out(inputs, options.input_layouts, diagnostics));
  FERRYMAN_TRY(ports.layouts.outputs, lay_out(outputs, options.output_layouts, diagnostics));
  if (!options.input_names.empty()) ports.input_names = inputs.names();
  if (!options.output_names.empty()) ports.output_names = outputs.names();
  return ports;
}

}  // namespace ferryman
