#include "decoders/centerface.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "cpu/nms.h"

namespace sluice {
namespace {

constexpr int kPoints = 5;

struct Candidate {
  float score;
  std::uint32_t cell;
};

/** A face in network pixels. */
struct Face {
  Box box;
  Point points[kPoints];
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

Face DecodeFace(const CenterFaceMaps& maps, const CenterFaceParams& params, const Candidate& candidate) {
  const std::size_t cells = maps.heat.length;
  const auto value = [&](const FloatView& map, int plane) -> double {
    return map.data[plane * cells + candidate.cell];
  };
  const double row = candidate.cell / params.columns;
  const double column = candidate.cell % params.columns;
  const double center_y = (row + value(maps.offset, 0) + 0.5) * kCenterFaceStride;
  const double center_x = (column + value(maps.offset, 1) + 0.5) * kCenterFaceStride;
  const double height = std::exp(value(maps.scale, 0)) * kCenterFaceStride;
  const double width = std::exp(value(maps.scale, 1)) * kCenterFaceStride;
  const double left = center_x - width / 2;
  const double top = center_y - height / 2;
  Face face;
  face.box = {static_cast<float>(left),         static_cast<float>(top), static_cast<float>(left + width),
              static_cast<float>(top + height), candidate.score,         0};
  for (int i = 0; i < kPoints; i++) {
    face.points[i] = {left + value(maps.landmarks, 2 * i + 1) * width, top + value(maps.landmarks, 2 * i) * height};
  }
  return face;
}

bool IsFinite(const Face& face) {
  const Box& box = face.box;
  bool finite = std::isfinite(box.left) && std::isfinite(box.top) && std::isfinite(box.right) &&
                std::isfinite(box.bottom) && std::isfinite(box.score);
  for (const Point& point : face.points) finite = finite && std::isfinite(point.x) && std::isfinite(point.y);
  return finite;
}

/** Maps a face to the picture; false when that overflows a float. */
bool WriteRow(const Face& face, const Affine& matrix, float* row) {
  const Box& box = face.box;
  const Point corners[4] = {matrix(box.left, box.top), matrix(box.right, box.top), matrix(box.left, box.bottom),
                            matrix(box.right, box.bottom)};
  const auto [left, right] = std::minmax({corners[0].x, corners[1].x, corners[2].x, corners[3].x});
  const auto [top, bottom] = std::minmax({corners[0].y, corners[1].y, corners[2].y, corners[3].y});
  row[0] = static_cast<float>(left);
  row[1] = static_cast<float>(top);
  row[2] = static_cast<float>(right);
  row[3] = static_cast<float>(bottom);
  row[4] = box.score;
  for (int i = 0; i < kPoints; i++) {
    const Point point = matrix(face.points[i].x, face.points[i].y);
    row[5 + 2 * i] = static_cast<float>(point.x);
    row[6 + 2 * i] = static_cast<float>(point.y);
  }
  return std::all_of(row, row + kCenterFaceColumns, [](float value) { return std::isfinite(value); });
}

}  // namespace

std::int32_t DecodeCenterFace(const CenterFaceMaps& maps, const CenterFaceParams& params, const MutableFloatView& out) {
  CheckCenterFace(maps, params, out);
  std::vector<Face> faces;
  for (const Candidate& candidate : FindCandidates(maps.heat, params.score_threshold)) {
    const Face face = DecodeFace(maps, params, candidate);
    if (IsFinite(face)) faces.push_back(face);
    if (faces.size() == kCenterFaceMaxCandidates) break;
  }
  std::vector<Box> boxes;
  boxes.reserve(faces.size());
  for (const Face& face : faces) boxes.push_back(face.box);

  std::int32_t written = 0;
  for (const std::uint32_t index : Nms(boxes.data(), boxes.size(), params.nms)) {
    if (written == params.max_detections) break;
    float* row = out.data + std::size_t{kCenterFaceColumns} * static_cast<std::size_t>(written);
    if (WriteRow(faces[index], params.matrix, row)) written++;
  }
  return written;
}

}  // namespace sluice
