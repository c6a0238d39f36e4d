##@ SageMaker Pipelines
# The variables of make pipeline, as parameters of an execution.
SAGEMAKER = $(if $(FORCE),FORCE=true) $(if $(SAMPLE),SAMPLE=true) $(if $(GATE),GATE=true) $(if $(SET),'SET=$(SET)')
COMMIT = $(shell git describe --always --abbrev=40 '--exclude=*' --dirty 2>/dev/null)

sagemaker-local: ## Run the pipeline's containers here, one after the other: FORCE=1 SAMPLE=1 GATE=1 SET=...
	$(RUN) python make/sagemaker_local.py $(PACKAGE) $(SAGEMAKER)

sagemaker-image: ## Build and push the image of the steps: TO=123456789012.dkr.ecr.eu-west-1.amazonaws.com/steps
	@command -v docker >/dev/null || { echo "error: docker is not installed. Install it"; exit 1; } >&2
	@test -n '$(TO)' || { echo "error: TO is not set. Set it to a repository of images"; exit 2; } >&2
	docker build --pull --platform linux/amd64 --file deploy/sagemaker/Dockerfile \
		--build-arg PACKAGE=$(PACKAGE) --build-arg GIT_COMMIT='$(COMMIT)' --tag '$(TO):latest' .
	docker push '$(TO):latest'
	@docker inspect --format 'SAGEMAKER_IMAGE={{index .RepoDigests 0}}' '$(TO):latest'

sagemaker-definition: ## Print the pipeline's definition with the settings
	@$(RUN) python -m $(PACKAGE).sagemaker.control definition

sagemaker-upsert: ## Create or update the pipeline; upload params.yaml and the data
	$(RUN) python -m $(PACKAGE).sagemaker.control upsert

sagemaker-start: ## Start an execution: FORCE=1 SAMPLE=1 GATE=1 SET="model.max_iter=200"
	$(RUN) python -m $(PACKAGE).sagemaker.control start $(SAGEMAKER)

WHEN ?= cron(17 4 ? * MON *)
sagemaker-schedule: ## Start executions by a schedule: WHEN='cron(17 4 ? * MON *)'
	WHEN='$(WHEN)' $(RUN) python -m $(PACKAGE).sagemaker.control schedule $(SAGEMAKER)

.PHONY: sagemaker-local sagemaker-image sagemaker-definition sagemaker-upsert sagemaker-start sagemaker-schedule
