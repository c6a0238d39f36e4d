# HOST, PORT, LIVE, DATABASE_URL and SERVICE_TOKEN reach the service through the environment.
export HOST PORT LIVE DATABASE_URL SERVICE_TOKEN

serve: ## Serve what is live: HOST=127.0.0.1 PORT=8000
	$(RUN) python -m $(PACKAGE).serving.server

deploy: ## Export the champion, prove it, and put it live
	$(RUN) python -m $(PACKAGE).serving.delivery.deploy

rollback: ## Go back to the model that served before
	$(RUN) python -m $(PACKAGE).serving.delivery.rollback

smoke: ## Ask a running service one of everything: URL=http://127.0.0.1:8000
	$(RUN) python -m $(PACKAGE).serving.smoke $(URL)

load-test: ## Ask a running service as fast as it answers: URL=... SECONDS=10
	$(RUN) python -m $(PACKAGE).serving.load_test $(URL) $(if $(SECONDS),--seconds $(SECONDS))

ab-report: ## Compare champion and challenger on what happened in production
	$(RUN) python -m $(PACKAGE).experiments.report

monitor: ## Report on inputs and errors, day by day: DAYS=30
	$(RUN) python -m $(PACKAGE).monitoring.report $(if $(DAYS),--days $(DAYS))

.PHONY: serve deploy rollback smoke load-test ab-report monitor
