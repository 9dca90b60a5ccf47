"""What goes with events beside their payload: which launch they are of; the doctor's own event."""

PROBE = "Probe"
"""An event that is not of Claude Code's: `cco doctor` sends it the way that an event goes. It is
recorded nowhere, and brings no daemon back."""
LAUNCH_HEADER = "X-CCO-Launch"
BUDGET_HEADER = "X-CCO-Budget"
"""What the sessions of a launch may cost, in US dollars."""
CLIENT_HEADER = "X-CCO-Client"
"""The version of Claude Code, where it is an old one."""
OPTIONS = {"--launch": LAUNCH_HEADER, "--budget": BUDGET_HEADER, "--client": CLIENT_HEADER}
"""What `cco hook` is told, and the header that it passes it on in."""
