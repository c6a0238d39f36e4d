##@ Level 4: retraining
retrain: ## Request a new challenger and run one step of the loop
	$(RUN) python -m $(PACKAGE).retraining.loop --ask

tick: ## Run one step of the loop, for a scheduler
	$(RUN) python -m $(PACKAGE).retraining.loop

watch: ## Run the loop as a process: EVERY=900 seconds between steps
	$(RUN) python -m $(PACKAGE).retraining.watch $(if $(EVERY),--every $(EVERY))

simulate: ## Simulate a quarter of a year of the loop on your rows
	$(RUN) python -m $(PACKAGE).retraining.simulation

backtest: ## Replay your past rows through the policy, beside simple rules
	$(RUN) python -m $(PACKAGE).retraining.backtest

audit: ## Show what the loop decided and why: VERSION=3 for one model
	$(RUN) python -m $(PACKAGE).retraining.audit $(if $(VERSION),--version $(VERSION))

.PHONY: retrain tick watch simulate backtest audit
