import sys
from pathlib import Path

from sluice_client import SluiceClient

address, image = sys.argv[1:] or ["127.0.0.1:8001", "model-repo/.samples/astronaut.png"]

with SluiceClient(address) as client:
    for result in client.detect([Path(image).read_bytes()], model="centerface"):
        for face in result.detections:
            print(face.score, face.box.left, face.box.top, face.box.right, face.box.bottom)
