#include "layout/solve/eliminate.h"

#include <algorithm>
#include <bit>
#include <set>
#include <span>
#include <utility>

namespace ferryman::layout {

namespace {

constexpr size_t kFewSets = 64;           // to begin with
constexpr size_t kTooManySets = 1 << 20;  // not counted further
constexpr int32_t kUnknownSet = 1 << 16;  // so awkward that a listed set of the same price wins

constexpr Cost kForbidden{.bytes = int64_t{1} << 60};

Cost add(const Cost& a, const Cost& b) {
  if (a.bytes >= kForbidden.bytes || b.bytes >= kForbidden.bytes) return kForbidden;
  return a + b;
}

// Costs over a few variables; the last variable of the scope varies fastest.
struct Table {
  std::vector<int> scope;  // ascending
  std::vector<Cost> cells;
};

// How a variable was eliminated: its best state for each assignment of the scope.
struct Choice {
  int variable;
  std::vector<int> scope;
  std::vector<int> best;
};

// How many sets of at most `size` of `count` labels there are.
size_t sets_up_to(int size, int count) {
  size_t total = 1;
  size_t of_size = 1;
  for (int k = 1; k <= size && total <= kTooManySets; ++k) {
    of_size = of_size * static_cast<size_t>(count - k + 1) / static_cast<size_t>(k);
    total += of_size;
  }
  return total;
}

// Counts through the assignments of `scope`, keeping each table's position up to date.
class Odometer {
 public:
  Odometer(std::span<const int> scope, const std::vector<int>& domain)
      : digits_(scope.size(), 0), scope_(scope), domain_(domain) {}

  // Follows `table`, whose scope may also hold `extra`; returns the stride of `extra`.
  size_t follow(const Table& table, int extra) {
    std::vector<size_t> strides(scope_.size(), 0);
    size_t stride = 1;
    size_t extra_stride = 0;
    for (size_t k = table.scope.size(); k-- > 0;) {
      if (table.scope[k] == extra) {
        extra_stride = stride;
      } else {
        const auto at = std::lower_bound(scope_.begin(), scope_.end(), table.scope[k]);
        strides[static_cast<size_t>(at - scope_.begin())] = stride;
      }
      stride *= static_cast<size_t>(domain_[static_cast<size_t>(table.scope[k])]);
    }
    strides_.push_back(std::move(strides));
    positions_.push_back(0);
    return extra_stride;
  }

  size_t position(size_t table) const { return positions_[table]; }
  int digit(size_t k) const { return digits_[k]; }

  bool advance() {
    for (size_t k = digits_.size(); k-- > 0;) {
      const int size = domain_[static_cast<size_t>(scope_[k])];
      const bool wraps = digits_[k] + 1 == size;
      for (size_t t = 0; t < positions_.size(); ++t) {
        if (wraps) {
          positions_[t] -= strides_[t][k] * static_cast<size_t>(size - 1);
        } else {
          positions_[t] += strides_[t][k];
        }
      }
      if (!wraps) {
        ++digits_[k];
        return true;
      }
      digits_[k] = 0;
    }
    return false;
  }

 private:
  std::vector<int> digits_;
  std::span<const int> scope_;
  const std::vector<int>& domain_;
  std::vector<std::vector<size_t>> strides_;
  std::vector<size_t> positions_;
};

// Variables 0 .. num_ops-1 are ops (state = mode). A value read and written by many ops becomes a
// variable too (state = set of labels in which it exists), which keeps all tables small.
class Elimination {
 public:
  Elimination(const Problem& problem, const EliminationLimits& limits,
              const std::vector<size_t>& max_sets)
      : problem_(problem), limits_(limits), max_sets_(max_sets) {}

  // False when some table would become too large.
  bool run() {
    for (size_t o = 0; o < problem_.ops.size(); ++o) add_op(static_cast<int>(o));
    add_values();
    connect();
    while (!queue_.empty()) {
      const auto [size, variable] = *queue_.begin();
      if (size > limits_.max_table_cells) return false;
      queue_.erase(queue_.begin());
      eliminate_variable(variable);
    }
    decide();
    return true;
  }

  Assignment modes() const {
    return {states_.begin(), states_.begin() + static_cast<long>(problem_.ops.size())};
  }
  int64_t bound() const { return total_.bytes; }

  // Values that are used under more labels than their sets could list.
  std::vector<size_t> values_beyond_sets() const {
    std::vector<size_t> values;
    for (const auto& [variable, value] : open_sets_) {
      const size_t v = static_cast<size_t>(variable);
      if (states_[v] + 1 == domain_[v]) values.push_back(value);
    }
    return values;
  }

 private:
  int add_variable(int num_states) {
    domain_.push_back(num_states);
    buckets_.emplace_back();
    return static_cast<int>(domain_.size()) - 1;
  }

  void add_table(Table table) {
    for (const int variable : table.scope) {
      buckets_[static_cast<size_t>(variable)].push_back(static_cast<int>(tables_.size()));
    }
    tables_.push_back(std::move(table));
  }

  void add_op(int o) {
    const ProblemOp& op = problem_.ops[static_cast<size_t>(o)];
    Table costs{.scope = {add_variable(op.num_modes())}, .cells = {}};
    for (int m = 0; m < op.num_modes(); ++m) costs.cells.push_back(mode_cost(op, m));
    add_table(std::move(costs));
  }

  void add_values() {
    std::vector<std::vector<int>> users(problem_.values.size());
    for (size_t o = 0; o < problem_.ops.size(); ++o) {
      for (const int v : problem_.ops[o].values) {
        std::vector<int>& list = users[static_cast<size_t>(v)];
        if (list.empty() || list.back() != static_cast<int>(o)) list.push_back(static_cast<int>(o));
      }
    }
    for (size_t v = 0; v < users.size(); ++v) add_value(static_cast<int>(v), users[v]);
  }

  void add_value(int v, const std::vector<int>& users) {
    if (users.empty()) return;
    if (users.size() <= 2) {
      add_direct_value(v, users);
      return;
    }
    LabelMask optional = 0;
    for (const int o : users) {
      const ProblemOp& op = problem_.ops[static_cast<size_t>(o)];
      for (int m = 0; m < op.num_modes(); ++m) optional |= labels_used(op, m, v);
    }
    optional &= ~problem_.values[static_cast<size_t>(v)].fixed;
    add_set_value(v, users, optional);
  }

  // Few users: a table over their modes says what the value pays.
  void add_direct_value(int v, const std::vector<int>& users) {
    const ProblemValue& value = problem_.values[static_cast<size_t>(v)];
    Table table{.scope = users, .cells = {}};
    Odometer odometer(table.scope, domain_);
    do {
      LabelMask used = value.fixed;
      for (size_t k = 0; k < users.size(); ++k) {
        used |= labels_used(problem_.ops[static_cast<size_t>(users[k])], odometer.digit(k), v);
      }
      table.cells.push_back(copies_of(value, used));
    } while (odometer.advance());
    add_table(std::move(table));
  }

  // Many users: a variable for the set of labels, tied to each user by a table of what is allowed.
  // Of many labels only small sets are states of their own; all larger ones are one state, which
  // allows everything at the price of the smallest of them, so that the result stays a bound.
  void add_set_value(int v, const std::vector<int>& users, LabelMask optional) {
    const ProblemValue& value = problem_.values[static_cast<size_t>(v)];
    const int count = std::popcount(optional);
    int size = 1;
    const size_t max_sets = max_sets_[static_cast<size_t>(v)];
    while (size < count && sets_up_to(size + 1, count) <= max_sets) ++size;
    std::vector<LabelMask> sets;
    append_sets(optional, value.fixed, size, sets);
    Table cost{.scope = {}, .cells = {}};
    for (const LabelMask set : sets) cost.cells.push_back(copies_of(value, set));
    if (size < count) {
      const int copies = size + std::popcount(value.fixed);
      cost.cells.push_back(
          {.bytes = value.copy_cost * copies, .copies = copies, .awkwardness = kUnknownSet});
      sets.push_back(~LabelMask{0});
    }
    const int variable = add_variable(static_cast<int>(sets.size()));
    if (size < count) open_sets_.push_back({variable, static_cast<size_t>(v)});
    cost.scope = {variable};
    add_table(std::move(cost));
    for (const int o : users) {
      const ProblemOp& op = problem_.ops[static_cast<size_t>(o)];
      Table allowed{.scope = {o, variable}, .cells = {}};
      allowed.cells.reserve(static_cast<size_t>(op.num_modes()) * sets.size());
      for (int m = 0; m < op.num_modes(); ++m) {
        const LabelMask used = labels_used(op, m, v);
        for (const LabelMask set : sets) {
          allowed.cells.push_back((used & ~set) == 0 ? Cost{} : kForbidden);
        }
      }
      add_table(std::move(allowed));
    }
  }

  // `set` with up to `size` of the labels of `rest`; the empty set is none.
  static void append_sets(LabelMask rest, LabelMask set, int size, std::vector<LabelMask>& sets) {
    if (set != 0) sets.push_back(set);
    if (size == 0) return;
    for (; rest != 0; rest &= rest - 1) {
      append_sets(rest & (rest - 1), set | (rest & -rest), size - 1, sets);
    }
  }

  void connect() {
    neighbours_.resize(domain_.size());
    sizes_.resize(domain_.size());
    for (const Table& table : tables_) connect(table.scope);
    for (size_t variable = 0; variable < domain_.size(); ++variable) {
      enqueue(static_cast<int>(variable));
    }
  }

  void connect(const std::vector<int>& scope) {
    for (const int a : scope) {
      std::vector<int>& list = neighbours_[static_cast<size_t>(a)];
      for (const int b : scope) {
        const auto at = std::lower_bound(list.begin(), list.end(), b);
        if (b != a && (at == list.end() || *at != b)) list.insert(at, b);
      }
    }
  }

  // The size of the table that eliminating `variable` would leave behind, saturated.
  size_t result_size(int variable) const {
    size_t size = 1;
    for (const int n : neighbours_[static_cast<size_t>(variable)]) {
      size *= static_cast<size_t>(domain_[static_cast<size_t>(n)]);
      if (size > limits_.max_table_cells) return limits_.max_table_cells + 1;
    }
    return size;
  }

  void enqueue(int variable) {
    sizes_[static_cast<size_t>(variable)] = result_size(variable);
    queue_.insert({sizes_[static_cast<size_t>(variable)], variable});
  }

  void eliminate_variable(int variable) {
    const std::vector<int> scope = std::move(neighbours_[static_cast<size_t>(variable)]);
    Table result{.scope = scope, .cells = {}};
    minimise_over(variable, result);
    for (const int t : buckets_[static_cast<size_t>(variable)]) {
      for (const int other : tables_[static_cast<size_t>(t)].scope) {
        if (other != variable) std::erase(buckets_[static_cast<size_t>(other)], t);
      }
      tables_[static_cast<size_t>(t)] = {};
    }
    for (const int n : scope) {
      std::vector<int>& list = neighbours_[static_cast<size_t>(n)];
      list.erase(std::lower_bound(list.begin(), list.end(), variable));
      queue_.erase({sizes_[static_cast<size_t>(n)], n});
    }
    connect(scope);
    for (const int n : scope) enqueue(n);
    if (scope.empty()) {
      total_ += result.cells.front();
    } else {
      add_table(std::move(result));
    }
  }

  // Fills `result` with the best cost over the states of `variable`, and remembers which they are.
  void minimise_over(int variable, Table& result) {
    Odometer odometer(result.scope, domain_);
    const std::vector<int>& bucket = buckets_[static_cast<size_t>(variable)];
    std::vector<size_t> strides;
    for (const int t : bucket) {
      strides.push_back(odometer.follow(tables_[static_cast<size_t>(t)], variable));
    }
    Choice choice{.variable = variable, .scope = result.scope, .best = {}};
    const int num_states = domain_[static_cast<size_t>(variable)];
    do {
      Cost best = kForbidden;
      int best_state = 0;
      for (int state = 0; state < num_states; ++state) {
        Cost cost;
        for (size_t k = 0; k < bucket.size(); ++k) {
          const size_t cell = odometer.position(k) + strides[k] * static_cast<size_t>(state);
          cost = add(cost, tables_[static_cast<size_t>(bucket[k])].cells[cell]);
          if (cost.bytes > best.bytes) break;
        }
        if (cost < best) {
          best = cost;
          best_state = state;
        }
      }
      result.cells.push_back(best);
      choice.best.push_back(best_state);
    } while (odometer.advance());
    choices_.push_back(std::move(choice));
  }

  // Variables in the reverse order of their elimination: all they depend on is decided by then.
  void decide() {
    std::vector<int>& state = states_;
    state.assign(domain_.size(), 0);
    for (size_t c = choices_.size(); c-- > 0;) {
      size_t cell = 0;
      for (const int variable : choices_[c].scope) {
        cell = cell * static_cast<size_t>(domain_[static_cast<size_t>(variable)]) +
               static_cast<size_t>(state[static_cast<size_t>(variable)]);
      }
      state[static_cast<size_t>(choices_[c].variable)] = choices_[c].best[cell];
    }
  }

  const Problem& problem_;
  const EliminationLimits& limits_;
  const std::vector<size_t>& max_sets_;            // per value
  std::vector<std::pair<int, size_t>> open_sets_;  // variables that do not list all sets; the value
  std::vector<int> states_;                        // per variable, in the end
  std::vector<int> domain_;
  std::vector<Table> tables_;
  std::vector<std::vector<int>> buckets_;     // tables that mention a variable
  std::vector<std::vector<int>> neighbours_;  // ascending
  std::vector<size_t> sizes_;
  std::set<std::pair<size_t, int>> queue_;  // smallest table first, then the lower id
  std::vector<Choice> choices_;
  Cost total_;
};

}  // namespace

std::optional<Eliminated> eliminate(const Problem& problem, const EliminationLimits& limits) {
  std::optional<Eliminated> best;
  std::vector<size_t> max_sets(problem.values.size(), std::min(kFewSets, limits.max_sets));
  for (bool grows = true; grows;) {
    Elimination elimination(problem, limits, max_sets);
    if (!elimination.run()) return best;
    best = {.modes = elimination.modes(), .bound = elimination.bound()};
    if (evaluate(problem, best->modes).bytes == best->bound) return best;
    grows = false;
    for (const size_t value : elimination.values_beyond_sets()) {
      if (max_sets[value] >= limits.max_sets) continue;
      max_sets[value] = std::min(4 * max_sets[value], limits.max_sets);
      grows = true;
    }
  }
  return best;
}

}  // namespace ferryman::layout
