#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "params/detection_spec.h"
#include "random.h"

namespace sluice::test {

/** The outputs of a batch of pictures on the host, and what they mean. */
struct Outputs {
  DetectionSpec spec;
  std::vector<OutputShape> shapes;
  std::vector<std::vector<float>> data;
  int count;

  /** Values of an output for one picture. */
  std::size_t length(std::size_t output) const { return data[output].size() / static_cast<std::size_t>(count); }
};

/** Outputs of any detector: few candidates and more than are suppressed, ties, values that are no numbers. */
Outputs AnyOutputs(fuzz::Random* random);
/** Of those with outputs of their own: centernet, dbface, rtdetr, efficient_nms, retinaface, scrfd. */
Outputs AnyFamily(fuzz::Random* random);

/** `count` pictures of 160x160 cells with 20 faces each, or with a candidate in each cell. */
Outputs BenchFaces(int count, bool full);
/** `count` pictures of 25,200 rows of 85 values with 100 objects each. */
Outputs BenchRows(int count);
/** `count` pictures of 8,400 places with 100 objects each, and `beyond` values behind the 80 classes. */
Outputs BenchPlaces(int count, const std::string& task, int beyond);

}  // namespace sluice::test
