"""The clock of alflow: Prefect flows that parse, call one use case and publish. They pass names, never tensors."""
