##@ TFX
TFX_VENV ?= .venv-tfx
TFX_ROOT ?= reports/tfx
# In a cluster: the image of the components, and folders that all of them reach.
TFX_IMAGE ?= $(PACKAGE)-tfx
TFX_STORE ?= $(abspath $(TFX_ROOT))
TFX = PACKAGE=$(PACKAGE) PROJECT_PYTHON="$$($(RUN) python -c 'import sys; print(sys.executable)')" \
	TFX_IMAGE='$(TFX_IMAGE)' TF_CPP_MIN_LOG_LEVEL=2 PYTHONWARNINGS=ignore '$(TFX_VENV)/bin/python' deploy/tfx/pipeline.py
HAS_TFX = @test -x '$(TFX_VENV)/bin/python' || { echo "error: TFX is not installed. Run make tfx-setup"; exit 1; } >&2

tfx-setup: ## Install TFX into an environment of its own, of 3 GB with Python 3.10
	$(uv) venv --python 3.10 '$(TFX_VENV)'
	$(uv) pip install --python '$(TFX_VENV)/bin/python' --requirement deploy/tfx/requirements.txt

tfx-run: ## Run the pipeline here, and register the model that it pushes: FORCE=1 SAMPLE=1 SET=...
	$(HAS_TFX)
	@rm -rf '$(TFX_ROOT)/data'
	@code=0; $(RUN) python -m $(PACKAGE).tfx.steps export '$(TFX_ROOT)/data' '$(FORCE)' '$(SAMPLE)' $(SET) || code=$$?; \
	if [ $$code -eq 3 ]; then exit; elif [ $$code -ne 0 ]; then exit $$code; fi; \
	$(TFX) local '$(abspath $(TFX_ROOT))/root' '$(abspath $(TFX_ROOT))/data' '$(abspath $(TFX_ROOT))/pushed' && \
	$(RUN) python -m $(PACKAGE).tfx.steps register '$(TFX_ROOT)/pushed' '$(TFX_ROOT)/data'

tfx-compile: ## Write the pipeline for Kubeflow Pipelines: TFX_IMAGE=name@sha256:... TFX_STORE=gs://...
	$(HAS_TFX)
	@mkdir -p reports
	$(TFX) compile '$(TFX_STORE)/root' '$(TFX_STORE)/data' '$(TFX_STORE)/pushed'

.PHONY: tfx-setup tfx-run tfx-compile
