##@ Level 3: MLServer, which KServe and Seldon Core run
PLATFORM = $(notdir $(wildcard deploy/kserve deploy/seldon))
# MLServer has an environment of its own, here as in the image: the Dockerfile names its version.
MLSERVER = $(shell sed -n 's/^ARG MLSERVER="\(.*\)"/\1/p' Dockerfile)
MLSERVER_VENV ?= .venv-mlserver
HTTP_PORT ?= 8080

mlserver: mlserver-environment ## Serve the released model with MLServer: HTTP_PORT=8080
	exec env MLSERVER_HOST=127.0.0.1 MLSERVER_HTTP_PORT=$(HTTP_PORT) MLSERVER_PARALLEL_WORKERS=0 MLSERVER_DEBUG=false \
		MLSERVER_MODEL_NAME=service MLSERVER_MODEL_IMPLEMENTATION=$(PACKAGE).mlserver.Bundle PYTHONPATH=src \
		$(MLSERVER_VENV)/bin/mlserver start $(or $(LIVE),live)

mlserver-environment:
	UV_PROJECT_ENVIRONMENT='$(MLSERVER_VENV)' $(uv) sync --quiet --locked --python '>=3.11,<3.13' \
		--no-install-project $(or $(INSTALL),--only-group service)
	$(uv) pip install --quiet --python '$(MLSERVER_VENV)' $(foreach one,$(MLSERVER),'$(one)')

traffic: ## Show what make apply asks for, with the experiment's share: TO=staging
	@$(call needs,kubectl)
	@kubectl kustomize 'deploy/$(PLATFORM)/$(or $(TO),staging)' | $(RUN) python -m $(PACKAGE).experiments.traffic

# Where the image is named, in which pod it runs, and when a release is ready.
ATTEMPTS ?= 60
ifeq ($(PLATFORM),kserve)
NAMED = inferenceservice/service --output jsonpath='{.spec.predictor.containers[0].image}'
REVISION = $$($(KUBECTL) get inferenceservice/service --output jsonpath='{.status.components.predictor.latestReadyRevision}')
POD = "deployment/$${revision:-service-predictor}$${revision:+-deployment}"
IN = --container kserve-container
# The condition may be that of the revision before, so the image of the newest ready one counts, too.
READY = n=0; until revision=$(REVISION) && $(KUBECTL) get $(POD) --output yaml | grep -qF 'image: $(IMAGE)'; do \
		n=$$((n + 1)); test $$n -lt $(ATTEMPTS) || return 1; sleep 5; done; \
	$(KUBECTL) wait inferenceservice/service --for condition=Ready --timeout 5m
OWN = http://127.0.0.1:8080/service
else
NAMED = server/service --output jsonpath='{.spec.podSpec.containers[?(@.name=="mlserver")].image}'
POD = statefulset/service
IN = --container mlserver
READY = $(KUBECTL) rollout status statefulset/service --timeout 5m && $(KUBECTL) wait model --all --for condition=Ready --timeout 5m
OWN = http://127.0.0.1:9000/service
endif

# The champion first; then, with the release that is in the image, the challenger's share.
apply-mlserver:
	$(call needs,kubectl)
	@test -n '$(TO)' -a -d 'deploy/$(PLATFORM)/$(TO)' || { echo "error: TO is not a folder of deploy/$(PLATFORM). Set TO=staging or TO=production"; exit 2; } >&2
	@case '$(IMAGE)' in *@sha256:*) ;; *) echo "error: IMAGE has no digest, and tags move. Take what make image PUSH=1 prints"; exit 2;; esac >&2
	@$(CLUSTER) before=$$($(KUBECTL) get --ignore-not-found $(NAMED)); \
	manifests() { kubectl kustomize 'deploy/$(PLATFORM)/$(TO)' | sed "s#image: service\$$#image: $$1#"; }; \
	ready() { $(READY); }; \
	if manifests '$(IMAGE)' | $(KUBECTL) apply --filename - && ready \
		&& shared=$$(manifests '$(IMAGE)' | $(KUBECTL) exec --stdin $(POD) $(IN) -- python -m $(PACKAGE).experiments.traffic) \
		&& printf '%s\n' "$$shared" | $(KUBECTL) apply --filename - && ready \
		&& $(KUBECTL) exec $(POD) $(IN) -- python -m $(PACKAGE).serving.smoke $(OWN); then exit; fi; \
	echo "error: the new instances do not serve: rolling back" >&2; \
	if [ -n "$$before" ]; then manifests "$$before" | $(KUBECTL) apply --filename -; fi; exit 1

.PHONY: mlserver mlserver-environment traffic apply-mlserver
