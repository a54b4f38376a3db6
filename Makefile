# Every way to run, test and measure CAR. What a target needs, it installs.
.DEFAULT_GOAL := help
.PHONY: help demo install dev test bench screenshots icons

BINARIES := $(or $(CARGO_TARGET_DIR),target)
PREFIX ?= $(HOME)/.local
STEP := scripts/step.sh
TOOLS := $(CURDIR)/end2end/node_modules/.bin:$(or $(CARGO_HOME),$(HOME)/.cargo)/bin

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST)

demo: ## Build CAR and show it at work on three small repositories (ARGS="…" for more options)
	@scripts/setup.sh build
	@$(STEP) "Building the site" cargo xtask site --release
	@$(STEP) "Building car" cargo build --release --package server
	$(BINARIES)/release/car demo $(ARGS)

install: ## Build CAR and put it where you run programs from (PREFIX, by default ~/.local)
	@scripts/setup.sh build
	@$(STEP) "Building the site" cargo xtask site --release
	@$(STEP) "Building car" cargo build --release --package server
	install -d $(PREFIX)/bin
	install $(BINARIES)/release/car $(PREFIX)/bin/car
	ln -sf car $(PREFIX)/bin/codex-autorunner

dev: ## Serve on port 4173 and rebuild on every change
	@scripts/setup.sh dev
	PATH="$(TOOLS):$$PATH" cargo leptos watch -- serve $(ARGS)

test: ## Check everything: format, architecture, lints, tests, the original, docs, browser
	@scripts/setup.sh test
	@$(STEP) "Format" cargo fmt --all --check
	@$(STEP) "Architecture" cargo xtask arch
	@$(STEP) "Scripts of others" cargo xtask vendor --check
	@$(STEP) "Lints" cargo clippy --workspace --all-targets -- -D warnings
	@$(STEP) "Lints of the browser side" \
		cargo clippy --package frontend --target wasm32-unknown-unknown -- -D warnings
	@$(STEP) "Site" cargo xtask site
	@$(STEP) "Binaries" cargo build --package server --package car-testkit
	@$(STEP) "Rust tests" scripts/test-rust.sh
	@$(STEP) "Comparison with the original" scripts/test-differential.sh
	@RUSTDOCFLAGS="-D warnings" $(STEP) "Documentation" \
		cargo doc --no-deps --document-private-items --workspace
	@cd end2end && ../$(STEP) --last "Browser tests" npx playwright test

bench: ## Measure commands, the server and terminals; with ttyd on PATH, terminals beside it
	@scripts/setup.sh build
	@$(STEP) "Building the site" cargo xtask site --release
	@$(STEP) "Building car" cargo build --release --package server
	@$(STEP) "Measuring" cargo xtask bench
	@scripts/setup.sh test
	@cd end2end && CAR_BIN=$${CARGO_TARGET_DIR:-$(CURDIR)/target}/release/car ../$(STEP) --last "First load in a browser" \
		npx playwright test --config bench/playwright.config.ts

screenshots: ## Render every screen into docs/screenshots
	@scripts/setup.sh test
	@$(STEP) "Site" cargo xtask site
	@$(STEP) "Binary" cargo build --package server
	@cd end2end && ../$(STEP) --last "Screens" npx playwright test --config screenshots/playwright.config.ts

icons: ## Render the icons of the installed application from their drawings
	@scripts/setup.sh test
	@cd end2end && ../$(STEP) --last "Icons" node icons.mjs
