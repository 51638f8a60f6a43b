"""The program's settings: everything it needs besides the snapshot, as one frozen value.

`pulumi up` reads them from the stack's configuration (schema: `Pulumi.yaml`); the deployer and the local cloud
make them in code and pass them as JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from modelcote.core.errors import InvalidSpec
from modelcote.core.policy import policy_from_json
from modelcote.core.snapshot import Layer

Scope = Literal["all", "platform", "model"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
ARCHITECTURES = ("x86_64", "arm64")
# What CloudWatch Logs accepts, in days.
RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)

# Older EC2 ids are shorter.
_EC2_ID = r"(?:[0-9a-f]{8}|[0-9a-f]{17})"
# Omitted from the JSON if there are none.
_OPTIONAL = ("predict_paths", "webhook_network")
_MAX_SUBNETS = 16  # Lambda's limit.

# The platform's functions with their reserved concurrency: 355 in all.
CONCURRENCY: Mapping[str, int] = {
    "gateway": 200,
    "control": 20,
    "deploy-requested": 2,
    "run-worker": 50,
    "complete-run": 50,
    "deliver-webhook": 20,
    "task-result": 10,
    "watchdog": 1,
    "dead-letters": 2,
}


@dataclass(frozen=True)
class CodeBuildSettings:
    """The CodeBuild deployer: its image, the project's zip, and where Pulumi keeps state (`s3://bucket`)."""

    image: str
    archive: str
    backend_url: str


@dataclass(frozen=True)
class Platform:
    """The outputs of the platform stack that a stack of scope `model` uses; `layers` maps keys to ARNs."""

    bucket: str
    key_arn: str
    boundary_arn: str
    layers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class WebhookNetwork:
    """Where webhooks are sent from: private subnets of a VPC, with the operator's NAT as the way out."""

    vpc_id: str
    subnet_ids: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """The program's settings; paths are absolute."""

    # The stack's name, which is part of every physical name.
    stack: str
    # The AWS region, and the id of the account.
    region: str
    account: str
    # The zip or folder of the platform functions' code.
    platform_archive: str
    # The layer of those functions.
    platform_layer: Layer
    # The paths that the gateway answers, all dialects' (scopes `all` and `platform`).
    predict_paths: tuple[str, ...] = ()
    # x86_64 or arm64, for every function and layer.
    architecture: str = "x86_64"
    # How long CloudWatch Logs keeps every log group, in days.
    log_retention_days: int = 30
    # Requests per second that the API accepts.
    throttle_rate: int = 500
    # Requests at once that the API accepts.
    throttle_burst: int = 1_000
    # Reserved concurrency of each function of the platform.
    concurrency: Mapping[str, int] = field(default_factory=lambda: dict(CONCURRENCY))
    # The API's URL if it is not its own; no slash at the end.
    public_url: str = ""
    # The address that is notified of alarms; empty for none.
    alarm_email: str = ""
    # Tags for every resource.
    tags: Mapping[str, str] = field(default_factory=dict)
    # Members of `modelcote.core.policy.Policy` that differ from their defaults, as JSON holds them.
    policy: Mapping[str, Any] = field(default_factory=dict)
    # For scope `platform`: the deployer in the account; None if another one processes the queue.
    builder: CodeBuildSettings | None = None
    # For scope `model`: the platform stack's outputs.
    platform: Platform | None = None
    # For `deliver-webhook` alone: a network of its own; None for Lambda's, as for all other functions.
    webhook_network: WebhookNetwork | None = None


def check_settings(settings: Settings, scope: Scope) -> Settings:
    """Return the settings; raise `InvalidSpec` naming the configuration key of one that breaks its rule."""
    for key, holds, rule in _rules(settings):
        if not holds:
            raise InvalidSpec(f"the setting {key} must be {rule}.", f"Change modelcote:{key}.", field=key)
    if scope not in SCOPES:
        raise InvalidSpec(f"unknown scope {scope!r}.", f"Use one of: {', '.join(SCOPES)}.", field="scope")
    policy = policy_from_json(json.dumps(dict(settings.policy)))
    # What the security group blocks would only be seen as a timeout.
    if settings.webhook_network is not None and (policy.webhook_http or set(policy.webhook_ports) - {443}):
        raise InvalidSpec(
            "webhookNetwork allows port 443 only, but the policy names others.",
            "Remove webhook_http and webhook_ports from modelcote:policy, or remove modelcote:webhookNetwork.",
            field="webhookNetwork",
        )
    if settings.builder is not None and scope == "all":
        raise InvalidSpec(
            f"the deployer in the account cannot change a stack of scope {scope}.",
            "Set modelcote:scope to platform: the deployer keeps the models in a stack of their own.",
            field="scope",
        )
    if scope != "model" and not settings.predict_paths:
        raise InvalidSpec("the platform needs the paths of predict.", "Build its assets again.", field="predict_paths")
    if scope == "model" and settings.platform is None:
        raise InvalidSpec(
            "scope model needs the platform's outputs.", "Set modelcote:platform from the platform stack's outputs."
        )
    return settings


def _rules(settings: Settings) -> tuple[tuple[str, bool, str], ...]:
    return (
        ("stack", bool(re.fullmatch(r"[a-z][a-z0-9-]{0,19}", settings.stack)), "1 to 20 of a-z, 0-9 and hyphens"),
        ("region", bool(re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d", settings.region)), "an AWS region such as eu-west-1"),
        ("account", bool(re.fullmatch(r"\d{12}", settings.account)), "a 12-digit AWS account id"),
        ("architecture", settings.architecture in ARCHITECTURES, f"one of {', '.join(ARCHITECTURES)}"),
        ("logRetentionDays", settings.log_retention_days in RETENTION_DAYS, f"one of {RETENTION_DAYS}"),
        ("throttleRate", settings.throttle_rate >= 1, "at least 1 request per second"),
        ("throttleBurst", settings.throttle_burst >= settings.throttle_rate, "at least throttleRate"),
        (
            "concurrency",
            set(settings.concurrency) == set(CONCURRENCY)
            and all(number >= 1 for number in settings.concurrency.values()),
            f"a number of at least 1 for each of {', '.join(CONCURRENCY)}",
        ),
        (
            "publicUrl",
            not settings.public_url or bool(re.fullmatch(r"https?://[^\s/]+(/[^\s]*[^\s/])?", settings.public_url)),
            "an http(s) URL without a slash at its end",
        ),
        ("alarmEmail", not settings.alarm_email or "@" in settings.alarm_email, "an e-mail address"),
        (
            "webhookNetwork",
            settings.webhook_network is None or _is_network(settings.webhook_network),
            f"the id of a VPC (vpc-...) and those of 1 to {_MAX_SUBNETS} subnets (subnet-...), none twice",
        ),
    )


def _is_network(network: WebhookNetwork) -> bool:
    subnets = network.subnet_ids
    return (
        bool(re.fullmatch(f"vpc-{_EC2_ID}", network.vpc_id))
        and 1 <= len(subnets) <= _MAX_SUBNETS
        and len(set(subnets)) == len(subnets)
        and all(re.fullmatch(f"subnet-{_EC2_ID}", subnet) for subnet in subnets)
    )


def settings_to_json(settings: Settings) -> str:
    values = asdict(settings)
    # These are in the deployer's environment, which an unused setting should not change.
    for name in _OPTIONAL:
        if not values[name]:
            del values[name]
    return json.dumps(values, sort_keys=True)


def settings_from_json(text: str) -> Settings:
    """Return the settings that `settings_to_json` wrote."""
    data: dict[str, Any] = {**dict.fromkeys(_OPTIONAL), **json.loads(text)}
    network = data["webhook_network"]
    return Settings(
        **{
            **data,
            "predict_paths": tuple(data["predict_paths"] or ()),
            "platform_layer": Layer(**data["platform_layer"]),
            "builder": CodeBuildSettings(**data["builder"]) if data["builder"] else None,
            "platform": Platform(**data["platform"]) if data["platform"] else None,
            "webhook_network": WebhookNetwork(network["vpc_id"], tuple(network["subnet_ids"])) if network else None,
        }
    )
