"""The Great Expectations suites, built in code, and our own expectation classes.

Only `expectations.settings` is light; every other module here imports Great Expectations, which takes seconds.
"""

import os

# Some versions of Great Expectations send usage statistics unless this says no before they are imported.
os.environ["GX_ANALYTICS_ENABLED"] = "false"
