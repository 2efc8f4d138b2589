#include "params/pixels.h"

#include "params/check.h"

namespace sluice {

std::int64_t RowBytes(PixelFormat format, std::int32_t width) {
  switch (format) {
    case PixelFormat::kGray8:
      return width;
    case PixelFormat::kNv12:
      return width + std::int64_t{width & 1};
    default:
      return std::int64_t{width} * 3;
  }
}

std::size_t SpanOf(const PixelView& view) {
  std::int64_t rows = view.height;
  if (view.format == PixelFormat::kNv12) rows += (view.height + 1) / 2;
  return static_cast<std::size_t>(view.stride * (rows - 1) + RowBytes(view.format, view.width));
}

void CheckPixels(const PixelView& view) {
  if (view.width < 1 || view.width > kMaxSide) {
    Refuse("source.width is ", view.width, "; it must be 1 to ", kMaxSide);
  }
  if (view.height < 1 || view.height > kMaxSide) {
    Refuse("source.height is ", view.height, "; it must be 1 to ", kMaxSide);
  }
  const std::int64_t row = RowBytes(view.format, view.width);
  if (view.stride < row || view.stride > kMaxStride) {
    Refuse("source.stride is ", view.stride, "; a row of ", view.width, " pixels needs ", row, " bytes, and ",
           kMaxStride, " is the most");
  }
  const std::size_t needed = SpanOf(view);
  if (view.length < needed) {
    Refuse("source.data has ", view.length, " bytes; ", view.width, "x", view.height, " pixels of stride ", view.stride,
           " need ", needed);
  }
}

}  // namespace sluice
