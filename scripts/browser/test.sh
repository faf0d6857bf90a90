#!/usr/bin/env bash
# Tests the wallboard: its logic in Node, the page in a headless Chromium with
# axe-core. What is missing is installed, pinned: playwright-core and axe-core by
# npm into the cache, Chromium by apt where that is allowed. Without a Chromium
# the tests in the browser are skipped, loudly.
#
#   scripts/browser/test.sh                      # all tests
#   scripts/browser/test.sh shots FOLDER [URL]   # pictures, of made-up numbers or of a wallboard link
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
cache=${NABZ_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nabz}
say() { echo "browser: $*" >&2; }

command -v node >/dev/null && command -v npm >/dev/null || { say "SKIPPED: all tests of the wallboard need Node with npm, and there is none"; exit 0; }

if [ "${1:-}" != shots ]; then
	node --test "$here/logic.test.mjs"
fi

# The folder's name is what is in it, so that a change of pins makes another.
pins=$(sha256sum "$here/package-lock.json" | cut -c1-12)
modules=$cache/browser-$pins
if [ ! -e "$modules/done" ]; then
	say "installing playwright-core and axe-core into $modules"
	mkdir -p "$cache"
	fresh=$(mktemp -d "$modules.XXXXXX")
	cp "$here/package.json" "$here/package-lock.json" "$fresh/"
	(cd "$fresh" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) || { rm -rf "$fresh"; say "npm could not install them"; exit 1; }
	touch "$fresh/done"
	# Another run may have been faster.
	mv -T "$fresh" "$modules" 2>/dev/null || rm -rf "$fresh"
fi

find_chromium() {
	local c
	for c in "${NABZ_CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
		[ -n "$c" ] && command -v "$c" && return
	done
	return 1
}
if ! chromium=$(find_chromium) && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	say "installing Chromium by apt-get, about 100 MB"
	{ timeout 120 apt-get -qq update && DEBIAN_FRONTEND=noninteractive timeout 400 apt-get -qq install -y --no-install-recommends chromium; } >/dev/null 2>&1 || say "apt-get could not install Chromium"
	chromium=$(find_chromium) || true
fi
if [ -z "${chromium:-}" ]; then
	say "SKIPPED: the tests in the browser need Chromium, and there is none: install it, or name one by NABZ_CHROMIUM"
	exit 0
fi

export NABZ_BROWSER_MODULES=$modules NABZ_CHROMIUM=$chromium
if [ "${1:-}" = shots ]; then
	shift
	exec node "$here/shots.mjs" "$@"
fi
exec timeout 600 node --test --test-concurrency=1 "$here/page.test.mjs"
