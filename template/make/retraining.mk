##@ Level 4: retraining
# The service of level 3 with one more route, POST /retrain.
SERVE = retraining.service

retrain: ## Request a new challenger and run one step of the loop
	$(RUN) python -m $(PACKAGE).retraining.loop --ask

tick: ## Run one step of the loop, for a scheduler
	$(RUN) python -m $(PACKAGE).retraining.loop

watch: ## Run a step every EVERY=900 seconds, as long as make runs
	@while kill -0 $$PPID; do $(RUN) python -m $(PACKAGE).retraining.loop; sleep $(or $(EVERY),900) || exit; done

simulate: ## Simulate a quarter of a year of the loop on your rows
	$(RUN) python -m $(PACKAGE).retraining.simulation

backtest: ## Replay your past rows through the policy, beside simple rules
	$(RUN) python -m $(PACKAGE).retraining.backtest

audit: ## Show what the loop decided and why: VERSION=3 for one model
	$(RUN) python -m $(PACKAGE).retraining.audit $(if $(VERSION),--version $(VERSION))

.PHONY: retrain tick watch simulate backtest audit
