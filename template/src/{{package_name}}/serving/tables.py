"""The tables of the prediction log, for SQLite and PostgreSQL.

Times are in POSIX seconds. Values of any type (rows, predictions, labels) are JSON in text columns:
`cast(predictions.c.prediction, Double)` is the number that a regression model predicted.
"""

from math import inf

from sqlalchemy import Column, Double, Index, Integer, MetaData, Table, Text, func

metadata = MetaData()

# The names of a row's values, stored once for all rows that have the same.
row_formats = Table(
    "row_formats",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("names", Text, nullable=False, unique=True),
)

predictions = Table(
    "predictions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("time", Double, nullable=False),
    Column("version", Text, nullable=False),
    Column("variant", Text, nullable=False),
    Column("unit", Text, nullable=False),  # empty: each prediction is a unit of its own
    Column("row", Text, nullable=False),  # an array of values
    Column("prediction", Text, nullable=False),
    Column("label", Text),
    Column("shadow_version", Text),
    Column("shadow_prediction", Text),
    Column("row_format", Integer, nullable=False),
    Column("weight", Double),  # the number of predictions that a sampled one stands for
    Index("predictions_by_time", "time"),
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", Text, primary_key=True),
    Column("time", Double, nullable=False),
    Column("actual", Text, nullable=False),
    Column("score", Double),  # of the prediction by problem.score_rows; null until computed
    Column("shadow_score", Double),
)

# Expressions for queries: predictions with their ground truth, whether a prediction has a score,
# and the number of predictions that one stands for.
joined = predictions.outerjoin(feedback, feedback.c.id == predictions.c.id)
scored = feedback.c.score < inf  # null, or NaN in PostgreSQL, is not
weight = func.coalesce(predictions.c.weight, 1.0)
