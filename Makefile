# Nabz. `make` lists what there is.
#
# A fresh machine needs Go, Node with npm, Java 17 with Maven, and nothing else:
# the ClickHouse engine and the Kafka broker of the tests are fetched, pinned by
# version and checksum, into $NABZ_CACHE or the user's cache folder.

SHELL   := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MODULES := pkg schemas services scripts
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo dev)
DATA    ?= .nabz
BANK    := ../shared/data/anonymous_bank_calls_1999_02.tsv
RUN     ?= --ports default

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: build
build: ## bin/nabz, the one binary
	go build -ldflags "-X main.version=$(VERSION)" -o bin/nabz ./services/nabz

.PHONY: run
run: build ## everything embedded, with a simulated contact center; RUN and DATA change how
	bin/nabz run --demo --data-dir $(DATA) $(RUN)

.PHONY: test
test: check-format check-modules ## everything, real Apache Kafka and the real ClickHouse engine included
	go vet work
	@[ -n "$${NABZ_BANK_CALLS:-}" ] || [ -e $(BANK) ] || echo "MISSING: $(BANK), or NABZ_BANK_CALLS: the tests of the bank's call log do with the sample of 500 calls"
	go test -timeout 30m $$(go list ./pkg/... ./schemas/... ./services/... | grep -v /gateway/web)
	go test -timeout 20m ./services/gateway/web
	go test -timeout 20m -count=1 ./scripts/...
	@if command -v "$$(go env CC)" >/dev/null; then \
		echo "go test -race $(RACE)"; CGO_ENABLED=1 go test -race -timeout 20m -skip /apache $(RACE); \
	else \
		echo "SKIPPED: the race detector needs a C compiler ($$(go env CC)), and there is none: install one to run it"; \
	fi

# The page is tried alone: a browser that must share two cores with the engines
# of other tests says little about a page. The tests of scripts read the other
# modules, which go's cache does not see: -count=1. Under the race detector the embedded broker shows all that Apache
# Kafka does. It runs where goroutines meet; the core has none.
RACE := ./services/collector ./services/processor ./services/loader ./services/alerter ./services/gateway ./services/internal/notify ./services/internal/keys ./services/internal/supervise ./services/internal/embedded

.PHONY: check-format
check-format:
	@bad=$$(gofmt -l $(MODULES)); if [ -n "$$bad" ]; then echo "gofmt these:"; echo "$$bad"; exit 1; fi

# Each module must stand alone: the workspace hides a missing requirement.
.PHONY: check-modules
check-modules:
	@for m in $(MODULES); do (cd $$m && GOWORK=off go build ./... && GOWORK=off go vet ./...) || exit 1; done

.PHONY: lint
lint: ## the linters of .golangci.yml, for whoever has golangci-lint
	@command -v golangci-lint >/dev/null || { echo "golangci-lint v2 is not installed"; exit 1; }
	for m in $(MODULES); do (cd $$m && golangci-lint run --config ../.golangci.yml ./...); done

.PHONY: bench
bench: ## every benchmark, once and one after the other
	go test -p 1 -run '^$$' -bench . -benchtime 2s work

.PHONY: bench-gate
bench-gate: ## the hot paths beside what they were at BASE, in one run; fails where one is slower
	scripts/gate/gate.sh $(BASE)

.PHONY: growth
growth: ## docs/growth.md: what so many events a second take, from what was measured
	go run ./scripts/growth

# WORKLOAD is one or more of those that `go run ./scripts/peers --help` names,
# EVENTS how many events the long log has, PEERS further flags.
WORKLOAD ?= all
EVENTS   ?= 2000000
.PHONY: bench-peers
bench-peers: build ## Nabz beside Kafka Streams, Flink and ClickHouse; WORKLOAD, EVENTS and PEERS say what
	go run ./scripts/peers --workload $(WORKLOAD) --events $(EVENTS) $(PEERS)

# 70 kills in eight minutes, or a thousand in two hours. The report is made of
# what the run noted. SEED repeats a run.
SEED  ?= 1
KILLS ?= $(if $(LONG),1000,70)
FOR   ?= $(if $(LONG),2h,8m)
RATE  ?= $(if $(LONG),500,5000)

.PHONY: reliability
reliability: build ## the binary under fire, held against an oracle; SEED, KILLS, FOR and RATE change it, LONG=1 is the long run
	go run ./scripts/reliability -seed $(SEED) -kills $(KILLS) -for $(FOR) -rate $(RATE) -results docs/reliability.json
	go run ./scripts/reliability report

# Pieces of a thousand seeds, so that it says how far it is and SEED goes on
# behind a break: make simulate SEED=50001 SEEDS=150000.
SEEDS ?= 200000
.PHONY: simulate
simulate: ## the machine through histories and accidents of SEEDS seeds from SEED on
	go test -c -o bin/sim.test ./pkg/sim
	cd pkg/sim && for at in $$(seq $(SEED) 1000 $$(($(SEED) + $(SEEDS) - 1))); do \
		date +"%T seeds $$at to $$((at + 999))"; ../../bin/sim.test -test.timeout 1h -test.run '^TestSeeds$$' -from $$at -seeds 1000 || exit 1; done

.PHONY: fuzz
fuzz: build ## every decoder and loader, and both HTTP APIs, attacked: FUZZ=30s each, BODIES=100000
	scripts/fuzz/go.sh
	scripts/fuzz/http.sh

.PHONY: fetch
fetch: build ## fetch what tests and runs need, and nothing else
	bin/nabz embedded --fetch-only

.PHONY: clean
clean: ## remove what was built; data and cache stay
	rm -rf bin
