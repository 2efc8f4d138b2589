#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "params/affine.h"
#include "params/nms_params.h"

namespace sluice {

/** What a model's configuration says of its outputs; documented at DetectionSpec in server/runtime/native.ts. */
struct DetectionSpec {
  /** Name of the task, which says how the outputs are laid out. */
  std::string task;
  /** Of the network input, in pixels. */
  std::int32_t width;
  std::int32_t height;
  /** Network pixels per cell of each level. */
  std::vector<std::int32_t> strides;
  /** For each level width and height of its anchors, in network pixels: w0 h0 w1 h1 ... */
  std::vector<std::vector<float>> anchors;
  /** Points of each object; 0 for tasks without. */
  std::int32_t key_points;
  /** Scores are logits: the decoder applies the sigmoid. */
  bool logits;
  /** Lines of the labels file; 0: there is none, and any number of classes fits. */
  std::int32_t labels;
  NmsRule nms_rule;
  /** Boxes suppress those of other classes too. */
  bool class_agnostic;
  /** Most results of a picture, and so of a request. */
  std::int32_t max_detections;
};

/** An output of the model for one picture: the shape without the batch. */
struct OutputShape {
  std::string name;
  std::vector<std::int64_t> dims;
};

/** Classes that a model may have. */
constexpr std::int32_t kMaxClasses = 65536;
constexpr std::int32_t kClassWords = kMaxClasses / 32;

/** Values that a row of results may have: whole rows fit what a kernel has room for. */
constexpr std::int32_t kMaxColumns = 2048;

/** Candidates that reach non-maximum suppression; what lies beyond the best is left out, to bound its quadratic time. */
constexpr int kMaxCandidates = 4096;

/** What one picture asks for. */
struct DetectionRequest {
  /** Network input to picture. */
  Affine matrix;
  /** Only what scores more is told. */
  double score_threshold;
  double nms_threshold;
  /** 0: nothing is decoded. */
  std::int32_t max_detections;
  /** The classes that are wanted, one bit each; null: all of them. Memory that whoever decodes can read. */
  const std::uint32_t* classes;
  /** Words of `classes`, at most kClassWords; what lies beyond is not wanted. */
  std::int32_t class_words;
};

}  // namespace sluice
