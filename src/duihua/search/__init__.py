"""Search: what is found of what was asked, in which order, and how it is shown."""
