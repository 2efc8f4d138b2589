"""What the clients' channels have in common."""

from __future__ import annotations

import json

RETRIES = {
    "methodConfig": [
        {
            "name": [{"service": "sluice.v1.Inference"}, {"service": "sluice.v1.Repository"}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ]
}
"""A call that fails with UNAVAILABLE before its first answer is tried again, three times at most."""

CHANNEL_OPTIONS: list[tuple[str, int | str]] = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.service_config", json.dumps(RETRIES)),
]
