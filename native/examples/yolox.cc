/**
 * Detects objects with a YOLOX model that decodes its boxes itself: exported with --decode_in_inference.
 *
 *   example_yolox yolox_s.onnx street.ppm [PLAN]
 *
 * The picture is a binary PPM (P6): `convert street.jpg street.ppm`. The plan is built once and kept at PLAN,
 * yolox_s.onnx.plan by default; remove it when the model, the GPU or TensorRT changes.
 */
#include <algorithm>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "sluice/sluice.h"

namespace {

constexpr std::size_t kShown = 10;
constexpr float kLeastScore = 0.25f;

struct Ppm {
  int width;
  int height;
  std::vector<std::uint8_t> rgb;
};

/** The next number of the header, which comments may lie before. */
int ReadNumber(std::istream& stream) {
  while ((stream >> std::ws) && stream.peek() == '#') stream.ignore(1 << 20, '\n');
  int number = 0;
  stream >> number;
  return number;
}

Ppm ReadPpm(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  const bool is_ppm = stream.get() == 'P' && stream.get() == '6';
  Ppm ppm{ReadNumber(stream), ReadNumber(stream), {}};
  const int levels = ReadNumber(stream);
  stream.get();
  if (!is_ppm || !stream || levels != 255) {
    throw sluice::Error(sluice::ErrorCode::kBadImage, file + " is no binary PPM of 8 bits a channel");
  }
  ppm.rgb.assign(std::istreambuf_iterator<char>(stream), {});
  return ppm;
}

void PrintShape(const sluice::TensorDescription& output, const sluice::HostTensor& tensor) {
  std::printf("%s: [", output.name.c_str());
  for (std::size_t i = 0; i < tensor.shape().size(); i++) {
    std::printf("%s%lld", i > 0 ? ", " : "", static_cast<long long>(tensor.shape()[i]));
  }
  std::printf("]\n");
}

struct Candidate {
  float score;
  std::size_t label;
  const float* row;
};

/**
 * Rows of a tensor [1, N, 5 + C]: centre, width, height in pixels of the network, objectness, a score for each class.
 * Prints the best ones in pixels of the picture. Those that overlap are not suppressed here, as the server does.
 */
void PrintBest(const sluice::HostTensor& tensor, const sluice::PixelMap& to_picture) {
  const auto columns = static_cast<std::size_t>(tensor.shape()[2]);
  std::vector<Candidate> candidates;
  for (const float* row = tensor.data(); row != tensor.data() + tensor.numel(); row += columns) {
    const float* const best = std::max_element(row + 5, row + columns);
    const float score = row[4] * *best;
    if (score >= kLeastScore) candidates.push_back({score, static_cast<std::size_t>(best - row) - 5, row});
  }
  const std::size_t shown = std::min(kShown, candidates.size());
  std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(shown), candidates.end(),
                    [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
  std::printf("%zu rows of at least %.2f\n", candidates.size(), kLeastScore);
  for (std::size_t i = 0; i < shown; i++) {
    const auto& [score, label, row] = candidates[i];
    // A letterbox scales and moves, no more.
    const auto x = [&](float at) { return to_picture[0] * at + to_picture[2]; };
    const auto y = [&](float at) { return to_picture[4] * at + to_picture[5]; };
    std::printf("class %zu, score %.3f, box (%.1f, %.1f)-(%.1f, %.1f)\n", label, score, x(row[0] - row[2] / 2),
                y(row[1] - row[3] / 2), x(row[0] + row[2] / 2), y(row[1] + row[3] / 2));
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3 || argc > 4) {
    std::fprintf(stderr, "usage: example_yolox MODEL.onnx PICTURE.ppm [PLAN]\n");
    return 2;
  }
  const std::string onnx = argv[1];
  const std::string plan = argc > 3 ? argv[3] : onnx + ".plan";
  const Ppm ppm = ReadPpm(argv[2]);
  const sluice::Picture picture{ppm.rgb.data(), ppm.rgb.size(), sluice::PictureFormat::kRgb8, ppm.width, ppm.height};
  // YOLOX is trained on blue, green, red, each 0 to 255.
  sluice::LetterboxOptions options;
  options.bgr = true;
  options.scale = 1;

  if (!std::ifstream(plan)) sluice::Builder().Precision(sluice::NumberFormat::kFp16).Build(onnx, plan);
  sluice::Infer yolox(plan);
  const auto height = static_cast<int>(yolox.inputs().front().shape.at(2));
  const auto width = static_cast<int>(yolox.inputs().front().shape.at(3));
  const auto outputs = yolox.Forward({sluice::Letterbox(picture, width, height, options)});

  for (std::size_t i = 0; i < outputs.size(); i++) PrintShape(yolox.outputs()[i], outputs[i]);
  const std::vector<std::int64_t>& shape = outputs.front().shape();
  if (shape.size() == 3 && shape[0] == 1 && shape[2] > 5) {
    PrintBest(outputs.front(), sluice::LetterboxMap(picture.width, picture.height, width, height));
  }
  return 0;
} catch (const sluice::Error& error) {
  std::fprintf(stderr, "example_yolox: %s: %s\n", sluice::CodeName(error.code()), error.what());
  return 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "example_yolox: %s\n", error.what());
  return 1;
}
