// The fields of the report, each once, with what it means: its JSON and the schema of that are made
// from this table (report.cc), and Python reads it by its own names.
//
//   struct Visitor { template <typename T> void operator()(std::string_view name, const T& value,
//                                                          std::string_view meaning); };
//   visit_fields(visitor, report);
#pragma once

#include <string_view>

#include "driver/report.h"

namespace ferryman {

std::string_view to_string(ComplexPart part);
std::string_view to_string(NanForm nan);

template <typename Visitor>
void visit_fields(Visitor& visit, const Placement& placement) {
  visit("tensor", placement.tensor, "its number in the file");
  visit("factors", placement.factors,
        "stored = value.reshape(factors).permute(perm).reshape(shape of the tensor)");
  visit("perm", placement.perm, "new to old");
}

template <typename Visitor>
void visit_fields(Visitor& visit, const PartPlacement& part) {
  visit("part", to_string(part.part), "of a complex value: real, imag or pair, else empty");
  visit_fields(visit, part.placement);
}

template <typename Visitor>
void visit_fields(Visitor& visit, const PortReport& report) {
  visit("index", report.index,
        "among the program's flattened inputs or outputs, constants counted");
  visit("name", report.port.name, "in the file");
  visit("shape", report.port.shape, "of the tensor in the file; text: an expression over sizes");
  visit("dtype", report.port.dtype, "of the tensor in the file, as numpy calls it");
  visit("placement", PartPlacement{report.port.placement, report.part}, "where it lies");
  visit("buffer", report.buffer, "whose value goes in or comes out, of those that forward writes");
}

template <typename Visitor>
void visit_fields(Visitor& visit, const NodeReport& node) {
  visit("node", node.node, "its name in the exported graph");
  visit("target", node.target, "the ATen operator: aten.conv2d.default");
  visit("type", node.type, "f32[1, 64, 112, 112]");
  visit("location", node.location, "where it lies in the model");
  visit("ops", node.ops, "operators of the file that came from it");
  visit("fused_into", node.fused_into, "the node whose value the file has instead; or empty");
  visit("placement", node.placement, "where it lies; null: the file does not have it as a whole");
  visit("parts", node.parts, "where the parts of a complex value lie");
}

template <typename Visitor>
void visit_fields(Visitor& visit, const BodyReport& body) {
  visit("name", body.name,
        "the path of the program's graphs: while_loop_body_graph_0/true_graph_0");
  visit("file", body.file, "the body alone, for a check; empty: not written");
  visit("inputs", body.inputs, "of that file, by their names in the program");
  visit("nodes", body.nodes, "of the body, with places in that file");
}

template <typename Visitor>
void visit_fields(Visitor& visit, const StoredWeight& weight) {
  visit("weight", weight.weight, "as the file's users know it: conv1/kernel");
  visit("parameters", weight.parameters, "whose elements it holds: conv1.weight");
  visit("join", weight.join, "of several parameters: sum or stack");
  visit("shape", weight.shape, "of each parameter");
  visit("part", weight.part, "axis, begin and end of what is taken of it; empty: all");
  visit("factors", weight.factors, "stored = value.reshape(factors)[order].permute(perm)");
  visit("order", weight.order, "of the first axis; empty: as it is");
  visit("perm", weight.perm, "new to old");
}

template <typename Visitor>
void visit_fields(Visitor& visit, const StageTime& stage) {
  visit("name", stage.name, "");
  visit("seconds", stage.seconds, "");
}

template <typename Visitor>
void visit_fields(Visitor& visit, const SizeReport& size) {
  visit("name", size.name, "the user's; other sizes are told by it: 2*n + 1");
  visit("symbol", size.symbol, "torch's: s77");
  visit("min", size.min, "the least that the program holds for");
  visit("max", size.max, "the most; null: not bounded");
  visit("hint", size.hint, "in the example");
}

template <typename Visitor>
void visit_fields(Visitor& visit, const TransposeReport& transpose) {
  visit("reason", transpose.reason, "");
  visit("bytes", transpose.bytes, "read and written");
  visit("node", transpose.node, "whose value is copied");
}

template <typename Visitor>
void visit_fields(Visitor& visit, const RuntimeReport& runtime) {
  visit("name", runtime.name, "TensorFlow Lite, Keras");
  visit("oldest", runtime.oldest, "the first release that can load the file: 2.9.0");
  visit("operators", runtime.operators, "what asks for it: GELU, CONV_2D (version 6)");
}

template <typename Visitor>
void visit_fields(Visitor& visit, const LayoutReport& layout) {
  visit("bytes_moved", layout.bytes_moved, "by transpositions");
  visit("lower_bound", layout.lower_bound, "no order of axes moves fewer");
  visit("optimal", layout.optimal, "whether it is proved that nothing moves fewer bytes");
  visit("transposes", layout.transposes, "the copies that are left, and why");
}

template <typename Visitor>
void visit_fields(Visitor& visit, const ConvertReport& report) {
  visit("version", report.version, "of this format; another one where a field goes or changes");
  visit("inputs", report.inputs, "");
  visit("outputs", report.outputs, "");
  visit("sizes", report.sizes, "of the inputs, that are free");
  visit("nodes", report.nodes,
        "a value of the exported graph each, in its order; several results are several entries");
  visit("bodies", report.bodies, "of branches and loops of the program");
  visit("stages", report.stages, "time of each stage of the core, in order");
  visit("tensors", report.tensors,
        "what the file calls them, by number; empty: it has no names for them");
  visit("weights", report.weights, "of a file that training goes on with");
  visit("ops", report.ops, "how many operators of each kind the file has");
  visit("runtime", report.runtime, "");
  visit("file_bytes", report.file_bytes, "");
  visit("layout", report.layout, "");
  visit("nan", to_string(report.nan), "fast or exact, as the file was written");
  visit("remarks", report.remarks, "what was done that is worth a word");
}

}  // namespace ferryman
