-- Run once, when PostgreSQL starts with an empty volume. POSTGRES_DB makes the other database.
CREATE DATABASE mlflow;
