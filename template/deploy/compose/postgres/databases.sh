#!/bin/sh
# Create a role and a database for the service and for MLflow. PostgreSQL runs this when its volume
# is empty, and make apply runs it each time: it changes nothing but the passwords of the roles.
set -e

create() {
    role=$1 database=$2 variable=$3
    psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 --dbname postgres \
        --set role="$role" --set database="$database" <<SQL
\getenv password $variable
SELECT format('CREATE ROLE %I', :'role')
    WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" LOGIN PASSWORD :'password';
SELECT format('CREATE DATABASE %I OWNER %I', :'database', :'role')
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'database') \gexec
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
SQL
}

create service predictions SERVICE_DB_PASSWORD
create mlflow mlflow MLFLOW_DB_PASSWORD
