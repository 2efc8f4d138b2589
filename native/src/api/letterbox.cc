#include <algorithm>
#include <stdexcept>
#include <string>

#include "cpu/warp_normalize.h"
#include "params/pixels.h"
#include "sluice/sluice.h"

namespace sluice {
namespace {

PixelFormat FormatOf(PictureFormat format) {
  switch (format) {
    case PictureFormat::kRgb8:
      return PixelFormat::kRgb8;
    case PictureFormat::kBgr8:
      return PixelFormat::kBgr8;
    case PictureFormat::kGray8:
      return PixelFormat::kGray8;
    case PictureFormat::kNv12:
      return PixelFormat::kNv12;
  }
  throw Error(ErrorCode::kBadImage, "the picture has no format of PictureFormat");
}

/** A view that has been checked. */
PixelView ViewOf(const Picture& picture) {
  PixelView view{picture.data,  picture.bytes,  FormatOf(picture.format),
                 picture.width, picture.height, picture.stride};
  if (view.stride == 0) view.stride = RowBytes(view.format, view.width);
  if (view.data == nullptr) throw Error(ErrorCode::kBadImage, "the picture has no data");
  try {
    CheckPixels(view);
  } catch (const std::out_of_range& error) {
    throw Error(ErrorCode::kBadImage, std::string("the picture does not fit its memory: ") + error.what());
  }
  return view;
}

void CheckSide(std::int64_t side, const char* name) {
  if (side >= 1 && side <= kMaxSide) return;
  throw Error(ErrorCode::kInvalidRequest, std::string("the ") + name + " is " + std::to_string(side) +
                                              "; it must be 1 to " + std::to_string(kMaxSide));
}

}  // namespace

PixelMap LetterboxMap(std::int32_t picture_width, std::int32_t picture_height, std::int32_t width,
                      std::int32_t height) {
  CheckSide(picture_width, "picture's width");
  CheckSide(picture_height, "picture's height");
  CheckSide(width, "network's width");
  CheckSide(height, "network's height");
  const double scale =
      std::max(static_cast<double>(picture_width) / width, static_cast<double>(picture_height) / height);
  // Centre on centre, as in server/runtime/sampling.ts.
  return {scale, 0, (picture_width - 1) / 2.0 - scale * (width - 1) / 2,
          0, scale, (picture_height - 1) / 2.0 - scale * (height - 1) / 2};
}

HostTensor Letterbox(const Picture& picture, std::int32_t width, std::int32_t height, const LetterboxOptions& options) {
  CheckSide(width, "network's width");
  CheckSide(height, "network's height");
  HostTensor tensor({1, 3, height, width});
  LetterboxInto(picture, tensor, 0, options);
  return tensor;
}

PixelMap LetterboxInto(const Picture& picture, HostTensor& batch, std::int64_t row, const LetterboxOptions& options) {
  const std::vector<std::int64_t>& shape = batch.shape();
  if (shape.size() != 4 || shape[1] != 3) {
    throw Error(ErrorCode::kInvalidRequest, "a picture goes into a tensor [N, 3, height, width] only");
  }
  CheckSide(shape[2], "network's height");
  CheckSide(shape[3], "network's width");
  float* const out = batch.row(row);
  const PixelView view = ViewOf(picture);
  const auto width = static_cast<std::int32_t>(shape[3]);
  const auto height = static_cast<std::int32_t>(shape[2]);
  const PixelMap map = LetterboxMap(view.width, view.height, width, height);

  WarpNormalizeParams params{};
  std::copy(map.begin(), map.end(), params.matrix.m);
  params.width = width;
  params.height = height;
  params.border = Border::kConstant;
  params.pad = options.pad;
  params.window = {0, 0, view.width, view.height};
  params.area = {0, 0, width, height};
  params.normalization.order = options.bgr ? PlaneOrder::kBgr : PlaneOrder::kRgb;
  params.normalization.scale = options.scale;
  std::copy(options.mean.begin(), options.mean.end(), params.normalization.mean);
  std::copy(options.std.begin(), options.std.end(), params.normalization.std);
  try {
    WarpNormalize(view, params, options.threads, {out, static_cast<std::size_t>(OutputLength(params))}, 0);
  } catch (const std::out_of_range& error) {
    throw Error(ErrorCode::kInvalidRequest, error.what());
  }
  return map;
}

}  // namespace sluice
