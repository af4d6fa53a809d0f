"""Contents of files and invoices: downloaded, stored by their checksum, and remembered."""
