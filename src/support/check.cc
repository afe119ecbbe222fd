#include "support/check.h"

#include <cstdio>
#include <cstdlib>

namespace ferryman {

void internal_error(std::string_view message, const std::source_location& where) {
  std::fprintf(stderr, "ferryman: internal error: %.*s (%s:%u). Please report it.\n",
               static_cast<int>(message.size()), message.data(), where.file_name(), where.line());
  std::abort();
}

}  // namespace ferryman
