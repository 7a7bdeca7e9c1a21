#!/usr/bin/env bash
# Runs the conformance suite of the log against real Kafka brokers, and stops them whatever happens.
# Arguments go to cargo test, e.g. suite.sh -- fences
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=$(mktemp -d)

finish() {
  "$here/kafka.sh" stop "$dir/open" || true
  "$here/kafka.sh" stop "$dir/auth" || true
  rm -rf "$dir"
}
trap finish EXIT

open=$("$here/kafka.sh" start "$dir/open")
auth=$("$here/kafka.sh" start "$dir/auth" --auth)
export MANPASIK_KAFKA_BROKERS=${open#brokers=} MANPASIK_KAFKA_AUTH_BROKERS=${auth#brokers=}

cd "$here/../.."
cargo test -p eventlog --features real-kafka --test kafka "$@"
