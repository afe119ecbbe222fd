// What goes into bodies and comes out of them, reduced to what is needed:
//
//   if(true, x) {then, else}                       ->  what `then` computes, in the graph itself
//   scan(h, xs, weight) {body}                     ->  scan(h, xs) {body with the weight inside}
//   while(i, x) {…, body: i, x -> i + 1, x}        ->  while(i, x) {…, body: i, x -> i + 1}: x is
//   fixed
//
// Operands that no body reads and results that nobody reads go, and what only computed them with
// them. The bodies that several ops run change for all of them, or not at all.
#pragma once

#include "passes/pass.h"

namespace ferryman {

Pass simplify_bodies();

}  // namespace ferryman
