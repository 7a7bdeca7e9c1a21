# Everyday commands; `just` alone lists them.
_:
    @just --list

# The demo, as the README has it.
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# What every commit must pass.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    cargo test --workspace

# What CI runs.
ci:
    .ci/run

# A benchmark, e.g. `just bench window`.
bench NAME *ARGS:
    cargo run --release -p benches -- {{NAME}} --json {{ARGS}}
