"""What a server has loaded, and how it is told to load and unload."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .protocol import repository

ModelState = Literal["LOADING", "READY", "UNLOADING", "UNAVAILABLE"]

LIST = "/sluice.v1.Repository/ListModels"
LOAD = "/sluice.v1.Repository/LoadModel"
UNLOAD = "/sluice.v1.Repository/UnloadModel"

_STATES: dict[int, ModelState] = {
    repository.MODEL_STATE_LOADING: "LOADING",
    repository.MODEL_STATE_READY: "READY",
    repository.MODEL_STATE_UNLOADING: "UNLOADING",
}


@dataclass(frozen=True)
class ModelVersion:
    name: str
    version: str
    """Empty where the model's directory as a whole cannot be used."""
    state: ModelState
    reason: str
    """Why it is UNAVAILABLE, or why the last attempt to reload it failed; else empty."""


def model_versions(response: repository.ListModelsResponse) -> list[ModelVersion]:
    return [
        ModelVersion(each.name, each.version, _STATES.get(each.state, "UNAVAILABLE"), each.reason)
        for each in response.models
    ]
