##@ Level 1: Jenkins
# make release checks and builds; then the build keeps dist/.
PUBLISH = @ls dist

jenkins-check: ## Let the Jenkins at JENKINS_URL validate each Jenkinsfile: JENKINS_AUTH=user:token
	@test -n "$${JENKINS_URL:-}" || { echo "error: JENKINS_URL is not set. Set JENKINS_URL=https://..." >&2; exit 2; }
	@for file in jenkins/*.Jenkinsfile; do printf '%s: ' "$$file"; \
	curl --silent --show-error --fail $${JENKINS_AUTH:+--user "$$JENKINS_AUTH"} --form "jenkinsfile=<$$file" \
		"$$JENKINS_URL/pipeline-model-converter/validate" | tee /dev/stderr | grep 'successfully validated' > /dev/null || exit 1; done

check-newest: ## Fail if the template has a newer version
	@$(MAKE) --no-print-directory check-update | tee /dev/stderr | grep 'has the newest version' > /dev/null

.PHONY: jenkins-check check-newest
