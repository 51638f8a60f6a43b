"""Converters for clusters and mixtures, by the formulas that scikit-learn computes them with."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelcote.compile.graph_builder import GraphBuilder, converter


@converter
def convert_k_means(graph: GraphBuilder, model: Any) -> None:
    """Convert KMeans and MiniBatchKMeans: the nearest centre, and the distance to each."""
    centres = np.asarray(model.cluster_centers_, dtype=np.float64)
    rows, squares = graph.matrix(), graph.constant((centres**2).sum(axis=1))
    # A row's own square is left out where only the order counts, as scikit-learn does.
    beyond = graph.add("Add", graph.add("MatMul", rows, graph.constant(-2 * centres.T)), squares)
    graph.output(0, graph.add("ArgMin", beyond, axis=1, keepdims=0))
    away = graph.add("Add", beyond, graph.add("ReduceSumSquare", rows, graph.constant([1])))
    graph.output(1, graph.add("Sqrt", graph.add("Max", away, graph.constant(0.0))))


@converter
def convert_mixture(graph: GraphBuilder, model: Any) -> None:
    """Convert GaussianMixture and BayesianGaussianMixture: the likeliest component, and the share of each."""
    means = np.asarray(model.means_, dtype=np.float64)
    # At a component's own mean its distance is zero; what remains is its weight, its volume, its prior.
    at_mean = np.diag(model._estimate_weighted_log_prob(means))
    rows, halves = graph.matrix(), []
    for number, mean in enumerate(means):
        root = np.asarray(model.precisions_cholesky_, dtype=np.float64)
        root = root if model.covariance_type == "tied" else root[number]
        root = np.diag(np.broadcast_to(root, mean.shape)) if root.ndim < 2 else root
        away = graph.add("MatMul", graph.add("Sub", rows, graph.constant(mean)), graph.constant(root))
        halves.append(graph.add("ReduceSumSquare", away, graph.constant([1])))
    weight = graph.add("Mul", graph.columns(halves), graph.constant(-0.5))
    logs = graph.add("Add", weight, graph.constant(at_mean.reshape(1, -1)))
    graph.output(0, graph.add("ArgMax", logs, axis=1, keepdims=0))
    graph.output(1, graph.add("Softmax", logs, axis=1))
