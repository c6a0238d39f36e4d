##@ Level 1: GitLab
# make release checks and builds; then the job publish makes the release.
PUBLISH = @ls dist

gitlab-local: ## Run the jobs of a push on this machine, from the last commit: JOB=check
	npx --yes gitlab-ci-local@4.60.0 --force-shell-executor $(JOB)

check-newest: ## Fail if the template has a newer version
	@$(MAKE) --no-print-directory check-update | tee /dev/stderr | grep 'has the newest version' > /dev/null

.PHONY: gitlab-local check-newest
