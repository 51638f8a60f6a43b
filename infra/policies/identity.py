"""Rules for roles and policies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from infra.policies.view import Finding, Planned, Rule, View, statements

_POLICIES = ("RolePolicy", "Policy")
_READING = "secretsmanager:GetSecretValue"
_WEBHOOK_SECRETS = "modelcote-webhooks/"
# A role that may do one of these to a role without a boundary can grant itself anything.
_ESCALATING = frozenset(
    {
        "iam:AttachRolePolicy",
        "iam:CreatePolicyVersion",
        "iam:CreateRole",
        "iam:DeleteRolePermissionsBoundary",
        "iam:PutRolePermissionsBoundary",
        "iam:PutRolePolicy",
        "iam:SetDefaultPolicyVersion",
        "iam:UpdateAssumeRolePolicy",
    }
)


def _allowed(view: View) -> Iterator[tuple[Planned, dict[str, Any]]]:
    for kind in _POLICIES:
        for row in view.of(kind):
            yield from ((row, item) for item in statements(row) if item.get("Effect") == "Allow")


def _wildcard_actions(view: View) -> Iterator[Finding]:
    for row, item in _allowed(view):
        if any("*" in action for action in item["Action"]) or "NotAction" in item:
            yield row, f"{item.get('Sid')}: an action with a wildcard"


def _wildcard_resources(view: View) -> Iterator[Finding]:
    for row, item in _allowed(view):
        if "*" in item["Resource"] or "NotResource" in item:
            yield row, f"{item.get('Sid')}: the resource *"


def _escalation(view: View) -> Iterator[Finding]:
    for row, item in _allowed(view):
        equal = (item.get("Condition") or {}).get("StringEquals") or {}
        if _ESCALATING & set(item["Action"]) and "iam:PermissionsBoundary" not in equal:
            yield row, f"{item.get('Sid')}: roles without a permissions boundary"
        if "iam:PassRole" in item["Action"] and "iam:PassedToService" not in equal:
            yield row, f"{item.get('Sid')}: roles passed to any service"


def _managed(view: View) -> Iterator[Finding]:
    for row in view.of("RolePolicyAttachment"):
        if ":iam::aws:policy/" in str(row.inputs.get("policyArn")):
            yield row, "a policy managed by AWS"
    for row in view.of("Role"):
        if row.inputs.get("managedPolicyArns"):
            yield row, "managed policies"


def _trust(view: View) -> Iterator[Finding]:
    for row in view.of("Role"):
        for item in statements(row, "assumeRolePolicy"):
            service = (item.get("Principal") or {}).get("Service") if isinstance(item.get("Principal"), dict) else None
            equal = (item.get("Condition") or {}).get("StringEquals") or {}
            if not isinstance(service, str) or not service.endswith(".amazonaws.com"):
                yield row, "trusts something other than one service"
            elif "aws:SourceAccount" not in equal:
                yield row, "the service may act for another account"


def _webhook_secrets(view: View) -> Iterator[Finding]:
    for row, item in _allowed(view):
        if any(fnmatchcase(_READING, action) for action in item["Action"]) and any(
            _meets(resource) for resource in item["Resource"]
        ):
            yield row, f"{item.get('Sid')}: the secrets that webhooks are signed with"


def _meets(resource: str) -> bool:
    """Return whether a resource may match a secret of webhooks, by the part before its first wildcard."""
    fixed = re.split(r"[*?]", resource.partition(":secret:")[2])[0]
    return fixed.startswith(_WEBHOOK_SECRETS) or _WEBHOOK_SECRETS.startswith(fixed)


def _models_bounded(view: View) -> Iterator[Finding]:
    for row in view.of("Role"):
        if "/models/" in str(row.inputs.get("path")) and not row.inputs.get("permissionsBoundary"):
            yield row, "a model's role without the boundary"


def _parses(view: View) -> Iterator[Finding]:
    for kind, prop in (*((kind, "policy") for kind in _POLICIES), ("Role", "assumeRolePolicy")):
        for row in view.of(kind):
            document = json.loads(row.inputs.get(prop) or "{}")
            if document.get("Version") != "2012-10-17":
                yield row, "not an IAM document of 2012-10-17"


RULES = (
    Rule("iam-actions", ("CKV_AWS_62", "CKV_AWS_63", "CKV_AWS_290"), "No wildcard among actions", _wildcard_actions),
    Rule("iam-resources", ("CKV_AWS_355", "CKV_AWS_108", "CKV_AWS_111"), "No resource is *", _wildcard_resources),
    Rule("iam-escalation", ("CKV_AWS_109", "CKV_AWS_110"), "No role can grant itself more", _escalation),
    Rule("iam-managed", ("CKV_AWS_274",), "No policy managed by AWS", _managed),
    Rule("iam-trust", ("CKV_AWS_60", "CKV_AWS_61"), "Roles trust one service of this account", _trust),
    Rule("webhook-secrets", (), "Only the sender of webhooks reads their secrets", _webhook_secrets),
    Rule("iam-boundary", (), "Models' roles are under the boundary", _models_bounded),
    Rule("iam-documents", (), "Policies are IAM documents", _parses),
)
