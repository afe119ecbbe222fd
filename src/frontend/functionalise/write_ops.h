// Which ATen ops write to an argument, and what computes the written value without writing.
//
//   std::optional<WriteOp> write = find_write(node);
//   // aten.add_.Tensor:  {functional: "aten.add.Tensor", written: {"self"}, …}
//
// Names follow torch's rule: "op_" writes its first argument and has the twin "op"; "op.x_out"
// writes its keyword "out" and has the twin "op.x". The exceptions are rows (write_ops.cc).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/program/program.h"

namespace ferryman::frontend {

enum class WriteKind : uint8_t {
  kCompute,  // `functional` gives the written values, one result per written argument
  kCopy,     // another tensor's elements, cast and broadcast
  kFill,     // one number everywhere
  kRefused,  // known to write, not followed
};

struct WriteOp {
  WriteKind kind = WriteKind::kCompute;
  std::string functional;            // kCompute
  std::vector<std::string> written;  // names of arguments: "self", or the out= keywords
  std::string operand_name;          // of self in `functional`, if it is another there
  bool is_out = false;               // the written arguments are no operands of `functional`
  std::string source;                // kCopy, kFill: name of the argument with the new contents
  std::string why_not;               // kRefused
};

// nullopt: the op writes nothing.
std::optional<WriteOp> find_write(const Node& node);

// By its name, whether an op writes in place (add_, __iand__) or to an out=: what functionalise
// should have replaced.
bool writes_in_place(std::string_view target);

// Ops that make a tensor from numbers compute the type of their out=, which the twin must be told.
bool is_factory(const Program& program, const Node& node, const WriteOp& write);

// The element type that the functional twin computes when called as the node calls it. It differs
// from the written tensor's where torch casts the result back (f32.add_(f64), f32.gt_(…)).
// nullopt: not known, so a cast is due in any case.
std::optional<DType> functional_dtype(const Program& program, const Node& node,
                                      const WriteOp& write, DType written);

}  // namespace ferryman::frontend
