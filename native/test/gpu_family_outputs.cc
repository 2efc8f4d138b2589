#include <iterator>

#include "family_shapes.h"
#include "gpu_outputs.h"
#include "gpu_values.h"

namespace sluice::test {
namespace {

/** Makes values that an output of a family may have. */
class FamilyMaker {
 public:
  FamilyMaker(fuzz::Random* random, const DetectionSpec& spec) : random_(random), spec_(spec), make_(random) {}

  /** Value `column` of a row of `columns` of an output, which begins at `row`. */
  float Value(const std::string& name, std::int64_t column, std::int64_t columns, const float* row) const {
    if (spec_.task == "centernet") return CenterNet(column, columns, row);
    if (spec_.task == "dbface") return make_.Real(name == "landmark" ? -0.5 : 0, name == "landmark" ? 0.5 : 6);
    if (spec_.task == "rtdetr") {
      const bool place = name == "boxes" || (name == "all" && column < 4);
      return place ? make_.Real(0, 1) : Score(spec_.logits);
    }
    if (spec_.task == "efficient_nms") return EfficientNms(name);
    if (spec_.task == "retinaface") {
      if (name == "conf") return Score(spec_.logits);
      return name == "all" && (column == 4 || column == 5) ? make_.Logit() : make_.Real(-1, 1);
    }
    if (columns == 1) return Score(spec_.logits);
    return columns == 15 && column == 4 ? make_.Logit() : make_.Real(-1, 4);
  }

  float Score(bool logits) const { return logits ? make_.Logit() : make_.Score(); }

 private:
  float CenterNet(std::int64_t column, std::int64_t columns, const float* row) const {
    const std::int64_t classes = (columns - 4) / 2;
    if (column < 4) return make_.Real(0, column < 2 ? 1 : 12);
    if (column < 4 + classes) return make_.Logit();
    return row[column - classes] + (random_->OneIn(2) ? 0.0f : 1.0f);
  }

  float EfficientNms(const std::string& name) const {
    if (name == "num_dets") return static_cast<float>(random_->OneIn(4) ? random_->Extreme() : random_->Real(0, 6001));
    if (name == "labels") return make_.Spoil(static_cast<double>(random_->Integer(-1, 5)));
    return name == "scores" ? make_.Score() : make_.Real(0, 200);
  }

  fuzz::Random* random_;
  const DetectionSpec& spec_;
  const Maker make_;
};

/** Scores of DBFace, of which half are the largest around where the model tells that. */
void MakePeaks(fuzz::Random* random, const FamilyMaker& make, Outputs* outputs) {
  std::vector<float>* heat = nullptr;
  for (std::size_t i = 0; i < outputs->shapes.size(); i++) {
    std::vector<float>& map = outputs->data[i];
    if (outputs->shapes[i].name == "hm") {
      heat = &map;
      for (float& score : map) score = make.Score(false);
    } else if (outputs->shapes[i].name == "pool_hm") {
      for (std::size_t k = 0; k < map.size(); k++) map[k] = (*heat)[k] + (random->OneIn(2) ? 0.0f : 1.0f);
    }
  }
}

}  // namespace

Outputs AnyFamily(fuzz::Random* random) {
  const char* task = fuzz::kFamilies[random->Integer(0, std::size(fuzz::kFamilies) - 1)];
  Outputs outputs{SpecOf(task, Side(random), Side(random)), {}, {}, static_cast<int>(random->Integer(1, 4))};
  DetectionSpec& spec = outputs.spec;
  spec.logits = random->OneIn(3);
  if (random->OneIn(3) && (spec.task == "retinaface" || spec.task == "scrfd")) {
    spec.strides = {16, 32};
    if (spec.task == "retinaface") spec.anchors = {{10, 20, 33, 44, 50, 50}, {90, 120}};
  }
  outputs.shapes = fuzz::FamilyShapes(random, spec);
  const FamilyMaker make(random, spec);
  for (const OutputShape& shape : outputs.shapes) {
    std::int64_t length = outputs.count;
    for (const std::int64_t dim : shape.dims) length *= dim;
    const std::int64_t columns = shape.dims.size() == 2 ? shape.dims[1] : 1;
    std::vector<float> values(static_cast<std::size_t>(length));
    for (std::int64_t i = 0; i < length; i++) {
      values[static_cast<std::size_t>(i)] =
          make.Value(shape.name, i % columns, columns, values.data() + i / columns * columns);
    }
    outputs.data.push_back(std::move(values));
  }
  if (spec.task == "dbface") MakePeaks(random, make, &outputs);
  return outputs;
}

}  // namespace sluice::test
