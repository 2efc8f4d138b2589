#pragma once

#include <cstdint>
#include <vector>

#include "params/pixels.h"

namespace sluice {

/**
 * Rows of a picture as bytes that can be blended: rgb8, bgr8 and gray8 rows where they lie, NV12 rows converted to RGB8
 * planes. Not thread-safe: each thread has its own.
 */
class SourceRows {
 public:
  /** Only columns `begin` to `end` will be read. `pixels` must outlive the rows. */
  SourceRows(const PixelView& pixels, std::int32_t begin, std::int32_t end);

  /** Bytes of a row. */
  int length() const { return channels_ * width_; }

  /** The byte of a row that holds column `x` of plane 0. */
  std::int32_t index(std::int32_t x) const { return (x - origin_) * (planar_ ? 1 : channels_); }

  /** What to add to that for red (0), green (1) or blue (2). */
  std::int32_t color_offset(int color) const;

  /** The bytes of row `y`; valid until a row of the same parity is asked for. */
  const std::uint8_t* Row(std::int32_t y);

 private:
  struct ConvertedRow {
    std::int32_t y = -1;
    std::vector<std::uint8_t> planes;
  };

  const PixelView& pixels_;
  const bool planar_;
  const int channels_;
  /** First column that is held; even where chroma is shared by pairs. */
  const std::int32_t origin_;
  /** Columns that are held. */
  const int width_;
  ConvertedRow converted_[2];
  std::vector<float> chroma_terms_;
};

}  // namespace sluice
