#include <cmath>
#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "infer_api.h"

namespace sluice::test {
namespace {

void TestTensors(Claims& claims) {
  HostTensor tensor({2, 3, 4});
  tensor.at({1, 2, 3}) = 5;
  claims.Hold(tensor.numel() == 24 && tensor.rows() == 2, "a tensor of 2x3x4 has 24 values in 2 rows");
  claims.Hold(tensor.data()[23] == 5 && tensor.row(1)[11] == 5, "the last dimension runs fastest");
  const HostTensor copy = tensor;
  tensor.at({1, 2, 3}) = 6;
  claims.Hold(copy.at({1, 2, 3}) == 5, "copies are deep");
  claims.Hold(HostTensor().numel() == 0, "a tensor without a shape is empty");
  claims.Hold(HostTensor(std::vector<std::int64_t>{}).numel() == 1, "a tensor without dimensions has a value");
  const auto refused = [&](const char* part, auto work) {
    claims.Refused(ErrorCode::kInvalidRequest, part, std::string("refuses with ") + part, work);
  };
  refused("index 3", [&] { tensor.at({0, 3, 0}); });
  refused("2 indices", [&] { tensor.at({0, 0}); });
  refused("row 2", [&] { tensor.row(2); });
  refused("row -1", [&] { tensor.row(-1); });
  refused("-1", [] { HostTensor tensor({2, -1}); });
  refused("more values", [] { HostTensor tensor({INT64_MAX, INT64_MAX}); });
  refused("3 values", [] { HostTensor tensor({2, 2}, {1, 2, 3}); });
}

void Write(const std::string& file, const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; }

std::string Npy(const std::string& header, const std::string& values) {
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size()) + '\0' + header + values;
}

void TestFiles(Claims& claims, const std::string& folder) {
  const std::string file = folder + "/tensor.npy";
  const std::vector<std::vector<std::int64_t>> shapes = {{}, {0}, {5}, {2, 3}, {1, 3, 4, 5}, {2, 0, 3}};
  for (const std::vector<std::int64_t>& shape : shapes) {
    HostTensor tensor(shape);
    for (std::size_t i = 0; i < tensor.numel(); i++) tensor.data()[i] = static_cast<float>(i) / 7 - 1;
    tensor.Save(file);
    const HostTensor loaded = HostTensor::Load(file);
    bool same = loaded.shape() == shape && loaded.numel() == tensor.numel();
    for (std::size_t i = 0; same && i < tensor.numel(); i++) same = loaded.data()[i] == tensor.data()[i];
    claims.Hold(same, "a tensor of " + std::to_string(shape.size()) + " dimensions comes back as it was saved");
  }
  const std::string good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }\n";
  Write(file, Npy(good, "12345678"));
  const std::vector<std::int64_t> shape = {1, 2};
  claims.Hold(HostTensor::Load(file).shape() == shape, "NumPy's way to write a shape is read");
  const auto refused = [&](const std::string& bytes, const char* part) {
    Write(file, bytes);
    claims.Refused(ErrorCode::kInvalidRequest, part, std::string("a file is refused with ") + part,
                   [&] { HostTensor::Load(file); });
  };
  refused("", "ends too soon");
  refused("GIF89a....", "is no .npy file");
  refused(Npy(good, "1234567"), "7 bytes of values");
  refused(Npy(good, "123456789"), "9 bytes of values");
  refused(Npy(good, "").substr(0, 30), "ends too soon");
  refused(Npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }\n", "12345678"), "float32");
  refused(Npy("{'descr': '<f4', 'fortran_order': True, 'shape': (1, 2), }\n", "12345678"), "Fortran");
  refused(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (1, -2), }\n", "12345678"), "shape");
  refused(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }\n", ""), "shape");
  refused(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }\n", ""), "more values");
  refused(Npy("{'descr': '<f4', 'fortran_order': False, 'shape'", ""), "shape");
  claims.Refused(ErrorCode::kInvalidRequest, "cannot be read", "a missing file is refused",
                 [&] { HostTensor::Load(folder + "/none.npy"); });
  claims.Refused(ErrorCode::kInvalidRequest, "cannot write", "a missing folder is refused",
                 [&] { HostTensor().Save(folder + "/none/tensor.npy"); });
}

Picture RgbOf(const std::vector<std::uint8_t>& bytes, int width, int height) {
  return {bytes.data(), bytes.size(), PictureFormat::kRgb8, width, height};
}

void TestLetterboxes(Claims& claims) {
  const PixelMap map = LetterboxMap(1280, 720, 640, 640);
  claims.Hold(map[0] == 2 && map[4] == 2 && map[1] == 0 && map[3] == 0, "the longer side fills the network");
  claims.Hold(map[0] * 319.5 + map[2] == 639.5 && map[4] * 319.5 + map[5] == 359.5, "the centres meet");

  // Three pixels, red, green and blue, side by side.
  const std::vector<std::uint8_t> bytes = {200, 10, 20, 30, 210, 40, 50, 60, 220};
  LetterboxOptions options;
  options.scale = 1;
  options.pad = 7;
  const HostTensor same = Letterbox(RgbOf(bytes, 3, 1), 3, 3, options);
  bool exact = same.shape() == std::vector<std::int64_t>{1, 3, 3, 3};
  for (std::int64_t c = 0; c < 3; c++) {
    for (std::int64_t x = 0; x < 3; x++) {
      exact = exact && same.at({0, c, 1, x}) == bytes[static_cast<std::size_t>(x * 3 + c)];
      exact = exact && same.at({0, c, 0, x}) == 7 && same.at({0, c, 2, x}) == 7;
    }
  }
  claims.Hold(exact, "pixels of the network's scale are copied, and the pad lies around them");

  options.bgr = true;
  options.scale = 0.5;
  options.mean = {1, 2, 3};
  options.std = {4, 5, 6};
  HostTensor batch({3, 3, 3, 3});
  const PixelMap identity = LetterboxInto(RgbOf(bytes, 3, 1), batch, 1, options);
  claims.Hold(identity == PixelMap{1, 0, 0, 0, 1, -1}, "the map of the row is returned");
  claims.Hold(std::abs(batch.at({1, 0, 1, 0}) - (10 - 1) / 4.0F) < 1e-6F, "blue is first, and normalised as such");
  bool untouched = true;
  for (std::size_t i = 0; i < 27; i++) untouched = untouched && batch.row(0)[i] == 0 && batch.row(2)[i] == 0;
  claims.Hold(untouched, "other rows are left alone");

  // A stride beyond the row, and other formats.
  const std::vector<std::uint8_t> gray = {1, 2, 99, 99, 3, 4};
  const HostTensor levels = Letterbox({gray.data(), gray.size(), PictureFormat::kGray8, 2, 2, 4}, 2, 2,
                                      LetterboxOptions{false, 1, {0, 0, 0}, {1, 1, 1}, 0, 1});
  claims.Hold(levels.at({0, 2, 1, 0}) == 3 && levels.at({0, 0, 0, 1}) == 2, "rows are a stride apart");
  const std::vector<std::uint8_t> nv12 = {235, 235, 235, 235, 128, 128};
  const HostTensor white = Letterbox({nv12.data(), nv12.size(), PictureFormat::kNv12, 2, 2}, 2, 2);
  claims.Hold(std::abs(white.at({0, 1, 1, 1}) - 1) < 1e-6F, "NV12's white is 1 by the options' defaults");

  const auto bad = [&](Picture picture, const char* part) {
    claims.Refused(ErrorCode::kBadImage, part, std::string("a picture is refused with ") + part,
                   [&] { Letterbox(picture, 4, 4); });
  };
  bad(RgbOf(bytes, 4, 1), "has 9 bytes");
  bad(RgbOf(bytes, 0, 1), "width is 0");
  bad({nullptr, 9, PictureFormat::kRgb8, 3, 1}, "no data");
  bad({bytes.data(), 9, PictureFormat::kRgb8, 3, 1, 8}, "stride is 8");
  const auto refused = [&](const char* part, auto work) {
    claims.Refused(ErrorCode::kInvalidRequest, part, std::string("refuses with ") + part, work);
  };
  const Picture picture = RgbOf(bytes, 3, 1);
  refused("height is 0", [&] { Letterbox(picture, 4, 0); });
  refused("row 3", [&] { LetterboxInto(picture, batch, 3); });
  HostTensor gray_batch({1, 1, 3, 3});
  refused("[N, 3, height, width]", [&] { LetterboxInto(picture, gray_batch, 0); });
  options.std = {0, 1, 1};
  refused("std[0]", [&] { Letterbox(picture, 4, 4, options); });
  options.std = {1, 1, 1};
  options.threads = 0;
  refused("threads", [&] { Letterbox(picture, 4, 4, options); });
}

}  // namespace

bool TestHost(const std::string& folder) {
  bool ok = Claims("tensors").Run(TestTensors);
  ok = Claims("npy files").Run([&](Claims& claims) { TestFiles(claims, folder); }) && ok;
  return Claims("letterboxes").Run(TestLetterboxes) && ok;
}

}  // namespace sluice::test
