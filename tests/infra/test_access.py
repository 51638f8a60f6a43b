"""Which role may do what."""

from __future__ import annotations

import pytest

from tests.infra.plans import of, statements
from tests.infra.test_program import HANDLERS

REST, OF_BUCKET = "eu-west-1:123456789012:", "arn:aws:s3:::${platform-buckets-artifacts.bucket}"
BUCKET, EXECUTIONS = "${platform-buckets-artifacts.arn}", "execution:modelcote-dev-long-run:*"
ROWS = {f"dynamodb:{action}" for action in ("GetItem", "PutItem", "UpdateItem", "ConditionCheckItem")}


def allowed(role_policy: str) -> dict[str, list[str]]:
    return {row["Sid"]: row["Resource"] for row in statements(role_policy)}


def test_a_model_reads_its_own_bundles_and_its_own_projects_secrets() -> None:
    assert allowed("model-demo_iris-access") == {
        "Log": ["arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/dev_demo_iris:*"],
        "Bundles": [f"{OF_BUCKET}/bundles/demo/iris/*"],
        "Inputs": [f"{OF_BUCKET}/inputs/demo/iris/*"],
        "Results": [f"{OF_BUCKET}/results/demo/iris/*", f"{OF_BUCKET}/detached/demo/iris/*"],
        "Secrets": ["arn:aws:secretsmanager:eu-west-1:123456789012:secret:modelcote/dev/demo/*"],
        "Key": ["${platform-keys-main.arn}"],
        "Trace": ["*"],
    }


def may(role_policy: str) -> dict[str, set[str]]:
    """The actions that a role may do, by what to."""
    found: dict[str, set[str]] = {}
    for row in statements(role_policy):
        for resource in row["Resource"]:
            found.setdefault(resource.removeprefix("arn:aws:"), set()).update(row["Action"])
    return found


def holders(resource: str) -> dict[str, set[str]]:
    """Return what each role may do to a resource, of those that may do anything."""
    return {row.name: rights[resource] for row in of("RolePolicy") if resource in (rights := may(row.name))}


def test_the_gateway_reads_the_registry_calls_models_and_accepts_runs() -> None:
    rights = may("platform-gateway-access")
    reads = {f"dynamodb:{action}" for action in ("GetItem", "BatchGetItem", "Query")}
    assert rights[f"dynamodb:{REST}table/modelcote-dev-registry"] == reads
    assert rights[f"dynamodb:{REST}table/modelcote-dev-runs"] == ROWS
    assert rights[f"lambda:{REST}function:dev_*"] == {"lambda:InvokeFunction"}
    assert rights[f"{BUCKET}/inputs/*"] == {"s3:GetObject", "s3:PutObject"}
    assert rights[f"{BUCKET}/detached/*"] == {"s3:GetObject"}
    assert rights["${platform-work-runs.arn}"] == {"sqs:SendMessage"}
    assert not {name for name in rights if "results/" in name or "secret:" in name}


@pytest.mark.parametrize("name", ["run-worker", "complete-run", "watchdog"])
def test_what_looks_for_a_stored_result_learns_when_there_is_none(name: str) -> None:
    """Without this right S3 answers 403, which is an error, for an object that does not exist."""
    assert "s3:ListBucket" in may(f"platform-runs-{name}-access")[BUCKET]


def test_nobody_deletes_a_run() -> None:
    rights = holders(f"dynamodb:{REST}table/modelcote-dev-runs")
    assert rights.keys() == {
        "platform-gateway-access",
        "platform-control-access",
        *(f"platform-runs-{name}-access" for name in HANDLERS),
    }
    assert not {action for actions in rights.values() for action in actions if "Delete" in action or "Scan" in action}
    queries = {name for name, actions in rights.items() if "dynamodb:Query" in actions}
    assert queries == {"platform-control-access", "platform-runs-deliver-webhook-access"}


@pytest.mark.parametrize(
    ("name", "works_off", "sends"),
    [
        ("run-worker", "runs", {"runs", "deliveries"}),
        ("complete-run", "", {"runs", "deliveries"}),
        ("deliver-webhook", "deliveries", {"deliveries"}),
        ("task-result", "results", {"runs", "deliveries"}),
        ("watchdog", "", {"runs", "deliveries"}),
        ("dead-letters", "runs-dead", {"deliveries"}),
    ],
)
def test_each_handler_has_its_queues(name: str, works_off: str, sends: set[str]) -> None:
    rights = may(f"platform-runs-{name}-access")
    receives = {queue for queue, actions in rights.items() if "sqs:ReceiveMessage" in actions}
    assert receives == ({f"${{platform-work-{works_off}.arn}}"} if works_off else set())
    sent = {queue for queue, actions in rights.items() if "sqs:SendMessage" in actions}
    assert sent == {"${platform-queues-failures.arn}", *(f"${{platform-work-{queue}.arn}}" for queue in sends)}


def test_executions_are_started_by_one_and_stopped_by_two() -> None:
    machine, executions = (f"states:{REST}{kind}" for kind in ("stateMachine:modelcote-dev-long-run", EXECUTIONS))
    assert holders(machine) == {"platform-runs-run-worker-access": {"states:StartExecution"}}
    assert holders(executions) == {
        "platform-control-access": {"states:StopExecution"},
        "platform-runs-watchdog-access": {"states:DescribeExecution", "states:StopExecution"},
    }


def test_only_who_signs_webhooks_and_who_keeps_them_reach_their_secrets() -> None:
    rights = holders(f"secretsmanager:{REST}secret:modelcote-webhooks/dev/*")
    assert rights.keys() == {"platform-control-access", "platform-runs-deliver-webhook-access"}
    assert rights["platform-runs-deliver-webhook-access"] == {
        f"secretsmanager:{action}" for action in ("GetSecretValue", "CreateSecret", "PutSecretValue")
    }


def test_the_state_machine_calls_models_and_one_function() -> None:
    rights = may("platform-runs-long-run-access")
    calls = {name for name, actions in rights.items() if "lambda:InvokeFunction" in actions}
    assert calls == {f"lambda:{REST}function:dev_*", "${platform-runs-complete-run-function.arn}"}


def test_the_deployer_cannot_touch_the_platform() -> None:
    resources = allowed("platform-deployer-access")
    assert resources["Functions"] == ["arn:aws:lambda:eu-west-1:123456789012:function:dev_*"]
    assert resources["MakeRoles"] == ["arn:aws:iam::123456789012:role/modelcote/dev/models/*"]
