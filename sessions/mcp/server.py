"""The MCP server on standard input and output. The SDK is an optional extra: importing this needs it."""

from collections.abc import Mapping
from typing import Any

import anyio
from asgiref.sync import sync_to_async
from django.db import close_old_connections
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server

from sessions.mcp.calls import TOOLS, Tool, call_tool

_INSTRUCTIONS = (
    "ResearchMind keeps research sessions: a transcript of finished messages each, with the progress of the agent that "
    "works on it. Find sessions with list_sessions or search, read them with read_session. Tell how your own run goes "
    "with set_phase, ask and report_error; what is said goes into the transcript with append_messages. Answers are "
    "pages: `next` says where to go on. An error says in `detail` what to do."
)


def serve(token: str, *, version: str) -> None:
    """Serve the tools with the rights of a token until standard input ends."""
    anyio.run(_serve, _server(token, version))


async def _serve(server: "Server[Any]") -> None:
    async with stdio_server() as (received, sent):
        await server.run(received, sent, server.create_initialization_options())


def _server(token: str, version: str) -> "Server[Any]":
    async def list_tools(context: Any, asked: types.PaginatedRequestParams | None) -> types.ListToolsResult:
        return types.ListToolsResult(tools=[_described(tool) for tool in TOOLS.values()])

    async def call(context: Any, asked: types.CallToolRequestParams) -> types.CallToolResult:
        # One thread with one connection does all calls, in their order: the ORM knows nothing of loops.
        text, failed = await sync_to_async(_call)(token, asked.name, asked.arguments or {})
        return types.CallToolResult(content=[types.TextContent(type="text", text=text)], is_error=failed)

    return Server(
        "researchmind",
        title="ResearchMind",
        version=version,
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call,
    )


def _call(token: str, name: str, arguments: Mapping[str, Any]) -> tuple[str, bool]:
    """Call a tool over a connection that is good; afterwards it goes back, as after a request."""
    close_old_connections()
    try:
        return call_tool(token, name, arguments)
    finally:
        close_old_connections()


def _described(tool: Tool) -> types.Tool:
    return types.Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.arguments.model_json_schema(),
        annotations=types.ToolAnnotations(
            read_only_hint=not tool.writes,
            destructive_hint=False,
            idempotent_hint=tool.repeats,
            open_world_hint=False,
        ),
    )
