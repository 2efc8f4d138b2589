// A back end of ONNX Runtime for NVIDIA Triton, as small as the benchmark allows: nvidia-pytriton carries the server but
// none of its native back ends. Models have one float32 input, float32 outputs, and batches along the first side of them
// all. Every output is answered. Each instance has a session of one thread.
//
// Neither Triton's nor ONNX Runtime's headers are in a package, so what is used of them is declared here.
//
//     g++ -std=c++17 -O2 -shared -fPIC onnx_backend.cc -o libtriton_onnx.so -l:libonnxruntime.so.1
#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

extern "C" {

// Triton's C interface, version 1.
struct TRITONSERVER_Error;
struct TRITONBACKEND_Model;
struct TRITONBACKEND_ModelInstance;
struct TRITONBACKEND_Request;
struct TRITONBACKEND_Response;
struct TRITONBACKEND_Input;
struct TRITONBACKEND_Output;
TRITONSERVER_Error* TRITONSERVER_ErrorNew(int code, const char* message);
TRITONSERVER_Error* TRITONBACKEND_ModelRepository(TRITONBACKEND_Model*, int* kind, const char** directory);
TRITONSERVER_Error* TRITONBACKEND_ModelVersion(TRITONBACKEND_Model*, std::uint64_t* version);
TRITONSERVER_Error* TRITONBACKEND_ModelInstanceModel(TRITONBACKEND_ModelInstance*, TRITONBACKEND_Model**);
TRITONSERVER_Error* TRITONBACKEND_ModelInstanceState(TRITONBACKEND_ModelInstance*, void** state);
TRITONSERVER_Error* TRITONBACKEND_ModelInstanceSetState(TRITONBACKEND_ModelInstance*, void* state);
TRITONSERVER_Error* TRITONBACKEND_RequestInputByIndex(TRITONBACKEND_Request*, std::uint32_t, TRITONBACKEND_Input**);
TRITONSERVER_Error* TRITONBACKEND_InputProperties(TRITONBACKEND_Input*, const char** name, int* type,
                                                  const std::int64_t** shape, std::uint32_t* rank,
                                                  std::uint64_t* bytes, std::uint32_t* buffers);
TRITONSERVER_Error* TRITONBACKEND_InputBuffer(TRITONBACKEND_Input*, std::uint32_t index, const void** buffer,
                                              std::uint64_t* bytes, int* memory, std::int64_t* device);
TRITONSERVER_Error* TRITONBACKEND_ResponseNew(TRITONBACKEND_Response**, TRITONBACKEND_Request*);
TRITONSERVER_Error* TRITONBACKEND_ResponseOutput(TRITONBACKEND_Response*, TRITONBACKEND_Output**, const char* name,
                                                 int type, const std::int64_t* shape, std::uint32_t rank);
TRITONSERVER_Error* TRITONBACKEND_OutputBuffer(TRITONBACKEND_Output*, void** buffer, std::uint64_t bytes, int* memory,
                                               std::int64_t* device);
TRITONSERVER_Error* TRITONBACKEND_ResponseSend(TRITONBACKEND_Response*, std::uint32_t flags, TRITONSERVER_Error*);
TRITONSERVER_Error* TRITONBACKEND_RequestRelease(TRITONBACKEND_Request*, std::uint32_t flags);
TRITONSERVER_Error* TRITONBACKEND_ModelInstanceReportStatistics(TRITONBACKEND_ModelInstance*, TRITONBACKEND_Request*,
                                                                bool success, std::uint64_t start,
                                                                std::uint64_t compute_start, std::uint64_t compute_end,
                                                                std::uint64_t end);
TRITONSERVER_Error* TRITONBACKEND_ModelInstanceReportBatchStatistics(TRITONBACKEND_ModelInstance*, std::uint64_t batch,
                                                                     std::uint64_t start, std::uint64_t compute_start,
                                                                     std::uint64_t compute_end, std::uint64_t end);

// ONNX Runtime's C interface is a table of functions that only ever grows at its end.
struct OrtApiBase {
  const void* const* (*get_api)(std::uint32_t version);
  const char* (*version)();
};
const OrtApiBase* OrtGetApiBase();

}  // extern "C"

namespace {

constexpr int kInternal = 1;            // TRITONSERVER_ERROR_INTERNAL
constexpr int kFloat = 11;              // TRITONSERVER_TYPE_FP32
constexpr std::uint32_t kWhole = 1;     // TRITONSERVER_REQUEST_RELEASE_ALL, TRITONSERVER_RESPONSE_COMPLETE_FINAL
constexpr std::uint32_t kOrtVersion = 17;
constexpr int kOrtFloat = 1;            // ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT
constexpr int kAllOptimizations = 99;   // ORT_ENABLE_ALL

/// Places of functions in ONNX Runtime's table.
enum Ort {
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSession = 7,
  kRun = 9,
  kCreateSessionOptions = 10,
  kSetOptimizationLevel = 23,
  kSetIntraOpThreads = 24,
  kSetInterOpThreads = 25,
  kOutputCount = 31,
  kInputName = 36,
  kOutputName = 37,
  kCreateTensor = 49,
  kTensorData = 51,
  kDimensionsCount = 61,
  kDimensions = 62,
  kTypeAndShape = 65,
  kDefaultAllocator = 78,
  kCreateCpuMemoryInfo = 69,
  kReleaseStatus = 93,
  kReleaseMemoryInfo = 94,
  kReleaseSession = 95,
  kReleaseValue = 96,
  kReleaseTypeAndShape = 99,
  kReleaseSessionOptions = 100,
};

template <typename Result, typename... Args>
Result Call(Ort function, Args... args) {
  static const void* const* table = OrtGetApiBase()->get_api(kOrtVersion);
  return reinterpret_cast<Result (*)(Args...)>(const_cast<void*>(table[function]))(args...);
}

/// Calls a function that tells of failure by its status, and throws it.
template <typename... Args>
void Try(Ort function, Args... args) {
  void* status = Call<void*>(function, args...);
  if (status == nullptr) return;
  const std::string message = Call<const char*>(kGetErrorMessage, static_cast<const void*>(status));
  Call<void>(kReleaseStatus, status);
  throw std::runtime_error("ONNX Runtime: " + message);
}

void Check(TRITONSERVER_Error* error) {
  if (error != nullptr) throw std::runtime_error("a call of Triton's failed");
}

std::uint64_t Now() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

/// Owned by whoever made it; released through the table.
class OrtOwned {
 public:
  explicit OrtOwned(Ort release, void* owned = nullptr) : value(owned), release_(release) {}
  OrtOwned(const OrtOwned&) = delete;
  OrtOwned& operator=(const OrtOwned&) = delete;
  ~OrtOwned() {
    if (value != nullptr) Call<void>(release_, value);
  }
  void* value;

 private:
  Ort release_;
};

/// What a request brings: one tensor, in one or several pieces that belong to the request.
struct Input {
  std::vector<std::int64_t> shape;
  std::uint64_t bytes = 0;
  std::vector<std::pair<const void*, std::uint64_t>> pieces;
};

Input ReadInput(TRITONBACKEND_Request* request) {
  TRITONBACKEND_Input* handle;
  Check(TRITONBACKEND_RequestInputByIndex(request, 0, &handle));
  const char* name;
  int type;
  const std::int64_t* shape;
  std::uint32_t rank, buffers;
  Input input;
  Check(TRITONBACKEND_InputProperties(handle, &name, &type, &shape, &rank, &input.bytes, &buffers));
  input.shape.assign(shape, shape + rank);
  for (std::uint32_t index = 0; index < buffers; index++) {
    const void* piece;
    std::uint64_t bytes;
    int memory = 0;
    std::int64_t device = 0;
    Check(TRITONBACKEND_InputBuffer(handle, index, &piece, &bytes, &memory, &device));
    input.pieces.emplace_back(piece, bytes);
  }
  return input;
}

/// One session. Triton calls it from one thread at a time.
class Instance {
 public:
  explicit Instance(const std::string& file) : session_(kReleaseSession), memory_(kReleaseMemoryInfo) {
    OrtOwned options(kReleaseSessionOptions);
    Try(kCreateSessionOptions, &options.value);
    Try(kSetOptimizationLevel, options.value, kAllOptimizations);
    Try(kSetIntraOpThreads, options.value, 1);
    Try(kSetInterOpThreads, options.value, 1);
    Try(kCreateSession, Environment(), file.c_str(), static_cast<const void*>(options.value), &session_.value);
    Try(kCreateCpuMemoryInfo, 0, 0, &memory_.value);
    // The allocator belongs to ONNX Runtime; the names, a few bytes, live as long as the process.
    void* allocator;
    Try(kDefaultAllocator, &allocator);
    const void* session = session_.value;
    Try(kInputName, session, std::size_t{0}, allocator, &input_name_);
    std::size_t outputs;
    Try(kOutputCount, session, &outputs);
    output_names_.resize(outputs);
    for (std::size_t index = 0; index < outputs; index++) Try(kOutputName, session, index, allocator, &output_names_[index]);
  }

  /// Infers all requests as one batch and answers each.
  void Execute(TRITONBACKEND_ModelInstance* handle, TRITONBACKEND_Request** requests, std::uint32_t count) {
    const std::uint64_t start = Now();
    std::vector<Input> inputs;
    std::vector<std::int64_t> shape;
    std::uint64_t bytes = 0;
    for (std::uint32_t index = 0; index < count; index++) {
      inputs.push_back(ReadInput(requests[index]));
      bytes += inputs.back().bytes;
      if (index == 0) shape = inputs[0].shape;
      else shape[0] += inputs[index].shape[0];
    }
    const void* data = Gather(inputs, bytes);
    const std::uint64_t compute_start = Now();
    const std::vector<std::unique_ptr<OrtOwned>> outputs = Infer(data, bytes, shape);
    const std::uint64_t compute_end = Now();
    Answer(requests, inputs, outputs);
    const std::uint64_t end = Now();
    for (std::uint32_t index = 0; index < count; index++) {
      TRITONBACKEND_ModelInstanceReportStatistics(handle, requests[index], true, start, compute_start, compute_end, end);
      TRITONBACKEND_RequestRelease(requests[index], kWhole);
    }
    TRITONBACKEND_ModelInstanceReportBatchStatistics(handle, static_cast<std::uint64_t>(shape[0]), start, compute_start,
                                                     compute_end, end);
  }

 private:
  static void* Environment() {
    static void* environment = [] {
      void* made = nullptr;
      Try(kCreateEnv, 3, "triton", &made);
      return made;
    }();
    return environment;
  }

  /// All inputs one after the other; a lone one in one piece stays where it is.
  const void* Gather(const std::vector<Input>& inputs, std::uint64_t bytes) {
    if (inputs.size() == 1 && inputs[0].pieces.size() == 1) return inputs[0].pieces[0].first;
    if (gathered_.size() < bytes) gathered_.resize(bytes);
    char* end = gathered_.data();
    for (const Input& input : inputs) {
      for (const auto& [piece, length] : input.pieces) {
        std::memcpy(end, piece, length);
        end += length;
      }
    }
    return gathered_.data();
  }

  std::vector<std::unique_ptr<OrtOwned>> Infer(const void* data, std::uint64_t bytes,
                                               const std::vector<std::int64_t>& shape) {
    OrtOwned input(kReleaseValue);
    Try(kCreateTensor, static_cast<const void*>(memory_.value), const_cast<void*>(data), static_cast<std::size_t>(bytes),
        shape.data(), shape.size(), kOrtFloat, &input.value);
    const void* inputs[] = {input.value};
    std::vector<void*> values(output_names_.size(), nullptr);
    Try(kRun, session_.value, static_cast<const void*>(nullptr), static_cast<const char* const*>(&input_name_),
        static_cast<const void* const*>(inputs), std::size_t{1}, static_cast<const char* const*>(output_names_.data()),
        values.size(), values.data());
    std::vector<std::unique_ptr<OrtOwned>> outputs;
    for (void* value : values) outputs.push_back(std::make_unique<OrtOwned>(kReleaseValue, value));
    return outputs;
  }

  void Answer(TRITONBACKEND_Request** requests, const std::vector<Input>& inputs,
              const std::vector<std::unique_ptr<OrtOwned>>& outputs) {
    std::vector<TRITONBACKEND_Response*> responses(inputs.size());
    for (std::size_t index = 0; index < inputs.size(); index++) {
      Check(TRITONBACKEND_ResponseNew(&responses[index], requests[index]));
    }
    for (std::size_t index = 0; index < outputs.size(); index++) {
      Scatter(output_names_[index], outputs[index]->value, inputs, responses);
    }
    for (TRITONBACKEND_Response* response : responses) Check(TRITONBACKEND_ResponseSend(response, kWhole, nullptr));
  }

  /// Copies the rows of one output into the responses they belong to.
  static void Scatter(const char* name, void* output, const std::vector<Input>& inputs,
                      const std::vector<TRITONBACKEND_Response*>& responses) {
    OrtOwned type(kReleaseTypeAndShape);
    Try(kTypeAndShape, static_cast<const void*>(output), &type.value);
    std::size_t rank;
    Try(kDimensionsCount, static_cast<const void*>(type.value), &rank);
    std::vector<std::int64_t> shape(rank);
    Try(kDimensions, static_cast<const void*>(type.value), shape.data(), rank);
    void* data;
    Try(kTensorData, output, &data);
    std::uint64_t row = sizeof(float);
    for (std::size_t axis = 1; axis < rank; axis++) row *= static_cast<std::uint64_t>(shape[axis]);
    const char* from = static_cast<const char*>(data);
    for (std::size_t index = 0; index < inputs.size(); index++) {
      shape[0] = inputs[index].shape[0];
      const std::uint64_t bytes = row * static_cast<std::uint64_t>(shape[0]);
      TRITONBACKEND_Output* handle;
      void* to;
      int memory = 0;
      std::int64_t device = 0;
      Check(TRITONBACKEND_ResponseOutput(responses[index], &handle, name, kFloat, shape.data(),
                                         static_cast<std::uint32_t>(rank)));
      Check(TRITONBACKEND_OutputBuffer(handle, &to, bytes, &memory, &device));
      std::memcpy(to, from, bytes);
      from += bytes;
    }
  }

  OrtOwned session_;
  OrtOwned memory_;
  const char* input_name_ = nullptr;
  std::vector<const char*> output_names_;
  std::vector<char> gathered_;
};

}  // namespace

extern "C" {

TRITONSERVER_Error* TRITONBACKEND_ModelInstanceInitialize(TRITONBACKEND_ModelInstance* handle) try {
  TRITONBACKEND_Model* model;
  int kind;
  const char* directory;
  std::uint64_t version;
  Check(TRITONBACKEND_ModelInstanceModel(handle, &model));
  Check(TRITONBACKEND_ModelRepository(model, &kind, &directory));
  Check(TRITONBACKEND_ModelVersion(model, &version));
  auto instance = std::make_unique<Instance>(std::string(directory) + "/" + std::to_string(version) + "/model.onnx");
  Check(TRITONBACKEND_ModelInstanceSetState(handle, instance.get()));
  instance.release();
  return nullptr;
} catch (const std::exception& error) {
  return TRITONSERVER_ErrorNew(kInternal, error.what());
}

TRITONSERVER_Error* TRITONBACKEND_ModelInstanceFinalize(TRITONBACKEND_ModelInstance* handle) {
  void* state = nullptr;
  TRITONSERVER_Error* error = TRITONBACKEND_ModelInstanceState(handle, &state);
  delete static_cast<Instance*>(state);
  return error;
}

/// An error leaves the requests with Triton, which answers them with it.
TRITONSERVER_Error* TRITONBACKEND_ModelInstanceExecute(TRITONBACKEND_ModelInstance* handle,
                                                       TRITONBACKEND_Request** requests, std::uint32_t count) try {
  void* state = nullptr;
  Check(TRITONBACKEND_ModelInstanceState(handle, &state));
  static_cast<Instance*>(state)->Execute(handle, requests, count);
  return nullptr;
} catch (const std::exception& error) {
  return TRITONSERVER_ErrorNew(kInternal, error.what());
}

}  // extern "C"
