#include <cmath>
#include <cstring>

#include "cpu/warp_normalize.h"
#include "cuda/warp_normalize.h"
#include "gpu_test.h"
#include "random.h"

namespace sluice::test {
namespace {

constexpr PixelFormat kFormats[] = {PixelFormat::kRgb8, PixelFormat::kBgr8, PixelFormat::kGray8, PixelFormat::kNv12};
const char* const kFormatNames[] = {"rgb8", "bgr8", "gray8", "nv12"};
constexpr PlaneOrder kOrders[] = {PlaneOrder::kRgb, PlaneOrder::kBgr, PlaneOrder::kGray};
const char* const kOrderNames[] = {"rgb", "bgr", "gray"};

/** Pictures on the host and the device, and what is asked of them. */
struct Batch {
  WarpNormalizeParams shared;
  std::vector<PixelView> sources;
  std::vector<WarpNormalizeParams> params;
  std::vector<std::vector<std::uint8_t>> bytes;
  std::vector<cuda::DeviceBuffer> buffers;
  std::vector<cuda::WarpRow> rows;
};

std::int32_t AnySide(fuzz::Random* random) {
  return static_cast<std::int32_t>(random->OneIn(30) ? random->Integer(1000, 4000) : random->Side());
}

/** Adds a row; its bytes begin anywhere, so that nothing is aligned. */
void AddRow(fuzz::Random* random, Batch* batch, PixelFormat format, std::int32_t width, std::int32_t height,
            std::int64_t padding, const WarpNormalizeParams& params) {
  PixelView source{nullptr, 0, format, width, height, RowBytes(format, width) + padding};
  const std::int64_t rows = height + (format == PixelFormat::kNv12 ? (height + 1) / 2 : 0);
  source.length = static_cast<std::size_t>(source.stride * rows);
  const auto offset = static_cast<std::size_t>(random->Integer(0, 7));
  fuzz::Exact<std::uint8_t> content(source.length);
  fuzz::Fill(random, &content);
  std::vector<std::uint8_t> bytes(offset + source.length);
  std::memcpy(bytes.data() + offset, content.data.get(), source.length);
  batch->buffers.emplace_back();
  const std::uint8_t* on_device = Upload(&batch->buffers.back(), bytes) + offset;
  batch->bytes.push_back(std::move(bytes));
  source.data = batch->bytes.back().data() + offset;
  batch->sources.push_back(source);
  batch->params.push_back(params);
  source.data = on_device;
  batch->rows.push_back({source, params.matrix, params.window, params.border, params.area});
}

Affine AnyMatrix(fuzz::Random* random, const WarpNormalizeParams& params, std::int32_t width, std::int32_t height) {
  const double sx = static_cast<double>(width) / params.width;
  const double sy = static_cast<double>(height) / params.height;
  Affine matrix{{sx, 0, random->Real(-2, 2), 0, sy, random->Real(-2, 2)}};
  const double angle = random->Real(-4, 4);
  switch (random->Integer(0, 6)) {
    case 0:  // Whole pixels, onto the edges.
      matrix = {{1, 0, static_cast<double>(random->Integer(-2, 2)), 0, 1, static_cast<double>(random->Integer(-2, 2))}};
      break;
    case 1:
    case 2:  // About the centre.
      matrix = {{sx * std::cos(angle), -sx * std::sin(angle), width / 2.0, sy * std::sin(angle), sy * std::cos(angle),
                 height / 2.0}};
      break;
    case 3:
      for (double& value : matrix.m) value = random->Real(-3, 3);
      break;
    case 4: {
      double value = random->Extreme();
      while (!std::isfinite(value)) value = random->Extreme();
      matrix.m[random->Integer(0, 5)] = value;
      break;
    }
    default:
      break;
  }
  return matrix;
}

Window AnyWindow(fuzz::Random* random, std::int32_t width, std::int32_t height) {
  if (random->OneIn(2)) return {0, 0, width, height};
  const auto left = static_cast<std::int32_t>(random->Integer(0, width - 1));
  const auto top = static_cast<std::int32_t>(random->Integer(0, height - 1));
  return {left, top, static_cast<std::int32_t>(random->Integer(left + 1, width)),
          static_cast<std::int32_t>(random->Integer(top + 1, height))};
}

void AddAnyRow(fuzz::Random* random, Batch* batch) {
  const std::int32_t width = AnySide(random);
  const std::int32_t height = AnySide(random);
  WarpNormalizeParams params = batch->shared;
  params.matrix = AnyMatrix(random, params, width, height);
  params.window = AnyWindow(random, width, height);
  params.area = AnyWindow(random, params.width, params.height);
  params.border = random->OneIn(2) ? Border::kConstant : Border::kReplicate;
  AddRow(random, batch, kFormats[random->Integer(0, 3)], width, height, random->OneIn(2) ? 0 : random->Integer(0, 19),
         params);
}

void Launch(const Batch& batch, const cuda::WarpRow* rows, float* out, const cuda::Stream& stream) {
  const WarpNormalizeParams& shared = batch.shared;
  cuda::LaunchWarpNormalize({rows, static_cast<int>(batch.rows.size()), LayoutOf(shared), shared.pad,
                             shared.normalization.order, MakeLevelMap(shared.normalization), out},
                            stream.get());
}

struct WarpBench {
  const char* name;
  PixelFormat format;
  double angle;
  PlaneOrder order;
  bool focus;
  /** Inside an area only, where the border replicates; else all over the input. */
  bool rounded;
};

/** 16 pictures of 1280x720 letterboxed to 640x640. */
Batch MakeBenchBatch(const WarpBench& bench) {
  fuzz::Random random(1);
  Batch batch;
  batch.shared = {{}, 640, 640, Border::kConstant, 0, {0, 0, 1280, 720}, {0, 0, 640, 640}, bench.focus,
                  {bench.order, 1, {0, 0, 0}, {1, 1, 1}}};
  if (bench.rounded) {
    batch.shared.border = Border::kReplicate;
    batch.shared.area = {0, 140, 640, 500};
  }
  const double angle = bench.angle;
  const double s = 2 * std::sin(angle);
  const double c = 2 * std::cos(angle);
  batch.shared.matrix = {{c, -s, 640 - 320 * c + 320 * s, s, c, 360 - 320 * s - 320 * c}};
  for (int i = 0; i < 16; i++) AddRow(&random, &batch, bench.format, 1280, 720, 0, batch.shared);
  return batch;
}

}  // namespace

bool TestWarp() {
  Group group("warp");
  cuda::Stream stream;
  cuda::DeviceBuffer row_buffer;
  cuda::DeviceBuffer out_buffer;
  std::size_t compared = 0;
  std::size_t differing = 0;
  int cases[4][2] = {};
  int outputs[3][2] = {};
  for (std::uint64_t seed = 1; seed <= 250; seed++) {
    fuzz::Random random(seed);
    Batch batch;
    batch.shared.width = AnySide(&random);
    const bool wide = batch.shared.width > 1000;
    batch.shared.height = wide ? static_cast<std::int32_t>(random.Integer(1, 70)) : AnySide(&random);
    batch.shared.pad = static_cast<float>(random.OneIn(4) ? random.Real(0, 255) : random.Integer(0, 255));
    batch.shared.focus = random.OneIn(3);
    if (batch.shared.focus) {
      batch.shared.width += batch.shared.width % 2;
      batch.shared.height += batch.shared.height % 2;
    }
    const auto order = static_cast<std::size_t>(random.Integer(0, 2));
    batch.shared.normalization = {kOrders[order], random.OneIn(2) ? 1 : 1.0 / 255, {0.4, 0.5, 0.6}, {0.2, -0.3, 1}};
    const std::int64_t count = random.Integer(1, 6);
    for (std::int64_t i = 0; i < count; i++) AddAnyRow(&random, &batch);

    const auto length = static_cast<std::size_t>(OutputLength(batch.shared));
    float* out = out_buffer.Room<float>(length * batch.rows.size());
    SLUICE_CUDA(cudaMemset(out, 0xff, length * batch.rows.size() * sizeof(float)));
    Launch(batch, Upload(&row_buffer, batch.rows), out, stream);
    const std::vector<float> actual = Download(out, length * batch.rows.size());
    std::vector<float> expected(length);
    for (std::size_t r = 0; r < batch.rows.size(); r++) {
      group.Case();
      const PixelView& source = batch.sources[r];
      const WarpNormalizeParams& params = batch.params[r];
      cases[static_cast<int>(source.format)][params.matrix.axis_aligned() ? 0 : 1]++;
      outputs[order][params.focus ? 1 : 0]++;
      WarpNormalize(source, params, 2, {expected.data(), length}, 0);
      const float* values = actual.data() + r * length;
      compared += length;
      if (std::memcmp(values, expected.data(), length * sizeof(float)) == 0) continue;
      std::size_t wrong = 0;
      std::size_t first = length;
      double largest = 0;
      for (std::size_t i = 0; i < length; i++) {
        if (std::memcmp(&values[i], &expected[i], sizeof(float)) == 0) continue;
        wrong++;
        first = std::min(first, i);
        largest = std::max(largest, std::abs(static_cast<double>(values[i]) - expected[i]));
      }
      differing += wrong;
      const double* m = params.matrix.m;
      group.Fail("seed %d row %zu, %s %dx%d to %s %dx%d, focus %d, border %d, window %d %d %d %d, area %d "
                 "%d %d %d, pad %g, matrix %.17g %.17g %.17g %.17g %.17g %.17g: %zu of %zu values differ by at most %g, first at %zu: "
                 "%.9g instead of %.9g",
                 static_cast<int>(seed), r, kFormatNames[static_cast<int>(source.format)], source.width, source.height,
                 kOrderNames[order], params.width, params.height, params.focus ? 1 : 0, static_cast<int>(params.border),
                 params.window.left, params.window.top, params.window.right, params.window.bottom, params.area.left,
                 params.area.top, params.area.right, params.area.bottom, static_cast<double>(params.pad), m[0], m[1],
                 m[2], m[3], m[4], m[5], wrong, length, largest, first, static_cast<double>(values[first]),
                 static_cast<double>(expected[first]));
    }
  }
  return group.Finish("%zu of %zu values differ; straight and turned: rgb8 %d %d, bgr8 %d %d, gray8 %d %d, nv12 %d %d; "
                      "planes and focus: rgb %d %d, bgr %d %d, gray %d %d",
                      differing, compared, cases[0][0], cases[0][1], cases[1][0], cases[1][1], cases[2][0], cases[2][1],
                      cases[3][0], cases[3][1], outputs[0][0], outputs[0][1], outputs[1][0], outputs[1][1],
                      outputs[2][0], outputs[2][1]);
}

void BenchWarp() {
  cuda::Stream stream;
  cuda::DeviceBuffer row_buffer;
  cuda::DeviceBuffer out_buffer;
  constexpr WarpBench kBenches[] = {
      {"warp_rgb8_16x1280x720_to_640x640", PixelFormat::kRgb8, 0, PlaneOrder::kBgr, false, false},
      {"warp_nv12_16x1280x720_to_640x640", PixelFormat::kNv12, 0, PlaneOrder::kBgr, false, false},
      {"warp_gray8_16x1280x720_to_640x640", PixelFormat::kGray8, 0, PlaneOrder::kBgr, false, false},
      {"warp_turned_rgb8_16x1280x720_to_640x640", PixelFormat::kRgb8, 0.3, PlaneOrder::kBgr, false, false},
      {"warp_rounded_rgb8_16x1280x720_to_640x640", PixelFormat::kRgb8, 0, PlaneOrder::kBgr, false, true},
      {"warp_focus_rgb8_16x1280x720_to_640x640", PixelFormat::kRgb8, 0, PlaneOrder::kBgr, true, false},
      {"warp_rgb8_to_gray_16x1280x720_to_640x640", PixelFormat::kRgb8, 0, PlaneOrder::kGray, false, false}};
  for (const WarpBench& bench : kBenches) {
    const Batch batch = MakeBenchBatch(bench);
    float* out = out_buffer.Room<float>(static_cast<std::size_t>(OutputLength(batch.shared)) * batch.rows.size());
    const cuda::WarpRow* rows = Upload(&row_buffer, batch.rows);
    Bench(bench.name, stream, [&] { Launch(batch, rows, out, stream); });
  }
}

}  // namespace sluice::test
