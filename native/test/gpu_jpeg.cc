#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

#include "cuda/jpeg_decoder.h"
#include "gpu_test.h"
#include "params/error.h"

namespace sluice::test {
namespace {

constexpr int kMaxBatch = 64;

struct File {
  const char* path;
  std::vector<std::uint8_t> bytes;
  JpegHeader header;

  std::size_t pixels() const {
    return static_cast<std::size_t>(header.width) * static_cast<std::size_t>(header.height);
  }
};

File ReadFile(const char* path, cuda::JpegDecoder* decoder) {
  std::ifstream stream(path, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  File file{path, {bytes.begin(), bytes.end()}, {}};
  file.header = decoder->Inspect({file.bytes.data(), file.bytes.size()});
  std::printf("  %s: %zu bytes, %dx%d, %zu bytes to its end, %s\n", path, bytes.size(), file.header.width,
              file.header.height, file.header.length,
              file.header.refusal.empty() ? "taken" : file.header.refusal.c_str());
  return file;
}

/** A batch of pictures side by side in device memory. */
class Batch {
 public:
  Batch(const std::vector<const File*>& files, cuda::DeviceBuffer* memory) {
    for (const File* file : files) length_ += file->pixels() * 3;
    begin_ = memory->Room<std::uint8_t>(std::max<std::size_t>(length_, 1));
    std::size_t at = 0;
    for (const File* file : files) {
      files_.push_back({file->bytes.data(), file->bytes.size()});
      headers_.push_back(file->header);
      out_.push_back(begin_ + at);
      at += file->pixels() * 3;
    }
  }

  void Decode(cuda::JpegDecoder* decoder, const cuda::Stream& stream) const {
    decoder->Decode(files_, headers_, out_, stream.get());
  }

  /** Decodes over memory that work on the stream before fills for a while, and copies the pixels on the stream. */
  std::vector<std::uint8_t> DecodeOver(int fill, cuda::JpegDecoder* decoder, const cuda::Stream& stream) const {
    std::vector<std::uint8_t> pixels(length_);
    for (int i = 0; i < 200; i++) SLUICE_CUDA(cudaMemsetAsync(begin_, fill, length_, stream.get()));
    Decode(decoder, stream);
    SLUICE_CUDA(cudaMemcpyAsync(pixels.data(), begin_, length_, cudaMemcpyDeviceToHost, stream.get()));
    stream.Synchronize();
    return pixels;
  }

 private:
  std::vector<cuda::JpegFile> files_;
  std::vector<JpegHeader> headers_;
  std::vector<std::uint8_t*> out_;
  std::uint8_t* begin_ = nullptr;
  std::size_t length_ = 0;
};

std::vector<const File*> Repeat(const std::vector<File>& files, std::size_t begin, std::size_t count) {
  std::vector<const File*> batch;
  for (std::size_t i = 0; i < count; i++) batch.push_back(&files[(begin + i) % files.size()]);
  return batch;
}

void PrintMeans(const File& file, const std::uint8_t* pixels) {
  double sums[3] = {0, 0, 0};
  for (std::size_t i = 0; i < file.pixels() * 3; i++) sums[i % 3] += pixels[i];
  const double count = static_cast<double>(file.pixels());
  std::printf("  %s: mean levels %.2f %.2f %.2f\n", file.path, sums[0] / count, sums[1] / count, sums[2] / count);
}

/** Pictures alone and in batches of several sizes are the same to the byte, and every byte is written. */
void TestBatches(const std::vector<File>& files, cuda::JpegDecoder* decoder, Group* group) {
  cuda::Stream stream;
  cuda::DeviceBuffer memory;
  std::vector<std::vector<std::uint8_t>> alone;
  for (const File& file : files) {
    const Batch batch({&file}, &memory);
    alone.push_back(batch.DecodeOver(0, decoder, stream));
    PrintMeans(file, alone.back().data());
  }
  for (const std::size_t size : {1, 2, 3, 16, 5, 64, 1, 7}) {
    for (const int fill : {0x00, 0xff}) {
      group->Case();
      const std::vector<const File*> chosen = Repeat(files, size, size);
      const std::vector<std::uint8_t> pixels = Batch(chosen, &memory).DecodeOver(fill, decoder, stream);
      std::size_t at = 0;
      for (std::size_t i = 0; i < size; i++) {
        const std::vector<std::uint8_t>& expected = alone[(size + i) % files.size()];
        const auto wrong = std::mismatch(expected.begin(), expected.end(), pixels.data() + at);
        if (wrong.first != expected.end()) {
          group->Fail("batch of %zu over %d, picture %zu (%s): byte %zu is %d instead of %d", size, fill, i,
                      chosen[i]->path, static_cast<std::size_t>(wrong.first - expected.begin()), *wrong.second,
                      *wrong.first);
        }
        at += expected.size();
      }
    }
  }
}

/** Damaged data is decoded to something or refused as a bad image; either way the next batch is right. */
void TestDamage(const std::vector<File>& files, cuda::JpegDecoder* decoder, Group* group) {
  cuda::Stream stream;
  cuda::DeviceBuffer memory;
  const std::vector<std::uint8_t> expected = Batch({&files[0]}, &memory).DecodeOver(0, decoder, stream);
  int taken = 0;
  int refused = 0;
  std::string last = "none";
  for (std::size_t i = 1; i <= 40; i++) {
    File damaged = files[0];
    const std::size_t at = damaged.bytes.size() * i / 41;
    for (std::size_t k = 0; k < 8 && at + k < damaged.bytes.size(); k++) {
      damaged.bytes[at + k] = static_cast<std::uint8_t>(damaged.bytes[at + k] ^ (k * 37 + i));
    }
    damaged.header = decoder->Inspect({damaged.bytes.data(), damaged.bytes.size()});
    if (!damaged.header.refusal.empty()) continue;
    group->Case();
    taken++;
    try {
      Batch({&files[0], &damaged}, &memory).DecodeOver(0, decoder, stream);
    } catch (const Error& error) {
      refused++;
      last = error.what();
      const bool expected_code = error.code() == ErrorCode::kBadImage;
      if (!expected_code) group->Fail("damage %zu: %s: %s", i, CodeName(error.code()), error.what());
    }
    if (Batch({&files[0]}, &memory).DecodeOver(0, decoder, stream) != expected) {
      group->Fail("after damage %zu a good picture is not decoded alike", i);
    }
  }
  std::printf("  of 40 damaged files %d passed inspection, %d of them nvJPEG refused; last: %s\n", taken, refused,
              last.c_str());
}

void BenchJpeg(const std::vector<File>& files, cuda::JpegDecoder* decoder) {
  cuda::Stream stream;
  cuda::DeviceBuffer memory;
  for (const std::size_t size : {1, 4, 16, 64}) {
    const Batch batch(Repeat(files, 0, size), &memory);
    const std::string name = "jpeg_batch_" + std::to_string(size);
    Bench(name.c_str(), stream, [&] { batch.Decode(decoder, stream); });
  }
  // What it costs when the size of the batch is another one each time.
  const Batch sixteen(Repeat(files, 0, 16), &memory);
  cuda::DeviceBuffer other;
  const Batch one(Repeat(files, 0, 1), &other);
  Bench("jpeg_batch_16_then_1", stream, [&] {
    sixteen.Decode(decoder, stream);
    one.Decode(decoder, stream);
  });
  Bench("jpeg_inspect_host", stream, [&] { decoder->Inspect({files[0].bytes.data(), files[0].bytes.size()}); });
}

}  // namespace

bool TestJpeg(const std::vector<const char*>& paths) {
  Group group("jpeg");
  cuda::JpegDecoder decoder(kMaxBatch);
  std::printf("  backend: %s\n", decoder.backend().c_str());
  std::vector<File> files;
  for (const char* path : paths) {
    File file = ReadFile(path, &decoder);
    if (file.header.refusal.empty()) files.push_back(std::move(file));
  }
  if (files.empty()) {
    group.Case();
    return group.Finish("backend %s, no file to decode", decoder.backend().c_str());
  }
  TestBatches(files, &decoder, &group);
  TestDamage(files, &decoder, &group);
  BenchJpeg(files, &decoder);
  return group.Finish("backend %s, %zu files", decoder.backend().c_str(), files.size());
}

}  // namespace sluice::test
