"""One module (or package) for each suite: `measure(settings, report)`."""
