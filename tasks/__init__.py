"""The steps of the pipeline, one module or package each, and the ground floor they stand on."""
