##@ Level 2: training pipeline
pipeline: ## Train, track and register a model; FORCE=1 even if nothing changed
	$(RUN) python -m $(PACKAGE).pipelines.training $(if $(FORCE),--force)

tracking: ## Open the MLflow UI: PORT=5000
	$(RUN) mlflow ui --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlruns/mlflow.db}" --port $(or $(PORT),5000)

register: ## Register the model of a run: make register RUN_ID=...
	$(RUN) python -m $(PACKAGE).pipelines.registry $(if $(RUN_ID),--run $(RUN_ID))

promote: ## Make a version the champion if it passes the gate: VERSION=3
	$(RUN) python -m $(PACKAGE).pipelines.promotion $(if $(VERSION),--version $(VERSION))

.PHONY: pipeline tracking register promote
