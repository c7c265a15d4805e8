"""The API for scripts, LIMS and webhooks: what is shown of the laboratory, as JSON under /api/v1.

Importing this package imports no web framework: a client takes its models from here.
"""
