"""What Markdown looks like as HTML."""

import pytest

from sessions.rendering.markdown import render
from tests.rendering.html import Document

pytestmark = pytest.mark.usefixtures("unhurried")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a *b* **c** `d`", "<p>a <em>b</em> <strong>c</strong> <code>d</code></p>"),
        ("~~gone~~", "<p><s>gone</s></p>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
        ("a\nb", "<p>a\nb</p>"),
        ("a  \nb", "<p>a<br>\nb</p>"),
        ("---", "<hr>"),
        ("", ""),
        (" \n\n ", ""),
        ("&copy; &lt;b&gt;", "<p>© &lt;b&gt;</p>"),
        ("<b>not bold</b>", "<p>&lt;b&gt;not bold&lt;/b&gt;</p>"),
    ],
)
def test_what_people_write(text, html):
    assert render(text).strip() == html


def test_a_line_break_stays_one_where_people_type():
    assert render("a\nb", breaks=True).strip() == "<p>a<br>\nb</p>"


@pytest.mark.parametrize(
    ("levels", "outline"),
    [
        ([1, 2, 2, 1], ["h3", "h4", "h4", "h3"]),
        ([3, 3], ["h3", "h3"]),
        ([2, 4, 4, 2], ["h3", "h4", "h4", "h3"]),
        ([4, 1], ["h3", "h3"]),
        ([1, 2, 3, 4, 5, 6], ["h3", "h4", "h5", "h6", "h6", "h6"]),
    ],
)
def test_headings_fit_below_the_message_they_are_in_without_a_gap(levels, outline):
    html = render("\n\n".join("#" * level + " x" for level in levels))

    document = Document(html)
    assert [element.name for element in document.elements] == outline
    assert all(html.count(f"</{tag}>") == outline.count(tag) for tag in outline)


def test_a_table_is_aligned_by_class_and_scrolls_by_itself():
    document = Document(render("| a | b | c |\n|:-:|--:|:--|\n| 1 | 2 | 3 |"))

    assert [cell.attributes for cell in document.all("th")] == [{"class": "center"}, {"class": "right"}, {}]
    assert [cell.attributes for cell in document.all("td")] == [{"class": "center"}, {"class": "right"}, {}]
    assert document.elements[0].attributes == {"class": "table", "tabindex": "0"}


def test_task_lists_show_what_is_done():
    html = render("- [ ] open *x*\n- [x] done\n- [X] done too\n- [y] neither\n- [ ]\n- plain")

    items = html.split("<li")[1:]
    assert ["todo" in item for item in items] == [True, False, False, False, False, False]
    assert ["done" in item and "checked" not in item and 'class="done"' in item for item in items[:4]] == [
        False, True, True, False,
    ]  # fmt: skip
    assert "☐</span> open <em>x</em>" in html
    assert "[y] neither" in html


class TestCode:
    def test_is_a_figure_with_its_language(self):
        document = Document(render("```python title=x\nimport os\n```"))

        assert [element.name for element in document.elements[:5]] == ["figure", "figcaption", "button", "pre", "code"]
        assert document.elements[0].classes == {"code"}
        assert document.text.startswith("python")

    def test_is_coloured_by_class(self):
        html = render('```py\n@wraps\ndef f(x: int):  # why\n    return "a" + 1\n```')

        assert '<span class="k">def' in html
        assert '<span class="f">f</span>' in html
        assert '<span class="c"># why' in html
        assert '<span class="s">"a"' in html
        assert '<span class="m">1' in html
        assert "style=" not in html

    @pytest.mark.parametrize("text", ["def f():\n\treturn '<&>'  \n\n\nx", "\n\n  a\n", "a", "\r\nb", "é\u2028ü", ""])
    @pytest.mark.parametrize("language", ["python", "js", "unheard-of", "diff", "console"])
    def test_keeps_every_character(self, text, language):
        document = Document(render(f"~~~ {language}\n{text}\n~~~"))

        expected = text.replace("\r\n", "\n")
        assert document.text.removeprefix(language) == (expected + "\n") + "\n" * html_newline(document)

    @pytest.mark.parametrize(
        ("info", "label"),
        [("", "text"), ("PY", "PY"), ("{.rust}", "rust"), ("x" * 200, "x" * 60), ('"><b>', '"><b>')],
    )
    def test_says_its_language(self, info, label):
        assert Document(render(f"```{info}\n1\n```")).text.strip() == f"{label}1"

    def test_that_is_indented_is_a_figure_too(self):
        assert 'class="code"' in render("    a < b\n")
        assert "a &lt; b" in render("    a < b\n")

    def test_of_an_unknown_language_or_with_minified_lines_has_no_colours(self):
        assert "<span" not in render("```brainfuck\n+++\n```")
        assert "<span" not in render("```js\n" + "var a=1;" * 200 + "\n```")
        assert "<span" in render("```js\n" + "var a=1;\n" * 200 + "\n```")

    def test_inside_a_fence_stays_as_it_is(self):
        assert Document(render("````md\n```py\nx\n```\n````")).text.strip() == "md```py\nx\n```"


def html_newline(document: Document) -> int:
    """The renderer ends a block with a line break of its own."""
    return int(document.text.endswith("\n\n"))


class TestMath:
    @pytest.mark.parametrize(
        "source",
        ["$a_1 * b_2 * c_3$", "$$x_1 + y_1$$", r"\(a_1 \* b\)", r"\[ \frac{1}{2} \\ x_1 \]", "$x$", "$\\$5 * 2 * 3$"],
    )
    def test_is_left_as_it_was_written(self, source):
        document = Document(render(f"so {source} holds"))

        assert document.text.strip() == f"so {source} holds"
        assert document.all("span")[0].classes == {"math"}
        assert not document.all("em")

    @pytest.mark.parametrize(
        "source", ["$$\na\n= b\n- c\n$$", "\\[\nx_1 \\\\ x_2\n\\]", "$$ a $$", "$$a\n# b$$", "text\n$$\na_1 = b_1\n$$"]
    )
    def test_that_is_displayed_is_a_block(self, source):
        document = Document(render(source))

        assert document.text.strip() == source
        assert [element.classes for element in document.all("div")] == [{"math"}]
        assert not document.all("ul")
        assert not document.all("h3")

    @pytest.mark.parametrize(
        "source",
        [
            "$5 and $6",
            "it costs $5, not 6 $",
            "US$5 or CA$6",
            "$HOME/$USER",
            "a $ b $ c",
            "$",
            "$$",
            "\\(",
            "\\[ a",
            "$$\n\na",
        ],
    )
    def test_is_not_seen_in_prices_and_variables(self, source):
        html = render(source)

        assert "math" not in html
        assert "em>" not in html

    def test_that_is_never_closed_takes_nothing_away(self):
        assert Document(render("$$\na *b*\n\nc")).text.split() == ["$$", "a", "b", "c"]

    def test_in_one_paragraph_does_not_hide_it_in_the_next(self):
        assert render("\\( open\n\nbut \\(a_1\\) here").count("math") == 1

    def test_inside_a_list_keeps_the_list(self):
        document = Document(render("- a\n  $$\n  x_1\n  $$\n- b"))

        assert len(document.all("li")) == 2
        assert len(document.all("div")) == 1


class TestLinks:
    @pytest.mark.parametrize(
        ("text", "address"),
        [
            ("[a](https://example.org/x?y=1&z=2)", "https://example.org/x?y=1&z=2"),
            ("<https://example.org>", "https://example.org"),
            ("<ada@example.org>", "mailto:ada@example.org"),
            ("see https://example.org/a_b_c.", "https://example.org/a_b_c"),
            ("(https://example.org/a_(b))", "https://example.org/a_(b)"),
            ("**https://example.org/**", "https://example.org/"),
            ("http://localhost:8000/docs, then", "http://localhost:8000/docs"),
            ("[x][r]\n\n[r]: http://example.org 'title'", "http://example.org"),
        ],
    )
    def test_lead_elsewhere_without_telling_from_where(self, text, address):
        (link,) = Document(render(text)).all("a")

        assert link.attributes == {"href": address, "rel": "noopener nofollow", "target": "_blank"}

    @pytest.mark.parametrize(
        "text", ["xhttps://example.org", "https://", "https://.", "ftp://example.org", "://x", "`https://a.b`"]
    )
    def test_are_not_made_of_anything_else(self, text):
        assert "<a" not in render(text)

    def test_are_not_put_into_links(self):
        assert len(Document(render("[see https://a.example](https://b.example)")).all("a")) == 1

    def test_that_lead_nowhere_from_here_become_words_with_their_target(self):
        assert render("[the *code*](src/app.py#L3) x").strip() == (
            "<p>the <em>code</em> <code>src/app.py#L3</code> x</p>"
        )

    def test_pictures_are_links_to_them(self):
        assert render("![a cat](https://example.org/cat.png)").strip() == (
            '<p><a href="https://example.org/cat.png" target="_blank" rel="noopener nofollow">Image: a cat</a></p>'
        )
        assert render("![](out/plot.png)").strip() == "<p>Image <code>out/plot.png</code></p>"
        assert render("[![badge](https://a.example/b.svg)](https://c.example)").count("<a ") == 1
        assert "<img" not in render("![a](https://example.org/a.png) ![b](data:image/png;base64,AAAA)")
