#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace sluice {

/** What a JPEG is, and whether a GPU decodes it. */
struct JpegHeader {
  /** In pixels, as stored: an EXIF orientation is not applied. */
  std::int32_t width = 0;
  std::int32_t height = 0;
  /** Bytes of the picture: what follows in the file is not part of it. */
  std::size_t length = 0;
  /** Why it is to be decoded on the CPU instead, where the last word on broken files is said too; empty: it is not. */
  std::string refusal;
};

/**
 * Reads the segments of a file and walks the markers through its coded data; nothing is decoded. Takes baseline JPEGs
 * of 8 bits in one scan, grey or YCbCr with chroma of any usual size, upright and complete as far as markers tell.
 * Never throws for a bad file, and reads no byte beyond `length`.
 */
JpegHeader ReadJpegHeader(const std::uint8_t* data, std::size_t length);

}  // namespace sluice
