-- The accounts of Nabz on a ClickHouse server of 25.8 or later. Replace the
-- passwords; run as an administrator.
--
-- nabz: the services' own. It makes tables and views, and its rights stand
-- behind the views (SQL SECURITY DEFINER), so readers need none on the tables.
CREATE USER IF NOT EXISTS nabz IDENTIFIED WITH sha256_password BY '{{NABZ_CLICKHOUSE_PASSWORD}}';
GRANT ALL ON nabz.* TO nabz;
GRANT ALL ON nabz_internal.* TO nabz;
GRANT SELECT ON system.* TO nabz;
GRANT SET DEFINER ON nabz TO nabz;
-- Newer servers take the joins of nested queries apart and may join by what all
-- rows share, a hundred times slower. Where the server knows the setting, say so
-- for both accounts:
-- ALTER USER nabz, bi SETTINGS query_plan_optimize_join_order_limit = 1;

-- bi: reads the views and writes nothing. readonly = 2 lets clients set what
-- does not write (JDBC and Grafana do), within the bounds.
CREATE SETTINGS PROFILE IF NOT EXISTS nabz_bi SETTINGS
    readonly = 2 CONST,
    max_execution_time = 30 MAX 60,
    max_memory_usage = 1000000000 MAX 2000000000;
CREATE USER IF NOT EXISTS bi IDENTIFIED WITH sha256_password BY '{{NABZ_BI_PASSWORD}}' SETTINGS PROFILE 'nabz_bi';
GRANT SELECT ON nabz.* TO bi;
