"""The client of one Sluice server."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from types import TracebackType
from typing import TYPE_CHECKING

import grpc

from .calls import classify_call, detect_call, embed_call, segment_call
from .channel import Tls, open_channel
from .exchange import Exchange
from .protocol import repository
from .repository import LIST, LOAD, UNLOAD, ModelVersion, model_versions
from .results import ClassifyResult, DetectResult, EmbedResult, SegmentResult

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .frame import AnyFrame
    from .options import ClassifyOptions, DetectOptions, EmbedOptions, SegmentOptions


class SluiceClient:
    """A client of one Sluice server, for any number of streams at once and from any thread.

    Frames are taken from an iterable, one by one, as the server answers: a video of any length needs the memory of a
    few frames. A frame that failed is answered with `result.frame.error` set, and the stream goes on; a stream that
    failed raises grpc.RpcError with `code()` and `details()`. A call that fails with UNAVAILABLE before its first
    answer is tried again, three times at most.
    """

    def __init__(
        self,
        address: str,
        connect_timeout: float = 5.0,
        *,
        tls: Tls | None = None,
        token: str = "",
    ) -> None:
        """Connects to "host:port": by TLS if `tls` is given, and with `token` where the server asks for one.

        Raises ConnectionError when no server answers within `connect_timeout` seconds.
        """
        self.channel: grpc.Channel = open_channel(address, tls, token)
        """The connection, for other services on it, such as health."""
        try:
            grpc.channel_ready_future(self.channel).result(timeout=connect_timeout)
        except grpc.FutureTimeoutError:
            self.channel.close()
            how = "" if tls is None else " over TLS, or none with a certificate that is trusted"
            raise ConnectionError(f"no Sluice server answers at {address} within {connect_timeout:g} s{how}") from None

    def __enter__(self) -> SluiceClient:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection; open streams fail."""
        self.channel.close()

    def detect(
        self, frames: Iterable[AnyFrame], **options: Unpack[DetectOptions]
    ) -> Generator[DetectResult, None, None]:
        """Finds objects in each frame and yields one result for each, in order.

        A frame is a Frame, or just its picture; for models that look at one object at a time (poses), a RegionsFrame
        with the boxes of the objects, each yielding one detection. Of the options, see DetectOptions. Leaving the loop
        cancels what has not been answered.
        """
        return Exchange(detect_call(options), frames).run(self.channel)

    def embed(self, frames: Iterable[AnyFrame], **options: Unpack[EmbedOptions]) -> Generator[EmbedResult, None, None]:
        """Turns each frame, or the regions of a RegionsFrame, into feature vectors. The rest is as for `detect`.

        By a model that reads, a frame is a text: a str, or a Frame around one.
        """
        return Exchange(embed_call(options), frames).run(self.channel)

    def classify(
        self, frames: Iterable[AnyFrame], **options: Unpack[ClassifyOptions]
    ) -> Generator[ClassifyResult, None, None]:
        """Tells what each frame, or each region of a RegionsFrame, shows. The rest is as for `embed`."""
        return Exchange(classify_call(options), frames).run(self.channel)

    def segment(
        self, frames: Iterable[AnyFrame], **options: Unpack[SegmentOptions]
    ) -> Generator[SegmentResult, None, None]:
        """Tells the class of every pixel of each frame. The rest is as for `detect`.

        A frame with regions raises ValueError.
        """
        return Exchange(segment_call(options), frames).run(self.channel)

    def list_models(self) -> list[ModelVersion]:
        """Every version that the server knows, by model name, then version."""
        list_models = self.channel.unary_unary(
            LIST, repository.ListModelsRequest.SerializeToString, repository.ListModelsResponse.FromString
        )
        return model_versions(list_models(repository.ListModelsRequest()))

    def load_model(self, name: str) -> None:
        """Loads a model, or brings it up to date; returns when it is READY. Needs --model-control-mode explicit."""
        load = self.channel.unary_unary(
            LOAD, repository.LoadModelRequest.SerializeToString, repository.LoadModelResponse.FromString
        )
        load(repository.LoadModelRequest(name=name))

    def unload_model(self, name: str) -> None:
        """Unloads a model; returns when its memory is free. Needs --model-control-mode explicit."""
        unload = self.channel.unary_unary(
            UNLOAD, repository.UnloadModelRequest.SerializeToString, repository.UnloadModelResponse.FromString
        )
        unload(repository.UnloadModelRequest(name=name))
