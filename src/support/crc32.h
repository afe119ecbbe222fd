// The checksum of zip archives (CRC-32, polynomial 0xedb88320).
//
//   crc32(bytes of "123456789")   ->   0xcbf43926
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ferryman {

// `before`: the checksum of what stands in front of them.
uint32_t crc32(std::span<const std::byte> bytes, uint32_t before = 0);

}  // namespace ferryman
