"""Decision trees as one exact ONNX node.

scikit-learn rounds a value to float32 and compares it with a float64 threshold; XGBoost compares float32 with
float32; histogram boosting float64 with float64. The node below works in float64, whose comparison is the same as
each library's own once the value went through the library's own rounding. So no threshold is rounded and no row
can flip, not even one exactly on a threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from modelcote.compile.graph_builder import ML, GraphBuilder
from modelcote.compile.report import Unsupported

Array = npt.NDArray[Any]
_MOST_NODES = 2_000_000  # ONNX lists a node ten times over; beyond this the pickle is the smaller form


@dataclass(frozen=True)
class Tree:
    """One tree by node number; node 0 is the root and `left` is negative at a leaf.

    `values`: (nodes, targets) float64, what a leaf adds to each target. `missing_left`: where NaN goes.
    """

    feature: Array
    threshold: Array
    left: Array
    right: Array
    missing_left: Array
    values: Array


def sklearn_tree(tree: Any, values: Array, features: Array | None = None) -> Tree:
    """Read a fitted `sklearn.tree._tree.Tree`; `features` maps its columns to the model's where it saw a subset."""
    leaf = tree.children_left < 0
    feature = np.where(leaf, 0, tree.feature)
    # scikit-learn before 1.3 refuses missing values.
    missing_left = getattr(tree, "missing_go_to_left", np.zeros(len(leaf)))
    return Tree(
        feature if features is None else np.asarray(features)[feature],
        np.where(leaf, 0.0, tree.threshold),
        tree.children_left,
        tree.children_right,
        missing_left.astype(bool),
        values,
    )


def add_trees(graph: GraphBuilder, matrix: str, trees: Sequence[Tree], mode: str = "BRANCH_LEQ") -> str:
    """Add the sum of the leaves that each row of a float64 `matrix` reaches: float64 (rows, targets).

    Values are added up in float64, tree after tree, as the libraries do.
    """
    counts = [len(tree.left) for tree in trees]
    if sum(counts) > _MOST_NODES:
        raise Unsupported(f"trees of more than {_MOST_NODES:,} nodes")
    values = np.concatenate([tree.values[tree.left < 0] for tree in trees])
    targets = values.shape[1]
    # The node lets a leaf add to one target: to that of its tree, if it has one. Two shares are two trees.
    if targets == 2:
        trees = [replace(tree, values=tree.values * side) for tree in trees for side in ([1.0, 0.0], [0.0, 1.0])]
        values = np.concatenate([tree.values[tree.left < 0] for tree in trees])
    of_tree = [np.flatnonzero(tree.values[tree.left < 0].any(axis=0)) for tree in trees]
    if all(len(target) <= 1 for target in of_tree):
        target_of = [int(target[0]) if len(target) else 0 for target in of_tree]
        return _ensemble(graph, matrix, trees, mode, values.sum(axis=1), target_of, targets)
    # Otherwise to a number per tree: which of all leaves the row reaches, whose values are then looked up.
    places = np.arange(float(len(values)))
    reached = _ensemble(graph, matrix, trees, mode, places, list(range(len(trees))), len(trees))
    by_tree = graph.add("Transpose", graph.cast(reached, np.int64), perm=[1, 0])
    leaves = graph.add("Gather", graph.constant(values), by_tree, axis=0)
    return graph.add("ReduceSum", leaves, graph.constant([0]), keepdims=0)


def _ensemble(
    graph: GraphBuilder, matrix: str, trees: Sequence[Tree], mode: str, weights: Array, target_of: list[int], count: int
) -> str:
    """Add one node: per tree, the weight of the reached leaf, summed by the trees' targets, of which there are `count`.

    Splits and leaves are numbered by themselves, over all trees.
    """
    from onnx import numpy_helper

    def joined(field: str) -> Array:
        return np.concatenate([getattr(tree, field) for tree in trees])

    trees = [_with_split(tree) for tree in trees]
    starts = np.cumsum([0, *(len(tree.left) for tree in trees)])
    of = np.repeat(np.arange(len(trees)), np.diff(starts))
    leaf = joined("left") < 0
    number = np.where(leaf, np.cumsum(leaf), np.cumsum(~leaf)) - 1
    split = ~leaf
    left, right = (joined(side)[split] + starts[of[split]] for side in ("left", "right"))
    kinds = {"BRANCH_LEQ": 0, "BRANCH_LT": 1}
    return graph.add(
        "TreeEnsemble",
        matrix,
        domain=ML,
        version=3,  # as the converter's package has it; `convert` declares the operator's own
        n_targets=count,
        aggregate_function=1,
        post_transform=0,
        tree_roots=number[starts[:-1]].tolist(),
        nodes_featureids=joined("feature")[split].tolist(),
        nodes_modes=numpy_helper.from_array(np.full(split.sum(), kinds[mode], dtype=np.uint8), "nodes_modes"),
        nodes_splits=numpy_helper.from_array(joined("threshold")[split].astype(np.float64), "nodes_splits"),
        nodes_truenodeids=number[left].tolist(),
        nodes_trueleafs=leaf[left].astype(int).tolist(),
        nodes_falsenodeids=number[right].tolist(),
        nodes_falseleafs=leaf[right].astype(int).tolist(),
        nodes_missing_value_tracks_true=joined("missing_left")[split].astype(int).tolist(),
        leaf_targetids=np.asarray(target_of)[of[leaf]].tolist(),
        leaf_weights=numpy_helper.from_array(weights.astype(np.float64), "leaf_weights"),
    )


def _with_split(tree: Tree) -> Tree:
    """Return a tree that begins with a split, as the node requires: a single leaf is reached on both sides of one."""
    if tree.left[0] >= 0:
        return tree
    one, two = np.array([1, -1]), np.zeros(2, dtype=np.int64)
    return Tree(two, two.astype(np.float64), one, one, two.astype(bool), np.repeat(tree.values[:1], 2, axis=0))


def as_float32(graph: GraphBuilder, matrix: str) -> str:
    """Round each value to float32, as a library that keeps its rows so; the tensor stays float64."""
    return graph.cast(graph.cast(matrix, np.float32), np.float64)
