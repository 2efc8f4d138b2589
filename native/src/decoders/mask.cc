#include "decoders/mask.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace sluice {
namespace {

/** Whole numbers from `first` to before `last`. */
struct Range {
  std::int32_t first;
  std::int32_t last;

  std::int32_t length() const { return std::max(last - first, 0); }
};

/** The pixels of 0 to before `size` whose centres lie from `low` to `high`. */
Range PixelsWithin(double low, double high, std::int32_t size) {
  if (!(low <= high)) return {0, 0};
  const double first = std::clamp(std::ceil(low), 0.0, static_cast<double>(size));
  const double last = std::clamp(std::floor(high) + 1, 0.0, static_cast<double>(size));
  return {static_cast<std::int32_t>(first), static_cast<std::int32_t>(std::max(first, last))};
}

/** Mixed prototypes over a part of their grid. */
class MixedPart {
 public:
  MixedPart(const MaskPrototypes& prototypes, const float* coefficients, Range columns, Range rows)
      : columns_(columns), rows_(rows) {
    const auto width = static_cast<std::size_t>(columns.length());
    values_.assign(width * static_cast<std::size_t>(rows.length()), 0.0f);
    const std::size_t plane_size = static_cast<std::size_t>(prototypes.rows) * static_cast<std::size_t>(prototypes.columns);
    for (std::int32_t plane = 0; plane < prototypes.planes; plane++) {
      const float coefficient = coefficients[plane];
      const float* source = prototypes.data + static_cast<std::size_t>(plane) * plane_size;
      float* out = values_.data();
      for (std::int32_t row = rows.first; row < rows.last; row++, out += width) {
        const float* line = source + std::int64_t{row} * prototypes.columns + columns.first;
        for (std::size_t i = 0; i < width; i++) out[i] += coefficient * line[i];
      }
    }
  }

  /** Two cells in a line, and how far a place is from the first to the second. */
  struct Neighbours {
    std::int32_t low;
    std::int32_t high;
    double part;
  };

  /** Beyond the part's edge as at it. */
  Neighbours Columns(double x) const { return Around(x, columns_); }
  Neighbours Rows(double y) const { return Around(y, rows_); }

  /** Between cells linear. */
  double At(const Neighbours& x, const Neighbours& y) const {
    const double top = Value(y.low, x.low) * (1 - x.part) + Value(y.low, x.high) * x.part;
    const double bottom = Value(y.high, x.low) * (1 - x.part) + Value(y.high, x.high) * x.part;
    return top * (1 - y.part) + bottom * y.part;
  }

 private:
  static Neighbours Around(double at, Range range) {
    const double within = std::clamp(at, static_cast<double>(range.first), static_cast<double>(range.last - 1));
    const double low = std::floor(within);
    const auto index = static_cast<std::int32_t>(low) - range.first;
    return {index, std::min(index + 1, range.length() - 1), within - low};
  }

  double Value(std::int32_t row, std::int32_t column) const {
    return values_[static_cast<std::size_t>(row) * static_cast<std::size_t>(columns_.length()) +
                   static_cast<std::size_t>(column)];
  }

  const Range columns_;
  const Range rows_;
  std::vector<float> values_;
};

/** The cells that pixels of the rectangle are interpolated between. */
Range CellsAround(double a, double b, double c, double d, std::int32_t size) {
  const double low = std::min({a, b, c, d});
  const double high = std::max({a, b, c, d});
  const double last = size - 1;
  const auto first = static_cast<std::int32_t>(std::clamp(std::floor(low), 0.0, last));
  return {first, static_cast<std::int32_t>(std::clamp(std::floor(high) + 1, 0.0, last)) + 1};
}

/** Puts runs together. */
class Runs {
 public:
  void Add(bool inside, std::uint32_t pixels) {
    if (pixels == 0) return;
    if (inside != inside_) {
      lengths_.push_back(0);
      inside_ = inside;
    }
    lengths_.back() += pixels;
  }

  std::vector<std::uint32_t> Take() { return std::move(lengths_); }

 private:
  std::vector<std::uint32_t> lengths_{0};
  bool inside_ = false;
};

}  // namespace

std::vector<std::uint32_t> DecodeMask(const MaskPrototypes& prototypes, const MaskObject& object,
                                      const Affine& to_cells, std::int32_t width, std::int32_t height) {
  const Range columns = PixelsWithin(object.left, object.right, width);
  const Range rows = PixelsWithin(object.top, object.bottom, height);
  const auto all = static_cast<std::uint32_t>(std::int64_t{width} * height);
  if (columns.length() == 0 || rows.length() == 0) return {all};
  const double right = columns.last - 1;
  const double bottom = rows.last - 1;
  const Point corners[4] = {to_cells(columns.first, rows.first), to_cells(right, rows.first),
                            to_cells(columns.first, bottom), to_cells(right, bottom)};
  const MixedPart mixed(prototypes, object.coefficients,
                        CellsAround(corners[0].x, corners[1].x, corners[2].x, corners[3].x, prototypes.columns),
                        CellsAround(corners[0].y, corners[1].y, corners[2].y, corners[3].y, prototypes.rows));
  Runs runs;
  const auto tall = static_cast<std::uint32_t>(height);
  runs.Add(false, static_cast<std::uint32_t>(columns.first) * tall + static_cast<std::uint32_t>(rows.first));
  // Where nothing is turned, all pixels of a row lie in the same row of cells.
  const bool upright = to_cells.axis_aligned();
  std::vector<MixedPart::Neighbours> cell_rows;
  for (std::int32_t y = rows.first; upright && y < rows.last; y++) cell_rows.push_back(mixed.Rows(to_cells(0, y).y));
  for (std::int32_t x = columns.first; x < columns.last; x++) {
    const MixedPart::Neighbours cell_column = mixed.Columns(to_cells(x, 0).x);
    for (std::int32_t y = rows.first; y < rows.last; y++) {
      const Point at = to_cells(x, y);
      const double value = upright ? mixed.At(cell_column, cell_rows[static_cast<std::size_t>(y - rows.first)])
                                   : mixed.At(mixed.Columns(at.x), mixed.Rows(at.y));
      // Also false for what is not a number.
      runs.Add(value > 0, 1);
    }
    const std::int32_t next = x + 1 < columns.last ? rows.first : 0;
    runs.Add(false, tall - static_cast<std::uint32_t>(rows.last) + static_cast<std::uint32_t>(next));
  }
  runs.Add(false, static_cast<std::uint32_t>(width - columns.last) * tall);
  return runs.Take();
}

void FillMask(const std::vector<std::uint32_t>& runs, std::int32_t width, std::int32_t height, std::uint8_t* out) {
  std::int32_t x = 0;
  std::int32_t y = 0;
  std::uint8_t value = 0;
  for (const std::uint32_t run : runs) {
    for (std::uint32_t i = 0; i < run && x < width; i++) {
      out[std::int64_t{y} * width + x] = value;
      if (++y < height) continue;
      y = 0;
      x++;
    }
    value = static_cast<std::uint8_t>(255 - value);
  }
}

}  // namespace sluice
