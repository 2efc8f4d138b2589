#include <algorithm>
#include <cstdint>
#include <vector>

#include "cpu/row_kernels.h"
#include "cpu/source_rows.h"
#include "cpu/warp_kernels.h"
#include "params/tap.h"

namespace sluice {
namespace {

/** The taps of all columns, which every row shares. */
class Columns {
 public:
  explicit Columns(const WarpJob& job) {
    const WarpNormalizeParams& params = job.params;
    taps_.reserve(params.width);
    for (std::int32_t dx = 0; dx < params.width; dx++) {
      const double sx = params.matrix(dx, 0).x - params.window.left;
      taps_.push_back(MakeTap(sx, job.window_width(), params.border, params.pad));
    }
    begin_ = job.window_width();
    for (const Tap& tap : taps_) {
      if (tap.outside) continue;
      begin_ = std::min(begin_, tap.first);
      end_ = std::max(end_, tap.second + 1);
    }
    begin_ = std::min(begin_, std::max(end_ - 1, 0));
    end_ = std::max(end_, begin_ + 1);
  }

  /** Columns of the window that are read; never empty. */
  std::int32_t begin() const { return begin_; }
  std::int32_t end() const { return end_; }

  /** Lays the taps out as the kernel wants them. */
  void Index(const SourceRows& rows, std::int32_t window_left) {
    for (const Tap& tap : taps_) {
      first_.push_back(tap.outside ? 0 : rows.index(window_left + tap.first));
      second_.push_back(tap.outside ? 0 : rows.index(window_left + tap.second));
      first_weight_.push_back(tap.first_weight);
      second_weight_.push_back(tap.second_weight);
      constant_.push_back(tap.constant);
    }
  }

  ColumnTaps view() const {
    return {first_.data(), second_.data(), first_weight_.data(), second_weight_.data(), constant_.data()};
  }

 private:
  std::vector<Tap> taps_;
  std::int32_t begin_ = 0;
  std::int32_t end_ = 0;
  std::vector<std::int32_t> first_;
  std::vector<std::int32_t> second_;
  std::vector<float> first_weight_;
  std::vector<float> second_weight_;
  std::vector<float> constant_;
};

}  // namespace

/** Blends the two source rows as they lie, then samples the columns of the result: both loops run over whole rows. */
void WarpAxisAligned(const WarpJob& job, std::int32_t begin, std::int32_t end) {
  const WarpNormalizeParams& params = job.params;
  const Window& window = params.window;
  Columns columns(job);
  SourceRows rows(job.source, window.left + columns.begin(), window.left + columns.end());
  columns.Index(rows, window.left);
  const ColumnTaps taps = columns.view();
  std::vector<float> blended(rows.length());

  for (std::int32_t dy = begin; dy < end; dy++) {
    const double sy = params.matrix(0, dy).y - window.top;
    const Tap tap = MakeTap(sy, job.window_height(), params.border, params.pad);
    if (tap.outside) {
      for (int c = 0; c < 3; c++) {
        const float pad = RoundLevel(params.pad) * job.levels.multiplier[c] + job.levels.bias[c];
        std::fill_n(job.row(c, dy), params.width, pad);
      }
      continue;
    }
    const std::uint8_t* first = rows.Row(window.top + tap.first);
    const std::uint8_t* second = rows.Row(window.top + tap.second);
    BlendRows(first, second, tap.first_weight, tap.second_weight, tap.constant, rows.length(), blended.data());
    for (int c = 0; c < 3; c++) {
      const float* row = blended.data() + rows.color_offset(job.color_of(c));
      SampleColumns(row, taps, job.levels.multiplier[c], job.levels.bias[c], params.width, job.row(c, dy));
    }
  }
}

}  // namespace sluice
