"""The report: one HTML page about a run, for whoever asks how good the models are and why."""
