#include <algorithm>
#include <cstddef>
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
      taps_.push_back(job.ColumnTap(dx, params.matrix(dx, 0).x));
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

  /** Lays the taps out as the kernel wants them: those of every `step`-th column, from 0, from 1 and so on. */
  void Index(const SourceRows& rows, std::int32_t window_left, std::size_t step) {
    for (std::size_t i = 0; i < taps_.size(); i++) {
      const std::size_t count = taps_.size() / step;
      const Tap& tap = taps_[i % count * step + i / count];
      first_.push_back(tap.outside ? 0 : rows.index(window_left + tap.first));
      second_.push_back(tap.outside ? 0 : rows.index(window_left + tap.second));
      first_weight_.push_back(tap.first_weight);
      second_weight_.push_back(tap.second_weight);
      constant_.push_back(tap.constant);
    }
  }

  /** The taps from `begin` on, as they were laid out. */
  ColumnTaps view(std::size_t begin) const {
    return {first_.data() + begin, second_.data() + begin, first_weight_.data() + begin, second_weight_.data() + begin,
            constant_.data() + begin};
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

/** Writes the rows of a destination. What lies side by side in memory is a span: a row, or every other pixel of one. */
class SpanWriter {
 public:
  SpanWriter(const WarpJob& job, const SourceRows& rows)
      : job_(job), rows_(rows), spans_(job.layout.focus ? 2 : 1), count_(job.layout.width / spans_) {
    if (job.layout.channels == 1) {
      for (std::vector<float>& levels : levels_) levels.resize(static_cast<std::size_t>(count_));
    }
  }

  int spans() const { return spans_; }

  void Pad(std::int32_t dy) {
    for (int span = 0; span < spans_; span++) {
      for (int c = 0; c < job_.layout.channels; c++) {
        const float pad = RoundLevel(job_.params.pad) * job_.levels.multiplier[c] + job_.levels.bias[c];
        std::fill_n(job_.at(c, span, dy), count_, pad);
      }
    }
  }

  void Sample(const float* blended, const Columns& columns, std::int32_t dy) {
    for (int span = 0; span < spans_; span++) {
      const ColumnTaps taps = columns.view(static_cast<std::size_t>(span) * count_);
      const LevelMap& map = job_.levels;
      if (job_.layout.channels == 1) {
        for (int color = 0; color < 3; color++) {
          SampleColumns(blended + rows_.color_offset(color), taps, 1, 0, count_, levels_[color].data());
        }
        MixGray(levels_[0].data(), levels_[1].data(), levels_[2].data(), map.multiplier[0], map.bias[0], count_,
                job_.at(0, span, dy));
        continue;
      }
      for (int c = 0; c < 3; c++) {
        const float* row = blended + rows_.color_offset(job_.color_of(c));
        SampleColumns(row, taps, map.multiplier[c], map.bias[c], count_, job_.at(c, span, dy));
      }
    }
  }

 private:
  const WarpJob& job_;
  const SourceRows& rows_;
  const int spans_;
  /** Pixels of a span. */
  const int count_;
  /** Red, green and blue of a span, where they become grey. */
  std::vector<float> levels_[3];
};

}  // namespace

/** Blends the two source rows as they lie, then samples the columns of the result: both loops run over whole rows. */
void WarpAxisAligned(const WarpJob& job, std::int32_t begin, std::int32_t end) {
  const WarpNormalizeParams& params = job.params;
  const Window& window = params.window;
  Columns columns(job);
  SourceRows rows(job.source, window.left + columns.begin(), window.left + columns.end());
  SpanWriter writer(job, rows);
  columns.Index(rows, window.left, static_cast<std::size_t>(writer.spans()));
  std::vector<float> blended(rows.length());

  for (std::int32_t dy = begin; dy < end; dy++) {
    const Tap tap = job.RowTap(dy, params.matrix(0, dy).y);
    if (tap.outside) {
      writer.Pad(dy);
      continue;
    }
    const std::uint8_t* first = rows.Row(window.top + tap.first);
    const std::uint8_t* second = rows.Row(window.top + tap.second);
    BlendRows(first, second, tap.first_weight, tap.second_weight, tap.constant, rows.length(), blended.data());
    writer.Sample(blended.data(), columns, dy);
  }
}

}  // namespace sluice
