// The command-line program, as developers build it; the Python package starts the same function.
#include "cli/program.h"

int main(int argc, char** argv) {
  return ferryman::cli::run_program({argv, argv + argc});
}
