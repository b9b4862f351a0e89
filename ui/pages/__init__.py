"""One module, one page: ask the workflow, show the answer."""
