"""What a body of each vendor must look like: one module a vendor, with one function `check`."""
