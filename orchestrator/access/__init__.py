"""Who may do what: roles, accounts, tokens and sessions, in a file beside the log."""
