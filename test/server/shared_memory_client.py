"""Shares memory with a server by Triton's own client; each line that is printed is something that held.

Usage: shared_memory_client.py HOST:PORT. The models are those of shared-memory.test.ts.
"""

import sys
import uuid

import numpy as np
import tritonclient.grpc as triton
import tritonclient.utils.shared_memory as shm
from tritonclient.utils import InferenceServerException

KEY = f"/sluice-test-{uuid.uuid4()}"
ROW = np.arange(16, dtype=np.float32).reshape(1, 16)


def held(what: str, condition: bool = True) -> None:
    assert condition, what
    print(what)


def main() -> None:
    client = triton.InferenceServerClient(sys.argv[1])
    # As Triton's examples begin.
    client.unregister_system_shared_memory()
    client.unregister_cuda_shared_memory()
    held("the extension is told", "system_shared_memory" in client.get_server_metadata().extensions)
    handle = shm.create_shared_memory_region("region", KEY, 2 * ROW.nbytes)
    try:
        shm.set_shared_memory_region(handle, [ROW])
        client.register_system_shared_memory("region", KEY, 2 * ROW.nbytes)
        status = client.get_system_shared_memory_status(as_json=True)["regions"]["region"]
        held("the status tells key and size", (status["key"], status["byte_size"]) == (KEY, str(2 * ROW.nbytes)))
        try:
            client.register_system_shared_memory("region", KEY, ROW.nbytes)
            held("a name is taken once", False)
        except InferenceServerException as error:
            held("a name is taken once", error.status() == "StatusCode.ALREADY_EXISTS")

        given = triton.InferInput("INPUT0", list(ROW.shape), "FP32")
        given.set_shared_memory("region", ROW.nbytes)
        wanted = triton.InferRequestedOutput("OUTPUT0")
        wanted.set_shared_memory("region", ROW.nbytes, offset=ROW.nbytes)
        result = client.infer("model", [given], outputs=[wanted])
        output = result.get_output("OUTPUT0")
        held("the answer names the region", output.parameters["shared_memory_region"].string_param == "region")
        values = shm.get_contents_as_numpy(handle, np.float32, list(output.shape), offset=ROW.nbytes)
        held("the output is in the region", np.array_equal(values, ROW))
        held("an input alone may be there", np.array_equal(client.infer("model", [given]).as_numpy("OUTPUT0"), ROW))
        client.unregister_system_shared_memory("region")
        held("everything is unregistered", len(client.get_system_shared_memory_status().regions) == 0)
    finally:
        shm.destroy_shared_memory_region(handle)


main()
