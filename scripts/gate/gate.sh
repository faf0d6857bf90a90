#!/bin/bash
# gate.sh [BASE]: is a hot path slower than it was at BASE (default: the commit before)?
# The benchmarks of hot paths are built at BASE and here, and run in turn on
# this machine; of each the least time counts, which others disturb least. It
# fails where one takes more than LIMIT (1.15) times as long as it did.
# Example: scripts/gate/gate.sh v0.3.0; ROUNDS=9 LIMIT=1.05 scripts/gate/gate.sh HEAD~5
set -euo pipefail
case ${1:-} in -h | --help) sed -n '2,6s/^# //p' "$0"; exit ;; esac
cd "$(dirname "$0")/../.."
base=$(git rev-parse --verify "${1:-HEAD~1}^{commit}")
rounds=${ROUNDS:-5}
limit=${LIMIT:-1.15}
work=$(mktemp -d)
trap 'git worktree remove --force "$work/base" 2>/dev/null || true; rm -rf "$work"' EXIT
git worktree add --quiet --detach "$work/base" "$base"

paths=$(grep -v '^#' scripts/gate/paths)
build() { # FOLDER NAME: the test binaries of all paths, where they exist
	(cd "$1" && while read -r package benchmark; do
		[ -d "$package" ] && go test -c -o "$work/$2-${package//\//_}" "./$package" || true
	done <<<"$paths")
}
echo "building $(git rev-parse --short "$base") and this tree" >&2
build "$work/base" old
build . new

once() { # NAME PACKAGE BENCHMARK: ns/op
	local folder=.
	[ "$1" = old ] && folder=$work/base
	[ -x "$work/$1-${2//\//_}" ] || return 0
	(cd "$folder/$2" && "$work/$1-${2//\//_}" -test.run '^$' -test.bench "^Benchmark${3/\//\$/^}\$" -test.benchtime 1s) |
		awk '/ns\/op/ { for (i = 2; i <= NF; i++) if ($i == "ns/op") print $(i-1) }'
}
least() { sort -g | head -1; }

slower=0
printf '%-28s %-16s %14s %14s %7s\n' package benchmark "ns/op then" "ns/op now" ratio
while read -r package benchmark; do
	: >"$work/then"
	: >"$work/now"
	for _ in $(seq "$rounds"); do
		once old "$package" "$benchmark" >>"$work/then"
		once new "$package" "$benchmark" >>"$work/now"
	done
	then=$(least <"$work/then")
	now=$(least <"$work/now")
	if [ -z "$now" ]; then
		echo "$package: there is no benchmark $benchmark" >&2
		exit 2
	fi
	if [ -z "$then" ]; then
		printf '%-28s %-16s %14s %14s %7s\n' "$package" "$benchmark" new "$now" -
		continue
	fi
	verdict=$(awk -v a="$then" -v b="$now" -v l="$limit" 'BEGIN { r = b / a; printf "%.2f %s", r, (r > l ? "slower" : "") }')
	printf '%-28s %-16s %14s %14s %7s\n' "$package" "$benchmark" "$then" "$now" "$verdict"
	[[ $verdict == *slower ]] && slower=1
done <<<"$paths"
exit $slower
