"""The types that a model file contains and skops does not know, found by the code's names."""

import ast
from collections.abc import Sequence

from .statements import CALLABLES, Statement, names_of, reachable

TYPES_TO_TRUST = {
    "sklearn.tree._tree.Tree": (
        "AdaBoostClassifier AdaBoostRegressor BaggingClassifier BaggingRegressor "
        "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor "
        "ExtraTreesClassifier ExtraTreesRegressor GradientBoostingClassifier "
        "GradientBoostingRegressor IsolationForest RandomForestClassifier RandomForestRegressor "
        "RandomTreesEmbedding"
    ),
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer": "MLPClassifier MLPRegressor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64": (
        "KNeighborsClassifier KNeighborsRegressor RadiusNeighborsClassifier "
        "RadiusNeighborsRegressor"
    ),
    "sklearn.neighbors._kd_tree.KDTree": (
        "KNeighborsClassifier KNeighborsRegressor RadiusNeighborsClassifier "
        "RadiusNeighborsRegressor"
    ),
    "sklearn.utils._bunch.Bunch": (
        "StackingClassifier StackingRegressor VotingClassifier VotingRegressor"
    ),
    "sklearn.calibration._CalibratedClassifier": "CalibratedClassifierCV",
    "sklearn.calibration._SigmoidCalibration": "CalibratedClassifierCV",
    "sklearn.metrics._scorer._PassthroughScorer": "GridSearchCV RandomizedSearchCV",
    "sklearn.model_selection._split.KFold": "GridSearchCV RandomizedSearchCV",
    "sklearn.model_selection._split.StratifiedKFold": "GridSearchCV RandomizedSearchCV",
    "sklearn.impute._iterative.IterativeImputer": "IterativeImputer",
    "sklearn.impute._iterative._ImputerTriplet": "IterativeImputer",
    "sklearn.feature_selection._univariate_selection.f_classif": "SelectKBest SelectPercentile",
    "sklearn.feature_selection._univariate_selection.f_regression": "f_regression",
    "scipy._lib.array_api_compat.numpy._aliases.asarray": "SplineTransformer",
    "scipy.interpolate._bsplines.BSpline": "SplineTransformer",
    "sklearn.gaussian_process.kernels.ConstantKernel": "GaussianProcessRegressor ConstantKernel",
    "sklearn.gaussian_process.kernels.Product": "GaussianProcessRegressor",
    "sklearn.gaussian_process.kernels.RBF": "GaussianProcessRegressor RBF",
    "sklearn._loss.loss.HalfTweedieLossIdentity": "TweedieRegressor",
}
"""Types that neither skops 0.16 nor the project's `model_file.py` trusts, and the estimators of
scikit-learn 1.9 that contain them."""


def types_to_trust(body: Sequence[Statement]) -> list[str]:
    """Return the types that a file of `build_model`'s model contains, each as Python source.

    These are types of libraries, and the problem's own classes and functions.
    """
    model = reachable(body, "build_model")
    nodes = [node for statement in model for node in ast.walk(statement.node)]
    called = {id(node.func) for node in nodes if isinstance(node, ast.Call)}
    names = [node for node in nodes if isinstance(node, ast.Name)]
    passed = {node.id for node in names if id(node) not in called}
    attributes = {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    used = ({node.id for node in names} | attributes) - names_of(body)
    known = [
        f'"{name}"'
        for name, estimators in TYPES_TO_TRUST.items()
        if not used.isdisjoint(estimators.split())
    ]
    own = [
        f'f"{{__name__}}.{s.node.name}"'
        for s in model
        if isinstance(s.node, ast.ClassDef)
        or (isinstance(s.node, CALLABLES) and s.node.name in passed)
    ]
    return [*known, *own]
