"""A front door for agents: tools over the Model Context Protocol (docs/mcp.md). `server` alone knows the SDK."""
