#!/bin/bash
# Makes the account bi when the server's container starts for the first time;
# the image makes nabz itself. The statements are those of accounts.sql.
set -euo pipefail
clickhouse client --user "$CLICKHOUSE_USER" --password "$CLICKHOUSE_PASSWORD" --param_password "$NABZ_BI_PASSWORD" --multiquery <<-'SQL'
	CREATE SETTINGS PROFILE IF NOT EXISTS nabz_bi SETTINGS readonly = 2 CONST, max_execution_time = 30 MAX 60, max_memory_usage = 1000000000 MAX 2000000000;
	CREATE USER IF NOT EXISTS bi IDENTIFIED WITH sha256_password BY {password:String} SETTINGS PROFILE 'nabz_bi';
	GRANT SELECT ON nabz.* TO bi;
SQL
