#include "ops/families.h"

namespace ferryman {

void add_all_ops(Ops& ops) {
  add_activation_ops(ops);
}

}  // namespace ferryman
