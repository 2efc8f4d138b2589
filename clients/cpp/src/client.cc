#include "sluice/client.h"

#include <limits>
#include <stdexcept>
#include <utility>

namespace sluice::client {
namespace {

// Of single calls only: streams try again by themselves.
constexpr char kRetries[] = R"({"methodConfig": [{
  "name": [{"service": "sluice.v1.Repository"}],
  "retryPolicy": {
    "maxAttempts": 4,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"]
  }
}]})";

std::shared_ptr<grpc::ChannelCredentials> Credentials(const std::optional<Tls>& tls) {
  if (!tls) return grpc::InsecureChannelCredentials();
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = tls->authorities;
  options.pem_cert_chain = tls->chain;
  options.pem_private_key = tls->key;
  return grpc::SslCredentials(options);
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address, const ConnectOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetMaxSendMessageSize(-1);
  arguments.SetServiceConfigJSON(kRetries);
  auto channel = grpc::CreateCustomChannel(address, Credentials(options.tls), arguments);
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + options.timeout)) {
    throw std::runtime_error("no Sluice server answers at " + address + " within " +
                             std::to_string(options.timeout.count()) + " ms");
  }
  return channel;
}

void Check(const grpc::Status& status) {
  if (!status.ok()) throw CallError(status);
}

template <typename Request, typename Options>
Request Opening(const Options& options) {
  Request opening;
  *opening.mutable_options() = options;
  return opening;
}

}  // namespace

Client::Client(const std::string& address, const ConnectOptions& options) : token_(options.token) {
  const auto channel = Connect(address, options);
  inference_ = v1::Inference::NewStub(channel);
  repository_ = v1::Repository::NewStub(channel);
}

Client Client::Within(std::chrono::nanoseconds time) const {
  Client limited = *this;
  limited.time_ = time;
  return limited;
}

DetectStream Client::Detect(Frames<v1::DetectRequest> frames, const v1::DetectOptions& options) const {
  auto open = [stub = inference_, prepare = Prepare()](grpc::ClientContext* context) {
    prepare(*context);
    return stub->Detect(context);
  };
  return {std::move(open), Opening<v1::DetectRequest>(options), std::move(frames)};
}

EmbedStream Client::Embed(Frames<v1::EmbedRequest> frames, const v1::EmbedOptions& options) const {
  auto open = [stub = inference_, prepare = Prepare()](grpc::ClientContext* context) {
    prepare(*context);
    return stub->Embed(context);
  };
  return {std::move(open), Opening<v1::EmbedRequest>(options), std::move(frames)};
}

ClassifyStream Client::Classify(Frames<v1::ClassifyRequest> frames, const v1::ClassifyOptions& options) const {
  auto open = [stub = inference_, prepare = Prepare()](grpc::ClientContext* context) {
    prepare(*context);
    return stub->Classify(context);
  };
  return {std::move(open), Opening<v1::ClassifyRequest>(options), std::move(frames)};
}

SegmentStream Client::Segment(Frames<v1::SegmentRequest> frames, const v1::SegmentOptions& options) const {
  auto open = [stub = inference_, prepare = Prepare()](grpc::ClientContext* context) {
    prepare(*context);
    return stub->Segment(context);
  };
  return {std::move(open), Opening<v1::SegmentRequest>(options), std::move(frames)};
}

std::vector<v1::ModelVersion> Client::ListModels() const {
  v1::ListModelsResponse response;
  Check(repository_->ListModels(NewContext().get(), {}, &response));
  return {response.models().begin(), response.models().end()};
}

void Client::LoadModel(const std::string& name) const {
  v1::LoadModelRequest request;
  request.set_name(name);
  v1::LoadModelResponse response;
  Check(repository_->LoadModel(NewContext().get(), request, &response));
}

void Client::UnloadModel(const std::string& name) const {
  v1::UnloadModelRequest request;
  request.set_name(name);
  v1::UnloadModelResponse response;
  Check(repository_->UnloadModel(NewContext().get(), request, &response));
}

std::function<void(grpc::ClientContext&)> Client::Prepare() const {
  std::optional<std::chrono::system_clock::time_point> deadline;
  if (time_) {
    deadline = std::chrono::system_clock::now() + std::chrono::duration_cast<std::chrono::system_clock::duration>(*time_);
  }
  return [token = token_, deadline](grpc::ClientContext& context) {
    if (!token.empty()) context.AddMetadata("authorization", "Bearer " + token);
    if (deadline) context.set_deadline(*deadline);
  };
}

std::unique_ptr<grpc::ClientContext> Client::NewContext() const {
  auto context = std::make_unique<grpc::ClientContext>();
  Prepare()(*context);
  return context;
}

}  // namespace sluice::client
