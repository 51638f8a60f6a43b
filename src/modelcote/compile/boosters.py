"""Converters for XGBoost's scikit-learn models, read from the booster's own JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from modelcote.compile.ensembles import classify
from modelcote.compile.graph_builder import GraphBuilder, converter
from modelcote.compile.report import Unsupported
from modelcote.compile.trees import Tree, add_trees, as_float32


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _same(value: float) -> float:
    return value


# objective -> (base_score as the file has it -> margin, the ONNX operator from margins to predictions)
_OBJECTIVES: dict[str, tuple[Callable[[float], float], str | None]] = {
    "binary:logistic": (_logit, "Sigmoid"),
    "reg:logistic": (_logit, "Sigmoid"),
    "multi:softprob": (_same, "Softmax"),
    "multi:softmax": (_same, "Softmax"),
    "reg:squarederror": (_same, None),
    "reg:squaredlogerror": (_same, None),
    "reg:absoluteerror": (_same, None),
    "reg:pseudohubererror": (_same, None),
    "reg:quantileerror": (_same, None),
    "count:poisson": (math.log, "Exp"),
    "reg:gamma": (math.log, "Exp"),
    "reg:tweedie": (math.log, "Exp"),
}


@converter
def convert_booster(graph: GraphBuilder, model: Any) -> None:
    """Convert XGBClassifier and XGBRegressor of trees; sums float32 leaves in float64."""
    if not (isinstance(model.missing, float) and math.isnan(model.missing)):
        raise Unsupported("XGBoost with a missing value other than NaN")
    learner = _read(model)
    objective = learner["objective"]["name"]
    if objective not in _OBJECTIVES:
        raise Unsupported(f"the XGBoost objective {objective}")
    to_margin, to_prediction = _OBJECTIVES[objective]
    targets = _targets(learner)
    base = [to_margin(score) for score in _base_scores(learner["learner_model_param"]["base_score"])]
    start = np.broadcast_to(np.asarray(base, dtype=np.float64), (targets,)).reshape(1, -1)
    trees = _booster_trees(model, learner)
    total = add_trees(graph, as_float32(graph, graph.matrix()), trees, mode="BRANCH_LT")
    raw = graph.add("Add", total, graph.constant(start))
    if not hasattr(model, "classes_"):
        graph.output(0, graph.add(to_prediction, raw) if to_prediction else raw)
    elif to_prediction == ("Softmax" if targets > 1 else "Sigmoid"):
        classify(graph, raw, targets)
    else:
        raise Unsupported(f"an XGBoost classifier with the objective {objective} and {targets} outputs")


def trees_of(model: Any) -> list[Tree]:
    """Return the trees that `predict` uses: all of them, or those up to the best iteration of early stopping."""
    return _booster_trees(model, _read(model))


def _read(model: Any) -> dict[str, Any]:
    learner: dict[str, Any] = json.loads(bytes(model.get_booster().save_raw("json")))["learner"]
    return learner


def _targets(learner: dict[str, Any]) -> int:
    params = learner["learner_model_param"]
    return max(1, int(params["num_class"]), int(params.get("num_target", 1)))


def _base_scores(text: str) -> list[float]:
    """`"5E-1"` of XGBoost 2 and `"[5E-1]"` of XGBoost 3."""
    return [float(np.float32(part)) for part in text.strip("[]").split(",")]


def _rounds(forest: dict[str, Any], targets: int) -> list[int]:
    """Return where each round's trees start, which XGBoost before 2.0 does not write: all rounds have equally many."""
    each = targets * int(forest["gbtree_model_param"]["num_parallel_tree"])
    return list(range(0, len(forest["trees"]) + 1, each))


def _booster_trees(model: Any, learner: dict[str, Any]) -> list[Tree]:
    booster, targets = learner["gradient_booster"], _targets(learner)
    if booster["name"] not in ("gbtree", "dart"):
        raise Unsupported(f"the XGBoost booster {booster['name']}")
    drops = booster.get("weight_drop")
    forest = booster["gbtree"]["model"] if drops is not None else booster["model"]
    per_round = forest.get("iteration_indptr") or _rounds(forest, targets)
    rounds = model.best_iteration + 1 if "best_iteration" in model.get_booster().attributes() else len(per_round) - 1
    used = per_round[rounds]
    return [
        _tree(tree, int(forest["tree_info"][number]), targets, 1.0 if drops is None else float(drops[number]))
        for number, tree in enumerate(forest["trees"][:used])
    ]


def _tree(tree: dict[str, Any], target: int, targets: int, weight: float) -> Tree:
    if any(tree["split_type"]):
        raise Unsupported("XGBoost with categorical splits")
    if int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise Unsupported("XGBoost with several outputs per tree")
    left = np.asarray(tree["left_children"], dtype=np.int64)
    condition = np.asarray(tree["split_conditions"], dtype=np.float32).astype(np.float64)
    values = np.zeros((len(left), targets))
    values[:, target] = condition * weight  # a leaf keeps its value where a split keeps its threshold
    return Tree(
        np.where(left < 0, 0, np.asarray(tree["split_indices"], dtype=np.int64)),
        np.where(left < 0, 0.0, condition),
        left,
        np.asarray(tree["right_children"], dtype=np.int64),
        np.asarray(tree["default_left"]).astype(bool),
        values,
    )
