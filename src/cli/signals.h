// Ctrl-C and its relatives end the program at once, and leave no part of a file behind.
#pragma once

namespace ferryman::cli {

// For SIGINT, SIGTERM and SIGHUP, but for those that the caller has set to be ignored (nohup).
void clean_up_on_signals();

}  // namespace ferryman::cli
