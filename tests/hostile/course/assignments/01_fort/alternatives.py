"""No other right ways are needed here."""
