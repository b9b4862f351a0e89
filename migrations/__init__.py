"""The database schema, version by version (Alembic); run by `alflow.store.database`."""
