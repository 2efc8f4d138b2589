#include "instance/segmentation_task.h"

#include <algorithm>
#include <optional>

#include "params/error.h"

namespace sluice {
namespace {

/** The layout that has the aspect ratio of the input; classes first where both have. */
std::optional<ClassScores> LayoutOf(const std::vector<std::int64_t>& shape, const TaskSpec& spec,
                                    ClassActivation activation) {
  if (shape.size() != 4) return std::nullopt;
  const auto make = [&](std::int64_t planes, std::int64_t rows, std::int64_t columns, bool planar) {
    return ClassScores{nullptr,
                       static_cast<std::int32_t>(planes),
                       static_cast<std::int32_t>(rows),
                       static_cast<std::int32_t>(columns),
                       planar,
                       activation};
  };
  for (const ClassScores& scores :
       {make(shape[1], shape[2], shape[3], true), make(shape[3], shape[1], shape[2], false)}) {
    const bool fits = std::int64_t{scores.rows} * spec.width == std::int64_t{scores.columns} * spec.height;
    if (fits && scores.planes >= 1 && scores.planes <= kMostMapClasses) return scores;
  }
  return std::nullopt;
}

}  // namespace

void SegmentationTask::Check(tensorrt::ExecutionLane& lane) {
  const std::optional<ClassScores> scores =
      lane.outputs() == 1 ? LayoutOf(lane.OutputShape(0, 1), spec_, kind_.activation) : std::nullopt;
  if (!scores) {
    throw Error(ErrorCode::kModelInvalid,
                "the outputs do not fit task segmentation: expected one of 1xCxhxw or 1xhxwxC with at most " +
                    std::to_string(kMostMapClasses) + " classes, found" + FoundShapes(lane));
  }
  if (kind_.labels != 0 && kind_.labels != MapClasses(*scores)) {
    throw Error(ErrorCode::kModelInvalid, "the labels file has " + std::to_string(kind_.labels) +
                                              " lines, the model tells " + std::to_string(MapClasses(*scores)) +
                                              " classes");
  }
  scores_ = *scores;
}

void SegmentationTask::Enqueue(tensorrt::ExecutionLane& lane, const std::vector<ResultRequest>& requests,
                               cudaStream_t stream) {
  const auto classes = static_cast<std::size_t>(MapClasses(scores_));
  places_.clear();
  std::size_t bytes = 0;
  for (const ResultRequest& request : requests) {
    const std::size_t pixels = static_cast<std::size_t>(request.width) * static_cast<std::size_t>(request.height);
    places_.push_back({bytes, bytes + pixels, pixels, request.probability_map});
    bytes += request.probability_map ? 2 * pixels : pixels;
  }
  auto* maps = maps_.Room<std::uint8_t>(bytes);
  auto* counts = counts_.Room<std::uint32_t>(requests.size() * classes);
  auto* rows = rows_.Room<cuda::ClassMapRow>(requests.size());
  cuda::ClassMapBatch batch{};
  for (std::size_t i = 0; i < requests.size(); i++) {
    const ResultRequest& request = requests[i];
    const Affine to_cells = ToGrid(Inverse(request.matrix, "row.resultMatrix"), spec_.width, spec_.height,
                                   scores_.columns, scores_.rows);
    std::uint8_t* probabilities = places_[i].with_probabilities ? maps + places_[i].probabilities : nullptr;
    rows[i] = {to_cells,      request.width,      request.height, maps + places_[i].labels,
               probabilities, counts + i * classes};
    batch.most_width = std::max(batch.most_width, request.width);
    batch.most_height = std::max(batch.most_height, request.height);
  }
  batch.scores = scores_;
  batch.scores.data = lane.output(0);
  batch.rows = rows;
  batch.count = static_cast<int>(requests.size());
  batch.scratch = lane.scratch().Room<CellClass>(requests.size() * static_cast<std::size_t>(scores_.cells()));
  const std::size_t count_bytes = requests.size() * classes * sizeof(std::uint32_t);
  SLUICE_CUDA(cudaMemsetAsync(counts, 0, count_bytes, stream));
  cuda::LaunchDecodeClassMap(batch, stream);
  SLUICE_CUDA(cudaMemcpyAsync(host_maps_.Room<std::uint8_t>(bytes), maps, bytes, cudaMemcpyDeviceToHost, stream));
  SLUICE_CUDA(cudaMemcpyAsync(host_counts_.Room<std::uint32_t>(requests.size() * classes), counts, count_bytes,
                              cudaMemcpyDeviceToHost, stream));
}

ResultTables SegmentationTask::Collect() {
  ResultTables tables;
  tables.columns = MapClasses(scores_);
  tables.counts.assign(places_.size(), 1);
  const auto* counts = host_counts_.as<std::uint32_t>();
  const std::size_t values = places_.size() * static_cast<std::size_t>(tables.columns);
  tables.values.assign(counts, counts + values);
  const auto* maps = host_maps_.as<std::uint8_t>();
  for (const Place& place : places_) {
    std::vector<std::vector<std::uint8_t>> row;
    row.emplace_back(maps + place.labels, maps + place.labels + place.pixels);
    if (place.with_probabilities) row.emplace_back(maps + place.probabilities, maps + place.probabilities + place.pixels);
    tables.maps.push_back(std::move(row));
  }
  return tables;
}

}  // namespace sluice
