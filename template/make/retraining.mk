retrain: ## Ask for a new challenger now, and take the loop one step further
	$(RUN) python -m $(PACKAGE).retraining.loop --ask

tick: ## Take the loop one step further, for whoever has a schedule of their own
	$(RUN) python -m $(PACKAGE).retraining.loop

watch: ## Run the loop as a process: EVERY=900 seconds between its steps
	$(RUN) python -m $(PACKAGE).retraining.watch $(if $(EVERY),--every $(EVERY))

simulate: ## Run the whole loop through a story, on a clock that runs fast: WORLDS=40 prints the table of its errors
	$(RUN) python -m $(PACKAGE).retraining.simulation$(if $(WORLDS),.table --seeds $(WORLDS))

audit: ## Tell what the loop decided and why: VERSION=3 tells why that model serves
	$(RUN) python -m $(PACKAGE).retraining.audit $(if $(VERSION),--version $(VERSION))

.PHONY: retrain tick watch simulate audit
