"""Settings from a stack's configuration (schema: `Pulumi.yaml`) and the assets that were built for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, cast

from infra.config import SCOPES, CodeBuildSettings, Platform, Scope, Settings, WebhookNetwork, check_settings
from modelcote.core.errors import DeployFailed, InvalidSpec
from modelcote.core.snapshot import Layer


class Config(Protocol):
    """The used part of `pulumi.Config`."""

    def get(self, key: str) -> str | None: ...
    def get_object(self, key: str) -> Any: ...


def settings_from_config(
    config: Config, *, stack: str, region: str, root: Path, account: Callable[[], str]
) -> tuple[Settings, Scope]:
    """Return the checked settings and the scope. `account` is called only if the configuration names none."""
    assets = _assets(root / (config.get("assets") or "build/assets.json"))
    scope = cast(Scope, config.get("scope") or "all")
    if scope not in SCOPES:
        raise InvalidSpec(f"unknown scope {scope!r}.", f"Use one of: {', '.join(SCOPES)}.", field="scope")
    defaults = Settings(stack, region, "", assets["platform_archive"], Layer(**assets["platform_layer"]))
    settings = Settings(
        stack=stack,
        region=region,
        account=config.get("account") or account(),
        platform_archive=defaults.platform_archive,
        platform_layer=defaults.platform_layer,
        predict_paths=tuple(assets.get("predict_paths", ())),
        architecture=config.get("architecture") or defaults.architecture,
        log_retention_days=_whole(config, "logRetentionDays", defaults.log_retention_days),
        throttle_rate=_whole(config, "throttleRate", defaults.throttle_rate),
        throttle_burst=_whole(config, "throttleBurst", defaults.throttle_burst),
        concurrency={**defaults.concurrency, **_numbers(config, "concurrency")},
        public_url=config.get("publicUrl") or "",
        alarm_email=config.get("alarmEmail") or "",
        tags={str(key): str(value) for key, value in _mapping(config, "tags").items()},
        policy=dict(_mapping(config, "policy")),
        builder=_builder(config, assets),
        platform=_platform(config),
        webhook_network=_webhook_network(config),
    )
    return check_settings(settings, scope), scope


def _assets(path: Path) -> dict[str, Any]:
    try:
        assets: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DeployFailed(
            f"{path} cannot be read.",
            "Run `python -m modelcote.deploy.assets` first: it builds what is uploaded.",
        ) from error
    return assets


def _builder(config: Config, assets: Mapping[str, Any]) -> CodeBuildSettings | None:
    image, backend = config.get("builderImage") or "", config.get("backendUrl") or ""
    if not image:
        return None
    if not backend.startswith("s3://"):
        raise InvalidSpec(
            "builderImage is set, but backendUrl is not an s3:// URL.",
            "Set modelcote:backendUrl to the bucket that holds Pulumi's state.",
            field="backendUrl",
        )
    return CodeBuildSettings(image, assets["builder_archive"], backend)


def _platform(config: Config) -> Platform | None:
    outputs = _mapping(config, "platform")
    if not outputs:
        return None
    try:
        return Platform(outputs["bucket"], outputs["key_arn"], outputs["boundary_arn"], dict(outputs.get("layers", {})))
    except KeyError as error:
        raise InvalidSpec(
            f"platform lacks {error}.", "Copy the platform stack's outputs into modelcote:platform.", field="platform"
        ) from error


def _webhook_network(config: Config) -> WebhookNetwork | None:
    network = _mapping(config, "webhookNetwork")
    if not network:
        return None
    vpc, subnets = network.get("vpcId"), network.get("subnetIds")
    if (
        network.keys() != {"vpcId", "subnetIds"}
        or not isinstance(vpc, str)
        or not isinstance(subnets, list)
        or not all(isinstance(subnet, str) for subnet in subnets)
    ):
        raise InvalidSpec(
            "webhookNetwork is not an object of vpcId and subnetIds.",
            "Set modelcote:webhookNetwork.vpcId to an id and modelcote:webhookNetwork.subnetIds to a list of ids.",
            field="webhookNetwork",
        )
    return WebhookNetwork(vpc, tuple(subnets))


def _whole(config: Config, key: str, default: int) -> int:
    text = config.get(key)
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit():
        raise InvalidSpec(
            f"the setting {key} must be a whole number, got {text}.", f"Set modelcote:{key} to digits.", field=key
        )
    return int(text)


def _mapping(config: Config, key: str) -> Mapping[str, Any]:
    value = config.get_object(key) or {}
    if not isinstance(value, Mapping):
        raise InvalidSpec(f"the setting {key} must be an object.", f"Set modelcote:{key} with --path.", field=key)
    return value


def _numbers(config: Config, key: str) -> dict[str, int]:
    numbers = _mapping(config, key)
    if not all(isinstance(number, int) and not isinstance(number, bool) for number in numbers.values()):
        raise InvalidSpec(f"the setting {key} must hold whole numbers only.", "Use whole numbers.", field=key)
    return dict(numbers)
