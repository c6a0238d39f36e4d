##@ Level 1: GitLab
# make release checks and builds; the job publish makes the release.
PUBLISH = @ls dist

gitlab-local: ## Run a job of the last commit on this machine: JOB=check
	@command -v npx >/dev/null || { echo "error: npx is not installed. Install Node.js 20 or later" >&2; exit 1; }
	npx --yes gitlab-ci-local@4.60.0 --force-shell-executor --shell-isolation --no-evaluate-rule-changes \
		--state-dir .gitlab_cache $(or $(JOB),check)

check-newest: ## Fail if the template has a newer version
	@$(MAKE) --no-print-directory check-update | tee /dev/stderr | grep 'has the newest version' > /dev/null

.PHONY: gitlab-local check-newest
