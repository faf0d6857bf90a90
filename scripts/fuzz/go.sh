#!/usr/bin/env bash
# Runs every fuzz target of the workspace for a while, one after the other.
# What one finds stands in testdata/fuzz beside it and fails the tests from then on.
#
#   scripts/fuzz/go.sh            # 30 s each
#   FUZZ=10m scripts/fuzz/go.sh
set -euo pipefail
root=$(dirname "$(readlink -f "$0")")/../..
cd "$root"
grep -rnoE --include='*_test.go' '^func Fuzz[A-Za-z]+' pkg services | sed -E 's/^(.*)\/[^/]+:[0-9]+:func (Fuzz.*)$/\1 \2/' | sort | while read -r folder name; do
	echo "fuzz: $folder $name"
	go test "./$folder" -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZ:-30s}" | tail -n 3
done
