##@ Level 2: training pipeline
PIPELINE_OPTIONS = $(if $(FORCE),--force) $(if $(SAMPLE),--sample) $(if $(GATE),--gate) $(if $(SET),--set $(SET))
VERSION_OPTION = $(if $(VERSION),--version '$(VERSION)')
# Targets of level 1 that use the pipeline and the registry now.
TRAIN = pipelines $(PIPELINE_OPTIONS)
EVALUATE = pipelines.champion $(VERSION_OPTION) evaluate
PREDICT = pipelines.champion $(VERSION_OPTION) predict

pipeline: ## Train, track and register a model: FORCE=1 SAMPLE=1 GATE=1 SET="model.max_iter=200"
	$(RUN) python -m $(PACKAGE).pipelines $(PIPELINE_OPTIONS)

tracking: ## Open the MLflow UI: PORT=5000
	$(RUN) sh -c 'mlflow ui --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlruns/mlflow.db}" --port $(or $(PORT),5000)'

tracking-server: ## Run an MLflow server for a team: PORT=5000
	$(RUN) mlflow server --host 0.0.0.0 --port $(or $(PORT),5000) --backend-store-uri sqlite:///mlruns/server.db \
		--artifacts-destination mlruns/server-artifacts

register: ## Register the model of a run: make register RUN_ID=...
	$(RUN) python -m $(PACKAGE).pipelines.registry $(if $(RUN_ID),--run $(RUN_ID))

PROMOTE_OPTIONS = $(VERSION_OPTION) $(if $(UNCOMMITTED),--uncommitted) $(if $(IGNORE_CHAMPION),--ignore-champion)
promote: ## Make a version the champion if it passes the gate: VERSION=3
	$(RUN) python -m $(PACKAGE).pipelines.promotion $(PROMOTE_OPTIONS) $(if $(ALLOW_REFUSAL),|| test $$? -eq 3)

explain: ## Show the importance of the features for the champion: VERSION=3 for another
	$(RUN) python -m $(PACKAGE).pipelines.champion $(VERSION_OPTION) explain

reproduce: ## Train the model of a version again, from its commit: VERSION=3
	$(RUN) python -m $(PACKAGE).pipelines.reproduction $(VERSION_OPTION)

.PHONY: pipeline tracking tracking-server register promote explain reproduce
