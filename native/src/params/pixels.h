#pragma once

#include <cstddef>
#include <cstdint>

namespace sluice {

enum class PixelFormat { kRgb8, kBgr8, kGray8, kNv12 };

/** Longest side of a picture or tensor, in pixels. */
constexpr std::int32_t kMaxSide = 32768;

/** Most bytes from one row to the next. */
constexpr std::int64_t kMaxStride = 0x7fffffff;

/**
 * Pixels in memory that the caller owns and keeps alive during the call. kNv12 is `height` luma rows followed by
 * ceil(height / 2) rows of interleaved U and V, each for 2x2 pixels, all rows `stride` bytes apart; odd sizes are
 * allowed. The last row need not be padded to a full stride.
 */
struct PixelView {
  const std::uint8_t* data;
  std::size_t length;
  PixelFormat format;
  /** In pixels, 1 to kMaxSide. */
  std::int32_t width;
  std::int32_t height;
  /** Bytes from one row to the next, at least the bytes of a row, at most kMaxStride; need not be aligned. */
  std::int64_t stride;
};

/** Bytes of a row that hold pixels. */
std::int64_t RowBytes(PixelFormat format, std::int32_t width);

/** Bytes from the first pixel of the view to its last. */
std::size_t SpanOf(const PixelView& view);

/** Refuses a view whose rows do not lie within its bytes. */
void CheckPixels(const PixelView& view);

}  // namespace sluice
