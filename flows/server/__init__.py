"""Running flows on a Prefect server and its workers: what is registered there, and what is kept running."""
