##@ Level 3: serving and monitoring
# HOST, PORT, WORKERS, ALLOWED_HOSTS, LIVE, DATABASE_URL and SERVICE_TOKEN are environment variables;
# make passes on what is set on its command line.
SERVE ?= serving.server

serve: ## Serve the released model: HOST=127.0.0.1 PORT=8000 WORKERS=1
	$(RUN) python -m $(PACKAGE).$(SERVE)

deploy: ## Export, verify and release the champion
	$(RUN) python -m $(PACKAGE).deployment.deploy

rollback: ## Return to the previous release
	$(RUN) python -m $(PACKAGE).deployment.rollback

smoke: ## Test a running service: URL=http://127.0.0.1:8000
	$(RUN) python -m $(PACKAGE).serving.smoke $(URL)

# The requests of both are marked as synthetic: they are answered and not logged.
URL ?= http://127.0.0.1:8000
load-test: ## Measure the throughput of a running service: URL=... SECONDS=10 USERS=32
	$(uv) tool run 'locust>=2.32,<3' --locustfile make/locustfile.py --headless --only-summary \
		--host $(URL) --users $(or $(USERS),32) --spawn-rate 100 --run-time $(or $(SECONDS),10)s

prune: ## Delete predictions and feedback older than retention_days in serving.yaml: DAYS=...
	$(RUN) python -m $(PACKAGE).serving.prune $(if $(DAYS),--days $(DAYS))

ab-report: ## Report on the A/B test of champion and challenger
	$(RUN) python -m $(PACKAGE).experiments.report

monitor: ## Report on data drift and errors by day: DAYS=30
	$(RUN) python -m $(PACKAGE).monitoring.report $(if $(DAYS),--days $(DAYS))

# Where the service runs: this machine (deploy/compose) or a cluster (deploy/kubernetes).
IMAGE ?= $(PACKAGE)
LOWER = $(shell printf '%s' '$(IMAGE)' | tr A-Z a-z)
NAMESPACE ?= $(subst _,-,$(PACKAGE))-$(TO)
COMPOSE = docker compose --project-name $(PACKAGE) $(addprefix --file ,$(sort $(wildcard deploy/compose/*.yaml)))
needs = @command -v $(1) >/dev/null || { echo "error: $(1) is not installed. Install it"; exit 1; } >&2
KUBECTL = kubectl --namespace '$(NAMESPACE)'
# In CI, KUBE_CONFIG is the text of a kubeconfig file.
CLUSTER = set -eu; if [ -n "$${KUBE_CONFIG:-}" ]; then \
	KUBECONFIG=$$(mktemp); export KUBECONFIG; trap 'rm -f "$$KUBECONFIG"' EXIT; \
	printf '%s\n' "$$KUBE_CONFIG" > "$$KUBECONFIG"; fi;

image: ## Build an image with the released model: IMAGE=name:tag, PUSH=1 pushes it
	$(call needs,docker)
	@test -e live/release.json || { echo "error: live/release.json: nothing is deployed. Run make deploy"; exit 1; } >&2
	docker build --pull --target with-bundle --tag '$(LOWER)' $(if $(INSTALL),--build-arg INSTALL='$(INSTALL)') .
ifneq ($(PUSH),)
	@test -z "$${REGISTRY_TOKEN:-}" || printf '%s' "$$REGISTRY_TOKEN" \
		| docker login '$(firstword $(subst /, ,$(LOWER)))' --username "$${REGISTRY_USER:-}" --password-stdin
	@mkdir -p reports
	docker push '$(LOWER)' > reports/push.txt
	@digest=$$(sed -n 's/.*digest: \(sha256:[0-9a-f]\{64\}\).*/\1/p' reports/push.txt); \
	test -n "$$digest" || { echo "error: docker push printed no digest. See reports/push.txt"; exit 1; } >&2; \
	repository=$$(printf '%s' '$(LOWER)' | sed 's/:[^:/]*$$//'); \
	echo "image=$$repository@$$digest" | tee reports/image.env | tee -a "$${GITHUB_OUTPUT:-/dev/null}"
endif

apply: apply-$(if $(wildcard deploy/kubernetes),cluster,machine) ## Start or update the service; in a cluster TO=staging IMAGE=name@sha256:...

apply-machine:
	@docker compose version >/dev/null 2>&1 || { echo "error: docker compose is not installed. Install it"; exit 1; } >&2
	$(COMPOSE) --profile '*' build # also what is started by hand
	$(COMPOSE) up --detach --wait postgres
	$(COMPOSE) exec --no-TTY postgres sh -ec 'for file in /docker-entrypoint-initdb.d/*.sql; do psql --quiet --no-psqlrc --file "$$file"; done'
	$(COMPOSE) up --detach --wait --remove-orphans
	$(COMPOSE) kill --signal SIGHUP prometheus alertmanager # which makes them reload their rules

apply-cluster:
	$(call needs,kubectl)
	@test -n '$(TO)' -a -d 'deploy/kubernetes/$(TO)' || { echo "error: TO is not a folder of deploy/kubernetes. Set TO=staging or TO=production"; exit 2; } >&2
	@case '$(IMAGE)' in *@sha256:*) ;; *) echo "error: IMAGE has no digest, and tags move. Take what make image PUSH=1 prints"; exit 2;; esac >&2
	@$(CLUSTER) \
	kubectl kustomize 'deploy/kubernetes/$(TO)' | sed 's#image: service$$#image: $(IMAGE)#' | $(KUBECTL) apply --filename -; \
	if $(KUBECTL) rollout status deployment/service --timeout 5m \
		&& $(KUBECTL) exec deployment/service -- python -m $(PACKAGE).serving.smoke; then exit; fi; \
	echo "error: the new instances do not serve: rolling back" >&2; \
	$(KUBECTL) rollout undo deployment/service; exit 1

.PHONY: serve deploy rollback smoke load-test prune ab-report monitor image apply apply-machine apply-cluster
