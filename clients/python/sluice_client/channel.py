"""How a client connects, and as whom."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc

_SERVICE_CONFIG = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "methodConfig": [
        {
            # Not streams: Exchange does that itself.
            "name": [{"service": "sluice.v1.Repository"}],
            "retryPolicy": {
                "maxAttempts": 4,
                "initialBackoff": "0.1s",
                "maxBackoff": "1s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE"],
            },
        }
    ],
}
"""The addresses of a target take calls in turn. A call to the repository that fails with UNAVAILABLE is tried again, three
times at most."""

_OPTIONS: list[tuple[str, int | str]] = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
]


@dataclass(frozen=True)
class Tls:
    """Settings of a connection by TLS. Certificates and keys are the bytes of PEM files."""

    ca: bytes | None = None
    """Authorities that the server's certificate may be of; None: those that gRPC knows."""
    certificate: bytes | None = None
    """The client's own certificate, for servers that ask for one."""
    key: bytes | None = None
    """The private key of `certificate`."""


def open_channel(address: str, tls: Tls | None, token: str) -> grpc.Channel:
    """A channel to "host:port", not connected yet; each of its calls carries the token, unless that is empty."""
    if tls is None:
        channel = grpc.insecure_channel(address, options=_OPTIONS)
    else:
        credentials = grpc.ssl_channel_credentials(tls.ca, tls.key, tls.certificate)
        channel = grpc.secure_channel(address, credentials, options=_OPTIONS)
    return channel if token == "" else grpc.intercept_channel(channel, _WithToken(token))


class _WithToken(grpc.StreamStreamClientInterceptor, grpc.UnaryUnaryClientInterceptor):
    """Sends a token with every call.

    gRPC's own call credentials refuse to go without TLS, where a proxy beside the server may well do that part.
    """

    def __init__(self, token: str) -> None:
        self._entry = ("authorization", f"Bearer {token}")

    def intercept_stream_stream(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Iterator[Any]], Any],
        client_call_details: grpc.ClientCallDetails,
        request_iterator: Iterator[Any],
    ) -> Any:
        return continuation(self._details(client_call_details), request_iterator)

    def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Any], Any],
        client_call_details: grpc.ClientCallDetails,
        request: Any,
    ) -> Any:
        return continuation(self._details(client_call_details), request)

    def _details(self, details: grpc.ClientCallDetails) -> grpc.ClientCallDetails:
        return _Details(
            details.method,
            details.timeout,
            (*(details.metadata or ()), self._entry),
            details.credentials,
            details.wait_for_ready,
            details.compression,
        )


@dataclass(frozen=True)
class _Details(grpc.ClientCallDetails):
    method: str
    timeout: float | None
    metadata: tuple[tuple[str, str | bytes], ...] | None
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None
