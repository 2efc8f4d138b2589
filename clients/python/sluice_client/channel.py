"""How a client connects, and as whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import grpc

_UNLIMITED_MESSAGES = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@dataclass(frozen=True)
class Tls:
    """Settings of a connection by TLS. Certificates and keys are the bytes of PEM files."""

    ca: bytes | None = None
    """Authorities that the server's certificate may be of; None: those that gRPC knows."""
    certificate: bytes | None = None
    """The client's own certificate, for servers that ask for one."""
    key: bytes | None = None
    """The private key of `certificate`."""


def open_channel(address: str, tls: Tls | None) -> grpc.Channel:
    """A channel to "host:port", not connected yet."""
    if tls is None:
        return grpc.insecure_channel(address, options=_UNLIMITED_MESSAGES)
    credentials = grpc.ssl_channel_credentials(tls.ca, tls.key, tls.certificate)
    return grpc.secure_channel(address, credentials, options=_UNLIMITED_MESSAGES)


class WithToken(grpc.StreamStreamClientInterceptor):
    """Sends a token with every stream.

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
        details = client_call_details
        return continuation(
            _Details(
                details.method,
                details.timeout,
                [*(details.metadata or ()), self._entry],
                details.credentials,
                details.wait_for_ready,
                details.compression,
            ),
            request_iterator,
        )


@dataclass(frozen=True)
class _Details(grpc.ClientCallDetails):
    method: str
    timeout: float | None
    metadata: list[tuple[str, str]]
    credentials: grpc.CallCredentials | None
    wait_for_ready: bool | None
    compression: grpc.Compression | None
