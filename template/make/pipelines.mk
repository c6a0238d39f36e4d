pipeline: ## Train, track and register a model; FORCE=1 even if nothing is new
	$(RUN) python -m $(PACKAGE).pipelines.training $(if $(FORCE),--force)

tracking: ## Open the tracking store in a browser: PORT=5000
	$(RUN) mlflow ui --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///mlruns/mlflow.db}" --port $(or $(PORT),5000)

register: ## Register the model of a run by hand: make register RUN_ID=...
	$(RUN) python -m $(PACKAGE).pipelines.registry $(if $(RUN_ID),--run $(RUN_ID))

promote: ## Make a version the champion if the gate lets it: VERSION=3
	$(RUN) python -m $(PACKAGE).pipelines.promotion $(if $(VERSION),--version $(VERSION))

.PHONY: pipeline tracking register promote
