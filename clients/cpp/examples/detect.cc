// Finds objects in pictures and prints one line for each.
//
//   detect --server 127.0.0.1:8001 --model centerface street.jpg
//
// Further flags: --score-threshold SCORE; --tls with --ca FILE, --cert FILE and --key FILE; --token TOKEN. Exit code 1 when a
// picture or the stream failed; the others are still answered.

#include <cmath>
#include <cstdio>
#include <string>

#include "program.h"

namespace {

int Round(float edge) { return static_cast<int>(std::floor(edge + 0.5)); }

void Print(const std::string& id, const sluice::v1::Detection& detection) {
  const std::string what =
      detection.label().empty() ? "class " + std::to_string(detection.class_id()) : detection.label();
  const sluice::v1::Box& box = detection.box();
  std::printf("%s: %s %.3f at (%d, %d)-(%d, %d)\n", id.c_str(), what.c_str(), detection.score(), Round(box.left()),
              Round(box.top()), Round(box.right()), Round(box.bottom()));
}

int Detect(const Program& program) {
  const sluice::client::Client client = program.Connect();
  sluice::v1::DetectOptions options;
  options.mutable_stream()->set_model(program.Flag("model"));
  if (program.Has("score-threshold")) options.set_score_threshold(std::stof(program.Flag("score-threshold")));
  int exit_code = 0;
  for (const auto& answer : client.Detect(program.ReadFrames<sluice::v1::DetectRequest>(), options)) {
    const std::string& id = answer.frame().frame_id();
    if (Program::ReportError(answer.frame())) {
      exit_code = 1;
    } else if (answer.detections().empty()) {
      std::printf("%s: nothing found\n", id.c_str());
    }
    for (const auto& detection : answer.detections()) Print(id, detection);
  }
  return exit_code;
}

}  // namespace

int main(int count, char** arguments) { return RunProgram("detect", count, arguments, Detect); }
