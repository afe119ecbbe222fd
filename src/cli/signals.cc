#include "cli/signals.h"

#include <csignal>

#include "support/byte_sink.h"

namespace ferryman::cli {

namespace {

// The default follows, so that whoever waits for the program sees which signal ended it.
extern "C" void remove_and_end(int number) {
  remove_partial_file();
  std::signal(number, SIG_DFL);
  std::raise(number);
}

}  // namespace

void clean_up_on_signals() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction old = {};
    if (sigaction(number, nullptr, &old) == 0 && old.sa_handler == SIG_IGN) continue;
    struct sigaction action = {};
    action.sa_handler = remove_and_end;
    sigaction(number, &action, nullptr);
  }
}

}  // namespace ferryman::cli
