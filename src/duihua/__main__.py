"""`python -m duihua`."""

from duihua.cli import main

main()
