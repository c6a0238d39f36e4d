##@ Course
lesson: ## Print the lesson of your level
	@$(RUN) python check.py lesson

check: ## Check your tasks: TASK=1.2 for one of them
	@$(RUN) python check.py $(TASK)

hint: ## Print the next hint for a task: TASK=1.2
	@$(RUN) python check.py hint '$(TASK)'

climb: ## Merge the next level of the course into your project
	@$(RUN) python check.py climb $(COURSE)

update: ## Merge your teacher's fixes
	@$(RUN) python check.py update $(COURSE)

.PHONY: lesson check hint climb update
