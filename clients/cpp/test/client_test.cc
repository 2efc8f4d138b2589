// Tests against a server whose address is in SLUICE_SERVER. It has models with an input of 64x64 pixels: `spots` finds what is
// red, `means` embeds a picture as the mean of its channels, red first, brought to unit length, `colors` tells each pixel
// red, green or blue, `kinds` a whole picture. test/clients/packages.test.ts starts it and runs these.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "sluice/client.h"

namespace {

using namespace sluice::client;
namespace v1 = sluice::v1;

constexpr int kSide = 64;

/** Throws when the two differ, telling both. */
template <typename Expected, typename Found>
void Equal(const Expected& expected, const Found& found, const std::string& what) {
  if (expected == found) return;
  std::ostringstream text;
  text << what << ": " << found << ", not " << expected;
  throw std::logic_error(text.str());
}

Client Connect() { return Client(std::getenv("SLUICE_SERVER")); }

v1::Frame Plain(unsigned char red, unsigned char green, unsigned char blue) {
  v1::Frame frame;
  v1::RawPicture& picture = *frame.mutable_raw();
  picture.set_format(v1::PIXEL_FORMAT_RGB8);
  picture.set_width(kSide);
  picture.set_height(kSide);
  for (int pixel = 0; pixel < kSide * kSide; ++pixel) {
    for (const unsigned char level : {red, green, blue}) picture.mutable_data()->push_back(static_cast<char>(level));
  }
  return frame;
}

v1::Frame Black() { return Plain(0, 0, 0); }

template <typename Request>
Frames<Request> Requests(std::vector<v1::Frame> frames) {
  return [frames = std::move(frames), next = std::size_t{0}]() mutable -> std::optional<Request> {
    if (next == frames.size()) return std::nullopt;
    Request request;
    *request.mutable_frame() = frames[next++];
    return request;
  };
}

Frames<v1::DetectRequest> Endless(std::atomic<std::int64_t>* taken = nullptr) {
  return [taken]() -> std::optional<v1::DetectRequest> {
    if (taken != nullptr) ++*taken;
    v1::DetectRequest request;
    *request.mutable_frame() = Black();
    return request;
  };
}

template <typename Options>
Options Of(const std::string& model) {
  Options options;
  options.mutable_stream()->set_model(model);
  return options;
}

v1::DetectOptions Spots() { return Of<v1::DetectOptions>("spots"); }

/** The code that a stream ends with. */
template <typename Request, typename Response>
grpc::StatusCode CodeOf(Stream<Request, Response>& stream) {
  try {
    while (stream.Next()) continue;
  } catch (const CallError& error) {
    return error.code();
  }
  return grpc::StatusCode::OK;
}

void RegionsAreEmbeddedOneByOne() {
  v1::EmbedRequest blue;
  *blue.mutable_frame() = Plain(0, 0, 255);
  for (int count = 0; count < 2; ++count) {
    v1::Box& box = *blue.add_regions()->mutable_box();
    box.set_right(kSide / 2);
    box.set_bottom(kSide);
  }
  bool sent = false;
  const auto frames = [&]() -> std::optional<v1::EmbedRequest> {
    if (std::exchange(sent, true)) return std::nullopt;
    return blue;
  };
  int answers = 0;
  for (const auto& answer : Connect().Embed(frames, Of<v1::EmbedOptions>("means"))) {
    ++answers;
    Equal(2, answer.embeddings_size(), "embeddings");
    for (const auto& each : answer.embeddings()) Equal(true, std::abs(each.values(2) - 1) < 1e-3, "as blue as it is");
  }
  Equal(1, answers, "answers");
}

void EveryPixelHasItsClass() {
  const Client client = Connect();
  auto stream = client.Segment(Requests<v1::SegmentRequest>({Plain(0, 200, 0)}), Of<v1::SegmentOptions>("colors"));
  const auto answer = stream.Next();
  Equal(1, answer->classes_size(), "classes");
  Equal("green", answer->classes(0).label(), "class");
  Equal(std::uint64_t{kSide * kSide}, answer->classes(0).pixels(), "pixels");
  Equal(false, answer->class_map().empty(), "an empty map");
}

void APictureHasItsClass() {
  const Client client = Connect();
  auto options = Of<v1::ClassifyOptions>("kinds");
  options.set_top_k(1);
  auto stream = client.Classify(Requests<v1::ClassifyRequest>({Plain(0, 200, 0)}), options);
  const auto answer = stream.Next();
  Equal(1, answer->classifications(0).classes_size(), "classes");
  Equal("green", answer->classifications(0).classes(0).label(), "class");
}

void ACallThatNoModelAnswersIsTold() {
  const Client client = Connect();
  auto stream = client.Classify(Requests<v1::ClassifyRequest>({Black()}), Of<v1::ClassifyOptions>("means"));
  Equal(grpc::StatusCode::UNIMPLEMENTED, CodeOf(stream), "code");
}

void AnswersComeInOrderWithTheErrorsOfTheirFrames() {
  v1::Frame bad;
  bad.set_encoded("no picture");
  v1::Frame late = Black();
  late.mutable_timeout()->set_seconds(-1);
  std::vector<std::string> codes;
  for (const auto& answer :
       Connect().Detect(Requests<v1::DetectRequest>({Black(), bad, late, Black()}), Spots())) {
    Equal(codes.size(), answer.frame().index(), "place");
    codes.push_back(answer.frame().error().code());
  }
  Equal(true, codes == std::vector<std::string>{"", "BAD_IMAGE", "INVALID_REQUEST", ""}, "the errors are right");
}

void AStreamThatFailsThrowsItsStatusWithAFrameOrWithout() {
  const Client client = Connect();
  for (const auto& frames : {std::vector<v1::Frame>{Black()}, std::vector<v1::Frame>{}}) {
    auto stream = client.Detect(Requests<v1::DetectRequest>(frames), Of<v1::DetectOptions>("nothing"));
    Equal(grpc::StatusCode::NOT_FOUND, CodeOf(stream), "code");
  }
}

void NoFramesGiveNoAnswers() {
  const Client client = Connect();
  auto stream = client.Detect(Requests<v1::DetectRequest>({}), Spots());
  Equal(false, stream.Next().has_value(), "an answer");
  Equal(false, stream.Next().has_value(), "an answer after the end");
}

void WhatTheFramesThrowComesAfterTheAnswersBefore() {
  const Client client = Connect();
  int taken = 0;
  const auto frames = [&]() -> std::optional<v1::DetectRequest> {
    if (taken++ == 2) throw std::runtime_error("the camera is gone");
    v1::DetectRequest request;
    *request.mutable_frame() = Black();
    return request;
  };
  auto stream = client.Detect(frames, Spots());
  int answered = 0;
  std::string told;
  try {
    while (stream.Next()) ++answered;
  } catch (const std::runtime_error& error) {
    told = error.what();
  }
  Equal(2, answered, "answers");
  Equal("the camera is gone", told, "told");
}

void FramesAreTakenAsAnswersAreAndNoMoreWhenTheStreamIsLeft() {
  const Client client = Connect();
  std::atomic<std::int64_t> taken = 0;
  std::int64_t ahead = 0;
  {
    v1::DetectOptions options = Spots();
    options.mutable_stream()->set_window(2);
    auto stream = client.Detect(Endless(&taken), options);
    for (std::int64_t answered = 1; answered <= 100; ++answered) {
      Equal(true, stream.Next().has_value(), "an answer");
      ahead = std::max(ahead, taken - answered);
    }
  }
  // One more frame may have taken off since the last answer landed.
  Equal(true, ahead <= 2 * 2 + 1, "frames ahead of the answers (" + std::to_string(ahead) + ") are few");
}

void CancellingFromAnotherThreadEndsTheStream() {
  const Client client = Connect();
  auto stream = client.Detect(Endless(), Spots());
  stream.Next();
  std::thread other([&] { stream.Cancel(); });
  const grpc::StatusCode code = CodeOf(stream);
  other.join();
  Equal(grpc::StatusCode::CANCELLED, code, "code");
}

void ACallThatTakesTooLongFails() {
  const Client hurried = Connect().Within(std::chrono::milliseconds(200));
  auto stream = hurried.Detect(Endless(), Spots());
  Equal(grpc::StatusCode::DEADLINE_EXCEEDED, CodeOf(stream), "code");
}

void LiveVideoIsAnsweredFrameByFrame() {
  v1::DetectOptions options = Spots();
  options.mutable_stream()->set_window(1);
  options.mutable_stream()->set_frame_policy(v1::FRAME_POLICY_LATEST);
  std::vector<std::string> codes;
  for (const auto& answer :
       Connect().Detect(Requests<v1::DetectRequest>(std::vector<v1::Frame>(200, Black())), options)) {
    codes.push_back(answer.frame().error().code());
    Equal(true, codes.back().empty() || codes.back() == "FRAME_DROPPED", codes.back());
  }
  Equal(200u, codes.size(), "answers");
  Equal("", codes.back(), "error of the newest frame");
}

void TheRepositoryIsTold() {
  std::string models;
  for (const v1::ModelVersion& model : Connect().ListModels()) {
    models += model.name() + (model.state() == v1::MODEL_STATE_READY ? " READY, " : " not ready, ");
  }
  Equal("colors READY, kinds READY, means READY, spots READY, ", models, "models");
}

void AServerThatLoadsNothingOnDemandSaysSo() {
  const Client client = Connect();
  for (const auto change : {&Client::LoadModel, &Client::UnloadModel}) {
    grpc::StatusCode code = grpc::StatusCode::OK;
    try {
      (client.*change)("spots");
    } catch (const CallError& error) {
      code = error.code();
    }
    Equal(grpc::StatusCode::FAILED_PRECONDITION, code, "code");
  }
}

void NoServerIsToldInTime() {
  ConnectOptions soon;
  soon.timeout = std::chrono::milliseconds(100);
  std::string told;
  try {
    Client("127.0.0.1:1", soon);
  } catch (const std::runtime_error& error) {
    told = error.what();
  }
  Equal("no Sluice server answers at 127.0.0.1:1 within 100 ms", told, "told");
}

}  // namespace

int main() {
  if (std::getenv("SLUICE_SERVER") == nullptr) {
    std::cerr << "SLUICE_SERVER names no server\n";
    return 1;
  }
  const std::pair<const char*, void (*)()> tests[] = {
      {"regions are embedded one by one", RegionsAreEmbeddedOneByOne},
      {"every pixel has its class", EveryPixelHasItsClass},
      {"a picture has its class", APictureHasItsClass},
      {"a call that no model answers is told", ACallThatNoModelAnswersIsTold},
      {"answers come in order with the errors of their frames", AnswersComeInOrderWithTheErrorsOfTheirFrames},
      {"a stream that fails throws its status", AStreamThatFailsThrowsItsStatusWithAFrameOrWithout},
      {"no frames give no answers", NoFramesGiveNoAnswers},
      {"what the frames throw comes after the answers before", WhatTheFramesThrowComesAfterTheAnswersBefore},
      {"frames are taken as answers are", FramesAreTakenAsAnswersAreAndNoMoreWhenTheStreamIsLeft},
      {"cancelling from another thread ends the stream", CancellingFromAnotherThreadEndsTheStream},
      {"a call that takes too long fails", ACallThatTakesTooLongFails},
      {"live video is answered frame by frame", LiveVideoIsAnsweredFrameByFrame},
      {"the repository is told", TheRepositoryIsTold},
      {"a server that loads nothing on demand says so", AServerThatLoadsNothingOnDemandSaysSo},
      {"no server is told in time", NoServerIsToldInTime},
  };
  int failed = 0;
  for (const auto& [title, test] : tests) {
    try {
      test();
      std::cout << "passed: " << title << std::endl;
    } catch (const std::exception& error) {
      std::cout << "FAILED: " << title << ": " << error.what() << std::endl;
      ++failed;
    }
  }
  return failed == 0 ? 0 : 1;
}
