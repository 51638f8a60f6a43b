"""Makers of roles, policies and keys."""

from __future__ import annotations

from typing import Any

from modelcote.local.materialise.maker import EXISTS, MISSING, Maker, Order, Result, arn, attempt, members, removal


def _role(order: Order) -> Result:
    iam, name, trust = order.client("iam"), order.name()[-64:], order.inputs["assumeRolePolicy"]
    request = {"RoleName": name, "AssumeRolePolicyDocument": trust, "Path": order.inputs.get("path") or "/"}
    if order.inputs.get("permissionsBoundary"):
        request["PermissionsBoundary"] = order.inputs["permissionsBoundary"]
    attempt(
        lambda: iam.create_role(**request),
        EXISTS,
        lambda: iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust),
    )
    return name, {"name": name, "arn": arn("iam", f"role{request['Path']}{name}", region=False)}


def _role_policy(order: Order) -> Result:
    role, name = str(order.inputs["role"]), order.name()
    order.client("iam").put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=order.inputs["policy"])
    return f"{role}:{name}", {"name": name}


def _policy(order: Order) -> Result:
    iam, name, document = order.client("iam"), order.name(), order.inputs["policy"]
    identity = arn("iam", f"policy/{name}", region=False)
    attempt(
        lambda: iam.create_policy(PolicyName=name, PolicyDocument=document),
        EXISTS,
        lambda: iam.create_policy_version(PolicyArn=identity, PolicyDocument=document, SetAsDefault=True),
    )
    return identity, {"arn": identity, "name": name}


def _key(order: Order) -> Result:
    kms = order.client("kms")
    recorded = attempt(lambda: kms.describe_key(KeyId=order.id), MISSING) if order.id else None
    key = recorded["KeyMetadata"]["KeyId"] if recorded else _key_described(kms, order.inputs.get("description", ""))
    if key:
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=order.inputs["policy"])
    else:
        key = kms.create_key(**members(order.inputs, "description", "policy"))["KeyMetadata"]["KeyId"]
    return key, {"arn": arn("kms", f"key/{key}"), "keyId": key}


def _key_described(kms: Any, description: str) -> str:
    """Return the key of this description, which holds the stack's name, or "": a key has no name of its own."""
    keys = (row["KeyId"] for page in kms.get_paginator("list_keys").paginate() for row in page["Keys"])
    rows = (kms.describe_key(KeyId=key)["KeyMetadata"] for key in keys) if description else ()
    return next((str(row["KeyId"]) for row in rows if row["Description"] == description and row["Enabled"]), "")


def _alias(order: Order) -> Result:
    kms, name = order.client("kms"), str(order.inputs["name"])
    request = {"AliasName": name, "TargetKeyId": order.inputs["targetKeyId"]}
    attempt(lambda: kms.create_alias(**request), EXISTS, lambda: kms.update_alias(**request))
    return name, {"name": name, "arn": arn("kms", name)}


MAKERS: dict[str, Maker] = {
    "aws:iam/role:Role": Maker(_role, removal("iam", "delete_role", "RoleName")),
    "aws:iam/rolePolicy:RolePolicy": Maker(
        _role_policy,
        removal(
            "iam",
            "delete_role_policy",
            RoleName=lambda record: record.inputs["role"],
            PolicyName=lambda record: record.outputs["name"],
        ),
    ),
    "aws:iam/policy:Policy": Maker(_policy),
    "aws:kms/key:Key": Maker(_key),
    "aws:kms/alias:Alias": Maker(_alias),
}
