#include "layout/eliminate.h"

#include <algorithm>
#include <bit>
#include <set>
#include <span>
#include <utility>

namespace ferryman::layout {

namespace {

constexpr int kMaxOptionalLabels = 10;    // of a value with many users: a set is one of 2^10
constexpr size_t kMaxDirectCells = 4096;  // of a table over all users of a value

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
  Elimination(const Problem& problem, const EliminationLimits& limits)
      : problem_(problem), limits_(limits) {}

  std::optional<Assignment> run() {
    for (size_t o = 0; o < problem_.ops.size(); ++o) add_op(static_cast<int>(o));
    if (!add_values()) return std::nullopt;
    connect();
    while (!queue_.empty()) {
      const auto [size, variable] = *queue_.begin();
      if (size > limits_.max_table_cells) return std::nullopt;
      queue_.erase(queue_.begin());
      eliminate_variable(variable);
    }
    return decide();
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

  bool add_values() {
    std::vector<std::vector<int>> users(problem_.values.size());
    for (size_t o = 0; o < problem_.ops.size(); ++o) {
      for (const int v : problem_.ops[o].values) {
        std::vector<int>& list = users[static_cast<size_t>(v)];
        if (list.empty() || list.back() != static_cast<int>(o)) list.push_back(static_cast<int>(o));
      }
    }
    for (size_t v = 0; v < users.size(); ++v) {
      if (!add_value(static_cast<int>(v), users[v])) return false;
    }
    return true;
  }

  bool add_value(int v, const std::vector<int>& users) {
    if (users.empty()) return true;
    size_t combinations = 1;
    LabelMask optional = 0;
    for (const int o : users) {
      const ProblemOp& op = problem_.ops[static_cast<size_t>(o)];
      const size_t modes = static_cast<size_t>(op.num_modes());
      combinations = std::min(kMaxDirectCells + 1, combinations * modes);
      for (int m = 0; m < op.num_modes(); ++m) optional |= labels_used(op, m, v);
    }
    optional &= ~problem_.values[static_cast<size_t>(v)].fixed;
    const bool few_sets = std::popcount(optional) <= kMaxOptionalLabels;
    if (users.size() <= 2 || (!few_sets && combinations <= kMaxDirectCells)) {
      add_direct_value(v, users);
      return true;
    }
    if (few_sets) add_set_value(v, users, optional);
    return few_sets;
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
  void add_set_value(int v, const std::vector<int>& users, LabelMask optional) {
    const ProblemValue& value = problem_.values[static_cast<size_t>(v)];
    std::vector<LabelMask> sets;
    for (LabelMask part = 0;; part = (part - optional) & optional) {
      if ((part | value.fixed) != 0) sets.push_back(part | value.fixed);
      if (part == optional) break;
    }
    const int variable = add_variable(static_cast<int>(sets.size()));
    Table cost{.scope = {variable}, .cells = {}};
    for (const LabelMask set : sets) cost.cells.push_back(copies_of(value, set));
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
    if (!scope.empty()) add_table(std::move(result));
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
  Assignment decide() const {
    std::vector<int> state(domain_.size(), 0);
    for (size_t c = choices_.size(); c-- > 0;) {
      size_t cell = 0;
      for (const int variable : choices_[c].scope) {
        cell = cell * static_cast<size_t>(domain_[static_cast<size_t>(variable)]) +
               static_cast<size_t>(state[static_cast<size_t>(variable)]);
      }
      state[static_cast<size_t>(choices_[c].variable)] = choices_[c].best[cell];
    }
    state.resize(problem_.ops.size());
    return state;
  }

  const Problem& problem_;
  const EliminationLimits& limits_;
  std::vector<int> domain_;
  std::vector<Table> tables_;
  std::vector<std::vector<int>> buckets_;     // tables that mention a variable
  std::vector<std::vector<int>> neighbours_;  // ascending
  std::vector<size_t> sizes_;
  std::set<std::pair<size_t, int>> queue_;  // smallest table first, then the lower id
  std::vector<Choice> choices_;
};

}  // namespace

std::optional<Assignment> eliminate(const Problem& problem, const EliminationLimits& limits) {
  return Elimination(problem, limits).run();
}

}  // namespace ferryman::layout
