"""How a launch's events say which launch they are of: in headers, and for commands in options."""

LAUNCH_HEADER = "X-CCO-Launch"
BUDGET_HEADER = "X-CCO-Budget"
"""What the sessions of a launch may cost, in US dollars."""
CLIENT_HEADER = "X-CCO-Client"
"""The version of Claude Code, where it is an old one."""
OPTIONS = {"--launch": LAUNCH_HEADER, "--budget": BUDGET_HEADER, "--client": CLIENT_HEADER}
"""What `cco hook` is told, and the header that it passes it on in."""
