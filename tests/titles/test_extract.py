"""A title out of a text: the first sentence, readable, never longer than asked, no grapheme cut."""

import time

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from duihua.titles.asking import title_in
from duihua.titles.extract import MOST_CHARS, extracted

FAMILY = "👨‍👩‍👧‍👦"
TITLES = {
    "你好！请问如何在 Debian 上安装 Docker？谢谢。": "你好！请问如何在 Debian 上安装 Docker？",
    "Hi! How do I sort a List<String> in Java? I tried x.": "Hi! How do I sort a List<String> in Java?",
    "```python\nprint(1)\n```\n这段代码为什么报错？": "这段代码为什么报错？",
    "```python\nprint(1)\n```": "print(1)",
    "https://example.com/a?b=c": "https://example.com/a?b=c",
    "## 标题\n\n- [ ] **重要** 的 `asyncio.gather`": "标题 重要 的 asyncio.gather",
    "![图](http://a/b_(1).png) 看[图](http://c)说话，见 http://d": "图 看图说话，见",
    "See Mr. Smith, e.g. at home. Then go.": "See Mr. Smith, e.g. at home",
    "他说“好吧……”然后走了。": "他说“好吧……”然后走了",
    "什么是 ``a`` 和 `c`？？！真的吗？": "什么是 a 和 c？？！",
    "对着镜子说“你是谁。”是什么心理？想知道。": "对着镜子说“你是谁。”是什么心理？",
    "i want to watch a movie. i want a horror movie": "i want to watch a movie",
    'He said "stop." Then he went on.': 'He said "stop."',
    "2*3*4 <b>等于</b>多少": "2*3*4 等于 多少",
    "\u202e倒\u202c着写 \x07\x00\n": "倒着写",
    "| a | b |\n|---|---|\n": "a | b",
    " \n\u200b": "",
}


def test_the_first_sentence_is_the_title() -> None:
    assert {text: extracted(text, 50) for text in TITLES} == TITLES


def test_a_long_sentence_is_cut_where_a_reader_would() -> None:
    fox = "The quick brown fox jumps over the lazy dog and runs away into the forest"
    assert extracted(fox, 50) == "The quick brown fox jumps over the lazy dog and…"
    assert extracted("请帮我写一篇关于人工智能应用与挑战的论文大纲", 12) == "请帮我写一篇关于人工智…"
    assert extracted("用 Kubernetes 部署", 6) == "用 Kub…"
    assert extracted(FAMILY * 9, 4) == FAMILY * 3 + "…"
    assert extracted("🇨🇳" * 9000, 4) == "🇨🇳" * 3 + "…"
    assert extracted("hello world", 3) == "hel"
    # Fifty of these are more than the column holds.
    assert len(extracted(FAMILY * 60, 50)) <= MOST_CHARS


@given(st.text(max_size=200), st.integers(1, 60))
def test_whatever_the_text_the_title_fits(text: str, most: int) -> None:
    title = extracted(text, most)
    assert len(regex.findall(r"\X", title)) <= most
    assert len(title) <= MOST_CHARS
    assert title == title.strip()
    assert title.isprintable() or set("\u200c\u200d") & set(title) or not title


def test_what_models_put_around_a_title_goes() -> None:
    thinking = "想想\n</think>\n“装好 Docker”。"
    for answer in ("装好 Docker", "标题：《装好 Docker》", "**装好 Docker**\n\n说明……", thinking):
        assert title_in(answer, 50) == "装好 Docker", answer
    assert title_in("", 50) is None
    assert title_in("好的，" + "这不是标题" * 50, 50) is None


@pytest.mark.parametrize("run", ["`", "!", "?", "."])
def test_a_long_run_takes_no_long_time(run: str) -> None:
    began = time.process_time()
    extracted(f"a{run * 19_998}a", 50)
    assert time.process_time() - began < 2
    assert extracted(f"好{run * 3}", 50)
