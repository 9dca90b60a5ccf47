"""cco, the Claude Code Orchestrator: one executable, 119 specialists, nothing left behind."""
