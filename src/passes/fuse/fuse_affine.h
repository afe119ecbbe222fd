// Constant factors and offsets along channels disappear into the weights around them.
//
//   linear -> permute -> mul by [C, 1, 1]         layer scale
//   conv -> add of [C, 1, 1]                      a bias by hand
//   mul, add -> conv                              input normalisation
//   linear -> reshape -> permute -> mul by 0.125  the scale of attention
//   layer_norm with weight and bias -> linear     where only linear layers read it
#pragma once

#include "passes/pass.h"

namespace ferryman {

Pass fuse_affine();
Pass fuse_norm_affine();

}  // namespace ferryman
