#pragma once

#include <grpcpp/grpcpp.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sluice/stream.h"
#include "sluice/v1/inference.grpc.pb.h"
#include "sluice/v1/repository.grpc.pb.h"

namespace sluice::client {

/** What TLS takes. Each is the text of a PEM file. */
struct Tls {
  /** The authorities whose servers are trusted; empty: those of the system. */
  std::string authorities;
  /** The client's own certificate, followed by its chain, and its key; empty: it shows none. */
  std::string chain;
  std::string key;
};

struct ConnectOptions {
  /** How long to wait for a server. */
  std::chrono::milliseconds timeout{5000};
  /** Nothing: no TLS. */
  std::optional<Tls> tls;
  /** A bearer token, sent with every call; empty: none. Without TLS the network can read it. */
  std::string token;
};

using DetectStream = Stream<v1::DetectRequest, v1::DetectResponse>;
using EmbedStream = Stream<v1::EmbedRequest, v1::EmbedResponse>;
using ClassifyStream = Stream<v1::ClassifyRequest, v1::ClassifyResponse>;
using SegmentStream = Stream<v1::SegmentRequest, v1::SegmentResponse>;

/**
 * A client of one Sluice server, for any number of streams at once and from any thread. Copies share the connection. Frames,
 * options and answers are the messages of the protocol, whose comments are the reference.
 *
 * A call that fails with UNAVAILABLE before its first answer is tried again, three times at most.
 */
class Client {
 public:
  /** Connects to "host:port". Throws std::runtime_error when no server answers in time. */
  explicit Client(const std::string& address, const ConnectOptions& options = {});

  /** This client, whose calls fail with DEADLINE_EXCEEDED when they take longer. */
  Client Within(std::chrono::nanoseconds time) const;

  /**
   * Finds objects in each frame. Requests carry no options; their regions are for models that look at one object at a time
   * (poses).
   */
  DetectStream Detect(Frames<v1::DetectRequest> frames, const v1::DetectOptions& options) const;

  /** Turns each frame, or its regions, into feature vectors. */
  EmbedStream Embed(Frames<v1::EmbedRequest> frames, const v1::EmbedOptions& options) const;

  /** Tells what each frame, or each of its regions, shows. */
  ClassifyStream Classify(Frames<v1::ClassifyRequest> frames, const v1::ClassifyOptions& options) const;

  /** Tells the class of every pixel of each frame. */
  SegmentStream Segment(Frames<v1::SegmentRequest> frames, const v1::SegmentOptions& options) const;

  /** Every version that the server knows, by model name, then version. Throws CallError. */
  std::vector<v1::ModelVersion> ListModels() const;

  /** Loads a model, or brings it up to date; returns when it is READY. Needs --model-control-mode explicit. Throws CallError. */
  void LoadModel(const std::string& name) const;

  /** Unloads a model; returns when its memory is free. Needs --model-control-mode explicit. Throws CallError. */
  void UnloadModel(const std::string& name) const;

 private:
  /** What makes contexts ready for a call that begins now, however often it is tried. */
  std::function<void(grpc::ClientContext&)> Prepare() const;
  std::unique_ptr<grpc::ClientContext> NewContext() const;

  std::shared_ptr<v1::Inference::Stub> inference_;
  std::shared_ptr<v1::Repository::Stub> repository_;
  std::string token_;
  std::optional<std::chrono::nanoseconds> time_;
};

}  // namespace sluice::client
