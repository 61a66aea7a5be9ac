"""What an HTML body shows, hides and leads to."""

import time

import pytest

from intake.html import guess_charset, read
from intake.page import legible
from intake.style import CLEAR, UNKNOWN, alike, color, inline, sheet

SHOWN = {
    "a<b>c</b> d": "ac d",
    "<p>one<p>two<br>three": "one\ntwo\nthree",
    "<table><tr><td>a<td>b<tr><td>c</table>d": "a b\nc\nd",
    "<pre>a\n b</pre>c\nd": "a\nb\nc d",
    "<script>x<y</script><title>t</title><noscript>n</noscript><textarea>a</textarea>": "na",
    "a&nbsp;&lt;b&#x4f60;&#xD800;": "a <b你\ufffd",
    "<img src=x alt='the picture'>": "the picture",
    "<ul><li>a<ul><li>b</ul><li>c</ul>": "a\nb\nc",
    "<td style='font-size:0'><div style='font-size:14px'>seen</div></td>": "seen",
    "<div style='visibility:hidden'><b style='visibility:visible'>seen</b></div>": "seen",
    "<style>@media print{.x{display:none}} .y .z{display:none}</style><p class='x z'>seen": "seen",
    "<style>.a .btn{background:#00f}</style><a class=btn style='color:#fff'>seen</a>": "seen",
    "<div style='background:#fff url(x.png)'><font color=#ffffff>seen</font></div>": "seen",
    "<body bgcolor=black><font color=white>seen</font>": "seen",
    "<p style='opacity:.9;color:inherit;left:-3px'>seen": "seen",
}
HIDDEN = [
    "<div style='display:none'>gone<div>gone</div></div>",
    "<div style='DISPLAY : none !important'>gone gone</div>",
    "<style>.p{display:none}</style><div class='o p'>gone gone</div>",
    "<style>div.p{font-size:0}#q{opacity:0}</style><div class=p>gone</div><b id=q>gone</b>",
    "<font color=white>gone gone</font>",
    "<div style='background-color:rgb(10,10,10);color:#0b0b0b'>gone gone</div>",
    "<div style='max-height:0;overflow:hidden'>gone gone</div>",
    "<div style='text-indent:-9999px'>gone gone</div>",
    "<div hidden>gone gone</div>",
    "<div style='color:transparent'>gone gone</div>",
    "<div style='font:1px/1 Arial'>gone gone</div>",
    "<template>gone gone</template>",
]


@pytest.mark.parametrize("markup", SHOWN)
def test_what_a_reader_sees(markup: str) -> None:
    assert read(markup).text == SHOWN[markup]


@pytest.mark.parametrize("markup", HIDDEN)
def test_what_a_reader_does_not_see(markup: str) -> None:
    page = read(f"<p>before</p>{markup}<p>after</p>")
    assert page.text == "before\nafter" and page.hidden.split() == ["gone", "gone"]
    assert page.flags == ("hidden-text",)


def test_an_unclosed_paragraph_hides_no_more_than_itself() -> None:
    assert read("<p style='display:none'>gone<p>seen<div>too").text == "seen\ntoo"
    assert read("<tr><td style='display:none'>gone<td>seen").text == "seen"


def test_a_stray_end_does_not_leave_its_table() -> None:
    page = read("<b style='display:none'><table><td>gone</b>gone</td></table></b>seen")
    assert page.text == "seen" and page.hidden == "gonegone"


def test_links_with_their_places_and_texts() -> None:
    page = read(
        "<base href=http://b.test/><a href=' http://a.test/ '><img src=http://i.test/ alt=''></a>"
        "<a href=http://a.test/>Click <b>here</b></a><area href=/map><form action=/f><button formaction=/g>x</button>"
        "<meta http-equiv=Refresh content=\"0; URL='/r'\"><td background=/bg><a href=#x>no</a><img src=cid:1>"
        "<!--[if mso]><v:roundrect href='http://mso.test/'>x<![endif]--><iframe src=/frame></iframe>"
    )
    assert [(each.raw, each.where) for each in page.anchors] == [
        ("http://a.test/", "html"), ("http://i.test/", "image"), ("/map", "html"), ("/f", "form"), ("/g", "form"),
        ("/r", "refresh"), ("/bg", "image"), ("http://mso.test/", "html"), ("/frame", "html"),
    ]  # fmt: skip
    assert page.anchors[0].label == "Click here" and page.base == "http://b.test/" and "form" in page.flags


def test_a_hidden_link_says_so() -> None:
    assert [each.hidden for each in read("<a href=/a style='display:none'>x</a><a href=/b>y</a>").anchors] == [
        True,
        False,
    ]


def test_the_first_of_two_attributes_counts() -> None:
    assert read("<a href=/one href=/two>x</a>").anchors[0].raw == "/one"


def test_unseen_letters_are_left_out_and_told_of() -> None:
    page = read("pass\u200bword c\u00adat")
    assert page.text == "password cat" and page.flags == ("invisible-characters",)
    assert legible("a\u0000b\x1bc  d\n\n\t\ne") == "abc d\ne"


def test_colours() -> None:
    assert color("#FFF") == color("white") == color("rgb(255, 255,255)") == 0xFFFFFF
    assert color("rgba(0,0,0,0)") == color("transparent") == CLEAR
    assert color("var(--x)") == color("rgb(1%,2%,3%)") == UNKNOWN
    assert alike(0xFFFFFF, 0xFEFEFE) and not alike(0xFFFFFF, 0xEEEEEE) and not alike(UNKNOWN, UNKNOWN)


def test_a_style_sheet_is_read_where_it_is_simple() -> None:
    rules = sheet(
        "<!-- p, .a{color:red} /* .b{} */ @media x{.c{display:none}} .d:hover{color:red} .e>.f{background:red}"
    )
    assert set(rules) == {"p", ".a", ".f", "#f"} and rules[".f"].back == UNKNOWN
    assert (
        inline("font-size:0").tiny and inline("font-size:50%").tiny is None and inline("font-size:12px").tiny is False
    )


def test_a_declared_charset_in_a_meta_is_found() -> None:
    assert (
        guess_charset(b"<meta charset=koi8-r>\xc1")[0] == "KOI8-R"
        or guess_charset(b"<meta charset=koi8-r>\xc1")[1] == 1.0
    )


def test_time_grows_with_length_only() -> None:
    def seconds(times: int) -> float:
        started = time.process_time()
        read("<p><font color=red><b>x <a href=http://a.test/>y</a></b></font>" * times)
        return time.process_time() - started

    seconds(100)
    assert seconds(10_000) < 5.0
