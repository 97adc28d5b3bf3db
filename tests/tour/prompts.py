"""Prompts."""

import urllib.parse

from tests.tour.client import Api, Json
from tests.tour.steps import Part

part = Part("Prompts 提示词")


@part.step("write a prompt with a variable")
def create(api: Api, made: Json) -> None:
    wanted = {"title": "翻译", "content": "译成{{language}}。", "category": "role", "tags": ["导览"]}
    prompt = api.data("POST", "/chat/prompts", wanted | {"variables": {"language": "英语"}})
    made["prompt"] = prompt["id"]
    assert prompt["placeholders"] == ["language"]
    assert api.data("GET", f"/chat/prompts/{prompt['id']}") == prompt


@part.step("find it by category, keyword and tag")
def find(api: Api, made: Json) -> None:
    assert "role" in api.data("GET", "/chat/prompts/categories")
    assert "导览" in api.data("GET", "/chat/prompts/tags")
    query = urllib.parse.urlencode({"category": "role", "keyword": "译成", "tags": "导览"})
    found = api.data("GET", f"/chat/prompts/list?{query}")["items"]
    assert [prompt["id"] for prompt in found] == [made["prompt"]]


@part.step("change it; a copy is a prompt of its own")
def change(api: Api, made: Json) -> None:
    changed = api.data("PUT", "/chat/prompts", {"id": made["prompt"], "description": "导览用"})
    assert (changed["title"], changed["description"]) == ("翻译", "导览用")
    copy = api.data("POST", f"/chat/prompts/{made['prompt']}/copy")
    made["copy"] = copy["id"]
    assert (copy["content"], copy["title"] != "翻译") == (changed["content"], True)


@part.step("try a text out before it is stored")
def try_out(api: Api, made: Json) -> None:
    wanted = {"content": "用{{language}}问好。{{name}}", "variables": {"language": "英语"}}
    tried = api.data("POST", "/chat/prompts/test", wanted)
    assert (tried["success"], tried["content"]) == (True, "用英语问好。{{name}}")
    assert tried["missing"] == ["name"]
    assert tried["result"]


@part.step("a conversation speaks by it")
def use(api: Api, made: Json) -> None:
    chat = api.data("POST", "/chat/conversations", {"title": "提示词", "promptId": made["prompt"]})
    assert chat["prompt_id"] == made["prompt"]
    api.data("DELETE", f"/chat/conversations/{chat['uuid']}")


@part.step("delete them")
def clean_up(api: Api, made: Json) -> None:
    api.data("DELETE", f"/chat/prompts/{made['prompt']}")
    report = api.data("DELETE", "/chat/prompts/batch", {"ids": [made["prompt"], made["copy"]]})
    assert report == {"deleted": 1, "missing": [made["prompt"]]}
