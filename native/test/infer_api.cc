/**
 * The C++ interface, sluice/sluice.h.
 *
 *   infer_api_test [MODEL.onnx [--batch 4] [--size HEIGHTxWIDTH] [--compare FOLDER] [--device 0]]
 *
 * Without a model it tests what needs no GPU. With one it builds a plan in fp32, for batches of 1 to --batch, and runs
 * it. The file's batch is open, or 1 and --batch too. --size is the greatest height and width where the file leaves
 * them open; half of it is the least. FOLDER has input_0.npy.. and output_0.npy.., which infer_api_case.py beside this
 * file writes.
 * Prints a line `ok NAME: ..` or `not ok NAME: ..` for each group and ends with 1 when something is not ok.
 */
#include "infer_api.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace sluice::test {
namespace {

struct Options {
  std::string model;
  std::int32_t batch = 4;
  std::int32_t height = 0;
  std::int32_t width = 0;
  std::string compare;
  int device = 0;
  std::string folder;

  std::string Plan() const { return folder + "/model.plan"; }
  InferOptions Opening() const {
    InferOptions opening;
    opening.device = device;
    return opening;
  }
};

/** Of the same plan, shapes and input: TensorRT may add in another order, but does no more than that. */
constexpr double kSame = 1e-5;
/** Of other batches, which may run other kernels, and of another runtime. */
constexpr double kClose = 1e-3;

void TestBuild(Claims& claims, const Options& options) {
  Builder builder;
  builder.Device(options.device).OptimizationLevel(1).TimingCache(options.folder + "/timing.cache");
  claims.Refused(ErrorCode::kModelInvalid, "none.onnx", "a missing ONNX file is refused",
                 [&] { builder.Build(options.folder + "/none.onnx", options.Plan()); });
  claims.Refused(ErrorCode::kModelInvalid, "min <= opt <= max", "a profile the wrong way round is refused",
                 [&] { builder.Profiles({{{4, 2, 1}}}).Build(options.model, options.Plan()); });
  claims.Hold(!std::filesystem::exists(options.Plan()), "what fails leaves no plan behind");
  Profile profile{{1, options.batch, options.batch}};
  if (options.height > 0) {
    profile.height = SizeRange{(options.height + 1) / 2, options.height, options.height};
    profile.width = SizeRange{(options.width + 1) / 2, options.width, options.width};
  }
  const Builder::Result result = builder.Profiles({profile}).Build(options.model, options.Plan());
  claims.Hold(result.plan_bytes == std::filesystem::file_size(options.Plan()), "the plan is as long as is told");
  claims.Hold(result.layers > 0 && result.activation_bytes.size() == 1, "the result tells layers and activations");
}

void TestOpening(Claims& claims, const Options& options) {
  const auto refused = [&](const std::string& file, const char* claim) {
    claims.Refused(ErrorCode::kModelInvalid, file, claim, [&] { Infer infer(file, options.Opening()); });
  };
  refused(options.folder + "/none.plan", "a missing plan is refused");
  refused(options.model, "an ONNX file is no plan");
  const std::string cut = options.folder + "/cut.plan";
  std::filesystem::copy_file(options.Plan(), cut);
  std::filesystem::resize_file(cut, std::filesystem::file_size(cut) / 2);
  refused(cut, "half a plan is refused");
  InferOptions opening = options.Opening();
  opening.device = 99;
  claims.Refused(ErrorCode::kDeviceUnavailable, "", "a device that is not there is refused",
                 [&] { Infer infer(options.Plan(), opening); });
  opening = options.Opening();
  opening.max_waiting = 0;
  claims.Refused(ErrorCode::kInvalidRequest, "max_waiting", "a queue of 0 is refused",
                 [&] { Infer infer(options.Plan(), opening); });

  Infer infer(options.Plan(), options.Opening());
  claims.Hold(infer.max_batch() == options.batch, "the greatest batch is the profile's");
  claims.Hold(!infer.inputs().empty() && !infer.outputs().empty(), "inputs and outputs are described");
  const std::size_t before = infer.device_memory_bytes();
  Infer moved = std::move(infer);
  claims.Hold(moved.Forward(RandomInputs(moved, 1, 1)).size() == moved.outputs().size(), "it can be moved, and runs");
  claims.Hold(moved.device_memory_bytes() > before, "the tensors' memory is counted");
}

void TestBatches(Claims& claims, Infer& infer) {
  const auto least = infer.inputs().front().profiles.front().least.front();
  // Down and up again: smaller batches run in the buffers of larger ones.
  std::vector<std::int64_t> sizes;
  for (std::int64_t rows = infer.max_batch(); rows >= least; rows--) sizes.push_back(rows);
  for (std::int64_t rows = least; rows <= infer.max_batch(); rows++) sizes.push_back(rows);
  for (const std::int64_t rows : sizes) {
    const std::string size = "batch of " + std::to_string(rows);
    const Tensors inputs = RandomInputs(infer, rows, static_cast<unsigned>(rows));
    const Tensors outputs = infer.Forward(inputs);
    claims.Hold(Difference(infer.Commit(inputs).get(), outputs) <= kSame, size + ": Commit answers as Forward does");
    for (std::int64_t row = 0; least == 1 && row < rows; row++) {
      Tensors single = RandomInputs(infer, 1, 0);
      for (std::size_t i = 0; i < single.size(); i++) {
        std::copy_n(inputs[i].row(row), single[i].numel(), single[i].data());
      }
      const Tensors answer = infer.Forward(single);
      for (std::size_t i = 0; i < answer.size(); i++) {
        HostTensor part(answer[i].shape());
        const std::size_t count = outputs[i].numel() / static_cast<std::size_t>(rows);
        std::copy_n(outputs[i].row(row), std::min(part.numel(), count), part.data());
        claims.Hold(Difference(part, answer[i]) <= kClose, size + ": row " + std::to_string(row) + " is its own");
      }
    }
  }
  const Tensors smallest = RandomInputs(infer, least, 5, &TensorDescription::Range::least);
  claims.Hold(Difference(infer.Forward(smallest), infer.Forward(smallest)) <= kSame, "the least shape runs");
}

void TestShapes(Claims& claims, Infer& infer) {
  const Tensors good = RandomInputs(infer, infer.max_batch(), 1);
  const auto refused = [&](const Tensors& inputs, const char* part, const std::string& claim) {
    claims.Refused(ErrorCode::kInvalidRequest, part, claim, [&] { infer.Forward(inputs); });
    claims.Refused(ErrorCode::kInvalidRequest, part, claim + ", by the future", [&] { infer.Commit(inputs).get(); });
  };
  refused({}, "inputs, not 0", "no input is refused");
  Tensors more = good;
  more.emplace_back();
  refused(more, "inputs, not ", "an input too many is refused");
  refused(RandomInputs(infer, infer.max_batch() + 1, 1), "no profile", "a row too many is refused");
  Tensors flat = good;
  flat.front() = HostTensor({static_cast<std::int64_t>(good.front().numel())});
  refused(flat, "no profile", "another number of dimensions is refused");
  claims.Hold(infer.Forward(good).size() == infer.outputs().size(), "it goes on working");
}

void TestThreads(Claims& claims, Infer& infer) {
  constexpr unsigned kThreads = 8;
  constexpr unsigned kCommits = 12;
  const std::int64_t rows = infer.max_batch();
  std::vector<Tensors> expected;
  for (unsigned i = 0; i < kThreads; i++) expected.push_back(infer.Forward(RandomInputs(infer, rows, i)));
  std::vector<std::future<int>> wrong;
  for (unsigned i = 0; i < kThreads; i++) {
    wrong.push_back(std::async(std::launch::async, [&, i] {
      const Tensors inputs = RandomInputs(infer, rows, i);
      std::vector<std::future<Tensors>> futures;
      int count = 0;
      for (unsigned j = 0; j < kCommits; j++) {
        futures.push_back(infer.Commit(inputs));
        if (j % 4 == 0) count += Difference(infer.Forward(inputs), expected[i]) > kSame;
      }
      for (std::future<Tensors>& future : futures) count += Difference(future.get(), expected[i]) > kSame;
      return count;
    }));
  }
  int count = 0;
  for (std::future<int>& future : wrong) count += future.get();
  claims.Hold(count == 0, std::to_string(count) + " answers of several threads are another thread's");
}

/** 0: an answer; 1: it was stopped; 2: anything else, or nothing after a long time. */
int OutcomeOf(std::future<Tensors>& future) {
  if (future.wait_for(std::chrono::seconds(60)) != std::future_status::ready) return 2;
  try {
    return future.get().empty() ? 2 : 0;
  } catch (const Error& error) {
    return error.code() == ErrorCode::kShuttingDown ? 1 : 2;
  }
}

void TestStop(Claims& claims, const Options& options) {
  InferOptions opening = options.Opening();
  opening.max_waiting = 2;
  std::vector<std::future<Tensors>> left;
  {
    Infer infer(options.Plan(), opening);
    const Tensors inputs = RandomInputs(infer, infer.max_batch(), 1);
    // More than may wait, so that threads are held up in Commit when the end comes.
    std::vector<std::future<int>> outcomes;
    for (int i = 0; i < 32; i++) {
      outcomes.push_back(std::async(std::launch::async, [&] {
        std::future<Tensors> future = infer.Commit(inputs);
        return OutcomeOf(future);
      }));
    }
    std::thread other([&] { infer.Stop(); });
    infer.Stop();
    other.join();
    int unanswered = 0;
    for (std::future<int>& outcome : outcomes) unanswered += outcome.get() == 2;
    claims.Hold(unanswered == 0, std::to_string(unanswered) + " commits were neither answered nor stopped");
    const ErrorCode code = ErrorCode::kShuttingDown;
    claims.Refused(code, "stopped", "a later commit is refused", [&] { infer.Commit(inputs).get(); });
    claims.Refused(code, "stopped", "a later Forward is refused", [&] { infer.Forward(inputs); });
  }
  {
    Infer infer(options.Plan(), opening);
    for (int i = 0; i < 3; i++) left.push_back(infer.Commit(RandomInputs(infer, 1, 1)));
  }
  int unanswered = 0;
  for (std::future<Tensors>& future : left) unanswered += OutcomeOf(future) == 2;
  claims.Hold(unanswered == 0, "the destructor answers what waits");
}

void TestAgainstFiles(Claims& claims, const Options& options, Infer& infer) {
  Tensors inputs;
  for (std::size_t i = 0; i < infer.inputs().size(); i++) {
    inputs.push_back(HostTensor::Load(options.compare + "/input_" + std::to_string(i) + ".npy"));
  }
  const Tensors outputs = infer.Forward(inputs);
  for (std::size_t i = 0; i < outputs.size(); i++) {
    const HostTensor expected = HostTensor::Load(options.compare + "/output_" + std::to_string(i) + ".npy");
    const double difference = Difference(outputs[i], expected);
    claims.Hold(difference <= kClose, infer.outputs()[i].name + " differs by " + std::to_string(difference));
  }
}

bool TestGpu(const Options& options) {
  bool ok = Claims("build").Run([&](Claims& claims) { TestBuild(claims, options); });
  if (!ok) return false;
  ok = Claims("opening").Run([&](Claims& claims) { TestOpening(claims, options); }) && ok;
  Infer infer(options.Plan(), options.Opening());
  ok = Claims("batches").Run([&](Claims& claims) { TestBatches(claims, infer); }) && ok;
  ok = Claims("shapes").Run([&](Claims& claims) { TestShapes(claims, infer); }) && ok;
  ok = Claims("threads").Run([&](Claims& claims) { TestThreads(claims, infer); }) && ok;
  ok = Claims("stop").Run([&](Claims& claims) { TestStop(claims, options); }) && ok;
  if (options.compare.empty()) return ok;
  return Claims("ONNX Runtime").Run([&](Claims& claims) { TestAgainstFiles(claims, options, infer); }) && ok;
}

Options Parse(int argc, char** argv) {
  Options options;
  if (argc > 1) options.model = argv[1];
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string name = argv[i];
    const std::string value = argv[i + 1];
    if (name == "--batch") {
      options.batch = std::stoi(value);
    } else if (name == "--size") {
      options.height = std::stoi(value);
      options.width = std::stoi(value.substr(value.find('x') + 1));
    } else if (name == "--compare") {
      options.compare = value;
    } else if (name == "--device") {
      options.device = std::stoi(value);
    } else {
      throw std::runtime_error("unknown option " + name);
    }
  }
  return options;
}

}  // namespace
}  // namespace sluice::test

int main(int argc, char** argv) try {
  using namespace sluice::test;
  Options options = Parse(argc, argv);
  std::string folder = (std::filesystem::temp_directory_path() / "infer_api_test-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("cannot make " + folder);
  options.folder = folder;
  bool ok = TestHost(folder);
  if (!options.model.empty()) ok = TestGpu(options) && ok;
  std::filesystem::remove_all(folder);
  return ok ? 0 : 1;
} catch (const std::exception& error) {
  std::printf("not ok: %s\n", error.what());
  return 1;
}
