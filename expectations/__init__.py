"""The Great Expectations suites, built in code, and our own expectation classes.

Only `expectations.settings` is light; every other module here imports Great Expectations, which takes seconds.
"""

import os

# Read when Great Expectations is imported, which happens below this package only.
os.environ["GX_ANALYTICS_ENABLED"] = "false"
