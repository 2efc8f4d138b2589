#include "tensorrt/timing_cache.h"

#include <cstring>
#include <exception>
#include <optional>
#include <utility>

#include "tensorrt/files.h"
#include "tensorrt/logger.h"

namespace sluice::tensorrt {
namespace {

void Warn(const std::string& text) { Logger::Instance().log(nvinfer1::ILogger::Severity::kWARNING, text.c_str()); }

/** Whether every byte of `data` is that of `memory`. */
bool Equal(const std::vector<char>& data, const nvinfer1::IHostMemory& memory) {
  return data.size() == memory.size() && std::memcmp(data.data(), memory.data(), data.size()) == 0;
}

std::optional<std::vector<char>> ReadOrWarn(const std::string& file) {
  try {
    return ReadFileIfThere(file);
  } catch (const std::exception& error) {
    Warn(std::string("the timing cache is not used: ") + error.what());
    return std::nullopt;
  }
}

}  // namespace

TimingCache::TimingCache(nvinfer1::IBuilderConfig& config, std::string file) : config_(config), file_(std::move(file)) {
  const std::optional<std::vector<char>> data = ReadOrWarn(file_);
  if (data && !data->empty()) {
    cache_ = Parse(*data);
    if (cache_ != nullptr && config_.setTimingCache(*cache_, false)) return;
    // What TensorRT has against the file is no error of this build.
    Logger::Instance().TakeErrors();
    Warn("the timing cache " + file_ + " is of another GPU or TensorRT, or broken; a fresh one takes its place");
  }
  cache_ = Parse({});
  if (cache_ == nullptr || !config_.setTimingCache(*cache_, false)) Fail("TensorRT cannot start a timing cache");
}

void TimingCache::Save() try {
  const FolderLock lock(file_);
  const std::optional<std::vector<char>> there = ReadOrWarn(file_);
  if (there && !there->empty()) {
    const std::unique_ptr<nvinfer1::ITimingCache> other = Parse(*there);
    // Entries of another GPU or version are not taken over; their file is replaced, as has been told.
    if (other != nullptr) cache_->combine(*other, false);
  }
  const std::unique_ptr<nvinfer1::IHostMemory> memory(cache_->serialize());
  Logger::Instance().TakeErrors();
  if (memory == nullptr || memory->size() == 0) return Warn("TensorRT does not give its timing cache away");
  if (there && Equal(*there, *memory)) return;
  WriteFileAtomically(file_, memory->data(), memory->size());
} catch (const std::exception& error) {
  Warn(std::string("the timing cache is not kept: ") + error.what());
}

std::unique_ptr<nvinfer1::ITimingCache> TimingCache::Parse(const std::vector<char>& data) {
  return std::unique_ptr<nvinfer1::ITimingCache>(config_.createTimingCache(data.data(), data.size()));
}

}  // namespace sluice::tensorrt
