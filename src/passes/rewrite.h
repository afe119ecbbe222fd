// Rewrite rules and the driver that applies them until none matches.
//
//   struct AddZero { ValueId x, sum; };
//   Match<AddZero> match_add_zero(const Graph& graph, OpId root);
//   void rewrite_add_zero(Rewriter& rewriter, const AddZero& found) {
//     rewriter.replace_value(found.sum, found.x);
//   }
//   rules.push_back(make_rule("add_zero", {ops::kAdd}, match_add_zero, rewrite_add_zero));
//   Pass pass = rewrite_pass("canonicalise", "one spelling for each computation", rules);
//
// Invariants: a match reads and decides everything; a rewrite cannot fail. Before it, new ops are
// set to be inserted before the root with the root's location; after it, the driver erases the root
// and its producers if nothing reads them, so that rules only create and replace. A rule must not
// undo another one: the driver ends with an internal error when the rules run in circles.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ir/builder.h"
#include "passes/pass.h"

namespace ferryman {

// A pattern that is there but cannot be rewritten; becomes a remark at the root.
struct Refused {
  std::string why;
};

template <typename Captures>
class Match {
 public:
  Match(std::nullopt_t) {}
  Match(Captures captures) : captures_(std::move(captures)) {}
  Match(Refused refused) : refused_(std::move(refused)) {}

  explicit operator bool() const { return captures_.has_value(); }
  const Captures& operator*() const { return *captures_; }
  const Captures* operator->() const { return &*captures_; }
  const std::optional<Refused>& refused() const { return refused_; }

 private:
  std::optional<Captures> captures_;
  std::optional<Refused> refused_;
};

enum class Outcome : uint8_t { kNoMatch, kRefused, kApplied };
struct RuleResult {
  Outcome outcome = Outcome::kNoMatch;
  std::string why;  // kRefused
};

struct Rule {
  std::string_view name;
  std::vector<OpName> roots;
  std::function<RuleResult(Rewriter&, OpId)> apply;
  // What a remark says when the rule was applied, "batch_norm folded into conv"; empty: silent.
  std::string_view remark;
};

// A match that needs a size as a number where it is free is none.
template <typename Captures>
Match<Captures> match_sizes(Match<Captures> (*match)(const Graph&, OpId), const Graph& graph,
                            OpId root) {
  try {
    return match(graph, root);
  } catch (const SizeError&) {
    return std::nullopt;
  }
}

template <typename Captures>
Rule make_rule(std::string_view name, std::vector<OpName> roots,
               Match<Captures> (*match)(const Graph&, OpId),
               void (*rewrite)(Rewriter&, const Captures&), std::string_view remark = {}) {
  const auto apply = [match, rewrite](Rewriter& rewriter, OpId root) -> RuleResult {
    const Match<Captures> found = match_sizes(match, rewriter.graph(), root);
    if (found.refused().has_value()) return {Outcome::kRefused, found.refused()->why};
    if (!found) return {};
    rewriter.insert_before(root);
    rewrite(rewriter, *found);
    return {Outcome::kApplied, {}};
  };
  return {name, std::move(roots), apply, remark};
}

// Those of a family behind the others.
void append_rules(std::vector<Rule>& rules, std::vector<Rule> family);

// Applies the rules, in the order given for each op, until none matches.
Changed apply_rules(Graph& graph, std::span<const Rule> rules, PassContext& context);

// A pass that applies `rules`.
Pass rewrite_pass(std::string_view name, std::string_view purpose, std::vector<Rule> rules);

}  // namespace ferryman
