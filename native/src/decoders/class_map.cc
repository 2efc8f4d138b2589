#include "decoders/class_map.h"

#include <algorithm>
#include <vector>

namespace sluice {

void DecodeClassMap(const ClassScores& scores, const Affine& to_cells, std::int32_t width, std::int32_t height,
                    std::uint8_t* labels, std::uint8_t* probabilities, std::uint32_t* counts) {
  std::vector<CellClass> cells(static_cast<std::size_t>(scores.cells()));
  for (std::size_t cell = 0; cell < cells.size(); cell++) {
    cells[cell] = BestClass(scores, static_cast<std::int64_t>(cell));
  }
  std::fill_n(counts, MapClasses(scores), 0u);
  std::size_t pixel = 0;
  for (std::int32_t y = 0; y < height; y++) {
    for (std::int32_t x = 0; x < width; x++, pixel++) {
      const CellClass found = cells[static_cast<std::size_t>(CellOf(to_cells, x, y, scores))];
      labels[pixel] = found.label;
      if (probabilities != nullptr) probabilities[pixel] = found.probability;
      counts[found.label]++;
    }
  }
}

}  // namespace sluice
