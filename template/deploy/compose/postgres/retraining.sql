-- The role of the retraining loop: it reads the prediction log, and keeps its own tables. To one of
-- them the service adds the requests that it gets at /retrain.
-- PostgreSQL runs this after databases.sql when its volume is empty, and make apply each time.
\set ON_ERROR_STOP on
\connect predictions
\getenv password RETRAINING_DB_PASSWORD
SELECT 'CREATE ROLE retraining'
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'retraining') \gexec
ALTER ROLE retraining LOGIN PASSWORD :'password';
GRANT CONNECT ON DATABASE predictions TO retraining;
GRANT CREATE ON SCHEMA public TO retraining;
SELECT format('GRANT SELECT ON %I TO retraining', tablename)
    FROM pg_tables WHERE schemaname = 'public' AND tableowner = 'service' \gexec
ALTER DEFAULT PRIVILEGES FOR ROLE service IN SCHEMA public GRANT SELECT ON TABLES TO retraining;
CREATE TABLE IF NOT EXISTS retraining_requests
    (id text PRIMARY KEY, time double precision NOT NULL, who text NOT NULL);
ALTER TABLE retraining_requests OWNER TO retraining;
GRANT INSERT ON retraining_requests TO service;
