#!/usr/bin/env bash
# Runs the recipes of docs/clients.md against a running installation: plain SQL
# over HTTP, clickhouse-connect with pandas in a temporary venv, and kcat where
# it is installed. Writes nothing.
#
#   scripts/clients/try.sh .nabz/ready.json
set -euo pipefail
ready=${1:?usage: try.sh READY_FILE, such as .nabz/ready.json}
[ -r "$ready" ] || { echo "try.sh: cannot read the ready file $ready: start an installation with nabz run" >&2; exit 2; }
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
value() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$ready" "$1"; }

url=$(value clickhouse_http) kafka=$(value kafka)
# The password goes by a file, so that no list of processes shows it.
printf 'user = "%s:%s"\n' "$(value bi_user)" "$(value bi_password)" >"$work/curl"
sql() { curl -sS --fail-with-body -K "$work/curl" "$url/?database=nabz&$1" --data-binary "$2"; }

echo "== SQL over HTTP: $(sql '' 'SELECT version()')"
for format in TSVWithNamesAndTypes CSVWithNames JSONEachRow JSONCompact Markdown XML Parquet ArrowStream Native; do
	bytes=$(sql "default_format=$format" 'SELECT time, queue, value, finality FROM kpi_service_level LIMIT 100' | wc -c)
	echo "$format: $bytes bytes"
done
views=$(sql '' "SELECT name FROM system.tables WHERE database = 'nabz' ORDER BY name")
for view in $views; do
	[ "$view" = kpi_catalog ] || echo "$view: $(sql 'param_feed=' "SELECT count() FROM $view WHERE feed = {feed:String}") rows of the live feed"
done

echo "== clickhouse-connect"
python3 -m venv "$work/venv"
"$work/venv/bin/pip" -q --disable-pip-version-check install clickhouse-connect==1.12.0 pandas==3.1.1
"$work/venv/bin/python" "$here/frames.py" "$ready"

echo "== Kafka"
if ! command -v kcat >/dev/null; then
	echo "SKIPPED: kcat is not installed (apt-get install kcat)"
	exit 0
fi
for topic in nabz.events.v1 nabz.facts.v1; do
	seen=$(timeout 60 kcat -b "$kafka" -t "$topic" -C -o beginning -e -q -f '%p %o %T\n' | wc -l)
	echo "$topic: $seen records"
	[ "$seen" -gt 0 ] || { echo "try.sh: kcat read no record of $topic" >&2; exit 1; }
done
echo done
