"""Decision trees as one exact ONNX node.

scikit-learn rounds a value to float32 and compares it with a float64 threshold; XGBoost compares float32 with
float32; histogram boosting float64 with float64. The node below works in float64, whose comparison is the same as
each library's own once the value went through the library's own rounding. So no threshold is rounded and no row
can flip, not even one exactly on a threshold.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
    return Tree(
        feature if features is None else np.asarray(features)[feature],
        np.where(leaf, 0.0, tree.threshold),
        tree.children_left,
        tree.children_right,
        tree.missing_go_to_left.astype(bool),
        values,
    )


def add_trees(graph: GraphBuilder, matrix: str, trees: Sequence[Tree], mode: str = "BRANCH_LEQ") -> str:
    """Add the sum of the leaves that each row of a float64 `matrix` reaches: float64 (rows, targets).

    Sums are made in float64 and leave the node as float32, the only type it can output.
    """
    from onnx import numpy_helper

    def joined(field: str) -> Array:
        return np.concatenate([getattr(tree, field) for tree in trees])

    counts = [len(tree.left) for tree in trees]
    if sum(counts) > _MOST_NODES:
        raise Unsupported(f"trees of more than {_MOST_NODES:,} nodes")
    tree_of = np.repeat(np.arange(len(trees)), counts)
    node_of = np.concatenate([np.arange(count) for count in counts])
    left, values = joined("left"), joined("values")
    leaf = left < 0
    # A leaf lists only what it adds; one that adds nothing still has to list something.
    listed = leaf[:, None] & (values != 0)
    listed[leaf & ~listed.any(axis=1), 0] = True
    owner, target = np.nonzero(listed)
    result = graph.add(
        "TreeEnsembleRegressor",
        matrix,
        domain=ML,
        version=3,
        n_targets=values.shape[1],
        post_transform="NONE",
        nodes_treeids=tree_of.tolist(),
        nodes_nodeids=node_of.tolist(),
        nodes_featureids=joined("feature").tolist(),
        nodes_modes=np.where(leaf, "LEAF", mode).tolist(),
        nodes_values_as_tensor=numpy_helper.from_array(joined("threshold").astype(np.float64), "nodes_values"),
        nodes_truenodeids=np.where(leaf, 0, left).tolist(),
        nodes_falsenodeids=np.where(leaf, 0, joined("right")).tolist(),
        nodes_missing_value_tracks_true=(joined("missing_left") & ~leaf).astype(int).tolist(),
        target_treeids=tree_of[owner].tolist(),
        target_nodeids=node_of[owner].tolist(),
        target_ids=target.tolist(),
        target_weights_as_tensor=numpy_helper.from_array(values[owner, target].astype(np.float64), "target_weights"),
    )
    return graph.cast(result, np.float64)


def as_float32(graph: GraphBuilder, matrix: str) -> str:
    """Round each value to float32, as a library that keeps its rows so; the tensor stays float64."""
    return graph.cast(graph.cast(matrix, np.float32), np.float64)
