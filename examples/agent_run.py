#!/usr/bin/env python3
"""A whole run of an agent that only pretends to work: watch it in the fleet and on its session's page.

    RESEARCHMIND_TOKEN=rm_… python3 examples/agent_run.py --url http://127.0.0.1:8000

In the middle it asks which region comes first, and waits until somebody answers in the browser.
"""

import argparse
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from researchmind.client import Conflict, HttpSessionStore, SessionStore, StoreError

PLAN = ("Gather sources", "Sort them by region", "Write the first chapter", "Check every claim")
REGIONS = ("Alps", "Jura", "Vosges")


def run(store: SessionStore, *, pause: float, patience: float | None, name: str) -> str:
    """Go through all phases; return the session's id. Raises StoreError."""
    session_id: str = store.create_session(name=name, tags=["agents"], phase="questionnaire")["session_id"]
    print(session_id, flush=True)
    for question, answer in (("audience", "field biologists"), ("length", {"chapters": 7})):
        store.add_answer(session_id, question, answer)
    store.set_artifact(session_id, "intent_profile", {"audience": "field biologists", "goal": "a field guide"})
    for phase, kind in (("build_spec", "build_spec"), ("idea", "concept"), ("plan_review", "task_graph")):
        store.set_phase(session_id, phase)
        store.set_artifact(session_id, kind, {"written_in": phase, "steps": list(PLAN)})
        time.sleep(pause)
    store.set_phase(session_id, "execution")
    store.set_tasks(session_id, [{"task_id": str(number), "title": title} for number, title in enumerate(PLAN)])
    for number, title in enumerate(PLAN):
        store.update_task(session_id, str(number), status="active")
        if number == 1:
            choose_region(store, session_id, patience)
        for step in range(1, 5):
            store.add_log(session_id, f"{title}: {step} of 4")
            time.sleep(pause)
        store.append_messages(session_id, [{"role": "assistant", "content": f"**{title}**: done."}])
        store.update_task(session_id, str(number), status="completed")
    store.add_error(session_id, task_id="3", error_message="One claim had no source and was left out.")
    store.set_phase(session_id, "verification")
    time.sleep(pause)
    store.set_phase(session_id, "complete")
    return session_id


def choose_region(store: SessionStore, session_id: str, patience: float | None) -> None:
    """Ask, and wait for the answer."""
    store.ask(session_id, "Which region comes first?", REGIONS, context="Mosses grow in all three.")
    region = store.wait_for_answer(session_id, patience, interval=0.5)
    store.add_log(session_id, f"Starting with the {region}")


def main() -> int:
    """Run it against a server."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--token", default=os.environ.get("RESEARCHMIND_TOKEN"), help="or RESEARCHMIND_TOKEN")
    parser.add_argument("--name", default="A field guide to mosses")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds that a step takes")
    parser.add_argument("--patience", type=float, help="seconds to wait for the answer; for ever, if left out")
    options = parser.parse_args()
    if not options.token:
        parser.error("Give --token, or set RESEARCHMIND_TOKEN.")
    store = HttpSessionStore(options.url, options.token)
    try:
        run(store, pause=options.pause, patience=options.patience, name=options.name)
    except Conflict as error:
        print(f"Stopped: {error}", file=sys.stderr)
        return 2
    except StoreError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: the run is silent from now on.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
