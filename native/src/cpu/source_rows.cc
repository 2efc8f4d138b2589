#include "cpu/source_rows.h"

#include "cpu/row_kernels.h"

namespace sluice {

SourceRows::SourceRows(const PixelView& pixels, std::int32_t begin, std::int32_t end)
    : pixels_(pixels),
      planar_(pixels.format == PixelFormat::kNv12),
      channels_(pixels.format == PixelFormat::kGray8 ? 1 : 3),
      origin_(planar_ ? begin & ~1 : begin),
      width_(planar_ ? ((end + 1) & ~1) - origin_ : end - origin_) {
  if (!planar_) return;
  chroma_terms_.resize(length());
  for (ConvertedRow& row : converted_) row.planes.resize(length());
}

std::int32_t SourceRows::color_offset(int color) const {
  switch (pixels_.format) {
    case PixelFormat::kRgb8:
      return color;
    case PixelFormat::kBgr8:
      return 2 - color;
    case PixelFormat::kNv12:
      return color * width_;
    default:
      return 0;
  }
}

const std::uint8_t* SourceRows::Row(std::int32_t y) {
  const std::uint8_t* bytes = pixels_.data + pixels_.stride * y;
  if (!planar_) return bytes + std::int64_t{origin_} * channels_;
  ConvertedRow& row = converted_[y & 1];
  if (row.y != y) {
    // The second pixel of an odd row's last pair is a byte of the stride's, which is there: chroma rows need it.
    const std::uint8_t* chroma = pixels_.data + pixels_.stride * (pixels_.height + std::int64_t{y / 2});
    float* terms = chroma_terms_.data();
    SpreadChroma(chroma + origin_, width_ / 2, terms, terms + width_, terms + 2 * width_);
    for (int color = 0; color < 3; color++) {
      ConvertLuma(bytes + origin_, terms + color * width_, width_, row.planes.data() + color * width_);
    }
    row.y = y;
  }
  return row.planes.data();
}

}  // namespace sluice
