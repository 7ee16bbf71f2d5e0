"""Everything that runs in the locked process. It imports the wire format and nothing else of the kit."""
