#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "cuda/detections.h"
#include "decoders/detections.h"
#include "gpu_outputs.h"
#include "gpu_test.h"
#include "params/any_head.h"
#include "random.h"

namespace sluice::test {
namespace {

/** What a picture asks for, with the bits of its classes. */
struct Request {
  DetectionRequest request;
  std::vector<std::uint32_t> classes;
};

Request AnyRequest(fuzz::Random* random) {
  Request any{};
  DetectionRequest& request = any.request;
  const double scale = random->Real(0.1, 4);
  const double angle = random->OneIn(2) ? 0 : random->Real(-4, 4);
  request.matrix = {{scale * std::cos(angle), -scale * std::sin(angle), random->Real(-50, 50), scale * std::sin(angle),
                     scale * std::cos(angle), random->Real(-50, 50)}};
  if (random->OneIn(20)) request.matrix.m[random->Integer(0, 5)] = random->OneIn(2) ? 1e36 : -3e38;
  request.score_threshold = random->OneIn(8) ? random->Real(-1, 0) : random->Real(0, 0.6);
  request.nms_threshold = random->OneIn(10) ? static_cast<double>(random->Integer(0, 1)) : random->Real(0, 1);
  request.max_detections = static_cast<std::int32_t>(random->Integer(0, random->OneIn(2) ? 1000 : 40));
  if (random->OneIn(3)) {
    any.classes.push_back(static_cast<std::uint32_t>(random->Integer(0, 63)));
    if (random->OneIn(3)) any.classes.resize(kClassWords, 5);
  }
  return any;
}

/** A batch on the device. Results go to memory of the host, as a server wants them. */
class Decoder {
 public:
  Decoder(const Outputs& outputs, const std::vector<Request>& requests, std::int32_t capacity)
      : buffers_(outputs.data.size()) {
    std::vector<const float*> data;
    for (std::size_t i = 0; i < outputs.data.size(); i++) data.push_back(Upload(&buffers_[i], outputs.data[i]));
    head_ = MakeHead(outputs.spec, outputs.shapes, data);
    columns_ = static_cast<std::size_t>(LayoutOf(head_).columns());
    length_ = requests.size() * static_cast<std::size_t>(capacity) * columns_;
    std::size_t words = 0;
    for (const Request& request : requests) words += request.classes.size();
    auto* classes = classes_.Room<std::uint32_t>(std::max<std::size_t>(words, 1));
    auto* staged = requests_.Room<DetectionRequest>(requests.size());
    for (std::size_t i = 0; i < requests.size(); i++) {
      staged[i] = requests[i].request;
      if (requests[i].classes.empty()) continue;
      staged[i].classes = classes;
      staged[i].class_words = static_cast<std::int32_t>(requests[i].classes.size());
      classes = std::copy(requests[i].classes.begin(), requests[i].classes.end(), classes);
    }
    batch_.rule = outputs.spec.nms_rule;
    batch_.class_agnostic = outputs.spec.class_agnostic;
    batch_.requests = staged;
    batch_.count = outputs.count;
    batch_.capacity = capacity;
    batch_.out = out_.Room<float>(std::max<std::size_t>(length_, 1));
    batch_.counts = counts_.Room<std::int32_t>(requests.size());
    const std::size_t bytes = cuda::DetectionScratchBytes(head_, outputs.count);
    batch_.scratch = scratch_.Room<char>(bytes);
    // Nothing may rely on what the memory held before.
    SLUICE_CUDA(cudaMemset(batch_.scratch, 0xa5, bytes));
    SLUICE_CUDA(cudaDeviceSynchronize());
  }

  void Launch(cuda::Scan scan, const cuda::Stream& stream) {
    batch_.scan = scan;
    cuda::LaunchDetections(head_, batch_, stream.get());
  }

  /** Fills the rows with what no decoder writes. */
  void Clear() { std::memset(batch_.out, 0xff, length_ * sizeof(float)); }

  const float* row(int picture, std::int32_t index) const {
    return batch_.out + (static_cast<std::size_t>(picture) * static_cast<std::size_t>(batch_.capacity) +
                         static_cast<std::size_t>(index)) * columns_;
  }
  std::int32_t count(int picture) const { return batch_.counts[picture]; }
  std::size_t columns() const { return columns_; }

 private:
  std::vector<cuda::DeviceBuffer> buffers_;
  cuda::DeviceBuffer scratch_;
  cuda::PinnedBuffer requests_, classes_, out_, counts_;
  AnyHead head_;
  std::size_t columns_ = 0;
  std::size_t length_ = 0;
  cuda::DetectionBatch batch_{};
};

struct Statistics {
  std::int64_t rows = 0;
  std::int64_t over_full = 0;
  std::int64_t differing = 0;
  double largest = 0;
};

/** A picture's rows as the CPU decodes them. */
struct Expected {
  std::vector<float> rows;
  std::int32_t count;
};

AnyHead HostHead(const Outputs& outputs, int picture) {
  std::vector<const float*> data;
  for (std::size_t i = 0; i < outputs.data.size(); i++) {
    data.push_back(outputs.data[i].data() + static_cast<std::size_t>(picture) * outputs.length(i));
  }
  return MakeHead(outputs.spec, outputs.shapes, data);
}

Expected Decode(const AnyHead& head, const Outputs& outputs, const Request& request) {
  DetectionRequest asked = request.request;
  if (!request.classes.empty()) {
    asked.classes = request.classes.data();
    asked.class_words = static_cast<std::int32_t>(request.classes.size());
  }
  const auto columns = static_cast<std::size_t>(LayoutOf(head).columns());
  Expected expected{std::vector<float>(static_cast<std::size_t>(asked.max_detections) * columns), 0};
  expected.count = DecodeDetections(head, asked, outputs.spec, {expected.rows.data(), expected.rows.size()});
  return expected;
}

/** Candidates above the threshold. */
std::int64_t CountAbove(const AnyHead& any, double threshold) {
  return std::visit(
      [threshold](const auto& head) {
        std::int64_t above = 0;
        HeadScore score;
        for (std::uint32_t i = 0; i < head.candidates(); i++) {
          above += head.Score(i, static_cast<float>(threshold), &score);
        }
        return above;
      },
      any);
}

void Compare(const std::string& what, const Expected& expected, const Request& request, int picture,
             const Decoder& decoder, std::int32_t capacity, Group* group, Statistics* statistics) {
  group->Case();
  statistics->rows += expected.count;
  if (decoder.count(picture) != expected.count) {
    group->Fail("%s, picture %d: %d rows instead of %d", what.c_str(), picture, decoder.count(picture), expected.count);
    return;
  }
  const std::size_t columns = decoder.columns();
  for (std::int32_t i = 0; i < expected.count; i++) {
    const float* actual = decoder.row(picture, i);
    const float* wanted = expected.rows.data() + static_cast<std::size_t>(i) * columns;
    for (std::size_t column = 0; column < columns; column++) {
      if (std::memcmp(actual + column, wanted + column, sizeof(float)) == 0) continue;
      statistics->differing++;
      // The library functions of host and device may differ in the last bit of a double.
      const double difference = std::abs(static_cast<double>(actual[column]) - wanted[column]);
      const double size = std::abs(static_cast<double>(wanted[column]));
      const double allowed = column == 4 || column == 5 ? 1e-6 * size : std::max(1e-3, 1e-6 * size);
      if (difference <= 1e-3) statistics->largest = std::max(statistics->largest, difference);
      if (difference <= allowed) continue;
      group->Fail("%s, picture %d, row %d of %d, column %zu: %.9g instead of %.9g", what.c_str(), picture, i,
                  expected.count, column, static_cast<double>(actual[column]), static_cast<double>(wanted[column]));
      return;
    }
    if (wanted[4] <= request.request.score_threshold) group->Fail("%s: a row below the threshold", what.c_str());
  }
  std::uint32_t after = 0xffffffffu;
  if (expected.count < capacity) std::memcpy(&after, decoder.row(picture, expected.count), sizeof(after));
  if (after != 0xffffffffu) {
    group->Fail("%s, picture %d: something is written after its %d rows", what.c_str(), picture, expected.count);
  }
}

}  // namespace

bool TestDetections() {
  Group group("detections");
  cuda::Stream stream;
  Statistics statistics;
  for (int seed = 1; seed <= 600; seed++) {
    fuzz::Random random(static_cast<std::uint64_t>(seed));
    const Outputs outputs = AnyOutputs(&random);
    std::vector<Request> requests;
    std::vector<Expected> expected;
    std::int32_t capacity = static_cast<std::int32_t>(random.Integer(0, 3));
    for (int i = 0; i < outputs.count; i++) {
      requests.push_back(AnyRequest(&random));
      capacity = std::max(capacity, requests.back().request.max_detections);
      const AnyHead head = HostHead(outputs, i);
      expected.push_back(Decode(head, outputs, requests.back()));
      statistics.over_full += CountAbove(head, requests.back().request.score_threshold) > kMaxCandidates;
    }
    Decoder decoder(outputs, requests, capacity);
    for (const cuda::Scan scan : {cuda::Scan::kAny, cuda::Scan::kInBlock, cuda::Scan::kOnGrid}) {
      decoder.Clear();
      decoder.Launch(scan, stream);
      stream.Synchronize();
      const std::string what = outputs.spec.task + ", seed " + std::to_string(seed) + ", scan " +
                               std::to_string(static_cast<int>(scan)) +
                               (outputs.spec.nms_rule == NmsRule::kFast ? ", fast" : ", greedy");
      for (int i = 0; i < outputs.count; i++) {
        const auto index = static_cast<std::size_t>(i);
        Compare(what, expected[index], requests[index], i, decoder, capacity, &group, &statistics);
      }
    }
  }
  if (statistics.over_full == 0) group.Fail("no picture had more candidates than are suppressed");
  return group.Finish("%ld rows, %ld over-full pictures, %ld values differ, by at most %.3g px (of those below 1e-3)",
                      static_cast<long>(statistics.rows), static_cast<long>(statistics.over_full),
                      static_cast<long>(statistics.differing), statistics.largest);
}

void BenchDetections() {
  cuda::Stream stream;
  struct Case {
    std::string name;
    Outputs outputs;
  };
  const Case cases[] = {{"centerface_16x160x160_20_faces", BenchFaces(16, false)},
                        {"centerface_16x160x160_all_candidates", BenchFaces(16, true)},
                        {"yolov5_1x25200x85", BenchRows(1)},
                        {"yolov5_16x25200x85", BenchRows(16)},
                        {"yolov8_1x84x8400", BenchPlaces(1, "yolov8", 0)},
                        {"yolov8_16x84x8400", BenchPlaces(16, "yolov8", 0)},
                        {"yolov8_obb_16x85x8400", BenchPlaces(16, "yolov8_obb", 1)}};
  for (const Case& bench : cases) {
    const auto pictures = static_cast<std::size_t>(bench.outputs.count);
    const std::vector<Request> requests(pictures, {{{{2, 0, 0, 0, 2, -280}}, 0.5, 0.3, 300, nullptr, 0}, {}});
    for (const NmsRule rule : {NmsRule::kFast, NmsRule::kGreedy}) {
      Outputs outputs = bench.outputs;
      outputs.spec.nms_rule = rule;
      Decoder decoder(outputs, requests, 300);
      for (const cuda::Scan scan : {cuda::Scan::kInBlock, cuda::Scan::kOnGrid}) {
        const std::string name = bench.name + (rule == NmsRule::kFast ? "_fast" : "_greedy") +
                                 (scan == cuda::Scan::kInBlock ? "_in_block" : "_on_grid");
        Bench(name.c_str(), stream, [&] { decoder.Launch(scan, stream); });
      }
      std::printf("  %d rows of the first picture\n", decoder.count(0));
    }
  }
}

}  // namespace sluice::test
