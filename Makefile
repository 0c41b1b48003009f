# `make` lists the targets. All of them need only Go, GNU make and git, unless their sentence says more.

GO        ?= go
FIXTURE   ?= auth-jwt
FUZZTIME  ?= 10s
BENCH     ?= .
BENCHTIME ?= 1s
SEED      ?= 1

# For the tests of one package: one that hangs must not hold everybody up.
TIMEOUT ?= 4m

# What soak-ingest feeds in, and how much memory that may take.
SOAK_BYTES   ?= 1000000000
SOAK_MAX_MIB ?= 256

# How many audits bench-store measures over.
BENCH_AUDITS ?= 1000000

# How many questions a second bench-http lets fall due.
RATE ?= 2000

# A go.work further up would change which modules are built, and a server or a directory that the shell points at is
# nothing that tests and measurements may write to.
export GOWORK := off
unexport EPISTEME_SERVER EPISTEME_TOKEN EPISTEME_DATA EPISTEME_NOW

.DEFAULT_GOAL := help
.PHONY: help build run test check bench fuzz race cover golden cross soak-ingest mutants screens bench-wal bench-store bench-http vuln clean

help: ## list the targets (this list)
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1	\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F '	' '{ printf "  make %-12s %s\n", $$1, $$2 }'

build: ## compile the program to bin/episteme
	$(GO) build -o bin/episteme .

run: build ## compile the program and open an incident that comes with it (FIXTURE=auth-jwt)
	./bin/episteme tui --fixture $(FIXTURE)

test: ## run all tests
	$(GO) test -timeout $(TIMEOUT) ./...
	$(GO) -C tools test -timeout $(TIMEOUT) ./...

# staticcheck is pinned by tools/go.mod, so that the program's own go.mod does not carry its modules. -modfile is for
# finding the tool; the tool then loads ./... with go.mod, as everybody does.
STATICCHECK = $(GO) tool -modfile=$(CURDIR)/tools/go.mod staticcheck

check: ## what CI asks of the source: gofmt, go vet, staticcheck, who imports whom
	@out=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .) || exit 1; \
		test -z "$$out" || { printf 'not formatted; run gofmt -w on\n%s\n' "$$out"; exit 1; }
	$(GO) vet ./...
	$(GO) -C tools vet ./...
	$(STATICCHECK) ./...
	cd tools && $(STATICCHECK) ./...
	$(GO) test -run '^Test(Arrows|StrayImports|ArrowsAreDrawn|PackageComments|TopLevel|MakeTargets|NamedTargets)$$' .

# ns/op, MB/s and allocations are per operation as the benchmark's comment defines it; sizes are in the names. Compare
# two runs of one machine only, and quote a figure with the three lines at the top and the command.
bench: ## measure: all benchmarks with time, throughput and allocations (BENCH=regexp BENCHTIME=1s)
	@date -u '+date: %Y-%m-%dT%H:%M:%SZ'
	@echo "commit: $$(git describe --always --dirty 2>/dev/null || echo none)"
	@$(GO) version
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchtime $(BENCHTIME) -benchmem -timeout 60m ./engine/... ./views/... ./tui/...

# `go test` fuzzes one target at a time, so they are listed first. All get their turn, even after one has failed.
fuzz: ## give every fuzz target FUZZTIME=10s; what it finds lands in testdata/fuzz and belongs into the commit
	@list=$$($(GO) test -list '^Fuzz' ./...) || { echo "$$list"; exit 1; }; \
	targets=$$(echo "$$list" | awk '/^Fuzz/ { name[n++] = $$1; next } $$1 == "ok" { while (n) print $$2 ":" name[--n] } { n = 0 }'); \
	test -n "$$targets" || { echo 'found no fuzz target'; exit 1; }; \
	status=0; \
	for target in $$targets; do \
		echo "==> $${target##*:} in $${target%%:*}"; \
		$(GO) test -run '^$$' -fuzz "^$${target##*:}\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$${target%%:*}" || status=1; \
	done; \
	exit $$status

race: ## run the engine's tests under the race detector, where there is a C compiler (RACE=-short for fewer)
	@if command -v "$$($(GO) env CC)" >/dev/null; then set -x; CGO_ENABLED=1 $(GO) test -race $(RACE) -timeout $(TIMEOUT) ./engine/...; \
	else echo "skipped: the race detector needs a C compiler, and there is no $$($(GO) env CC)"; fi

cover: ## run all tests and say which lines none of them reached; bin/cover.html shows them
	@mkdir -p bin
	$(GO) test -coverpkg=./... -coverprofile=bin/cover.out ./...
	$(GO) tool cover -html=bin/cover.out -o bin/cover.html
	$(GO) tool cover -func=bin/cover.out | tail -n 1

# A package takes part when one of its tests has the flag -update, its own or that of charmbracelet/x/exp/golden.
golden: ## rewrite the goldens, then read the diff: it is what the change does to people
	@packages=$$(grep -rlE --include='*_test.go' 'flag\.Bool\("update"|charmbracelet/x/exp/(golden|teatest)"' . | xargs -n 1 dirname | sort -u); \
	test -n "$$packages" || { echo 'found no test with a flag -update'; exit 1; }; \
	echo $(GO) test $$packages -update; \
	$(GO) test $$packages -update
	@git status --short -- '*testdata*' 2>/dev/null || true
	@echo 'Read the diff before you commit it: git diff -- "*testdata*"'

# They come from the real program in a terminal of 120 by 40 and 80 by 24. The picture in README.md is one of them.
screens: ## rewrite docs/screens, what the program shows; then read the diff and copy the picture into README.md
	$(GO) test ./cli -run '^TestScreens$$' -update
	@git status --short -- docs/screens 2>/dev/null || true

cross: ## compile and vet for the systems this machine is not: macOS, FreeBSD, Linux on ARM, Windows
	@for target in darwin/arm64 freebsd/amd64 linux/arm64 windows/amd64; do \
		echo "==> $$target"; \
		GOOS=$${target%/*} GOARCH=$${target#*/} CGO_ENABLED=0 $(GO) vet ./... || exit 1; \
	done

# The directory lies in bin/ and not in /tmp, which may be memory and would count as the program's.
soak-ingest: build ## ingest SOAK_BYTES (1 GB) of JSON lines; fails when that takes more than SOAK_MAX_MIB=256 of memory
	$(GO) build -C tools -o ../bin/ ./genlines ./peak
	@dir=$$(mktemp -d "$(CURDIR)/bin/soak.XXXXXX") || exit 1; \
	trap 'rm -rf "$$dir"' EXIT; trap 'exit 130' INT TERM; \
	./bin/genlines --bytes $(SOAK_BYTES) --seed $(SEED) | \
		./bin/peak --max-mib $(SOAK_MAX_MIB) -- ./bin/episteme ingest --data "$$dir/data" --format jsonl -

mutants: ## break the journal on purpose, a rule or sync at a time: a test has to notice each (minutes; not in CI)
	$(GO) build -C tools -o ../bin/ ./mutants
	./bin/mutants -write docs/decisions/0020-mutants.md tools/mutants/journal.txt

# The journals are made in bin/: what is measured is a disk, and /tmp may be memory.
bench-wal: ## measure the journal beside raft-wal and tidwall/wal, and append the table to bench/RESULTS.md (minutes)
	@mkdir -p bin
	$(GO) build -C bench -o ../bin/bench .
	./bin/bench -dir bin -results bench/RESULTS.md

bench-store: ## measure the store beside SQLite, and append the table to bench/RESULTS.md (minutes)
	@mkdir -p bin
	$(GO) build -C bench -o ../bin/bench .
	./bin/bench store -n $(BENCH_AUDITS) -rounds 5 -dir bin -results bench/RESULTS.md

# The server is a process of its own, over a directory in bin/; bench/http says what -rate is for.
bench-http: build ## measure questions a second over HTTP, and what 99 of 100 wait for at RATE=2000 a second
	$(GO) build -C bench -o ../bin/bench-http ./http
	./bin/bench-http -episteme bin/episteme -dir bin
	./bin/bench-http -episteme bin/episteme -dir bin -rate $(RATE)

# govulncheck is pinned by tools/go.mod, like staticcheck. Whoever has no way to its database is told so, and that says
# nothing about the program.
vuln: ## look for known vulnerabilities in what the program calls; needs the database at vuln.go.dev
	@mkdir -p bin
	@$(GO) tool -modfile=$(CURDIR)/tools/go.mod govulncheck ./... >bin/vuln.txt 2>&1; status=$$?; cat bin/vuln.txt; \
		if [ $$status -ne 0 ] && grep -q '^govulncheck: fetching vulnerabilities: ' bin/vuln.txt; then \
			echo 'skipped: the database of vulnerabilities cannot be reached from here, so nothing was looked at'; exit 0; \
		fi; \
		exit $$status

clean: ## remove bin/
	rm -rf bin
