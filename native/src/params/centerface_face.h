#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "params/centerface_params.h"
#include "params/host_device.h"

namespace sluice {

constexpr int kCenterFacePoints = 5;

/** What a cell of the maps says, in network pixels. */
struct Face {
  float left;
  float top;
  float right;
  float bottom;
  float score;
  Point points[kCenterFacePoints];
};

/** The maps of one picture but the scores, as CenterFaceMaps lays them out. */
struct CenterFaceCells {
  const float* scale;
  const float* offset;
  const float* landmarks;
  /** Of each map. */
  std::size_t cells;
  std::int32_t columns;
};

/** Decodes one cell. The values may be anything: see IsFinite. */
SLUICE_HOST_DEVICE inline Face DecodeCell(const CenterFaceCells& maps, std::uint32_t cell, float score) {
  const auto value = [&](const float* map, int plane) -> double { return map[plane * maps.cells + cell]; };
  const double row = cell / maps.columns;
  const double column = cell % maps.columns;
  const double center_y = (row + value(maps.offset, 0) + 0.5) * kCenterFaceStride;
  const double center_x = (column + value(maps.offset, 1) + 0.5) * kCenterFaceStride;
  const double height = std::exp(value(maps.scale, 0)) * kCenterFaceStride;
  const double width = std::exp(value(maps.scale, 1)) * kCenterFaceStride;
  const double left = center_x - width / 2;
  const double top = center_y - height / 2;
  Face face;
  face.left = static_cast<float>(left);
  face.top = static_cast<float>(top);
  face.right = static_cast<float>(left + width);
  face.bottom = static_cast<float>(top + height);
  face.score = score;
  for (int i = 0; i < kCenterFacePoints; i++) {
    face.points[i] = {left + value(maps.landmarks, 2 * i + 1) * width, top + value(maps.landmarks, 2 * i) * height};
  }
  return face;
}

SLUICE_HOST_DEVICE inline bool IsFinite(const Face& face) {
  bool finite = std::isfinite(face.left) && std::isfinite(face.top) && std::isfinite(face.right) &&
                std::isfinite(face.bottom) && std::isfinite(face.score);
  for (const Point& point : face.points) finite = finite && std::isfinite(point.x) && std::isfinite(point.y);
  return finite;
}

/** Maps a face to the picture, into a row of kCenterFaceColumns; false when that overflows a float. */
SLUICE_HOST_DEVICE inline bool MapFace(const Face& face, const Affine& matrix, float* row) {
  Point least = matrix(face.left, face.top);
  Point most = least;
  bool finite = true;
  const Point others[3] = {matrix(face.right, face.top), matrix(face.left, face.bottom),
                           matrix(face.right, face.bottom)};
  for (const Point& corner : others) {
    // Comparisons would pass over what is not a number.
    finite = finite && std::isfinite(corner.x) && std::isfinite(corner.y);
    least = {corner.x < least.x ? corner.x : least.x, corner.y < least.y ? corner.y : least.y};
    most = {corner.x > most.x ? corner.x : most.x, corner.y > most.y ? corner.y : most.y};
  }
  row[0] = static_cast<float>(least.x);
  row[1] = static_cast<float>(least.y);
  row[2] = static_cast<float>(most.x);
  row[3] = static_cast<float>(most.y);
  row[4] = face.score;
  for (int i = 0; i < kCenterFacePoints; i++) {
    const Point point = matrix(face.points[i].x, face.points[i].y);
    row[5 + 2 * i] = static_cast<float>(point.x);
    row[6 + 2 * i] = static_cast<float>(point.y);
  }
  for (int column = 0; column < kCenterFaceColumns; column++) finite = finite && std::isfinite(row[column]);
  return finite;
}

}  // namespace sluice
