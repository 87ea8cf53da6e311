"""Whatever somebody writes, the HTML holds nothing that runs, loads, sends or is read by htmx."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.rendering.code import with_copy_buttons
from sessions.rendering.gate import clean
from sessions.rendering.markdown import render
from tests.rendering.html import Document, assert_harmless

pytestmark = pytest.mark.usefixtures("unhurried")

HOSTILE = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<form action=https://evil.example><input name=password></form>",
    "<a href='javascript:alert(1)'>x</a>",
    "<div hx-get='/sign-out/' hx-trigger='load'>x</div>",
    "<div data-hx-post='/sessions/actions/' data-hx-trigger='load'>x</div>",
    "<style>*{display:none}</style>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<!-- <script>alert(1)</script> -->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](\tjavascript:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A;avascript&colon;alert(1))",
    "[x](javascript&#58;alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](\\\\evil.example)",
    "[x](https:javascript:alert(1))",
    "[x](https://a.example\" onclick=\"alert(1))",
    '[x](https://a.example "t\\" onmouseover=\\"alert(1)")',
    "[x](https://a.example 'onclick=alert(1)')",
    "[x]\n\n[x]: javascript:alert(1)",
    '[x]\n\n[x]: https://a.example "\\" autofocus onfocus=alert(1) x=\\""',
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml,<svg onload=alert(1)>)",
    '![x" onerror="alert(1)](https://a.example/x.png)',
    "![x](https://a.example/x.png \"onload=alert(1)\")",
    "https://a.example/\"onmouseover=alert(1)",
    "https://a.example/'onmouseover='alert(1)",
    "https://a.example/<script>alert(1)</script>",
    "http://javascript:alert(1)@a.example",
    "```\" onclick=alert(1) x=\"\ncode\n```",
    "```html hx-get=/x\n<script>alert(1)</script>\n```",
    "```<script>alert(1)</script>\nx\n```",
    "~~~ hx-get data-hx-get class=x\nx\n~~~",
    "````\n```\n</code></pre><script>alert(1)</script>\n```\n````",
    "    </code></pre><img src=x onerror=alert(1)>",
    "`</code><script>alert(1)</script>`",
    "```python\n'</span><script>alert(1)</script>'\n```",
    "```html\n<div hx-get='/x' onclick='y'>\n```",
    "| <script>alert(1)</script> | b |\n|:-:|-|\n| <img src=x onerror=alert(1)> | c |",
    "$<script>alert(1)</script>$ and $$<img src=x onerror=alert(1)>$$",
    "\\(</span><script>alert(1)</script>\\)",
    "$$\n</div><script>alert(1)</script>\n$$",
    "- [x] <script>alert(1)</script>\n- [ ] <input onfocus=alert(1) autofocus>",
    "# <script>alert(1)</script>",
    "{: onclick=alert(1)}\n# x {#id .class onclick=alert(1)}",
    "x{hx-get=/y}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\\<script>alert(1)\\</script>",
    "<<script>script>alert(1)<</script>/script>",
    "a\u0000<script>\u0000alert(1)</script>",
    "\u202e<script>alert(1)</script>",
    "<scr\u200bipt>alert(1)</script>",
    "ＪＡＶＡＳＣＲＩＰＴ [x](ｊavascript:alert(1))",
    "<a\x0chref='javascript:alert(1)'>x",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "</textarea><script>alert(1)</script>",
    "]]><script>alert(1)</script>",
    "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16") + "<script>",
]  # fmt: skip

PIECES = st.sampled_from(
    [
        "<", ">", "</", "script", "img", "a ", "href=", "javascript:", "data:", "//evil", "https://", "onclick=",
        "hx-get=", '"', "'", "`", "```", "~~~", "\n", "\n\n", "    ", "- ", "- [x] ", "1. ", "> ", "# ", "[", "](", ")",
        "![", "]:", "|", "|-|", "$", "$$", "\\(", "\\)", "\\[", "\\]", "\\", "&", "&#", "&lt;", ";", "*", "_", "~~",
        ":", "@", ".", "\t", "\r", "x", "é", "\u2028", "\ufeff", "\u200b", "{", "}", "=", "class=", "python", "html",
        "<!--", "-->", "<![CDATA[",
    ]
)  # fmt: skip


WRAPS = ("{}", "> {}", "- {}", "**{}**", "| {} | b |\n|-|-|\n| {} | c |", "[{}](https://a.example)")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_stay_texts(text):
    for wrap in WRAPS:
        assert_harmless(render(wrap.replace("{}", text)))


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "//evil.example"]
)
def test_what_is_no_address_for_a_link_is_left_as_it_was_written(address):
    assert render(f"[x]({address})").strip() == f"<p>[x]({address})</p>"
    assert render(f"![x]({address})").strip() == f"<p>![x]({address})</p>"


@given(st.lists(PIECES, max_size=40).map("".join), st.booleans())
def test_no_mixture_of_pieces_gets_through(text, breaks):
    html = render(text, breaks=breaks)
    assert html is not None
    assert_harmless(html)


@given(st.text(max_size=200))
def test_no_text_gets_through(text):
    html = render(text)
    assert html is not None
    assert_harmless(html)


PLAIN = st.characters(exclude_categories=["Cs"], exclude_characters="\\`*_{}[]()#+-.!|~$<>&:\r\n\t \x00=")


@given(st.text(alphabet=PLAIN, min_size=1, max_size=60))
def test_a_word_is_shown_as_it_was_written(text):
    assert Document(render(f"a{text}b")).text.strip() == f"a{text}b"


@pytest.mark.parametrize(
    "html",
    [
        "<script>alert(1)</script>",
        "<p onclick='x' hx-get='/y' data-hx-get='/y' style='color:red' id='m-1'>a</p>",
        "<a href='javascript:x' title='t'>a</a><a href='/sign-out/'>b</a><a href='//evil.example'>c</a>",
        "<img src='https://a.example/x.png'><iframe></iframe><form><button>a</button><input></form>",
        "<span class='btn hx-x k'>a</span><div class='dialog'>b</div><figure class='msg'></figure>",
        "<pre tabindex='5'>a</pre><li class='row'></li><svg><a xlink:href='javascript:x'/></svg>",
        "<h1>a</h1><h2>b</h2><base href='//evil'><object></object><details open>x</details>",
    ],
)
def test_the_last_gate_holds_by_itself(html):
    """Should anything before it ever fail: only what is listed gets through."""
    assert_harmless(clean(html))
    assert Document(clean(html)).all("a") == [] or "href" not in Document(clean(html)).all("a")[0].attributes


def test_the_last_gate_keeps_what_the_renderer_writes():
    html = render("# a\n\n- [x] b\n\n| c |\n|:-:|\n| d |\n\n```py\nif x:\n    pass\n```\n\n$x$ [e](https://f.example)")

    assert with_copy_buttons(clean(html)) == html
