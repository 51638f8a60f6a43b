"""Everything but the models: what `scope: platform` holds."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pulumi

from infra.access import platform as access
from infra.components.alarms import Alarms, AlarmsArgs
from infra.components.api import DEFAULT_ROUTE, Api, Routes
from infra.components.boundary import Boundary
from infra.components.buckets import Buckets
from infra.components.deployer import Deployer, DeployerArgs
from infra.components.functions import PlatformFunction, PlatformFunctionArgs
from infra.components.keys import Keys
from infra.components.layers import RuntimeLayer
from infra.components.queues import DEPLOY_RETENTION_S, Queues, WorkQueues
from infra.components.runs import Runs, RunsArgs
from infra.components.tables import Tables
from infra.config import Platform, Settings, settings_to_json
from infra.iam import Statement
from infra.naming import LONG_RUN, child_of
from modelcote.core.snapshot import Layer

# HTTP APIs end a request after 30 s: a function that stops first can still say why.
_HTTP_TIMEOUT_S = 29
_TRIGGER_TIMEOUT_S = 30
_WAITING_S = 900  # A run, a delivery or a result that is this old shows that its queue is not being consumed.


@dataclass(frozen=True)
class Parts:
    """The platform's resources by purpose."""

    keys: Keys
    tables: Tables
    buckets: Buckets
    queues: Queues
    work: WorkQueues
    boundary: Boundary
    api: Api
    layer: RuntimeLayer


class PlatformStack(pulumi.ComponentResource):
    """`parts`: the resources that models and exports refer to; `runs`: what processes runs and webhooks."""

    def __init__(self, name: str, settings: Settings, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("modelcote:platform:Platform", name, None, opts)
        keys = Keys(self, f"{name}-keys", settings)
        buckets = Buckets(self, f"{name}-buckets", settings, keys.arn)
        bucket = buckets.artifacts
        queues = Queues(self, f"{name}-queues", settings, keys.arn)
        self.parts = Parts(
            keys=keys,
            tables=Tables(self, f"{name}-tables", settings, keys.arn, stream=settings.builder is not None),
            buckets=buckets,
            queues=queues,
            work=WorkQueues(self, f"{name}-work", settings, keys.arn, queues.failures.arn, bucket.arn),
            boundary=Boundary(self, f"{name}-boundary", settings, keys.arn, bucket.bucket),
            api=Api(self, f"{name}-api", settings, keys.arn),
            layer=RuntimeLayer(f"{name}-layer", settings, settings.platform_layer, bucket.bucket, opts=child_of(self)),
        )
        self._name, self._settings = name, settings
        self.runs = self._runs()
        gateway, control = self._gateway(), self._control()
        routes = {
            # ANY rather than POST: the gateway answers other methods with a problem.
            "gateway": (gateway.function, tuple(f"ANY {path}" for path in settings.predict_paths)),
            "control": (control.function, (DEFAULT_ROUTE,)),
        }
        Routes(self, f"{name}-routes", self.parts.api.api, routes)
        functions = {
            "gateway": (gateway.function.name, _HTTP_TIMEOUT_S),
            "control": (control.function.name, _HTTP_TIMEOUT_S),
        }
        functions |= self.runs.functions
        deployer = self._deployer()
        if deployer is not None:
            functions["deploy-requested"] = (deployer.trigger.function.name, _TRIGGER_TIMEOUT_S)
        self._alarms(functions)
        self.register_outputs({"url": self.parts.api.url})

    def _environment(self) -> dict[str, pulumi.Input[str]]:
        return {
            "MODELCOTE_STACK": self._settings.stack,
            "MODELCOTE_REGISTRY_TABLE": self.parts.tables.registry.name,
            "MODELCOTE_BUCKET": self.parts.buckets.artifacts.bucket,
        }

    def _runs_environment(self) -> dict[str, pulumi.Input[str]]:
        """Return the environment variables of every function that handles runs."""
        parts, policy = self.parts, self._settings.policy
        return {
            **self._environment(),
            "MODELCOTE_RUNS_TABLE": parts.tables.runs.name,
            "MODELCOTE_RUNS_QUEUE_URL": parts.work.runs.url,
            "MODELCOTE_DELIVERIES_QUEUE_URL": parts.work.deliveries.url,
            "MODELCOTE_KEY_ARN": parts.keys.arn,
            **({"MODELCOTE_POLICY": json.dumps(dict(policy), sort_keys=True)} if policy else {}),
        }

    def _function(
        self, name: str, memory_mb: int, environment: dict[str, pulumi.Input[str]], statements: list[Statement]
    ) -> PlatformFunction:
        return PlatformFunction(
            self,
            f"{self._name}-{name}",
            PlatformFunctionArgs(
                settings=self._settings,
                name=name,
                key_arn=self.parts.keys.arn,
                layer_arn=self.parts.layer.arn,
                failures_arn=self.parts.queues.failures.arn,
                memory_mb=memory_mb,
                timeout_s=_HTTP_TIMEOUT_S,
                environment=environment,
                access=statements,
            ),
        )

    def _gateway(self) -> PlatformFunction:
        parts = self.parts
        statements = access.gateway(self._settings, parts.buckets.artifacts.arn, parts.work.runs.arn)
        return self._function("gateway", 512, self._runs_environment(), statements)

    def _control(self) -> PlatformFunction:
        parts = self.parts
        environment = {
            **self._runs_environment(),
            "MODELCOTE_DEPLOY_QUEUE_URL": parts.queues.deploys.url,
            "MODELCOTE_PUBLIC_URL": parts.api.url,
            "MODELCOTE_STATE_MACHINE_ARN": self.runs.machine.arn,
        }
        statements = access.control(
            self._settings,
            parts.buckets.artifacts.arn,
            parts.queues.deploys.arn,
            (parts.work.runs.arn, parts.work.deliveries.arn),
        )
        return self._function("control", 1_024, environment, statements)

    def _runs(self) -> Runs:
        parts = self.parts
        return Runs(
            self,
            f"{self._name}-runs",
            RunsArgs(
                settings=self._settings,
                key_arn=parts.keys.arn,
                layer_arn=parts.layer.arn,
                failures_arn=parts.queues.failures.arn,
                bucket=parts.buckets.artifacts,
                queues=parts.work,
                environment=self._runs_environment(),
            ),
        )

    def _deployer(self) -> Deployer | None:
        settings, parts = self._settings, self.parts
        if settings.builder is None:
            return None
        return Deployer(
            self,
            f"{self._name}-deployer",
            DeployerArgs(
                settings=settings,
                codebuild=settings.builder,
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
        )

    def _models_settings(self) -> pulumi.Output[str]:
        """Return the settings that the deployer runs the program of scope `model` with, as JSON."""
        settings, parts = self._settings, self.parts
        # Without what only the platform uses: CodeBuild accepts no more than a few thousand characters.
        bare = replace(
            settings,
            builder=None,
            policy={},
            platform_archive="",
            predict_paths=(),
            platform_layer=Layer("", "", "", ""),
            webhook_network=None,
        )
        return pulumi.Output.all(parts.buckets.artifacts.bucket, parts.keys.arn, parts.boundary.arn).apply(
            lambda outputs: settings_to_json(replace(bare, platform=Platform(*outputs)))
        )

    def _alarms(self, functions: dict[str, tuple[pulumi.Output[str], int]]) -> None:
        parts = self.parts
        Alarms(
            self,
            f"{self._name}-alarms",
            AlarmsArgs(
                settings=self._settings,
                key_arn=parts.keys.arn,
                api_id=parts.api.api.id,
                functions=functions,
                dead_queues={
                    "deploys-dead": parts.queues.dead.name,
                    "failures": parts.queues.failures.name,
                    "runs-dead": parts.work.runs_dead.name,
                    "deliveries-dead": parts.work.deliveries_dead.name,
                    "results-dead": parts.work.results_dead.name,
                },
                waiting={
                    "deploys": (parts.queues.deploys.name, DEPLOY_RETENTION_S // 2),
                    "runs": (parts.work.runs.name, _WAITING_S),
                    "deliveries": (parts.work.deliveries.name, _WAITING_S),
                    "results": (parts.work.results.name, _WAITING_S),
                },
                machines={LONG_RUN: self.runs.machine.arn},
                tables=("registry", "runs"),
            ),
        )
