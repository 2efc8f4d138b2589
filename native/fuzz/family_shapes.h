#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "params/detection_spec.h"
#include "params/head_outputs.h"
#include "random.h"

namespace sluice::fuzz {

/** The detectors that FamilyShapes knows. */
constexpr const char* kFamilies[] = {"centernet", "dbface", "rtdetr", "efficient_nms", "retinaface", "scrfd"};

/** Priors of each level of retinaface and scrfd. */
inline std::vector<std::int64_t> PriorCounts(const DetectionSpec& spec) {
  const std::vector<std::int32_t> usual{8, 16, 32};
  const std::vector<std::int32_t>& strides = StridesOr(spec, usual);
  std::vector<std::int64_t> counts;
  for (std::size_t level = 0; level < strides.size(); level++) {
    const bool own = spec.task == "retinaface" && level < spec.anchors.size();
    const auto anchors = static_cast<std::int64_t>(own ? spec.anchors[level].size() / 2 : 2);
    const std::int64_t columns = CellsOf(spec.width, strides[level]);
    counts.push_back(columns * CellsOf(spec.height, strides[level]) * anchors);
  }
  return counts;
}

/** The levels of SCRFD, the parts of each in any order. */
inline std::vector<OutputShape> ScrfdShapes(Random* random, const std::vector<std::int64_t>& counts) {
  const std::int64_t parts = random->Integer(2, 3);
  const std::int64_t columns[] = {1, 4, 10};
  std::vector<OutputShape> shapes;
  for (const std::int64_t count : counts) {
    for (std::int64_t part = 0; part < parts; part++) shapes.push_back({"", {count, columns[part]}});
  }
  // Levels of as many rows are told apart by their order.
  std::stable_sort(shapes.begin(), shapes.end(), [flip = random->OneIn(2)](const auto& a, const auto& b) {
    return flip ? a.dims[1] < b.dims[1] : a.dims[1] > b.dims[1];
  });
  return shapes;
}

/**
 * Shapes of outputs that fit the specification, whose strides are positive. Names are those of the parts that a head is
 * made of, `all` where they are merged, and nothing for the levels of SCRFD.
 */
inline std::vector<OutputShape> FamilyShapes(Random* random, const DetectionSpec& spec) {
  const std::int64_t columns = CellsOf(spec.width, 4);
  const std::int64_t rows = CellsOf(spec.height, 4);
  const std::int64_t most = random->Integer(1, random->OneIn(4) ? 6000 : 300);
  const std::int64_t classes = random->Integer(1, 5);
  if (spec.task == "centernet") return {{"all", {rows * columns, 4 + 2 * classes}}};
  if (spec.task == "dbface") {
    std::vector<OutputShape> shapes{
        {"tlrb", {4, rows, columns}}, {"hm", {1, rows, columns}}, {"landmark", {10, rows, columns}}};
    if (random->OneIn(2)) shapes.push_back({"pool_hm", {1, rows, columns}});
    return shapes;
  }
  if (spec.task == "rtdetr") {
    if (random->OneIn(2)) return {{"all", {most, 4 + classes}}};
    return {{"scores", {most, classes}}, {"boxes", {most, 4}}};
  }
  if (spec.task == "efficient_nms") {
    return {{"num_dets", {1}}, {"boxes", {most, 4}}, {"scores", {most}}, {"labels", {most}}};
  }
  const std::vector<std::int64_t> counts = PriorCounts(spec);
  std::int64_t priors = 0;
  for (const std::int64_t count : counts) priors += count;
  if (spec.task == "scrfd") {
    return random->OneIn(2) ? std::vector<OutputShape>{{"all", {priors, 15}}} : ScrfdShapes(random, counts);
  }
  if (random->OneIn(2)) return {{"all", {priors, 16}}};
  return {{"conf", {priors, 2}}, {"loc", {priors, 4}}, {"landms", {priors, 10}}};
}

}  // namespace sluice::fuzz
