#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <future>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/error.h"

/**
 * Sluice's engines without a server, for C++17 programs: build a plan from an ONNX file, open it, run it.
 *
 *   sluice::Builder().Precision(sluice::NumberFormat::kFp16).MaxBatch(8).Build("yolox.onnx", "yolox.plan");
 *   sluice::Infer yolox("yolox.plan");
 *   auto outputs = yolox.Forward({sluice::Letterbox(picture, 640, 640)});
 *
 * native/examples/yolox.cc is the whole program. Link libsluice; neither CUDA's nor TensorRT's headers are needed, and
 * their libraries are loaded when they are first used, so that letterboxes and .npy files work on any machine.
 *
 * Whatever fails throws sluice::Error with a code and a message that says what to change (std::bad_alloc where the host
 * has no memory left). Nothing ends the process, and nothing answers with an empty result.
 */
namespace sluice {

/**
 * A float32 tensor in memory of the host, which it owns: contiguous, the last dimension running fastest, the first one
 * counting the rows of a batch. A value like std::vector: copies are deep, and one thread at a time may change it.
 */
class SLUICE_API HostTensor {
 public:
  /** A tensor of shape [0]. */
  HostTensor() : shape_{0} {}
  /** Zeros. A shape is 0 or more in each dimension; one without dimensions holds a single value. */
  explicit HostTensor(std::vector<std::int64_t> shape);
  /** Takes over values; their number must be that of the shape. */
  HostTensor(std::vector<std::int64_t> shape, std::vector<float> values);

  const std::vector<std::int64_t>& shape() const { return shape_; }
  /** Number of values. */
  std::size_t numel() const { return values_.size(); }
  float* data() { return values_.data(); }
  const float* data() const { return values_.data(); }

  /** The first dimension; 1 for a tensor without dimensions. */
  std::int64_t rows() const { return shape_.empty() ? 1 : shape_.front(); }
  /** The values of one row, 0 to rows() - 1: numel() / rows() of them. */
  float* row(std::int64_t index);
  const float* row(std::int64_t index) const;
  /** One value, by an index for each dimension. Bounds are checked: for single values, not for loops over all. */
  float& at(std::initializer_list<std::int64_t> indices);
  float at(std::initializer_list<std::int64_t> indices) const;

  /** Writes a .npy file, which numpy.load reads. What was there is replaced at once or not at all. */
  void Save(const std::string& file) const;
  /** Reads a .npy file of float32 in C order: numpy.save(file, numpy.ascontiguousarray(array, 'float32')). */
  static HostTensor Load(const std::string& file);

 private:
  std::size_t OffsetOf(std::initializer_list<std::int64_t> indices) const;

  std::vector<std::int64_t> shape_;
  std::vector<float> values_;
};

/** kNv12 is height rows of Y, then ceil(height / 2) of U and V in turn, each for 2x2 pixels; BT.601, limited range. */
enum class PictureFormat { kRgb8, kBgr8, kGray8, kNv12 };

/** A picture in memory that the caller owns and keeps during the call. */
struct Picture {
  const std::uint8_t* data;
  /** Of the memory at `data`. */
  std::size_t bytes;
  PictureFormat format;
  /** In pixels, 1 to 32768. */
  std::int32_t width;
  std::int32_t height;
  /** Bytes from one row to the next; 0: rows follow one another without a gap. */
  std::int64_t stride = 0;
};

/** How pixels become tensor values: (level * scale - mean[c]) / std[c], levels being 0 to 255. */
struct LetterboxOptions {
  /** Plane 0 is blue, not red. mean and std count the planes as they are then. */
  bool bgr = false;
  double scale = 1.0 / 255;
  std::array<double, 3> mean{0, 0, 0};
  std::array<double, 3> std{1, 1, 1};
  /** Grey level around the picture, 0 to 255. */
  float pad = 114;
  /** Threads that share the work, the calling one included, 1 to 256. */
  int threads = 1;
};

/** Row-major 2x3 map of pixels, whose centres lie at integers: x' = m0 x + m1 y + m2, y' = m3 x + m4 y + m5. */
using PixelMap = std::array<double, 6>;

/** Network to picture: where a letterbox takes its pixels from, the picture centred in the network's input. */
SLUICE_API PixelMap LetterboxMap(std::int32_t picture_width, std::int32_t picture_height, std::int32_t width,
                                 std::int32_t height);

/**
 * Brings a picture to a network's input as the server does, its aspect ratio kept: a tensor [1, 3, height, width],
 * sides in pixels, 1 to 32768. Any thread.
 */
SLUICE_API HostTensor Letterbox(const Picture& picture, std::int32_t width, std::int32_t height,
                                const LetterboxOptions& options = {});

/** The same into row `row` of a batch [N, 3, height, width]. Returns its LetterboxMap. Different rows: any threads. */
SLUICE_API PixelMap LetterboxInto(const Picture& picture, HostTensor& batch, std::int64_t row,
                                  const LetterboxOptions& options = {});

/**
 * What a network may compute in. kFp16 may use fp32 beside, kInt8 both. kStronglyTyped uses the types of the ONNX file
 * and nothing else, from TensorRT 10 on; from TensorRT 11 on every plan does, and fp16 and int8 need such a file.
 */
enum class NumberFormat { kFp32, kFp16, kInt8, kStronglyTyped };

/** GPUs that a plan runs on: those like the one that builds it, also later generations, or others of its capability. */
enum class Compatibility { kNone, kAmperePlus, kSameComputeCapability };

/** Sizes that a plan takes, and the one that it is tuned for. */
struct SizeRange {
  std::int32_t min;
  std::int32_t opt;
  std::int32_t max;
};

/** An optimisation profile, for all inputs: dimension 0 is the batch; of four, 2 and 3 are height and width. */
struct Profile {
  SizeRange batch;
  /** None where the ONNX file fixes them. */
  std::optional<SizeRange> height = std::nullopt;
  std::optional<SizeRange> width = std::nullopt;
};

/** What INT8 scales are found with, where the ONNX file has none. Not from TensorRT 11 on. */
struct Calibration {
  struct Input {
    std::string name;
    /** Raw float32 values, batch after batch without a header: numpy's array.tofile. */
    std::string file;
  };
  enum class Algorithm { kEntropy, kMinMax };

  std::vector<Input> inputs;
  /** Rows of each batch in the files. */
  std::int32_t batch_size;
  Algorithm algorithm = Algorithm::kEntropy;
  /** Read where it exists, else written: a calibration is not repeated. Empty: neither. */
  std::string cache_file;
};

/**
 * Makes plans from ONNX files. Each setter returns the builder; what is not set has the default that is told here. One
 * thread at a time for a builder; builds of one process wait for one another.
 */
class SLUICE_API Builder {
 public:
  Builder();
  Builder(Builder&&) noexcept;
  Builder& operator=(Builder&&) noexcept;
  ~Builder();

  /** CUDA's number of the GPU that is built on and for. 0. */
  Builder& Device(int index);
  /** kFp32. */
  Builder& Precision(NumberFormat format);
  /** Whether fp32 layers may round their inputs to TF32. They may not. */
  Builder& Tf32(bool allowed);
  /** A profile of batches of 1 to `rows`, tuned for `rows`; height and width are those of the file. 1. */
  Builder& MaxBatch(std::int32_t rows);
  /** Instead of MaxBatch, whichever profiles are asked for. */
  Builder& Profiles(std::vector<Profile> profiles);
  /** Shared libraries of plugins (sluice/plugin.h), which Infer needs too. None. */
  Builder& Plugins(std::vector<std::string> files);
  /** 0, built soonest, to 5, running fastest. 3. */
  Builder& OptimizationLevel(std::int32_t level);
  /** Most device memory that a layer may take while it works. As much as there is. */
  Builder& WorkspaceBytes(std::uint64_t bytes);
  /** Streams that the plan uses beside its own. TensorRT decides. */
  Builder& AuxStreams(std::int32_t streams);
  /** A plan that later versions of TensorRT's major version load too; it is slower. No. */
  Builder& VersionCompatible(bool compatible);
  /** kNone. */
  Builder& HardwareCompatibility(Compatibility compatibility);
  /** Leaves the weights out of the plan; Infer then takes them from the ONNX file. No. */
  Builder& StripWeights(bool strip);
  /** Lets the weights be replaced by others. No. */
  Builder& Refit(bool refit);
  /** Where times of kernels are kept from one build to the next. Nowhere. */
  Builder& TimingCache(std::string file);
  /** For kInt8. None. */
  Builder& Calibrate(Calibration calibration);
  /**
   * A file descriptor, kept open by the caller, that is told how the build goes on, one JSON object a line:
   * {"progress": 0 to 1, "phase": text} and {"level": "info"|"warn"|"error", "message": text}. None.
   */
  Builder& ProgressTo(int descriptor);

  struct Result {
    std::uint64_t plan_bytes;
    /** Device memory of an execution, in bytes, for each profile. */
    std::vector<std::uint64_t> activation_bytes;
    std::int32_t layers;
  };

  /** Builds for as long as it takes, loads the plan for a trial and writes it, replacing what was there at once. */
  Result Build(const std::string& onnx_file, const std::string& plan_file) const;

 private:
  struct Spec;
  std::unique_ptr<Spec> spec_;
};

/** How a plan is opened. */
struct InferOptions {
  /** CUDA's number of the GPU. */
  int device = 0;
  /** Shared libraries of plugins (sluice/plugin.h) that the plan was built with. */
  std::vector<std::string> plugins;
  /** The ONNX file that a plan without weights takes them from; empty: the plan has them. */
  std::string weights_file;
  /** Lets a version-compatible plan run host code that it brings along. Only for plans that you trust as a program. */
  bool version_compatible = false;
  /** Most commits that wait, 1 or more: Commit waits while there are as many. */
  std::size_t max_waiting = 64;
};

/** An input or output of a plan. */
struct TensorDescription {
  std::string name;
  /** Open dimensions are -1. */
  std::vector<std::int64_t> shape;
  /** Of an input: the least and the greatest shape that each profile takes. Empty for an output. */
  struct Range {
    std::vector<std::int64_t> least;
    std::vector<std::int64_t> most;
  };
  std::vector<Range> profiles;
};

/**
 * An open plan on a GPU, with any number of float32 inputs and outputs. It owns its device memory, one stream and one
 * thread, and frees them when it goes.
 *
 * All functions may be called from any threads at once, but for moving and destroying, which nothing may overlap.
 * Executions take turns: for two at once, open two. What was moved from can only be assigned to or destroyed.
 */
class SLUICE_API Infer {
 public:
  /**
   * Loads a plan. Throws MODEL_INVALID where there is none, or one for another GPU or version of TensorRT, or with
   * other types than float32; DEVICE_UNAVAILABLE; DEVICE_OUT_OF_MEMORY.
   */
  explicit Infer(const std::string& plan_file, const InferOptions& options = {});

  /** In the order in which Forward takes and returns them. */
  const std::vector<TensorDescription>& inputs() const;
  const std::vector<TensorDescription>& outputs() const;
  /** Most rows of the first input in any profile. */
  std::int64_t max_batch() const;
  /** Bytes on the device: weights, activations and the tensors, which grow with what is run. */
  std::size_t device_memory_bytes() const;

  /**
   * Runs the network and waits. One tensor for each input, of shapes that one profile takes. Throws INVALID_REQUEST
   * where they are not, and works on after that; MODEL_INVALID where an output's shape depends on the data;
   * SHUTTING_DOWN after Stop. After DEVICE_LOST the process has to end.
   */
  std::vector<HostTensor> Forward(const std::vector<HostTensor>& inputs);

  /**
   * The same on the thread of this object, in the order of the commits. Waits only while max_waiting of them do.
   * Whatever fails is thrown by the future's get().
   */
  std::future<std::vector<HostTensor>> Commit(std::vector<HostTensor> inputs);

  /**
   * Ends the thread: what runs is finished, and what waits, or is committed later, fails with SHUTTING_DOWN, so that
   * every future is answered. The destructor does it too.
   */
  void Stop();

 private:
  class Worker;
  struct Close {
    SLUICE_API void operator()(Worker* worker) const noexcept;
  };
  std::unique_ptr<Worker, Close> worker_;
};

}  // namespace sluice
