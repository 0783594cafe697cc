"""`python -m flows.cli`: the command line where no script is installed."""

from flows.cli import main

main()
