#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "sluice/plugin_shape.h"

/**
 * Layers of your own for ONNX models: a class derived from sluice::Plugin, in a shared library that the model's
 * configuration lists under `plugins`. The node of the ONNX file is
 *
 *   op_type "Plugin", attributes `name` (the class) and `info` (any text, JSON by custom),
 *   inputs: what the layer computes on, then its weights, which are initialisers of the file.
 *
 * PyTorch writes it with g.op("Plugin", x, weight, name_s="HSwish", info_s="{}") in the `symbolic` of an
 * autograd.Function; clients/python/export_hswish.py is an example, native/plugins/hswish.cu is its other half.
 *
 * How a node reaches its class: TensorRT's ONNX parser looks for a creator called like the op_type. The server
 * registers one creator, "Plugin", for all classes of all libraries, and it picks the class by `name`. `name` and
 * `info` are kept in the plan, so a plan needs the library again when it is loaded. The parser hands initialisers over
 * as tensors, not as attributes, and so they stay: as constants of the network they are in the plan once, in device
 * memory once for all contexts, and a plan without weights gets them back like all others. Which inputs are weights
 * only the class knows: those after the first Inputs() ones.
 *
 * A library needs neither TensorRT's headers nor its libraries, only this one and CUDA, and a C++ compiler with the ABI
 * of the server's. Classes need TensorRT 10 or later. What a class throws (any std::exception) becomes the reason why
 * the model does not load, or the error of the frames that were computed.
 */
namespace sluice {

enum class ElementType { kFloat, kHalf, kInt8, kInt32, kInt64 };

/** A tensor in device memory, without padding, the last dimension running fastest. */
struct Tensor {
  ElementType type;
  Shape shape;
  /** To be written to only where it is an output. */
  void* data;

  template <typename T>
  T* as() const {
    return static_cast<T*>(data);
  }
  std::int64_t Count() const {
    std::int64_t count = 1;
    for (const std::int64_t size : shape) count *= size;
    return count;
  }
};

/** One layer. The server makes an object for each node, and more: TensorRT copies layers, each context has its own. */
class Plugin {
 public:
  virtual ~Plugin() = default;

  /** The `info` of the node, or an empty text. Called first, and once. */
  virtual void Configure(const std::string& /*info*/) {}

  /** Inputs that are no weights. */
  virtual int Inputs() const { return 1; }
  virtual int Outputs() const { return 1; }

  /** The shape of an output. Those of weights are numbers. */
  virtual SymbolicShape OutputShape(int /*output*/, const std::vector<SymbolicShape>& inputs,
                                    const std::vector<SymbolicShape>& /*weights*/) const {
    return inputs.at(0);
  }
  virtual ElementType OutputType(int /*output*/, const std::vector<ElementType>& inputs) const { return inputs.at(0); }

  /**
   * Whether the last of `types` will do, given those before it. They come in the order inputs, weights, outputs; the
   * server asks for one after the other. All tensors are linear.
   */
  virtual bool Supports(const std::vector<ElementType>& types) const { return types.back() == ElementType::kFloat; }

  /** Device memory that Enqueue needs beside its tensors, in bytes, for shapes of up to these. */
  virtual std::size_t WorkspaceBytes(const std::vector<Shape>& /*inputs*/,
                                     const std::vector<Shape>& /*outputs*/) const {
    return 0;
  }

  /**
   * Enqueues the work to `stream` and returns, without waiting for the device: it may be recorded into a CUDA graph.
   * One thread at a time for each object.
   */
  virtual void Enqueue(const std::vector<Tensor>& inputs, const std::vector<Tensor>& outputs,
                       const std::vector<Tensor>& weights, void* workspace, cudaStream_t stream) = 0;
};

}  // namespace sluice

/** The version of this header, which the server compares with its own. */
#define SLUICE_PLUGIN_VERSION 1

extern "C" {
__attribute__((visibility("default"), weak)) int sluice_plugin_version() { return SLUICE_PLUGIN_VERSION; }
}

/** Makes a class known under its name, which is that of the node's `name`. Once for each class, in its source file. */
#define SLUICE_PLUGIN(Class)                                                                                          \
  extern "C" __attribute__((visibility("default"))) ::sluice::Plugin* sluice_plugin_##Class() { return new Class(); } \
  static_assert(true, "a semicolon follows")
