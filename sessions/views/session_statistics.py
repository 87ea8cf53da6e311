"""A session in numbers: fetched into the panel when somebody looks, and a page without JavaScript."""

from django.http import HttpResponse
from django.utils import timezone

from sessions.htmx import PageRequest, fragment, wants_fragment
from sessions.models.statistics import read_statistics
from sessions.storage.disk_use import disk_use
from sessions.views.page import page, render_page
from sessions.views.session_page import load
from sessions.views.words import amount

_LABELS = {
    "urls_processed": "Addresses read",
    "content_analyzed": "Texts analysed",
    "clusters_generated": "Clusters made",
    "embeddings_created": "Embeddings made",
}
_KINDS = {"llm": "answer", "embedding": "embedding"}


@page("GET")
def statistics(request: PageRequest, session_id: str) -> HttpResponse:
    """Counters, models, tokens, people and room."""
    session = load(request, session_id)
    found = read_statistics(session.pk)
    context = {
        "session": session,
        "found": found,
        "counters": [(_LABELS[name], count) for name, count in found.counters.items() if count],
        "usage": [(usage, amount(usage.uses, _KINDS[usage.kind])) for usage in found.usage],
        "switches": sum(found.switches.values()),
        "age": (timezone.now() - session.created_at).days,
        "room": disk_use(session.pk, in_trash=session.in_trash),
        "vector_bytes": found.collection.bytes if found.collection else 0,
    }
    if wants_fragment(request):
        return fragment(request, "sessions/_statistics.html", context)
    return render_page(request, "sessions/statistics.html", context)
