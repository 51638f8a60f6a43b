"""The bodies that launch clients send. Fields that have no meaning here are ignored."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

ASYNC = "async"
CALLBACK = "callback"
EndpointType = Literal["sync", "async", "streaming"]
Hook = Literal["callback"]
GpuType = Literal[
    "nvidia-tesla-t4",
    "nvidia-ampere-a10",
    "nvidia-ampere-a100",
    "nvidia-ampere-a100e",
    "nvidia-hopper-h100",
    "nvidia-hopper-h100-1g20gb",
    "nvidia-hopper-h100-3g40gb",
]
_Quantity = Annotated[str, Field(max_length=32, pattern=r"^[0-9]+(\.[0-9]+)?(m|[kKMGTP]i?)?$")]
_Number = Annotated[float, Field(gt=0, le=1e15, allow_inf_nan=False)]
Amount = _Quantity | Annotated[int, Field(gt=0, le=10**15)] | _Number
_Count = Annotated[int, Field(ge=0, le=10**6)]
_Some = Annotated[int, Field(gt=0, le=10**6)]
_AUTH = '`{"kind": "basic", "username", "password"}` or `{"kind": "mtls", "cert", "key"}` (PEM)'


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class EditModelEndpoint(_Body):
    """The changes; a field that is absent, or null, keeps its value."""

    model_bundle_id: str | None = Field(None, description="the name of one of the project's models")
    metadata: dict[str, Any] | None = None
    labels: dict[str, str] | None = Field(None, description="with `team` and `product`")
    post_inference_hooks: list[Hook] | None = None
    default_callback_url: str | None = None
    default_callback_auth: dict[str, Any] | None = Field(None, description=_AUTH)
    cpus: Amount | None = None
    memory: Amount | None = None
    storage: Amount | None = None
    gpus: _Count | None = None
    gpu_type: GpuType | None = None
    nodes_per_worker: _Some | None = None
    min_workers: _Count | None = None
    max_workers: _Count | None = None
    per_worker: _Some | None = None
    concurrent_requests_per_worker: _Some | None = None


class CreateModelEndpoint(EditModelEndpoint):
    """A new endpoint."""

    name: str = Field(min_length=1, max_length=63)
    model_bundle_id: str = Field(description="the name of one of the project's models")
    endpoint_type: EndpointType
    metadata: dict[str, Any] = Field(default_factory=dict)
    labels: dict[str, str] = Field(description="with `team` and `product`")
    gpus: _Count = 0
    nodes_per_worker: _Some = 1
    min_workers: _Count
    max_workers: _Count
    per_worker: _Some
    concurrent_requests_per_worker: _Some = 1


class CreateAsyncTask(_Body):
    """A task: `args`, or `url`, which the model receives as `{"url": ...}`."""

    args: dict[str, Any] | None = None
    url: Annotated[str, Field(min_length=1, max_length=2_048)] | None = None
    callback_url: str | None = None
    callback_auth: dict[str, Any] | None = Field(None, description=_AUTH)
    return_pickled: bool = False
