"""Converters for scikit-learn's trees and everything made of them, exact at thresholds and with missing values."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelcote.compile.graph_builder import GraphBuilder, converter
from modelcote.compile.report import Unsupported
from modelcote.compile.trees import Tree, add_trees, as_float32, sklearn_tree

_FORESTS = ("DecisionTree", "ExtraTree", "RandomForest", "ExtraTrees")
FORESTS = tuple(f"{forest}{kind}" for forest in _FORESTS for kind in ("Classifier", "Regressor"))


@converter
def convert_forest(graph: GraphBuilder, model: Any) -> None:
    """Convert a tree or a forest: the mean of its trees' leaf values, or of their class shares."""
    if model.n_outputs_ > 1 and hasattr(model, "classes_"):
        raise Unsupported("a forest with several labels per row")
    trees = forest_trees(model)
    total = add_trees(graph, as_float32(graph, graph.matrix()), trees)
    mean = graph.add("Div", total, graph.constant(float(len(trees))))
    if hasattr(model, "classes_"):
        graph.classes(0, graph.add("ArgMax", mean, axis=1, keepdims=0))
        graph.output(1, mean)
    else:
        graph.output(0, mean)


def forest_trees(model: Any) -> list[Tree]:
    shares = hasattr(model, "classes_")
    fitted = [each.tree_ for each in getattr(model, "estimators_", [model])]
    return [sklearn_tree(tree, _shares(tree) if shares else tree.value[:, :, 0]) for tree in fitted]


def _shares(tree: Any) -> Any:
    """Return the share of each class in each node; scikit-learn before 1.4 holds counts, and divides in `predict`."""
    import sklearn

    values = tree.value[:, 0, :]
    counts = tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 4)
    return values / values.sum(axis=1, keepdims=True) if counts else values


@converter
def convert_gradient_boosting(graph: GraphBuilder, model: Any) -> None:
    """Convert GradientBoosting*: a constant start and, per iteration and target, a tree times the learning rate."""
    if model.init_ != "zero" and type(model.init_).__name__ not in ("DummyClassifier", "DummyRegressor"):
        raise Unsupported("gradient boosting that starts from another model")
    start = model._raw_predict_init(np.zeros((1, model.n_features_in_), dtype=np.float32))
    total = add_trees(graph, as_float32(graph, graph.matrix()), gradient_boosting_trees(model))
    raw = graph.add("Add", total, graph.constant(start))
    if hasattr(model, "classes_"):
        steepness = 2.0 if model.loss == "exponential" else 1.0
        classify(graph, raw, model.estimators_.shape[1], tie="GreaterOrEqual", steepness=steepness)
    else:
        graph.output(0, raw)


def gradient_boosting_trees(model: Any) -> list[Tree]:
    trees = []
    for stage in model.estimators_:
        for target, each in enumerate(stage):
            values = np.zeros((each.tree_.node_count, len(stage)))
            values[:, target] = each.tree_.value[:, 0, 0] * model.learning_rate
            trees.append(sklearn_tree(each.tree_, values))
    return trees


_INVERSE_LINKS = {"IdentityLink": None, "LogLink": "Exp"}


@converter
def convert_hist_boosting(graph: GraphBuilder, model: Any) -> None:
    """Convert HistGradientBoosting*: trees over float64 values, each with its learnt side for missing ones."""
    if model.is_categorical_ is not None:
        raise Unsupported("histogram boosting with categorical columns")
    start = np.asarray(model._baseline_prediction, dtype=np.float64).reshape(1, -1)
    raw = graph.add("Add", add_trees(graph, graph.matrix(), hist_trees(model)), graph.constant(start))
    if hasattr(model, "classes_"):
        classify(graph, raw, model.n_trees_per_iteration_)
        return
    link = type(model._loss.link).__name__
    if link not in _INVERSE_LINKS:
        raise Unsupported(f"histogram boosting with a {link}")
    inverse = _INVERSE_LINKS[link]
    graph.output(0, graph.add(inverse, raw) if inverse else raw)


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


def classify(graph: GraphBuilder, raw: str, targets: int, *, tie: str = "Greater", steepness: float = 1.0) -> None:
    """Output labels, and probabilities of margins times `steepness`; `tie` compares with 0 for the second of two."""
    margin = raw if steepness == 1.0 else graph.add("Mul", raw, graph.constant(steepness))
    if targets > 1:
        graph.classes(0, graph.add("ArgMax", raw, axis=1, keepdims=0))
        graph.output(1, graph.add("Softmax", margin, axis=1))
        return
    second = graph.cast(graph.add(tie, raw, graph.constant(0.0)), np.int64)
    graph.classes(0, graph.add("Reshape", second, graph.constant([-1])))
    share = graph.add("Sigmoid", margin)
    graph.output(1, graph.columns([graph.add("Sub", graph.constant(1.0), share), share]))


@converter
def convert_isolation_forest(graph: GraphBuilder, model: Any) -> None:
    """Convert IsolationForest: the path length to each leaf, averaged, against the trained offset."""
    from sklearn.ensemble._iforest import _average_path_length

    trees = isolation_trees(model)
    longest = len(trees) * float(_average_path_length([model._max_samples])[0])
    if longest == 0:
        raise Unsupported("an isolation forest over a single row")
    depth = graph.add("Div", add_trees(graph, as_float32(graph, graph.matrix()), trees), graph.constant(-longest))
    score = graph.add("Neg", graph.add("Pow", graph.constant(2.0), depth))
    decision = graph.add("Sub", score, graph.constant(float(model.offset_)))
    outlier = graph.add("Less", decision, graph.constant(0.0))
    graph.output(0, graph.add("Where", outlier, graph.constant([-1]), graph.constant([1])))
    graph.output(1, decision)


def isolation_trees(model: Any) -> list[Tree]:
    lengths = zip(model._decision_path_lengths, model._average_path_length_per_tree, strict=True)
    return [
        sklearn_tree(each.tree_, (depth + rest - 1.0)[:, None], features)
        for each, features, (depth, rest) in zip(model.estimators_, model.estimators_features_, lengths, strict=True)
    ]


@converter
def convert_ada_boost(graph: GraphBuilder, model: Any) -> None:
    """Convert AdaBoostClassifier over trees: each tree's vote for one class, against the others, by its weight."""
    if not all(hasattr(each, "tree_") for each in model.estimators_):
        raise Unsupported("AdaBoost over other models than trees")
    decision = add_trees(graph, as_float32(graph, graph.matrix()), ada_boost_trees(model))
    if len(model.classes_) > 2:
        classify(graph, decision, len(model.classes_), steepness=1 / (model.n_classes_ - 1))
    else:
        classify(graph, graph.add("Sub", graph.column(decision, 1), graph.column(decision, 0)), 1)


def ada_boost_trees(model: Any) -> list[Tree]:
    """Return trees whose leaf values are the votes; all weights together are 1."""
    weights = model.estimator_weights_[: len(model.estimators_)]
    trees = []
    for each, weight in zip(model.estimators_, weights / weights.sum(), strict=True):
        favourite = each.classes_[each.tree_.value[:, 0, :].argmax(axis=1)]
        votes = np.where(favourite[:, None] == model.classes_, weight, -weight / (model.n_classes_ - 1))
        trees.append(sklearn_tree(each.tree_, votes))
    return trees


def convert_voting(scope: Any, operator: Any, container: Any) -> None:
    """Convert VotingClassifier as skl2onnx does, which requires a setting that only `transform` heeds."""
    from skl2onnx.common._registration import get_converter

    model = operator.raw_operator
    original = model.flatten_transform
    try:
        model.flatten_transform = False
        get_converter("SklearnVotingClassifier")(scope, operator, container)
    finally:
        model.flatten_transform = original
