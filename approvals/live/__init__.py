"""The live message: one per incident and team, current through its whole life, and answered where it is read."""
