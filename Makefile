# `make` alone lists the targets. Every tool is pinned here and installed into ./.bin; nothing goes elsewhere.

GOLANGCI_VERSION    := v2.15.0
GOVULNCHECK_VERSION := v1.9.0

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help run up distributed down check test soak integration lint tools fmt fuzz bench bench-accounts bench-agents bench-limit bench-distributed bench-recycle bench-streams loadtest image reproducible release-check cgroup2 clean

BIN     := $(CURDIR)/.bin
IMAGE   ?= studysharper:latest
URL     ?= http://127.0.0.1:8000
FUZZTIME ?= 20s
PARTS    ?= all
# 1 runs tests, soak and integration at full length, as CI does every night (.github/workflows/ci.yml).
FULL     ?=
VERSION ?= 1.0.0
COMMIT  ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
COMPOSE := $(shell if docker compose version >/dev/null 2>&1; then echo docker compose; else echo docker-compose; fi)
MAIN    ?= ./app
# Builds the service and the load tool, and measures the programs named by the flags that follow, in turn.
BENCH_CHATS = CGO_ENABLED=0 go build -trimpath -o .build/studysharper ./app && go build -trimpath -o .build/loadtest ./loadtest && .build/loadtest bench-agents
LDFLAGS := -X main.version=$(VERSION) -X main.commit=$(COMMIT)

# go.mod and go.sum are written by hand and by `go mod tidy`, never by a build.
export GOFLAGS := -mod=readonly
export FULL

GOLANGCI    := $(BIN)/golangci-lint-$(GOLANGCI_VERSION)
GOVULNCHECK := $(BIN)/govulncheck-$(GOVULNCHECK_VERSION)
VULNDB      := $(BIN)/vulndb
# The vulnerability database for machines that cannot reach vuln.go.dev.
VULNDB_ARCHIVE := $(wildcard ../shared/data/vulndb.tar.xz)

help: ## list the targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: ## run the service here, on http://localhost:8000, with its data in ./data and the settings in ./.env
	@# .env is parsed as `docker run --env-file` parses it, not by the shell. The environment wins, as with Compose.
	while IFS= read -r line || [ -n "$$line" ]; do \
		name=$${line%%=*}; [[ $$line != *=* || $$line == \#* || -v $$name ]] || export "$$line"; \
	done < <(cat .env 2>/dev/null); \
	go run -trimpath -ldflags '$(LDFLAGS)' ./app

up: ## build the image and run it with Compose on http://localhost:8000, as it is deployed
	.ci/base-images golang:1.26-bookworm
	VERSION='$(VERSION)' COMMIT='$(COMMIT)' $(COMPOSE) up --build --detach
	@for _ in {1..60}; do \
		if $(COMPOSE) exec -T app /studysharper healthcheck >/dev/null 2>&1; then \
			echo "ready: http://localhost:$${PORT:-8000}"; exit 0; fi; \
		sleep 0.5; \
	done; $(COMPOSE) logs --tail 50; echo 'not ready after 30 s' >&2; exit 1

distributed: ## build the image and run three instances on Redis and PostgreSQL behind HAProxy on http://localhost:8080
	.ci/base-images
	VERSION='$(VERSION)' COMMIT='$(COMMIT)' $(COMPOSE) --profile distributed up --build --detach balancer
	@for _ in {1..120}; do \
		if curl -fs -o /dev/null http://localhost:$${BALANCER_PORT:-8080}/readyz; then \
			echo "ready: http://localhost:$${BALANCER_PORT:-8080}"; exit 0; fi; \
		sleep 0.5; \
	done; $(COMPOSE) logs --tail 50; echo 'not ready after 60 s' >&2; exit 1

down: ## stop what `make up` or `make distributed` started; data stays in the volumes
	$(COMPOSE) --profile distributed down

check: $(GOLANGCI) ## go vet, golangci-lint, and the tests that start no server: the quick check (a minute on two cores with warm caches)
	go vet ./...
	$(GOLANGCI) run ./...
	go test -short ./app/... ./loadtest/...

test: ## all tests that need no Docker, with the race detector (about 11 minutes on two cores; FULL=1 for full length); ends with a list of the skipped tests
	set -o pipefail; .ci/test | .ci/test-report # macOS has make 3.81, which ignores .SHELLFLAGS

integration: ## build the image, run it with its limits, and test it over HTTP (Docker; FULL=1 for full length, SOAK=1h for a longer soak); writes integration/report
	.ci/base-images
	rm -rf integration/report
	@# A container's memory depends on when its garbage collectors run, so the memory tests run alone.
	status=0; for packages in memory "faults cluster container harness bench"; do \
		go test -count=1 -timeout 60m -v $$(printf './integration/%s ' $$packages) || status=1; done; exit $$status

tools: $(GOLANGCI) $(GOVULNCHECK) $(if $(VULNDB_ARCHIVE),$(VULNDB)) ## install what make lint needs into ./.bin

lint: tools ## go vet, golangci-lint, govulncheck, shellcheck
	go vet ./...
	$(GOLANGCI) run ./...
	@if [ -d $(VULNDB) ]; then db=file://$(VULNDB); else db=https://vuln.go.dev; fi; \
	if [ "$$db" = https://vuln.go.dev ] && ! curl -fsS -m 10 -o /dev/null $$db/index/db.json; then \
		echo 'govulncheck: skipped (no vulnerability database can be reached)'; \
	else \
		echo "govulncheck -db $$db ./..."; $(GOVULNCHECK) -db $$db ./...; \
	fi
	@if command -v shellcheck >/dev/null; then shellcheck .ci/base-images .ci/cgroup2 .ci/image-tags .ci/notices .ci/release .ci/release-check .ci/run .ci/test; else echo 'shellcheck: skipped (not installed)'; fi

fmt: $(GOLANGCI) ## format the code
	$(GOLANGCI) fmt ./...

fuzz: ## run every fuzz test for FUZZTIME (20s)
	@for package in $$(go list ./app/... ./loadtest/...); do \
		for name in $$(go test -list '^Fuzz' "$$package" | grep '^Fuzz' || true); do \
			echo "$$package $$name"; \
			go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) "$$package"; \
		done; \
	done

bench: ## run every Go benchmark
	go test -run '^$$' -bench . -benchmem ./app/... ./loadtest/...

soak: ## 250 recycles under load, or 1,000 with FULL=1 (about two minutes); no request may fail
	go run ./loadtest bench-recycle -parts keepalive,fresh -think 1ms -max-requests 90 -jitter 10 \
		$(if $(filter 1,$(FULL)),-requests 600000 -fresh 20000 -recycles 1000,-requests 150000 -fresh 5000 -recycles 250)

bench-recycle: ## test everything that recycling promises, at full size (about 10 minutes on a quiet machine)
	go run ./loadtest bench-recycle -max-requests 800 -parts keepalive,fresh,idle,streams,kill,stop,balance
	go run ./loadtest bench-recycle -parts ratio -ratio-pairs 5 -ratio-window 8s

bench-streams: ## measure what 10,000 event streams cost in the container (about 6 minutes on a quiet machine; PARTS=idle,storm selects parts)
	.ci/base-images golang:1.26-bookworm
	BENCH_STREAMS='$(PARTS)' go test -count=1 -timeout 30m -v -run '^TestBenchStreams$$' ./integration/bench

bench-agents: ## measure the CPU time of a chat in service, supervisor, model and clients, with recycling and without, in turn; then what clients of the container notice (about 6 minutes on a quiet machine)
	$(BENCH_CHATS) -program default,.build/studysharper -program 'no recycling,.build/studysharper,MAX_REQUESTS=0'
	$(BENCH_CHATS) -clients 1 -program default,.build/studysharper -program 'no recycling,.build/studysharper,MAX_REQUESTS=0'
	.ci/base-images golang:1.26-bookworm
	BENCH_AGENTS=1 go test -count=1 -timeout 15m -v -run '^TestBenchAgents$$' ./integration/bench

bench-limit: ## compare the service with a minimal program that has the same duties (loadtest/limit), in turn (about 3 minutes on a quiet machine)
	CGO_ENABLED=0 go build -trimpath -o .build/limit ./loadtest/limit
	$(BENCH_CHATS) -program default,.build/studysharper -program 'no recycling,.build/studysharper,MAX_REQUESTS=0' -program limit,.build/limit
	$(BENCH_CHATS) -clients 1 -program default,.build/studysharper -program limit,.build/limit

bench-accounts: ## measure what accounts cost: chats with AUTH_MODE=account and with none, in turn (about a minute on a quiet machine)
	BENCH_ACCOUNTS=1 go test -count=1 -v -run '^TestBenchAccounts$$' ./app/e2e/contract

bench-distributed: ## test that three instances on Redis and PostgreSQL lose nothing when parts die, and measure throughput (about 4 minutes; PARTS=throughput selects parts)
	.ci/base-images
	BENCH_DISTRIBUTED='$(PARTS)' go test -count=1 -timeout 20m -v -run '^TestBenchDistributed$$' ./integration/bench

loadtest: ## run the load test against URL (http://127.0.0.1:8000), with the flags in ARGS
	go run ./loadtest $(ARGS) $(URL)

image: ## build the image as IMAGE (studysharper:latest)
	.ci/base-images golang:1.26-bookworm
	docker build --force-rm --build-arg VERSION='$(VERSION)' --build-arg COMMIT='$(COMMIT)' --tag '$(IMAGE)' .

reproducible: ## build MAIN (./app) twice, in different folders without a shared cache, and compare the bytes (minutes)
	@scratch=$$(mktemp -d); trap 'chmod -R u+w "$$scratch"; rm -rf "$$scratch"' EXIT; \
	for folder in one another/and/deeper; do \
		mkdir -p "$$scratch/$$folder"; cp -R go.mod go.sum app loadtest "$$scratch/$$folder"; \
		(cd "$$scratch/$$folder" && CGO_ENABLED=0 GOCACHE="$$PWD/.cache" GOFLAGS='-mod=readonly -trimpath' \
			go build -ldflags '-s -w $(LDFLAGS)' -o studysharper $(MAIN)); \
	done; \
	cmp "$$scratch"/one/studysharper "$$scratch"/another/and/deeper/studysharper; \
	if grep -qaF "$$scratch" "$$scratch/one/studysharper"; then echo 'the binary names the folder it was built in' >&2; exit 1; fi; \
	sha256sum <"$$scratch/one/studysharper"

release-check: ## build what the release VERSION publishes into dist/, and check it: changelog, checksums, stamps, licences, SBOM
	.ci/release-check '$(VERSION)' '$(COMMIT)'

cgroup2: ## run the service under cgroup v2, in an emulated machine (qemu-system-x86, busybox-static; minutes)
	.ci/cgroup2

clean: ## remove tools, reports and the leftovers of image builds (not ./data)
	rm -rf .bin .build dist integration/report
	-docker image prune --force --filter label=studysharper.stage=build
	find . -name '*.test' -o -name '*.prof' | xargs -r rm --

# A tool's file name includes its version, so that changing the version above installs the new one.
$(GOLANGCI):
	GOBIN=$(BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	mv $(BIN)/golangci-lint $@

$(GOVULNCHECK):
	GOBIN=$(BIN) go install golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION)
	mv $(BIN)/govulncheck $@

$(VULNDB): $(VULNDB_ARCHIVE)
	rm -rf $@ && mkdir -p $@.part
	tar -C $@.part -xJf $<
	if [ -d $@.part/vulndb ]; then mv $@.part/vulndb $@; rmdir $@.part; else mv $@.part $@; fi
	touch $@
