"""The reference solutions, in reading order: attention first, everything else stands on it."""
