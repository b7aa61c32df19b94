# Names for commands a person could type; the logic is in scripts/ and beside what it serves.
PREFIX ?= /usr/local
DESTDIR ?=
STATIC ?=

.PHONY: demo test test-unit test-host test-vm test-roots test-fuzz test-api bench build format lint install clean

demo:  ## install what is missing, build, and watch a memory limit at work
	scripts/demo

test:  ## install what is missing and run every test: unit, this machine, virtual machines
	scripts/test

test-unit:  ## pure logic only: seconds, no root
	scripts/test unit

test-host:  ## unit tests and this machine's kernel
	scripts/test host

test-vm:  ## the same integration tests in virtual machines
	scripts/test vm

test-roots:  ## the release executables in the user space of other distributions
	scripts/test roots

test-fuzz:  ## the parsers of texts from outside, for a minute; for longer: Tests/fuzz/run -s SECONDS
	scripts/test fuzz

test-api:  ## the daemon's answers against its OpenAPI document
	scripts/test api

bench:  ## measure the cost of a job and of the queue against a C floor and other tools
	benchmarks/launch
	benchmarks/throughput
	benchmarks/latency
	benchmarks/scale
	benchmarks/idle

# STATIC=1: programs without libraries, for Alpine and others without glibc; they cannot ask systemd for anything.
build:
	scripts/build $(if $(STATIC),--static)

format:
	swift format format --in-place --recursive Sources Tests benchmarks Package.swift

lint:
	swift format lint --strict --recursive Sources Tests benchmarks Package.swift

install: build
	scripts/install-files "$(DESTDIR)" "$(PREFIX)"

clean:
	rm -rf .build
