#include "cpu/nms.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "cpu/multiversion.h"
#include "params/check.h"

namespace sluice {
namespace {

/** Boxes as arrays, in double precision: products of float coordinates round nowhere that matters. */
struct BoxArrays {
  std::vector<double> left, top, right, bottom, area, label;

  void Reserve(std::size_t count) {
    for (auto* values : {&left, &top, &right, &bottom, &area, &label}) values->reserve(count);
  }

  void Append(const Box& box) {
    left.push_back(box.left);
    top.push_back(box.top);
    right.push_back(box.right);
    bottom.push_back(box.bottom);
    label.push_back(box.label);
    const double width = static_cast<double>(box.right) - box.left;
    const double height = static_cast<double>(box.bottom) - box.top;
    area.push_back(std::max(width, 0.0) * std::max(height, 0.0));
  }

  void RemoveLast() {
    for (auto* values : {&left, &top, &right, &bottom, &area, &label}) values->pop_back();
  }
};

struct BoxColumns {
  const double *left, *top, *right, *bottom, *area, *label;
};

/** How many of the boxes `begin` to `end` are of box `i`'s class and overlap it by more than the threshold. */
SLUICE_MULTIVERSION
std::int64_t CountOverlaps(const BoxColumns& boxes, std::size_t begin, std::size_t end, std::size_t i,
                           double iou_threshold) {
  const double* __restrict left = boxes.left;
  const double* __restrict top = boxes.top;
  const double* __restrict right = boxes.right;
  const double* __restrict bottom = boxes.bottom;
  const double* __restrict area = boxes.area;
  const double* __restrict label = boxes.label;
  const double l = left[i], t = top[i], r = right[i], b = bottom[i], a = area[i], same = label[i];
  std::int64_t overlaps = 0;
  for (std::size_t j = begin; j < end; j++) {
    const double width = std::max(std::min(right[j], r) - std::max(left[j], l), 0.0);
    const double height = std::max(std::min(bottom[j], b) - std::max(top[j], t), 0.0);
    const double intersection = width * height;
    const bool over = intersection > iou_threshold * (area[j] + a - intersection);
    overlaps += static_cast<std::int64_t>(over & (label[j] == same));
  }
  return overlaps;
}

/** Whether any box before the last one suppresses the last one. */
bool LastIsSuppressed(const BoxArrays& boxes, double iou_threshold) {
  // Blocks, so that a box that the best ones suppress is done early while the loop within stays free of branches.
  constexpr std::size_t kBlock = 128;
  const BoxColumns columns{boxes.left.data(),   boxes.top.data(),  boxes.right.data(),
                           boxes.bottom.data(), boxes.area.data(), boxes.label.data()};
  const std::size_t last = boxes.left.size() - 1;
  for (std::size_t begin = 0; begin < last; begin += kBlock) {
    if (CountOverlaps(columns, begin, std::min(begin + kBlock, last), last, iou_threshold) > 0) return true;
  }
  return false;
}

bool IsFinite(const Box& box) {
  return std::isfinite(box.left) && std::isfinite(box.top) && std::isfinite(box.right) && std::isfinite(box.bottom) &&
         std::isfinite(box.score) && std::isfinite(box.label);
}

}  // namespace

std::vector<std::uint32_t> Nms(const Box* boxes, std::size_t count, const NmsParams& params) {
  CheckNms(params, "options");
  if (count > std::numeric_limits<std::uint32_t>::max()) Refuse("boxes has ", count, " rows; indices have 32 bits");
  std::vector<std::uint32_t> order;
  order.reserve(count);
  for (std::size_t i = 0; i < count; i++) {
    if (IsFinite(boxes[i])) order.push_back(static_cast<std::uint32_t>(i));
  }
  std::stable_sort(order.begin(), order.end(),
                   [boxes](std::uint32_t i, std::uint32_t j) { return boxes[i].score > boxes[j].score; });

  // Those that may suppress the boxes to come.
  BoxArrays suppressors;
  suppressors.Reserve(order.size());
  std::vector<std::uint32_t> kept;
  for (const std::uint32_t i : order) {
    suppressors.Append(boxes[i]);
    const bool suppressed = LastIsSuppressed(suppressors, params.iou_threshold);
    if (!suppressed) kept.push_back(i);
    if (suppressed && params.rule == NmsRule::kGreedy) suppressors.RemoveLast();
  }
  return kept;
}

}  // namespace sluice
