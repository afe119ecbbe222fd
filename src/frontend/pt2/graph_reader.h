// Values, arguments and nodes of one graph of the export JSON, appended to a Program.
//
//   GraphReader reader(root["graph_module"]["graph"], program, 0);
//   ...inputs, by the signature...
//   program.nodes = reader.read_nodes();
//
// Names are unique within a graph; bodies of higher-order ops are graphs with names of their own,
// read by a reader of their own. Errors stick in the cursors (json_cursor.h).
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>

#include "frontend/program/program.h"
#include "frontend/pt2/json_cursor.h"

namespace ferryman::frontend {

class GraphReader {
 public:
  // `depth` counts the graphs around this one.
  GraphReader(const JsonCursor& graph, Program& program, int depth);
  GraphReader(const GraphReader&) = delete;
  GraphReader& operator=(const GraphReader&) = delete;

  // A tensor as inputs and node results define it; its type is in the graph's table.
  ValueIndex define_tensor(const JsonCursor& name);
  // A token or custom object.
  ValueIndex define_object(const JsonCursor& name);
  // Whatever value an argument names as input of the graph; kNoValue for a Python constant.
  ValueIndex define_input(const JsonCursor& argument);

  std::vector<Node> read_nodes();
  Argument read_argument(const JsonCursor& argument);

 private:
  using Table = std::unordered_map<std::string_view, JsonCursor>;

  static Table read_table(const JsonCursor& fields);
  ValueIndex define(const JsonCursor& name, Value value);
  ValueIndex define_number(const JsonCursor& reference, const Table& table, NumberKind kind);
  const JsonCursor* find_type(const Table& table, const JsonCursor& name) const;

  Node read_node(const JsonCursor& node);
  void read_results(const JsonCursor& argument, std::vector<ValueIndex>& results);

  Argument read_payload(std::string_view kind, const JsonCursor& payload);
  Argument read_list(std::string_view item_kind, const JsonCursor& payload);
  Argument refer(const JsonCursor& name) const;
  Argument read_symbolic(const JsonCursor& reference) const;
  Argument read_optional_tensor(const JsonCursor& argument) const;
  Argument read_scalar_type(const JsonCursor& number) const;
  Argument read_device(const JsonCursor& device) const;
  Argument read_custom_object(const JsonCursor& object) const;
  Argument read_complex(const JsonCursor& parts) const;
  Argument read_dictionary(const JsonCursor& fields);
  Argument read_subgraph(const JsonCursor& argument);

  // The tables' cursors refer to these, which therefore must not move.
  const JsonCursor graph_, tensor_fields_, int_fields_, float_fields_, bool_fields_;
  const Table tensors_, ints_, floats_, bools_;
  Program& program_;
  std::unordered_map<std::string_view, ValueIndex> names_;
  int depth_;
};

}  // namespace ferryman::frontend
