"""What Python's onnx and onnxruntime make of model files: whether the checker takes them, and what they answer."""

import numpy as np
import onnx
import onnxruntime

from wire import serve


def problem_of(model):
    """Nothing where the checker takes the model, with its shapes inferred, else what it says."""
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        return str(error)
    return None


def run(model, data, dims):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    (picture,) = session.get_inputs()
    outputs = session.run(None, {picture.name: data.reshape(dims)})
    names = [output.name for output in session.get_outputs()]
    return [
        {"name": name, "dims": list(value.shape), "data": value.astype(np.float32).ravel()}
        for name, value in zip(names, outputs)
    ]


def answer(request):
    if "operators" in request:
        schemas = [schema for schema in onnx.defs.get_all_schemas_with_history() if schema.domain == ""]
        versions = {}
        for schema in schemas:
            versions.setdefault(schema.name, []).append((schema.since_version, bool(schema.deprecated)))
        return {"operators": versions}
    models = [bytes(model) for model in request["models"]]
    return {
        "problems": [problem_of(model) for model in models],
        "runs": [run(models[one["model"]], one["data"], one["dims"]) for one in request["runs"]],
    }


serve(answer)
