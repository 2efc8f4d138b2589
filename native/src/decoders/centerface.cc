#include "decoders/centerface.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "cpu/nms.h"
#include "params/centerface_face.h"

namespace sluice {
namespace {

struct Candidate {
  float score;
  std::uint32_t cell;
};

std::vector<Candidate> FindCandidates(const FloatView& heat, double threshold) {
  std::vector<Candidate> candidates;
  for (std::size_t cell = 0; cell < heat.length; cell++) {
    // Also false for a score that is not a number.
    if (heat.data[cell] > threshold) candidates.push_back({heat.data[cell], static_cast<std::uint32_t>(cell)});
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.cell < b.cell;
  });
  return candidates;
}

}  // namespace

std::int32_t DecodeCenterFace(const CenterFaceMaps& maps, const CenterFaceParams& params, const MutableFloatView& out) {
  CheckCenterFace(maps, params, out);
  const CenterFaceCells cells{maps.scale.data, maps.offset.data, maps.landmarks.data, maps.heat.length, params.columns};
  std::vector<Face> faces;
  for (const Candidate& candidate : FindCandidates(maps.heat, params.score_threshold)) {
    const Face face = DecodeCell(cells, candidate.cell, candidate.score);
    if (IsFinite(face)) faces.push_back(face);
    if (faces.size() == kCenterFaceMaxCandidates) break;
  }
  std::vector<Box> boxes;
  boxes.reserve(faces.size());
  for (const Face& face : faces) {
    boxes.push_back({face.left, face.top, face.right, face.bottom, face.score, 0});
  }

  std::int32_t written = 0;
  for (const std::uint32_t index : Nms(boxes.data(), boxes.size(), params.nms)) {
    if (written == params.max_detections) break;
    float* row = out.data + std::size_t{kCenterFaceColumns} * static_cast<std::size_t>(written);
    if (MapFace(faces[index], params.matrix, row)) written++;
  }
  return written;
}

}  // namespace sluice
