// The checksum of zip archives (CRC-32, polynomial 0xedb88320).
//
//   crc32(bytes of "123456789")   ->   0xcbf43926
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ferryman {

uint32_t crc32(std::span<const std::byte> bytes);

}  // namespace ferryman
