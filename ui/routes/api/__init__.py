"""The HTTP API for programs, below `/api`: the same use cases as the pages, behind the same gate."""
