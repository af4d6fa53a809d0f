"""From the rows of the API to records: columns, conversions, record builder."""
