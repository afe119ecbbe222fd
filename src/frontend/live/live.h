// Programs handed over from a running Python: python/ferryman/walk.py walks an ExportedProgram
// once and writes it into one buffer; this reads the buffer. Tensors are not in it: it refers to a
// list of borrowed storages by index.
//
//   FERRYMAN_TRY(Program program, read_live(buffer, storages));
//
// The buffer (little-endian, no padding), version 2:
//
//   8 bytes "FERRYLIV", then int64 each: version, number of words, number of strings
//   the words, int64 each
//   the lengths of the strings, int64 each, then their UTF-8 bytes one after the other
//
// The words are read in this order. `str` is the index of a string, `f64` the bits of a double,
// `x*` a count followed by that many x, `a | b` a choice by the tag before it.
//
//   program  = str torch_version, str input_tree, str output_tree, named_tuple*, symbol*, str*
//   guards,
//              input*, node*, output*
//   named_tuple = str type, str* fields
//   symbol   = str symbol, str name, int hint, int min, int max            hint 0: not known
//   input    = int kind (InputKind), str name, (0, arg constant | 1, value, (0 | 1, data))
//   data     = int storage, int offset, int* strides                    offset, strides in elements
//   value    = str name, (0 tensor, str dtype, int rank,
//                            (0, int sizes[rank], int strides[rank]
//                           | 1, size sizes[rank], size strides[rank])
//                        | 1 int, size | 2 bool, size | 3 float, expression str
//                        | 4 float, f64 | 5 object)
//   size     = int value, int 0 or 1 + str of the expression            0 = static
//   node     = str target, str name, str module key, str module path, str module type,
//              str stack_trace, (str name, arg)*, (0 none | 1 value)*
//   arg      = 0 none | 1 int bool | 2 int | 3 f64 | 4 str | 5 str dtype | 6 str kind, str text
//            | 7 int value index | 8 arg* | 9 f64 real, f64 imaginary
//            | 10 str name, value* inputs, node*, arg* outputs          a subgraph
//   output   = int kind (OutputKind), str name, arg
//
// Values are numbered in the order in which they occur. A buffer is trusted as little as a file:
// whatever it holds, the result is a verified program or a diagnostic.
#pragma once

#include <span>

#include "frontend/program/program.h"

namespace ferryman::frontend {

Result<Program> read_live(const BlobRef& buffer, std::span<const BlobRef> storages);

}  // namespace ferryman::frontend
