#include "decoders/detections.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "cpu/nms.h"
#include "cpu/rotated_nms.h"
#include "params/check.h"
#include "params/detection_row.h"

namespace sluice {
namespace {

struct Candidate {
  std::uint32_t index;
  HeadScore score;
};

void CheckRequest(const DetectionRequest& request, std::int32_t columns, const MutableFloatView& out) {
  if (!std::isfinite(request.score_threshold)) Refuse("request.scoreThreshold must be finite");
  CheckNms({NmsRule::kGreedy, request.nms_threshold}, "request.nms");
  CheckAffine(request.matrix, "request.matrix");
  if (request.max_detections < 0) {
    Refuse("request.maxDetections is ", request.max_detections, "; it must not be negative");
  }
  const std::int64_t needed = std::int64_t{columns} * request.max_detections;
  if (out.length < static_cast<std::uint64_t>(needed)) {
    Refuse("out has ", out.length, " values; ", request.max_detections, " rows of ", columns, " need ", needed);
  }
}

/** Best first. */
template <typename Head>
std::vector<Candidate> FindCandidates(const Head& head, const DetectionRequest& request) {
  const float floor = ScoreFloor(request.score_threshold);
  std::vector<Candidate> candidates;
  const std::uint32_t count = head.candidates();
  for (std::uint32_t i = 0; i < count; i++) {
    HeadScore score;
    if (!head.Score(i, floor, &score) || !Wants(request.classes, request.class_words, score.label)) continue;
    // Adding 0 makes -0 equal to 0.
    candidates.push_back({i, {score.score + 0.0f, score.label}});
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.score.score != b.score.score ? a.score.score > b.score.score : a.index < b.index;
  });
  return candidates;
}

/** Leaves the best kMaxCandidates of those that are finite, and returns their boxes. */
template <typename Head>
std::vector<HeadBox> TakeBest(const Head& head, std::vector<Candidate>* candidates) {
  std::vector<HeadBox> boxes;
  for (const Candidate& candidate : *candidates) {
    const auto opened = Open(head, candidate.index);
    const HeadBox box = opened.Box();
    if (!IsFinite(head.layout(), opened, candidate.score.score, box)) continue;
    (*candidates)[boxes.size()] = candidate;
    boxes.push_back(box);
    if (boxes.size() == kMaxCandidates) break;
  }
  candidates->resize(boxes.size());
  return boxes;
}

/** Places of the candidates that stay. */
template <Suppression suppression>
std::vector<std::uint32_t> Suppress(const std::vector<Candidate>& candidates, const std::vector<HeadBox>& found,
                                    const NmsParams& params, bool class_agnostic) {
  const auto label = [&](std::size_t i) {
    return class_agnostic ? 0.0f : static_cast<float>(candidates[i].score.label);
  };
  if constexpr (suppression == Suppression::kRotated) {
    std::vector<RotatedBox> boxes;
    for (std::size_t i = 0; i < found.size(); i++) boxes.push_back(Spread(found[i], label(i)));
    return RotatedNms(boxes, params);
  }
  if constexpr (suppression == Suppression::kBoxes) {
    std::vector<Box> boxes;
    for (std::size_t i = 0; i < found.size(); i++) {
      const HeadBox& box = found[i];
      boxes.push_back({box.left, box.top, box.right, box.bottom, candidates[i].score.score, label(i)});
    }
    return Nms(boxes.data(), boxes.size(), params);
  }
  std::vector<std::uint32_t> all(found.size());
  for (std::size_t i = 0; i < all.size(); i++) all[i] = static_cast<std::uint32_t>(i);
  return all;
}

template <typename Head>
std::int32_t Decode(const Head& head, const DetectionRequest& request, const DetectionSpec& spec,
                    const MutableFloatView& out) {
  const std::int32_t columns = head.layout().columns();
  CheckRequest(request, columns, out);
  if (request.max_detections == 0) return 0;
  std::vector<Candidate> candidates = FindCandidates(head, request);
  const std::vector<HeadBox> boxes = TakeBest(head, &candidates);
  const NmsParams nms{spec.nms_rule, request.nms_threshold};
  std::int32_t written = 0;
  for (const std::uint32_t i : Suppress<Head::kSuppression>(candidates, boxes, nms, spec.class_agnostic)) {
    if (written == request.max_detections) break;
    float* row = out.data + static_cast<std::size_t>(columns) * static_cast<std::size_t>(written);
    const bool fits = MapRow<Head::kSuppression>(head.layout(), Open(head, candidates[i].index), candidates[i].score,
                                                 boxes[i], request.matrix,
                                                 [row](std::int32_t column, float value) { row[column] = value; });
    if (fits) written++;
  }
  return written;
}

}  // namespace

std::int32_t DecodeDetections(const AnyHead& head, const DetectionRequest& request, const DetectionSpec& spec,
                              const MutableFloatView& out) {
  return std::visit([&](const auto& found) { return Decode(found, request, spec, out); }, head);
}

}  // namespace sluice
