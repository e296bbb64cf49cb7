"""What every suite is made of: servers of its own, load, accounting, repetition, a report."""
