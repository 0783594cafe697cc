"""A generator of people who do not exist, in the competition's layout: to try things with, and for the tests."""
