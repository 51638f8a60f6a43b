"""Converters for scikit-learn's trees and everything made of them, exact at thresholds and with missing values."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelcote.compile.nodes import Nodes
from modelcote.compile.report import Unsupported
from modelcote.compile.trees import Tree, add_trees, as_float32, sklearn_tree


def convert_forest(scope: Any, operator: Any, container: Any) -> None:
    """A tree or a forest: the mean of its trees' leaf values, or of their class shares."""
    nodes = Nodes(scope, operator, container)
    model = nodes.model
    if model.n_outputs_ > 1 and hasattr(model, "classes_"):
        raise Unsupported("a forest that gives several labels per row")
    trees = forest_trees(model)
    total = add_trees(nodes, as_float32(nodes, nodes.matrix()), trees)
    mean = nodes.add("Div", total, nodes.constant(float(len(trees))))
    if hasattr(model, "classes_"):
        nodes.classes(0, nodes.add("ArgMax", mean, axis=1, keepdims=0))
        nodes.output(1, mean)
    else:
        nodes.output(0, mean)


def forest_trees(model: Any) -> list[Tree]:
    shares = hasattr(model, "classes_")
    fitted = [each.tree_ for each in getattr(model, "estimators_", [model])]
    return [sklearn_tree(tree, tree.value[:, 0, :] if shares else tree.value[:, :, 0]) for tree in fitted]


def convert_gradient_boosting(scope: Any, operator: Any, container: Any) -> None:
    """GradientBoosting*: a constant start and, per iteration and target, a tree times the learning rate."""
    nodes = Nodes(scope, operator, container)
    model = nodes.model
    if model.init_ != "zero" and type(model.init_).__name__ not in ("DummyClassifier", "DummyRegressor"):
        raise Unsupported("gradient boosting that starts from another model")
    start = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))
    total = add_trees(nodes, as_float32(nodes, nodes.matrix()), gradient_boosting_trees(model))
    raw = nodes.add("Add", total, nodes.constant(start))
    if hasattr(model, "classes_"):
        steepness = 2.0 if model.loss == "exponential" else 1.0
        _classify(nodes, raw, model.estimators_.shape[1], tie="GreaterOrEqual", steepness=steepness)
    else:
        nodes.output(0, raw)


def gradient_boosting_trees(model: Any) -> list[Tree]:
    trees = []
    for stage in model.estimators_:
        for target, each in enumerate(stage):
            values = np.zeros((each.tree_.node_count, len(stage)))
            values[:, target] = each.tree_.value[:, 0, 0] * model.learning_rate
            trees.append(sklearn_tree(each.tree_, values))
    return trees


_INVERSE_LINKS = {"IdentityLink": None, "LogLink": "Exp"}


def convert_hist_boosting(scope: Any, operator: Any, container: Any) -> None:
    """HistGradientBoosting*: trees over float64 values, missing ones sent where the tree learnt to send them."""
    nodes = Nodes(scope, operator, container)
    model = nodes.model
    if model.is_categorical_ is not None:
        raise Unsupported("histogram boosting with categorical columns")
    start = np.asarray(model._baseline_prediction, dtype=np.float64).reshape(1, -1)
    raw = nodes.add("Add", add_trees(nodes, nodes.matrix(), hist_trees(model)), nodes.constant(start))
    if hasattr(model, "classes_"):
        _classify(nodes, raw, model.n_trees_per_iteration_, tie="Greater")
        return
    link = type(model._loss.link).__name__
    if link not in _INVERSE_LINKS:
        raise Unsupported(f"histogram boosting with a {link}")
    inverse = _INVERSE_LINKS[link]
    nodes.output(0, nodes.add(inverse, raw) if inverse else raw)


def hist_trees(model: Any) -> list[Tree]:
    return [
        _hist_tree(predictor.nodes, target, len(iteration))
        for iteration in model._predictors
        for target, predictor in enumerate(iteration)
    ]


def _hist_tree(table: Any, target: int, targets: int) -> Tree:
    leaf = table["is_leaf"].astype(bool)
    values = np.zeros((len(table), targets))
    values[:, target] = table["value"]
    return Tree(
        np.where(leaf, 0, table["feature_idx"].astype(np.int64)),
        np.where(leaf, 0.0, table["num_threshold"]),
        np.where(leaf, -1, table["left"].astype(np.int64)),
        np.where(leaf, -1, table["right"].astype(np.int64)),
        table["missing_go_to_left"].astype(bool),
        values,
    )


def _classify(nodes: Nodes, raw: str, targets: int, *, tie: str, steepness: float = 1.0) -> None:
    """Labels and probabilities from margins; `tie` is the comparison with 0 that makes a row the second class."""
    if targets > 1:
        nodes.classes(0, nodes.add("ArgMax", raw, axis=1, keepdims=0))
        nodes.output(1, nodes.add("Softmax", raw, axis=1))
        return
    second = nodes.cast(nodes.add(tie, raw, nodes.constant(0.0)), np.int64)
    nodes.classes(0, nodes.add("Reshape", second, nodes.constant([-1])))
    nodes.output(1, binary_shares(nodes, nodes.add("Mul", raw, nodes.constant(steepness))))


def binary_shares(nodes: Nodes, margin: str) -> str:
    """Two columns of probabilities from one column of margins."""
    share = nodes.add("Sigmoid", margin)
    return nodes.columns([nodes.add("Sub", nodes.constant(1.0), share), share])


def convert_isolation_forest(scope: Any, operator: Any, container: Any) -> None:
    """IsolationForest: the path length to each leaf, averaged, against the trained offset."""
    from sklearn.ensemble._iforest import _average_path_length

    nodes = Nodes(scope, operator, container)
    model = nodes.model
    trees = isolation_trees(model)
    longest = len(trees) * float(_average_path_length([model._max_samples])[0])
    if longest == 0:
        raise Unsupported("an isolation forest over a single row")
    depth = nodes.add("Div", add_trees(nodes, as_float32(nodes, nodes.matrix()), trees), nodes.constant(-longest))
    score = nodes.add("Neg", nodes.add("Pow", nodes.constant(2.0), depth))
    decision = nodes.add("Sub", score, nodes.constant(float(model.offset_)))
    outlier = nodes.add("Less", decision, nodes.constant(0.0))
    nodes.output(0, nodes.add("Where", outlier, nodes.constant([-1]), nodes.constant([1])))
    nodes.output(1, decision)


def isolation_trees(model: Any) -> list[Tree]:
    lengths = zip(model._decision_path_lengths, model._average_path_length_per_tree, strict=True)
    return [
        sklearn_tree(each.tree_, (depth + rest - 1.0)[:, None], features)
        for each, features, (depth, rest) in zip(model.estimators_, model.estimators_features_, lengths, strict=True)
    ]


def convert_ada_boost(scope: Any, operator: Any, container: Any) -> None:
    """AdaBoostClassifier over trees: each tree's vote for one class, against the others, by its weight."""
    nodes = Nodes(scope, operator, container)
    model = nodes.model
    if not all(hasattr(each, "tree_") for each in model.estimators_):
        raise Unsupported("AdaBoost over other models than trees")
    decision = add_trees(nodes, as_float32(nodes, nodes.matrix()), ada_boost_trees(model))
    if len(model.classes_) > 2:
        nodes.classes(0, nodes.add("ArgMax", decision, axis=1, keepdims=0))
        nodes.output(
            1, nodes.add("Softmax", nodes.add("Div", decision, nodes.constant(model.n_classes_ - 1.0)), axis=1)
        )
        return
    margin = nodes.add("Sub", nodes.column(decision, 1), nodes.column(decision, 0))
    _classify(nodes, margin, 1, tie="Greater")


def ada_boost_trees(model: Any) -> list[Tree]:
    """Leaf values are the votes; all weights together are 1."""
    weights = model.estimator_weights_[: len(model.estimators_)]
    trees = []
    for each, weight in zip(model.estimators_, weights / weights.sum(), strict=True):
        favourite = each.classes_[each.tree_.value[:, 0, :].argmax(axis=1)]
        votes = np.where(favourite[:, None] == model.classes_, weight, -weight / (model.n_classes_ - 1))
        trees.append(sklearn_tree(each.tree_, votes))
    return trees


def convert_voting(scope: Any, operator: Any, container: Any) -> None:
    """VotingClassifier as skl2onnx has it, which asks for a setting that only `transform` heeds."""
    from skl2onnx.common._registration import get_converter

    model = operator.raw_operator
    kept = model.flatten_transform
    try:
        model.flatten_transform = False
        get_converter("SklearnVotingClassifier")(scope, operator, container)
    finally:
        model.flatten_transform = kept
