# Everything here needs Go, make and git. What else a target needs, it builds into
# bin/tools (from the versions pinned in tools/) or says how to get.

# How long each fuzz target runs.
FUZZ_TIME ?= 30s
# Which benchmarks run, how often, and for how long each. For bench-sync BENCH is a
# regexp over the names of its cells, and `full` means more cells.
BENCH       ?= .
BENCH_COUNT ?= 1
BENCH_TIME  ?= 1s
# The packages that test, race and bench look at.
PKG ?= ./...

BIN   := $(CURDIR)/bin
TOOLS := $(BIN)/tools

# No C compiler is needed; only `make race` asks for one.
export CGO_ENABLED := 0

# A clone that git does not answer for (owned by somebody else, or an unpacked
# tarball) still builds; the binary only lacks the commit it was made from.
VCS := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo auto || echo false)

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/baton-jumpcloud
	go build -trimpath -buildvcs=$(VCS) -o $(BIN)/ ./cmd/...

# Where OPEN is set, a demo ends with its archive in a browser.
OPEN ?=

.PHONY: demo
demo: build ## Sync a simulated organization and show what came out (OPEN=1: in a browser)
	$(BIN)/baton-jumpcloud demo$(if $(OPEN), --explore)

.PHONY: test
test: deploy-check bench-check ## Run all tests, those of deploy/, tools/bench and in a browser among them
	go test -timeout 20m $(PKG)
	$(MAKE) browser-test

# Go takes no notice of the program that these tests build, nor of the browser.
.PHONY: browser-test
browser-test: chromium ## Look at the explorer's pages in Chromium; pictures are in dist/screenshots
	go test -C test/browser -count=1 ./...

# Where we may install the browser we do.
.PHONY: chromium
chromium:
	@for browser in chromium chromium-browser google-chrome; do \
		command -v $$browser >/dev/null 2>&1 && exit 0; \
	done; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo='sudo -n'; \
	if command -v apt-get >/dev/null 2>&1 && $$sudo true 2>/dev/null; then \
		$$sudo apt-get update -q && $$sudo apt-get install -qy --no-install-recommends chromium; \
	else \
		echo 'The tests of the explorer need Chromium. Install it, then run them again:' >&2; \
		echo '  sudo apt-get install chromium' >&2; \
		exit 1; \
	fi

# Packages with code that runs concurrently. Those in cmd, and the tests of internal/e2e
# tagged !race, run the built binary, which has no race detector in it.
RACE_PKG ?= $(addprefix ./,$(sort $(dir $(shell grep -lrE --include='*.go' '\bgo func|\.Go\b|\bsync\.|\batomic\.' internal | xargs grep -LE '^// Code generated'))))

# SQLite is C translated to Go. Its own accesses are no subject of ours, and watching
# each of them takes four times as long as all the rest.
UNWATCHED := $(foreach p,modernc.org/sqlite/lib modernc.org/libc,-gcflags='$(p)=-race=false -d=checkptr=0')

.PHONY: race
race: cc ## Run the tests of concurrent code under the race detector, with smaller inputs
	CGO_ENABLED=1 go test -race $(UNWATCHED) -short -timeout 40m $(RACE_PKG)

# The race detector is written in C. Where we may install the compiler we do.
.PHONY: cc
cc:
	@command -v $${CC:-gcc} >/dev/null 2>&1 && exit 0; \
	sudo=; [ "$$(id -u)" = 0 ] || sudo='sudo -n'; \
	if command -v apt-get >/dev/null 2>&1 && $$sudo true 2>/dev/null; then \
		$$sudo apt-get update -q && $$sudo apt-get install -qy --no-install-recommends gcc libc6-dev; \
	else \
		echo 'make race needs a C compiler. Install one, then run it again:' >&2; \
		echo '  sudo apt-get install gcc libc6-dev' >&2; \
		exit 1; \
	fi

# What make check looks at: packages with Go files changed since CHECK_BASE, without
# those that take minutes.
CHECK_BASE ?= $(shell git merge-base HEAD origin/main 2>/dev/null || echo HEAD)
CHECK_PKG  ?= $(addprefix ./,$(filter-out cmd/% internal/e2e/,$(wildcard $(sort $(dir $(shell \
	{ git diff --name-only $(CHECK_BASE) -- cmd internal; git ls-files -o --exclude-standard -- cmd internal; } | grep '\.go$$'))))))

.PHONY: check
check: $(TOOLS)/golangci-lint ## The loop while working: build, vet, tests and lint of what changed since CHECK_BASE
	go build ./...
	go vet ./...
	go test -short ./internal/archtest $(CHECK_PKG)
	$(if $(CHECK_PKG),$(TOOLS)/golangci-lint run --allow-parallel-runners $(CHECK_PKG))

.PHONY: bench
bench: ## Run the benchmarks (BENCH=regexp BENCH_TIME=1s BENCH_COUNT=1)
	go test -run '^$$' -bench '$(BENCH)' -benchmem -benchtime $(BENCH_TIME) -count $(BENCH_COUNT) $(PKG)

# At most this many runs of each cell. Those that take over a minute run once.
BENCH_ROUNDS ?= 3
# bench-sync begins no cell that would end later than this.
BENCH_LIMIT ?= 40m

.PHONY: bench-sync
bench-sync: ## Measure whole syncs against the simulator, going on where it stopped (BENCH=regexp or full)
	go run -C tools/bench . -source $(CURDIR) -only '$(BENCH)' -rounds $(BENCH_ROUNDS) -limit $(BENCH_LIMIT)

.PHONY: bench-list
bench-list: ## Show what bench-sync would measure and how long that takes
	go run -C tools/bench . -source $(CURDIR) -only '$(BENCH)' -rounds $(BENCH_ROUNDS) -limit $(BENCH_LIMIT) -list

.PHONY: bench-table
bench-table: ## Write the table and the plot of what bench-sync measured
	go run -C tools/bench . -source $(CURDIR) -render

# The archive whose pages are measured, and an earlier one to compare it with; without
# them a large organization is synced twice first, which takes a quarter of an hour.
ARCHIVE ?=
BEFORE  ?=

.PHONY: bench-explore
bench-explore: ## Measure each page of the explorer (ARCHIVE=file; else of 10,000,000 grants)
	go test -C test/browser -run '^$$' -bench Explore -benchtime 40x -timeout 2h . -args $(if $(ARCHIVE),-archive '$(abspath $(ARCHIVE))') $(if $(BEFORE),-before '$(abspath $(BEFORE))')

# Two binaries whose archives, output and pages must be the same.
BEFORE_BIN ?= $(BIN)/before
AFTER_BIN  ?= $(BIN)/baton-jumpcloud

.PHONY: same
same: ## Compare two builds byte for byte: archives, output, pages (BEFORE_BIN= AFTER_BIN=)
	go run ./tools/same -before '$(BEFORE_BIN)' -after '$(AFTER_BIN)'

.PHONY: bench-check
bench-check: ## Check that table and plot are those of the results
	go test -C tools/bench ./...

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZ_TIME (30s)
	@grep -rEo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' cmd internal | \
	while IFS=: read -r file func; do \
		echo "== $$file $${func#func }"; \
		go test -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZ_TIME) "./$$(dirname "$$file")" || exit 1; \
	done

.PHONY: fmt
fmt: $(TOOLS)/golangci-lint $(TOOLS)/buf ## Format Go and proto files
	$(TOOLS)/golangci-lint fmt
	$(TOOLS)/buf format -w

.PHONY: lint
lint: $(TOOLS)/golangci-lint $(TOOLS)/buf ## Check style, layers and formatting
	$(TOOLS)/golangci-lint run --allow-parallel-runners
	for module in deploy/test test/browser tools/image; do \
		(cd $$module && $(TOOLS)/golangci-lint run -c $(CURDIR)/.golangci.yml) || exit 1; \
	done
	$(TOOLS)/buf lint
	$(TOOLS)/buf format --diff --exit-code

.PHONY: tidy-check
tidy-check: ## Check that go.mod says what is used, no more and no less
	go mod tidy -diff

# Packages with files that their tests write when asked to: documentation made from
# tables, and what commands are expected to print.
GOLDEN = $(addprefix ./,$(sort $(dir $(shell grep -rl --include='*_test.go' 'flag.Bool."update"' cmd internal))))

GENERATORS := $(TOOLS)/buf $(TOOLS)/protoc-gen-go $(TOOLS)/protoc-gen-go-grpc

.PHONY: gen
gen: $(GENERATORS) ## Generate code from proto/, documentation from tables, and golden files
	rm -rf internal/pb/c1
	PATH='$(TOOLS)':"$$PATH" $(TOOLS)/buf generate
	go test $(GOLDEN) -update

.PHONY: gen-check
gen-check: $(GENERATORS) ## Check that generated code is current; tests check the rest
	rm -rf $(BIN)/gen
	PATH='$(TOOLS)':"$$PATH" $(TOOLS)/buf generate -o $(BIN)/gen
	diff -r $(BIN)/gen/internal/pb/c1 internal/pb/c1
	rm -rf $(BIN)/gen

# How many tasks a soak mixes, and for how long it may take.
SOAK_TASKS ?= 10000
SOAK_TIME  ?= 1h

.PHONY: soak
soak: ## Let the service carry out SOAK_TASKS (10000) under every fault; takes minutes
	go test ./internal/agent -run TestSoak -count=1 -v -timeout $(SOAK_TIME) -args -soak.tasks $(SOAK_TASKS)

# How many seeds chaos tries, or for how long, and from which seed on; CHAOS_SEED
# repeats one and tells everything it did. CHAOS_RESULTS is a file to append to.
CHAOS_SEEDS    ?= 0
CHAOS_TIME     ?= $(if $(filter 0,$(CHAOS_SEEDS)),1m,0)
CHAOS_FROM     ?= 1
CHAOS_SEED     ?= 0
CHAOS_PARALLEL ?= 6
CHAOS_RESULTS  ?=

.PHONY: chaos
chaos: ## Let everything go wrong at once for CHAOS_TIME (1m), or for CHAOS_SEEDS seeds
	go test ./internal/e2e -run '^TestChaos$$' -count=1 -v -timeout 0 -args \
		-chaos.seeds $(CHAOS_SEEDS) -chaos.time $(CHAOS_TIME) -chaos.from $(CHAOS_FROM) -chaos.seed $(CHAOS_SEED) \
		-chaos.parallel $(CHAOS_PARALLEL) -chaos.results '$(abspath $(CHAOS_RESULTS))' -chaos.commit "$$(git rev-parse --short HEAD 2>/dev/null)"

# What a release is built for, apart from this machine.
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64

.PHONY: cross
cross: ## Compile for every platform that is released, or for PLATFORMS
	@for p in $(PLATFORMS); do \
		echo "== $$p"; \
		GOOS=$${p%/*} GOARCH=$${p#*/} go build -o /dev/null ./cmd/... || exit 1; \
	done

# Go takes no notice of changed files outside of a module when it looks for a result
# that it can repeat.
.PHONY: deploy-check
deploy-check: ## Render and check what is in deploy/
	go test -C deploy/test -count=1 ./...

.PHONY: image
image: ## Assemble the container images in dist/image, and run them (needs root; FUNCTION_BASE=file of docker save)
	go run -C tools/image . -source $(CURDIR) -out $(CURDIR)/dist/image -function-base "$(abspath $(FUNCTION_BASE))" -commit "$$(git rev-parse HEAD 2>/dev/null)"

# The version of a release, and the digest of its image.
VERSION ?=
DIGEST  ?=

.PHONY: release-files
release-files: ## Write chart and manifests with the image by version and digest (VERSION= DIGEST=)
	deploy/release-files.sh '$(VERSION)' '$(DIGEST)' dist/release

.PHONY: vuln
vuln: $(TOOLS)/govulncheck ## Look for known vulnerabilities; asks a database on the network
	$(TOOLS)/govulncheck $(PKG)

# CI has no network beyond downloads of modules, and then says so instead.
VULN_DB ?= https://vuln.go.dev

.PHONY: vuln-check
vuln-check: ## The same where the database can be reached, else a remark
	@if curl -sfm 10 -o /dev/null '$(VULN_DB)/index/db.json'; then \
		$(MAKE) vuln; \
	else \
		echo 'vuln: the database at $(VULN_DB) cannot be reached: NOT CHECKED for known vulnerabilities'; \
	fi

.PHONY: clean
clean: ## Remove what was built
	rm -rf $(BIN) dist

# Each tool is built once, and again when its module changes. The modules are apart
# from ours so that a tool's dependencies never become those of the connector.
$(TOOLS)/%:
	go build -C tools/$(MODULE) -o $@ $(PACKAGE)

$(TOOLS)/buf: MODULE = buf
$(TOOLS)/buf: PACKAGE = github.com/bufbuild/buf/cmd/buf
$(TOOLS)/buf: tools/buf/go.mod tools/buf/go.sum

$(TOOLS)/protoc-gen-go: MODULE = gen
$(TOOLS)/protoc-gen-go: PACKAGE = google.golang.org/protobuf/cmd/protoc-gen-go
$(TOOLS)/protoc-gen-go: tools/gen/go.mod tools/gen/go.sum

$(TOOLS)/protoc-gen-go-grpc: MODULE = gen
$(TOOLS)/protoc-gen-go-grpc: PACKAGE = google.golang.org/grpc/cmd/protoc-gen-go-grpc
$(TOOLS)/protoc-gen-go-grpc: tools/gen/go.mod tools/gen/go.sum

$(TOOLS)/golangci-lint: MODULE = lint
$(TOOLS)/golangci-lint: PACKAGE = github.com/golangci/golangci-lint/v2/cmd/golangci-lint
$(TOOLS)/golangci-lint: tools/lint/go.mod tools/lint/go.sum

$(TOOLS)/govulncheck: MODULE = vuln
$(TOOLS)/govulncheck: PACKAGE = golang.org/x/vuln/cmd/govulncheck
$(TOOLS)/govulncheck: tools/vuln/go.mod tools/vuln/go.sum
