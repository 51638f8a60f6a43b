"""Everything but the models: what `scope: platform` holds, and what a model's resources are given of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pulumi

from infra import access
from infra.components.alarms import Alarms, AlarmsArgs
from infra.components.api import DEFAULT_ROUTE, PREDICT_ROUTES, Api, ApiArgs, Routes, RoutesArgs
from infra.components.boundary import Boundary, BoundaryArgs
from infra.components.buckets import Buckets, BucketsArgs
from infra.components.builder import Deployer, DeployerArgs
from infra.components.functions import PlatformFunction, PlatformFunctionArgs
from infra.components.keys import Keys, KeysArgs
from infra.components.layers import RuntimeLayer, RuntimeLayerArgs
from infra.components.queues import DEPLOY_RETENTION_S, Queues, QueuesArgs
from infra.components.tables import Tables, TablesArgs
from infra.config import Platform, Settings, settings_to_json
from infra.iam import Statement
from infra.naming import below
from modelcote.core.snapshot import Layer

# HTTP APIs end a request after 30 s: a function that stops first can still say why.
_HTTP_TIMEOUT_S = 29
_TRIGGER_TIMEOUT_S = 30


@dataclass(frozen=True)
class Parts:
    """The platform's resources by what they are for."""

    keys: Keys
    tables: Tables
    buckets: Buckets
    queues: Queues
    boundary: Boundary
    api: Api
    layer: RuntimeLayer


@dataclass(frozen=True)
class PlatformStackArgs:
    settings: Settings


class PlatformStack(pulumi.ComponentResource):
    """`parts`: the resources that models and exports refer to."""

    def __init__(self, name: str, args: PlatformStackArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:Platform", name, None, opts)
        settings = args.settings
        keys = Keys(f"{name}-keys", KeysArgs(settings), opts=below(self))
        buckets = Buckets(f"{name}-buckets", BucketsArgs(settings, keys.arn), opts=below(self))
        self.parts = Parts(
            keys=keys,
            tables=Tables(
                f"{name}-tables",
                TablesArgs(settings, keys.arn, stream=settings.builder is not None),
                opts=below(self),
            ),
            buckets=buckets,
            queues=Queues(f"{name}-queues", QueuesArgs(settings, keys.arn), opts=below(self)),
            boundary=Boundary(
                f"{name}-boundary", BoundaryArgs(settings, keys.arn, buckets.artifacts.bucket), opts=below(self)
            ),
            api=Api(f"{name}-api", ApiArgs(settings, keys.arn), opts=below(self)),
            layer=RuntimeLayer(
                f"{name}-layer",
                RuntimeLayerArgs(settings, settings.platform_layer, buckets.artifacts.bucket),
                opts=below(self),
            ),
        )
        self._name, self._args = name, args
        gateway, control = self._gateway(), self._control()
        Routes(
            f"{name}-routes",
            RoutesArgs(
                self.parts.api.api,
                {"gateway": (gateway.function, PREDICT_ROUTES), "control": (control.function, (DEFAULT_ROUTE,))},
            ),
            opts=below(self),
        )
        functions = {
            "gateway": (gateway.function.name, _HTTP_TIMEOUT_S),
            "control": (control.function.name, _HTTP_TIMEOUT_S),
        }
        deployer = self._deployer()
        if deployer is not None:
            functions["deploy-requested"] = (deployer.trigger.function.name, _TRIGGER_TIMEOUT_S)
        self._alarms(functions)
        self.register_outputs({"url": self.parts.api.url})

    def _environment(self) -> dict[str, pulumi.Input[str]]:
        return {
            "MODELCOTE_STACK": self._args.settings.stack,
            "MODELCOTE_REGISTRY_TABLE": self.parts.tables.registry.name,
            "MODELCOTE_BUCKET": self.parts.buckets.artifacts.bucket,
        }

    def _function(
        self, name: str, memory_mb: int, environment: dict[str, pulumi.Input[str]], statements: list[Statement]
    ) -> PlatformFunction:
        return PlatformFunction(
            f"{self._name}-{name}",
            PlatformFunctionArgs(
                settings=self._args.settings,
                name=name,
                key_arn=self.parts.keys.arn,
                layer_arn=self.parts.layer.arn,
                failures_arn=self.parts.queues.failures.arn,
                memory_mb=memory_mb,
                timeout_s=_HTTP_TIMEOUT_S,
                environment=environment,
                access=statements,
            ),
            opts=below(self),
        )

    def _gateway(self) -> PlatformFunction:
        return self._function("gateway", 512, self._environment(), access.gateway(self._args.settings))

    def _control(self) -> PlatformFunction:
        parts = self.parts
        environment = {
            **self._environment(),
            "MODELCOTE_DEPLOY_QUEUE_URL": parts.queues.deploys.url,
            "MODELCOTE_PUBLIC_URL": parts.api.url,
        }
        statements = access.control(self._args.settings, parts.buckets.artifacts.arn, parts.queues.deploys.arn)
        return self._function("control", 1_024, environment, statements)

    def _deployer(self) -> Deployer | None:
        settings, parts = self._args.settings, self.parts
        if settings.builder is None:
            return None
        return Deployer(
            f"{self._name}-deployer",
            DeployerArgs(
                settings=settings,
                builder=settings.builder,
                key_arn=parts.keys.arn,
                bucket=parts.buckets.artifacts,
                queue_arn=parts.queues.deploys.arn,
                failures_arn=parts.queues.failures.arn,
                layer_arn=parts.layer.arn,
                stream_arn=parts.tables.registry.stream_arn,
                environment={
                    **self._environment(),
                    "MODELCOTE_DEPLOY_QUEUE_URL": parts.queues.deploys.url,
                    "MODELCOTE_SETTINGS": self._models_settings(),
                    "PULUMI_BACKEND_URL": settings.builder.backend_url,
                },
            ),
            opts=below(self),
        )

    def _models_settings(self) -> pulumi.Output[str]:
        """What the deployer runs the program of scope `model` with, as JSON."""
        settings, parts = self._args.settings, self.parts
        bare = replace(settings, builder=None, platform_archive="", platform_layer=Layer("", "", "", ""))
        return pulumi.Output.all(parts.buckets.artifacts.bucket, parts.keys.arn, parts.boundary.arn).apply(
            lambda known: settings_to_json(replace(bare, platform=Platform(*known)))
        )

    def _alarms(self, functions: dict[str, tuple[pulumi.Output[str], int]]) -> None:
        parts = self.parts
        Alarms(
            f"{self._name}-alarms",
            AlarmsArgs(
                settings=self._args.settings,
                key_arn=parts.keys.arn,
                api_id=parts.api.api.id,
                functions=functions,
                dead_queues={"deploys-dead": parts.queues.dead.name, "failures": parts.queues.failures.name},
                waiting=(parts.queues.deploys.name, DEPLOY_RETENTION_S),
                tables=("registry", "runs"),
            ),
            opts=below(self),
        )
