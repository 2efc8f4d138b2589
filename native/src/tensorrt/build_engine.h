#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::tensorrt {

/** The fields are those of EngineBuildSpec in server/runtime/native-gpu.ts, which documents them. */
struct SizeRange {
  std::int32_t min;
  std::int32_t opt;
  std::int32_t max;
};

/** Of one input, all of its sizes. */
struct InputRange {
  std::string name;
  std::vector<std::int64_t> min;
  std::vector<std::int64_t> opt;
  std::vector<std::int64_t> max;
};

struct BuildProfile {
  SizeRange batch;
  std::optional<SizeRange> height;
  std::optional<SizeRange> width;
  /** Of the rows of models that read texts. */
  std::optional<SizeRange> length = std::nullopt;
  /** Of tensors, whose other sizes have no say. */
  std::vector<InputRange> inputs = {};
};

enum class CalibrationAlgorithm { kEntropy, kMinMax };

struct CalibrationInput {
  std::string name;
  std::string file;
};

struct CalibrationSpec {
  CalibrationAlgorithm algorithm;
  std::vector<CalibrationInput> inputs;
  std::int32_t batch_size;
  std::optional<std::string> cache_file;
};

enum class Precision { kFp32, kFp16, kInt8, kStronglyTyped };

enum class HardwareCompatibility { kNone, kAmperePlus, kSameComputeCapability };

struct EngineBuildSpec {
  std::string onnx_file;
  std::string plan_file;
  int device;
  Precision precision;
  bool tf32;
  bool keep_types;
  std::vector<BuildProfile> profiles;
  std::vector<std::string> plugins;
  std::int32_t optimization_level;
  std::optional<std::uint64_t> workspace_bytes;
  std::optional<std::int32_t> aux_streams;
  bool version_compatible;
  bool strip_weights;
  bool refit;
  HardwareCompatibility hardware_compatibility;
  std::optional<std::string> timing_cache_file;
  std::optional<CalibrationSpec> calibration;
  std::optional<int> progress_fd;
};

struct EngineBuildResult {
  std::uint64_t plan_bytes;
  std::vector<std::uint64_t> activation_bytes;
  std::int32_t layers;
};

/** Builds a plan and writes it. Throws Error; the message names the node and the reason where the parser refuses one. */
EngineBuildResult BuildEngine(const EngineBuildSpec& spec);

}  // namespace sluice::tensorrt
