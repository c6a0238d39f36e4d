##@ Level 2: Kubeflow Pipelines
# kfp and packages of level 3 need different versions of protobuf, so kfp has an environment of its
# own, in a folder that git ignores. KUBEFLOW= uses the present one.
KUBEFLOW ?= UV_PROJECT_ENVIRONMENT=.venv/kubeflow $(uv) run --no-default-groups --extra pipelines \
	--with-requirements deploy/kubeflow/requirements.txt
KUBEFLOW_RUN = $(KUBEFLOW) python -m $(PACKAGE).kubeflow.pipeline $(if $(FORCE),--force) $(if $(SET),--set $(SET))
# HOST is the address of Kubeflow Pipelines; without one, the kfp client finds it by its own rules.
KFP = $(KUBEFLOW) kfp $(if $(HOST),--endpoint '$(HOST)') $(if $(NAMESPACE),--namespace '$(NAMESPACE)')
EXPERIMENT ?= $(PACKAGE)

kubeflow-local: ## Run the pipeline on this machine, each step in a process: FORCE=1 SET="..."
	$(KUBEFLOW_RUN)

kubeflow-image: ## Build and push the image of the steps, and print its digest: IMAGE=name:tag
	@command -v docker >/dev/null || { echo "error: docker is not installed. Install it"; exit 1; } >&2
	@test -n '$(IMAGE)' || { echo "error: IMAGE is not set. Set it to a name in your registry"; exit 2; } >&2
	docker build --pull --file deploy/kubeflow/Dockerfile --tag '$(IMAGE)' \
		--build-arg GIT_COMMIT="$$(git describe --always --abbrev=40 --exclude='*' --dirty)" .
	docker push '$(IMAGE)'
	@docker inspect --format 'IMAGE={{index .RepoDigests 0}}' '$(IMAGE)'

kubeflow-compile: ## Write reports/kubeflow.yaml: IMAGE=name@sha256:... FORCE=1 SET="..."
	$(KUBEFLOW_RUN) --image '$(IMAGE)'

kubeflow-submit: kubeflow-compile ## Start a run in a cluster: IMAGE=... HOST=https://... EXPERIMENT=name
	$(KFP) run create --experiment-name '$(EXPERIMENT)' --package-file reports/kubeflow.yaml

kubeflow-schedule: kubeflow-compile ## Start a run at each time: CRON="0 0 6 * * 1" (seconds first) IMAGE=... HOST=...
	@test "$$(printf '%s' '$(CRON)' | wc -w)" -eq 6 || { echo "error: CRON must have six fields, seconds first: CRON='0 0 6 * * 1'"; exit 2; } >&2
	$(KFP) recurring-run create --enabled --no-catchup --experiment-name '$(EXPERIMENT)' \
		--job-name '$(EXPERIMENT)' --cron-expression '$(CRON)' --pipeline-package-path reports/kubeflow.yaml

.PHONY: kubeflow-local kubeflow-image kubeflow-compile kubeflow-submit kubeflow-schedule
