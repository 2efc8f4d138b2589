"""Shares memory of a GPU with a server by Triton's own client; each line that is printed is something that held.

Usage: cuda_shared_memory_client.py HOST:PORT. The models are those of cuda-shared-memory.test.ts.
"""

import sys

import numpy as np
import tritonclient.grpc as triton
import tritonclient.utils.cuda_shared_memory as cuda_shm
from tritonclient.utils import InferenceServerException

DEVICE = 0
ROW = np.arange(16, dtype=np.float32).reshape(1, 16)


def held(what: str, condition: bool = True) -> None:
    assert condition, what
    print(what)


def main() -> None:
    client = triton.InferenceServerClient(sys.argv[1])
    # As Triton's examples begin.
    client.unregister_system_shared_memory()
    client.unregister_cuda_shared_memory()
    held("the extension is told", "cuda_shared_memory" in client.get_server_metadata().extensions)
    regions = {name: cuda_shm.create_shared_memory_region(name, ROW.nbytes, DEVICE) for name in ("input", "output")}
    try:
        cuda_shm.set_shared_memory_region(regions["input"], [ROW])
        for name, region in regions.items():
            client.register_cuda_shared_memory(name, cuda_shm.get_raw_handle(region), DEVICE, ROW.nbytes)
        status = client.get_cuda_shared_memory_status(as_json=True)["regions"]
        held("the status tells the sizes", {one["byte_size"] for one in status.values()} == {str(ROW.nbytes)})
        try:
            client.register_cuda_shared_memory("input", cuda_shm.get_raw_handle(regions["input"]), DEVICE, ROW.nbytes)
            held("a name is taken once", False)
        except InferenceServerException as error:
            held("a name is taken once", error.status() == "StatusCode.ALREADY_EXISTS")

        given = triton.InferInput("INPUT0", list(ROW.shape), "FP32")
        given.set_shared_memory("input", ROW.nbytes)
        wanted = triton.InferRequestedOutput("OUTPUT0")
        wanted.set_shared_memory("output", ROW.nbytes)
        output = client.infer("model", [given], outputs=[wanted]).get_output("OUTPUT0")
        held("the answer names the region", output.parameters["shared_memory_region"].string_param == "output")
        values = cuda_shm.get_contents_as_numpy(regions["output"], np.float32, list(output.shape))
        held("the output is in the region", np.array_equal(values, ROW))
        held("an input alone may be there", np.array_equal(client.infer("model", [given]).as_numpy("OUTPUT0"), ROW))
        client.unregister_cuda_shared_memory("input")
        client.unregister_cuda_shared_memory()
        held("everything is unregistered", len(client.get_cuda_shared_memory_status().regions) == 0)
    finally:
        for region in regions.values():
            cuda_shm.destroy_shared_memory_region(region)


main()
