##@ Level 3: serving and monitoring
# HOST, PORT, WORKERS, ALLOWED_HOSTS, LIVE, DATABASE_URL and SERVICE_TOKEN are environment variables;
# make passes on what is set on its command line.

serve: ## Serve the released model: HOST=127.0.0.1 PORT=8000 WORKERS=1
	$(RUN) python -m $(PACKAGE).serving.server

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

.PHONY: serve deploy rollback smoke load-test prune ab-report monitor
