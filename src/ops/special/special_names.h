// The names and attributes of the special functions and of the ops on bits: kept apart from
// names.h, since few files speak of them.
#pragma once

#include "ir/attr.h"
#include "ir/op_def.h"

namespace ferryman::ops {

// One operand.
inline constexpr OpName kLgamma{"lgamma"};
inline constexpr OpName kDigamma{"digamma"};
inline constexpr OpName kPolygamma{"polygamma"};  // attr::kOrder
inline constexpr OpName kErfinv{"erfinv"};
inline constexpr OpName kErfcx{"erfcx"};
inline constexpr OpName kNdtri{"ndtri"};
inline constexpr OpName kLogNdtr{"log_ndtr"};
inline constexpr OpName kBesselI0{"bessel_i0"};
inline constexpr OpName kBesselI1{"bessel_i1"};
inline constexpr OpName kBesselI0e{"bessel_i0e"};
inline constexpr OpName kBesselI1e{"bessel_i1e"};
inline constexpr OpName kBesselJ0{"bessel_j0"};
inline constexpr OpName kBesselJ1{"bessel_j1"};
inline constexpr OpName kBesselY0{"bessel_y0"};
inline constexpr OpName kBesselY1{"bessel_y1"};
inline constexpr OpName kBesselK0{"bessel_k0"};
inline constexpr OpName kBesselK1{"bessel_k1"};
inline constexpr OpName kBesselK0e{"bessel_k0e"};
inline constexpr OpName kBesselK1e{"bessel_k1e"};
inline constexpr OpName kSphericalBesselJ0{"spherical_bessel_j0"};
inline constexpr OpName kAiryAi{"airy_ai"};

// Bits.
inline constexpr OpName kBitcast{"bitcast"};  // attr::kDType
inline constexpr OpName kShiftRight{"shift_right"};

// Two operands, broadcasting.
inline constexpr OpName kZeta{"zeta"};
inline constexpr OpName kIgamma{"igamma"};
inline constexpr OpName kIgammac{"igammac"};

}  // namespace ferryman::ops

namespace ferryman::attr {

inline constexpr AttrKey<int64_t> kOrder{"order"};

}  // namespace ferryman::attr
