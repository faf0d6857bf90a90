#!/usr/bin/env bash
# Attacks both HTTP APIs of an installation of its own: what their OpenAPI
# documents allow and forbid, by schemathesis, and bodies broken at random.
#
#   scripts/fuzz/http.sh                             # 120 s an API, 100,000 bodies
#   SECONDS_EACH=600 BODIES=1000000 scripts/fuzz/http.sh
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
root=$here/../..
cache=${NABZ_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nabz}
each=${SECONDS_EACH:-120} bodies=${BODIES:-100000} seed=${SEED:-1}
version=4.32.5

tool=$cache/schemathesis-$version
if [ ! -x "$tool/bin/st" ]; then
	echo "fuzz: installing schemathesis $version into $tool" >&2
	python3 -m venv "$tool"
	"$tool/bin/pip" -q --disable-pip-version-check install "schemathesis==$version"
fi

work=$(mktemp -d)
"$root/bin/nabz" run --ports auto --data-dir "$work/data" >"$work/log" 2>&1 &
nabz=$!
trap 'kill "$nabz" 2>/dev/null; wait "$nabz" 2>/dev/null || true; rm -rf "$work"' EXIT
ready=$work/data/ready.json
for _ in $(seq 300); do
	[ -e "$ready" ] && break
	kill -0 "$nabz" 2>/dev/null || { cat "$work/log" >&2; exit 1; }
	sleep 1
done
value() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$ready" "$1"; }

(cd "$root" && go run ./scripts/fuzz --ready "$ready" --bodies "$bodies" --seed "$seed")

# Whether a request is accepted depends on more than its schema: names that must
# exist, order of instants; a batch is answered event by event. /v1/live never ends.
# The key goes by a file, so that no list of processes shows it.
cd "$work"
printf '[headers]\nAuthorization = "Bearer %s"\n' "$(value api_key)" >schemathesis.toml
for api in collector gateway; do
	"$tool/bin/st" run "$(value $api)/openapi.json" --exclude-path /v1/live --max-time "$each" --seed "$seed" --workers 2 \
		--no-color --request-timeout 20 --exclude-checks positive_data_acceptance,negative_data_rejection | tee "$work/$api.out" | grep -E "^(Test cases|Failures|  [✅❌]| *[0-9]+ generated|=+ )" || true
	[ "${PIPESTATUS[0]}" = 0 ] || { sed -n '1,120p' "$work/$api.out" | cut -c1-400 >&2; exit 1; }
done
if grep -m3 -E '^(panic|goroutine [0-9])|"panic' "$work/log" >&2; then
	echo "fuzz: a service panicked" >&2
	exit 1
fi
echo "fuzz: both APIs held"
