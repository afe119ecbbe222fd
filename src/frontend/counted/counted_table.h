// The calls that take part in counting entries, or look at all entries of a counted axis, and so
// need code of their own. All others work entry by entry, and are imported as ever (row_flow.h).
//
//   const CountedTable table;
//   if (const CountedImport* row = table.find("nonzero.default")) row->import(call);
#pragma once

#include <initializer_list>
#include <string_view>
#include <unordered_map>

#include "frontend/counted/counted_call.h"
#include "frontend/counted/lines.h"

namespace ferryman::frontend {

struct CountedImport {
  CountedFn import = nullptr;
  // Otherwise: the ordinary import, with this beyond the count of its operand "self";
  Extreme beyond = Extreme::kZero;
  // or, where the call works by lines, with harmless positions.
  std::optional<LineRule> lines = {};
};

class CountedTable {
 public:
  CountedTable();

  const CountedImport* find(std::string_view target) const;  // null: there is none
  void add(std::initializer_list<std::string_view> targets, CountedFn import);
  void add_lines(std::initializer_list<std::string_view> targets, const LineRule& rule);
  void add_filled(std::initializer_list<std::string_view> targets, Extreme beyond);

 private:
  std::unordered_map<std::string_view, CountedImport> rows_;
};

// The families.
void add_counted_selections(CountedTable& table);
void add_counted_orders(CountedTable& table);
void add_counted_joins(CountedTable& table);
void add_counted_writes(CountedTable& table);
void add_counted_places(CountedTable& table);
void add_counted_lines(CountedTable& table);
void add_counted_distinct(CountedTable& table);
void add_counted_tallies(CountedTable& table);

// x[begin:end] with a computed begin or end (places.cc).
Imported slice_between(CountedCall& call);

// The places of a mask (a vector) that hold, then zeros; and how many hold, as int32.
struct Places {
  ValueId positions;
  ValueId count;
};
Places places_of(CoreWriter write, ValueId mask);

}  // namespace ferryman::frontend
