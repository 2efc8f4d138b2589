"""The client of one Sluice server, on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import TYPE_CHECKING

from .aio_exchange import exchange
from .calls import classify_call, detect_call, embed_call, segment_call
from .channel import Tls
from .client import SluiceClient
from .repository import ModelVersion
from .results import ClassifyResult, DetectResult, EmbedResult, SegmentResult

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .aio_exchange import AnyFrames
    from .options import ClassifyOptions, DetectOptions, EmbedOptions, SegmentOptions


class AsyncSluiceClient:
    """As SluiceClient, for asyncio: the methods are the same, results are iterated over with `async for`, and frames
    may be an asynchronous iterable too. One that is not is gone through in a thread, so it may block.

    A loop that is left early cancels its stream when Python finalises the iterator; contextlib.aclosing does at once.
    """

    def __init__(self, client: SluiceClient) -> None:
        """Takes the client over, connection and all."""
        self._client = client

    @classmethod
    async def connect(
        cls,
        address: str,
        connect_timeout: float = 5.0,
        *,
        tls: Tls | None = None,
        token: str = "",
    ) -> AsyncSluiceClient:
        """Connects to "host:port": by TLS if `tls` is given, and with `token` where the server asks for one.

        Raises ConnectionError when no server answers within `connect_timeout` seconds.
        """
        return cls(await asyncio.to_thread(SluiceClient, address, connect_timeout, tls=tls, token=token))

    async def __aenter__(self) -> AsyncSluiceClient:
        return self

    async def __aexit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connection; open streams fail."""
        await asyncio.to_thread(self._client.close)

    def detect(self, frames: AnyFrames, **options: Unpack[DetectOptions]) -> AsyncGenerator[DetectResult, None]:
        """Finds objects in each frame and yields one result for each, in order; see SluiceClient.detect."""
        return exchange(self._client.channel, detect_call(options), frames)

    def embed(self, frames: AnyFrames, **options: Unpack[EmbedOptions]) -> AsyncGenerator[EmbedResult, None]:
        """Turns each frame, or the regions of a RegionsFrame, into feature vectors."""
        return exchange(self._client.channel, embed_call(options), frames)

    def classify(self, frames: AnyFrames, **options: Unpack[ClassifyOptions]) -> AsyncGenerator[ClassifyResult, None]:
        """Tells what each frame, or each region of a RegionsFrame, shows."""
        return exchange(self._client.channel, classify_call(options), frames)

    def segment(self, frames: AnyFrames, **options: Unpack[SegmentOptions]) -> AsyncGenerator[SegmentResult, None]:
        """Tells the class of every pixel of each frame. A frame with regions raises ValueError."""
        return exchange(self._client.channel, segment_call(options), frames)

    async def list_models(self) -> list[ModelVersion]:
        """Every version that the server knows, by model name, then version."""
        return await asyncio.to_thread(self._client.list_models)

    async def load_model(self, name: str) -> None:
        """Loads a model, or brings it up to date; returns when it is READY. Needs --model-control-mode explicit."""
        await asyncio.to_thread(self._client.load_model, name)

    async def unload_model(self, name: str) -> None:
        """Unloads a model; returns when its memory is free. Needs --model-control-mode explicit."""
        await asyncio.to_thread(self._client.unload_model, name)
