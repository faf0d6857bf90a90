#!/usr/bin/env bash
# Builds the binary twice, from copies of the sources in two folders, and holds
# the results against each other: equal, or exit code 1.
#
#   scripts/reliability/twice.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for n in one two; do
	mkdir -p "$work/$n/sources"
	git ls-files -z pkg schemas services scripts go.work go.work.sum | tar --null -T - -c --ignore-failed-read 2>/dev/null | tar -x -C "$work/$n/sources"
	echo "building $n"
	(cd "$work/$n/sources" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-X main.version=reproducible" -o "$work/$n/nabz" ./services/nabz)
done
cmp "$work/one/nabz" "$work/two/nabz"
echo "sha256 $(sha256sum <"$work/one/nabz" | cut -d' ' -f1)"
