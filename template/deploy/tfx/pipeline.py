"""The pipeline of TFX: `local` runs it here, `compile` writes it for Kubeflow Pipelines."""

import os
import subprocess
import sys

import components
from tfx import v1 as tfx

NAME = os.environ["PACKAGE"].replace("_", "-")


def pipeline(root: str, data: str, pushed: str) -> tfx.dsl.Pipeline:
    """Return the pipeline; ExampleGen gets the training set and the test set of the project."""
    splits = [
        tfx.proto.Input.Split(name=name, pattern=f"{name}/*.csv") for name in ("train", "eval")
    ]
    examples = tfx.components.CsvExampleGen(
        input_base=data, input_config=tfx.proto.Input(splits=splits)
    )
    statistics = tfx.components.StatisticsGen(examples=examples.outputs["examples"])
    schema = tfx.components.SchemaGen(statistics=statistics.outputs["statistics"])
    validator = tfx.components.ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"]
    )
    trainer = tfx.components.Trainer(
        run_fn="components.run_fn",
        examples=examples.outputs["examples"],
        schema=schema.outputs["schema"],
        train_args=tfx.proto.TrainArgs(splits=["train"]),
        eval_args=tfx.proto.EvalArgs(splits=["eval"]),
        custom_config={"about": data},
    )
    trainer.add_upstream_node(validator)
    blessed = tfx.dsl.Resolver(
        strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy,
        model=tfx.dsl.Channel(type=tfx.types.standard_artifacts.Model),
        model_blessing=tfx.dsl.Channel(type=tfx.types.standard_artifacts.ModelBlessing),
    ).with_id("latest_blessed_model_resolver")
    evaluator = components.Evaluator(
        examples=examples.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=blessed.outputs["model"],
    )
    destination = tfx.proto.PushDestination.Filesystem(base_directory=pushed)
    pusher = tfx.components.Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(filesystem=destination),
    )
    nodes = [examples, statistics, schema, validator, trainer, blessed, evaluator, pusher]
    return tfx.dsl.Pipeline(
        pipeline_name=NAME,
        pipeline_root=root,
        components=nodes,
        # Whether anything is new, `export` has found out before.
        enable_cache=False,
    )


def main() -> None:
    """Run or compile the pipeline."""
    command, root, data, pushed = sys.argv[1:]
    made = pipeline(root, data, pushed)
    if command == "local":
        made.metadata_connection_config = (
            tfx.orchestration.metadata.sqlite_metadata_connection_config(f"{root}/metadata.db")
        )
        try:
            tfx.orchestration.LocalDagRunner().run(made)
        except subprocess.CalledProcessError as error:
            sys.exit(f"error: the step {error.cmd[3]} failed, as shown above")
        return
    config = tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(
        default_image=os.environ["TFX_IMAGE"]
    )
    runner = tfx.orchestration.experimental.KubeflowV2DagRunner(
        config, output_dir="reports", output_filename="tfx-pipeline.json"
    )
    runner.run(made)


if __name__ == "__main__":
    main()
