-- A role and a database for the service and for MLflow. PostgreSQL runs this when its volume is empty,
-- and make apply runs it each time: it changes nothing but the passwords of the roles.
\set ON_ERROR_STOP on
\getenv service SERVICE_DB_PASSWORD
\getenv mlflow MLFLOW_DB_PASSWORD
SELECT format('CREATE ROLE %I', role) FROM unnest(ARRAY['service', 'mlflow']) AS role
    WHERE role NOT IN (SELECT rolname FROM pg_roles) \gexec
ALTER ROLE service LOGIN PASSWORD :'service';
ALTER ROLE mlflow LOGIN PASSWORD :'mlflow';
SELECT format('CREATE DATABASE %I OWNER %I', database, role)
    FROM (VALUES ('predictions', 'service'), ('mlflow', 'mlflow')) AS wanted (database, role)
    WHERE database NOT IN (SELECT datname FROM pg_database) \gexec
REVOKE ALL ON DATABASE predictions, mlflow FROM PUBLIC;
