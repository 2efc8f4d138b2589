// Turns pictures into feature vectors and prints one line for each, with --json one JSON object with all its values.
//
//   embed --server 127.0.0.1:8001 --model reid person.jpg
//
// The other flags are those of detect, except for the threshold.

#include <cmath>
#include <cstdio>
#include <string>

#include "program.h"

namespace {

void PrintJson(const std::string& id, const sluice::v1::Embedding& embedding) {
  std::printf("{\"image\": \"%s\", \"values\": [", id.c_str());
  const char* separator = "";
  for (const float value : embedding.values()) {
    // Nine digits bring a float back as it was.
    std::printf("%s%.9g", separator, value);
    separator = ", ";
  }
  std::printf("]}\n");
}

void PrintLength(const std::string& id, const sluice::v1::Embedding& embedding) {
  double squares = 0;
  for (const double value : embedding.values()) squares += value * value;
  std::printf("%s: embedding of %d values, length %.3f\n", id.c_str(), embedding.values_size(), std::sqrt(squares));
}

int Embed(const Program& program) {
  const sluice::client::Client client = program.Connect();
  sluice::v1::EmbedOptions options;
  options.mutable_stream()->set_model(program.Flag("model"));
  int exit_code = 0;
  for (const auto& answer : client.Embed(program.ReadFrames<sluice::v1::EmbedRequest>(), options)) {
    if (Program::ReportError(answer.frame())) exit_code = 1;
    for (const auto& embedding : answer.embeddings()) {
      (program.Has("json") ? PrintJson : PrintLength)(answer.frame().frame_id(), embedding);
    }
  }
  return exit_code;
}

}  // namespace

int main(int count, char** arguments) { return RunProgram("embed", count, arguments, Embed); }
