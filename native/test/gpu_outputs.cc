#include "gpu_outputs.h"

#include <cstdlib>

#include "gpu_values.h"

namespace sluice::test {
namespace {

Outputs AnyFaces(fuzz::Random* random) {
  Outputs outputs{SpecOf("centerface", Side(random), Side(random)), {}, {}, static_cast<int>(random->Integer(1, 5))};
  const std::int64_t columns = outputs.spec.width / 4;
  const std::int64_t rows = outputs.spec.height / 4;
  const Maker make(random);
  const double size = random->Real(0, 4);
  const auto add = [&](const char* name, std::int64_t planes, auto value) {
    outputs.shapes.push_back({name, {planes, rows, columns}});
    outputs.data.emplace_back();
    for (std::int64_t i = 0; i < planes * rows * columns * outputs.count; i++) outputs.data.back().push_back(value());
  };
  add("heat", 1, [&] { return make.Score(); });
  add("scale", 2, [&] { return make.Real(size - 1, size); });
  add("offset", 2, [&] { return make.Real(0, 1); });
  add("landmarks", 10, [&] { return make.Real(0, 1); });
  return outputs;
}

/** Rows of centre, size, `scores` scores and what `beyond` adds; their columns one after the other where `turned`. */
template <typename Beyond>
void AddTable(const Maker& make, std::int64_t rows, std::int64_t scores, bool turned, Outputs* outputs, Beyond beyond) {
  std::vector<std::vector<float>> table;
  for (std::int64_t i = 0; i < rows * outputs->count; i++) {
    std::vector<float> row{make.Real(0, outputs->spec.width), make.Real(0, outputs->spec.height), make.Real(1, 60),
                           make.Real(1, 60)};
    for (std::int64_t k = 0; k < scores; k++) row.push_back(outputs->spec.logits ? make.Logit() : make.Score());
    beyond(&row);
    table.push_back(std::move(row));
  }
  const auto columns = table[0].size();
  const auto height = static_cast<std::size_t>(rows);
  std::vector<std::int64_t> dims{rows, static_cast<std::int64_t>(columns)};
  if (turned) std::swap(dims[0], dims[1]);
  outputs->shapes.push_back({"output0", dims});
  std::vector<float> data(table.size() * columns);
  for (std::size_t i = 0; i < table.size(); i++) {
    const std::size_t picture = i / height * height * columns;
    for (std::size_t k = 0; k < columns; k++) {
      data[picture + (turned ? k * height + i % height : i % height * columns + k)] = table[i][k];
    }
  }
  outputs->data.push_back(std::move(data));
}

Outputs AnyTable(fuzz::Random* random, const std::string& task) {
  Outputs outputs{SpecOf(task, Side(random), Side(random)), {}, {}, static_cast<int>(random->Integer(1, 4))};
  outputs.spec.logits = random->OneIn(3);
  const Maker make(random);
  const std::int64_t cells = std::int64_t{outputs.spec.width} * outputs.spec.height / 1024 * 21;
  const std::int64_t classes = random->Integer(1, 6);
  const auto more = [&](std::vector<float>* row, int count) {
    for (int i = 0; i < count; i++) row->push_back(make.Real(0, 60));
  };
  const bool turned = random->OneIn(2);
  if (task == "yolov5") {
    AddTable(make, cells * 3, 1 + classes, false, &outputs, [](auto*) {});
  } else if (task == "yolov8") {
    AddTable(make, cells, classes, turned, &outputs, [](auto*) {});
  } else if (task == "yolov8_pose") {
    AddTable(make, cells, 1, turned, &outputs, [&](auto* row) { more(row, 51); });
  } else if (task == "yolov8_seg") {
    AddTable(make, cells, classes, turned, &outputs, [&](auto* row) { more(row, 32); });
    outputs.shapes.push_back({"output1", {32, 8, 8}});
    outputs.data.emplace_back(static_cast<std::size_t>(outputs.count) * 32 * 64);
  } else if (task == "yolov8_obb") {
    AddTable(make, cells, classes, turned, &outputs, [&](auto* row) { row->push_back(make.Real(-0.8, 2.4)); });
  } else {
    outputs.spec.key_points = static_cast<std::int32_t>(random->Integer(0, 3));
    AddTable(make, random->Integer(1, random->OneIn(3) ? 6000 : 300), 1, false, &outputs, [&](auto* row) {
      row->push_back(static_cast<float>(random->OneIn(30) ? random->Extreme() : random->Integer(0, 5)));
      more(row, 3 * outputs.spec.key_points);
    });
  }
  return outputs;
}

Outputs AnyRaw(fuzz::Random* random, const std::string& task) {
  Outputs outputs{SpecOf(task, Side(random), Side(random)), {}, {}, static_cast<int>(random->Integer(1, 4))};
  const Maker make(random);
  const std::int64_t cells = std::int64_t{outputs.spec.width} * outputs.spec.height / 1024 * 21;
  const std::int64_t anchors = task == "yolox_raw" ? 1 : 3;
  const std::int64_t planes = 5 + random->Integer(1, 6);
  outputs.shapes.push_back({"output", {anchors, planes, cells}});
  outputs.data.emplace_back();
  for (std::int64_t i = 0; i < anchors * planes * cells * outputs.count; i++) outputs.data[0].push_back(make.Logit());
  return outputs;
}

}  // namespace

Outputs AnyOutputs(fuzz::Random* random) {
  const char* const tasks[] = {"yolov5", "yolov8", "yolov8_pose", "yolov8_seg", "yolov8_obb", "yolov10"};
  const std::int64_t kind = random->Integer(0, 15);
  Outputs outputs = kind < 2    ? AnyFaces(random)
                    : kind == 2 ? AnyRaw(random, "yolov5_raw")
                    : kind == 3 ? AnyRaw(random, "yolox_raw")
                    : kind < 10 ? AnyTable(random, tasks[kind - 4])
                                : AnyFamily(random);
  outputs.spec.nms_rule = random->OneIn(2) ? NmsRule::kFast : NmsRule::kGreedy;
  outputs.spec.class_agnostic = random->OneIn(4);
  return outputs;
}

Outputs BenchFaces(int count, bool full) {
  fuzz::Random random(1);
  Outputs outputs{SpecOf("centerface", 640, 640), {}, {}, count};
  const std::size_t cells = 160 * 160 * static_cast<std::size_t>(count);
  const auto add = [&](const char* name, std::int64_t planes, double low, double high) {
    outputs.shapes.push_back({name, {planes, 160, 160}});
    std::vector<float> map(static_cast<std::size_t>(planes) * cells);
    for (float& value : map) value = static_cast<float>(random.Real(low, high));
    outputs.data.push_back(std::move(map));
  };
  add("heat", 1, full ? 0.6 : 0, full ? 1 : 0.1);
  for (int face = 0; face < count * 20; face++) {
    const std::int64_t x = random.Integer(2, 157);
    const std::int64_t y = random.Integer(2, 157);
    for (std::int64_t d = 0; d < 25; d++) {
      const auto cell = static_cast<std::size_t>((face % count * 160 + y + d / 5 - 2) * 160 + x + d % 5 - 2);
      outputs.data[0][cell] = static_cast<float>(0.9 - 0.02 * static_cast<double>(std::abs(d - 12)));
    }
  }
  add("scale", 2, 2, 2.5);
  add("offset", 2, 0, 1);
  add("landmarks", 10, 0, 1);
  return outputs;
}

Outputs BenchRows(int count) {
  fuzz::Random random(2);
  Outputs outputs{SpecOf("yolov5", 640, 640), {{"output", {25200, 85}}}, {}, count};
  std::vector<float> rows(static_cast<std::size_t>(count) * 25200 * 85);
  for (std::size_t i = 0; i < rows.size(); i++) {
    const std::size_t column = i % 85;
    rows[i] = static_cast<float>(column < 2 ? random.Real(0, 640) : column < 4 ? random.Real(10, 100) : random.Real(0, 0.1));
  }
  for (std::size_t row = 0; row < rows.size() / 85; row += 252) {
    rows[row * 85 + 4] = static_cast<float>(random.Real(0.7, 1));
    rows[row * 85 + 5 + static_cast<std::size_t>(random.Integer(0, 79))] = static_cast<float>(random.Real(0.8, 1));
  }
  outputs.data.push_back(std::move(rows));
  return outputs;
}

Outputs BenchPlaces(int count, const std::string& task, int beyond) {
  fuzz::Random random(3);
  const std::size_t planes = 84 + static_cast<std::size_t>(beyond);
  Outputs outputs{SpecOf(task, 640, 640), {{"output0", {static_cast<std::int64_t>(planes), 8400}}}, {}, count};
  std::vector<float> values(static_cast<std::size_t>(count) * planes * 8400);
  for (std::size_t i = 0; i < values.size(); i++) {
    const std::size_t plane = i / 8400 % planes;
    values[i] = static_cast<float>(plane < 2 ? random.Real(0, 640) : plane < 4 ? random.Real(10, 100) : random.Real(0, 0.1));
  }
  for (std::size_t object = 0; object < static_cast<std::size_t>(count) * 100; object++) {
    const std::size_t picture = object / 100 * planes * 8400;
    const auto plane = static_cast<std::size_t>(random.Integer(4, 83));
    values[picture + plane * 8400 + object % 100 * 84] = static_cast<float>(random.Real(0.7, 1));
  }
  outputs.data.push_back(std::move(values));
  return outputs;
}

}  // namespace sluice::test
