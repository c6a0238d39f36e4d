##@ Level 3: serving and monitoring
# HOST, PORT, LIVE, DATABASE_URL and SERVICE_TOKEN reach the service through the environment; make
# passes on what is set on its command line.

serve: ## Serve the released model: HOST=127.0.0.1 PORT=8000
	$(RUN) python -m $(PACKAGE).serving.server

deploy: ## Export, verify and release the champion
	$(RUN) python -m $(PACKAGE).serving.delivery.deploy

rollback: ## Return to the previous release
	$(RUN) python -m $(PACKAGE).serving.delivery.rollback

smoke: ## Test a running service: URL=http://127.0.0.1:8000
	$(RUN) python -m $(PACKAGE).serving.smoke $(URL)

load-test: ## Measure the throughput of a running service: URL=... SECONDS=10
	$(RUN) python -m $(PACKAGE).serving.load_test $(URL) $(if $(SECONDS),--seconds $(SECONDS))

ab-report: ## Report on the A/B test of champion and challenger
	$(RUN) python -m $(PACKAGE).experiments.report

monitor: ## Report on data drift and errors by day: DAYS=30
	$(RUN) python -m $(PACKAGE).monitoring.report $(if $(DAYS),--days $(DAYS))

.PHONY: serve deploy rollback smoke load-test ab-report monitor
