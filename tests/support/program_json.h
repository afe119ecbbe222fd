// A program as JSON, for tools and tests that run it elsewhere. Weights are named, not included.
//
//   {"values": [{"name", "dtype", "sizes", "strides"}, …],
//    "inputs": [{"kind", "name", "value"}, …],
//    "nodes": [{"target", "name", "args": [[name, arg], …], "results": [value, …]}, …],
//    "outputs": [{"kind", "name", "arg"}, …],
//    "subgraphs": [{"name", "inputs", "nodes", "outputs"}, …]}
//
// Missing values are null, symbolic sizes strings. An argument is null, a bool, a number, a string,
// a list, or an object that says what it is: {"value": 3}, {"float": "inf"} (floats that JSON
// cannot write), {"dtype": "float32"}, {"graph": 0}, {"device": "cpu"} and other enums by their
// kind.
#pragma once

#include <string>

#include "frontend/program/program.h"

namespace ferryman::frontend {

std::string program_to_json(const Program& program);

}  // namespace ferryman::frontend
