"""The items of a 422's `detail`: what is wrong with one field, in the language of the request."""

from typing import Any

from duihua.core.i18n import Language

# pydantic's messages are English; these are the same by its error type, filled from its context.
_BY_TYPE = {
    "missing": "缺少该字段",
    "json_invalid": "不是有效的 JSON：{error}",
    "string_type": "应为字符串",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "至多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不符，应匹配 {pattern}",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_parsing_size": "整数过大",
    "int_from_float": "应为整数",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "finite_number": "应为有限的数字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "greater_than_equal": "应大于或等于 {ge}",
    "less_than_equal": "应小于或等于 {le}",
    "literal_error": "应为 {expected} 之一",
    "enum": "应为 {expected} 之一",
    "list_type": "应为数组",
    "too_long": "至多 {max_length} 项",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "model_attributes_type": "应为 JSON 对象",
}
# Our own reasons, by their English.
_BY_PHRASE = {
    "must not be blank": "不能为空白",
    "must be a key as the provider gave it; a masked one is none": "应为提供者给出的密钥；掩码不是密钥",
    "must be a time zone such as Asia/Shanghai": "应为时区名称，如 Asia/Shanghai",
    "give either ids or all: true": "ids 与 all: true 须给出且只能给出一个",
    "give either chat_ids or all: true": "chat_ids 与 all: true 须给出且只能给出一个",
    "content is required": "content 必填",
    "the base URL is missing": "缺少地址",
    "the base URL is not http:// or https:// with a host": "地址应以 http:// 或 https:// 开头，并有主机名",
    "the base URL carries a user name, a query or a fragment": "地址不能带有用户名、查询参数或片段",
    "the API key has characters outside ASCII": "密钥含有 ASCII 以外的字符",
    "names nothing to look for": "没有可搜索的内容",
    "must be an integer": "应为整数",
    "must be a number": "应为数字",
    "must be a date, a date with a time, ISO 8601, or Unix seconds or milliseconds": (
        "应为日期、日期时间、ISO 8601，或 Unix 秒或毫秒"
    ),
    "is no date or time this server reads": "不是可识别的日期或时间",
    "must lie between the years 1900 and 9998": "应在公元 1900 至 9998 年之间",
    "sort=place needs a chat_id": "sort=place 需要同时给出 chat_id",
    "begin_time is after end_time": "begin_time 晚于 end_time",
    "start_date is after end_date": "start_date 晚于 end_date",
    "give one of before, after, around and cursor": "before、after、around、cursor 只能给出一个",
    "is given twice with different values": "两种拼写给出了不同的值",
    "is not a valid query string in UTF-8": "不是有效的 UTF-8 查询字符串",
    "is not a valid form in UTF-8": "不是有效的 UTF-8 表单",
    "must not contain NUL": "不能包含 NUL 字符",
    "is not a cursor of this list": "不是该列表的游标",
    "is no number of an event": "不是事件编号",
    "is beyond the last event": "超出了最后一个事件",
    "is required": "必填",
    "was cut off": "不完整，传输中断",
    "is empty": "是空文件",
    "must be a file": "应为文件",
    "is given twice": "给出了两次",
    "has too many parts": "包含过多的部分",
    "has no boundary": "缺少 boundary",
    "is not valid multipart/form-data": "不是有效的 multipart/form-data",
    "must be 1 to 255 printable ASCII characters": "应为 1 至 255 个可打印的 ASCII 字符",
    "is a damaged or incomplete zip": "是损坏或不完整的 zip",
    "holds more than can be unpacked": "解压后过大",
    "is of no known format": "不是已知的格式",
    "is no conversation": "不是一个对话",
    "holds more values than can be read": "值过多，无法读取",
    "a message has more than five million characters": "有消息超过五百万字",
    "holds more beside its texts than can be kept": "文本之外的内容过多，无法保存",
    "takes more memory than it is given to be read": "读取所需的内存过多，其后的内容未读取",
    "its files were removed meanwhile; import it again": "其文件在导入期间被清除，请重新导入",
    "larger than can be read": "过大，无法读取",
    "its messages are nested too deep; export it again without nesting": "消息嵌套过深，请不嵌套地重新导出",
    "what follows was not read": "其后的内容未读取",
    "active_leaf is no message of it": "active_leaf 不是其中的消息",
    "times must lie between the years 1900 and 9998": "时间应在公元 1900 至 9998 年之间",
    "two messages have the same uuid": "有两条消息的 uuid 相同",
    "messages answer each other in a circle": "消息互相回复，成了环",
    "a message answers one that is not there": "有消息回复了不存在的消息",
    "the body is not UTF-8": "请求体不是 UTF-8",
    "it holds too many values": "值过多",
    "a key is given twice": "有重复的键",
    "a number does not fit 64 bits": "有超出 64 位的数",
    "a number is too large": "有过大的数",
    "text must not contain NUL": "文本不能包含 NUL 字符",
    "text must not contain lone surrogates": "文本不能包含孤立的代理项",
}


def describe(item: dict[str, Any], language: Language) -> dict[str, Any]:
    """One `detail` of pydantic's `errors()`: what was sent stays out, it may be long or not encodable."""
    context = item.get("ctx", {})
    kind = item["type"]
    message = item["msg"]
    if kind == "value_error":
        message = phrase(str(context.get("error", message)), language)
    elif kind == "json_invalid":
        reason = phrase(str(context.get("error", "")), language)
        message = _BY_TYPE[kind].format(error=reason) if language == "zh" else f"JSON is invalid: {reason}"
    elif language == "zh" and kind in _BY_TYPE:
        message = _BY_TYPE[kind].format_map(context | {"expected": _listed(context.get("expected", ""))})
    return {"loc": list(item["loc"]), "msg": message, "type": kind}


def _listed(expected: str) -> str:
    """`'a', 'b' or 'c'`, as Chinese lists it."""
    return expected.replace(" or ", "、").replace(", ", "、")


def phrase(reason: str, language: Language) -> str:
    """One of our own reasons; a name before it (`page_num is given twice…`) is kept."""
    if language == "en":
        return reason
    if reason in _BY_PHRASE:
        return _BY_PHRASE[reason]
    name, _, rest = reason.partition(" ")
    return f"{name} {_BY_PHRASE[rest]}" if rest in _BY_PHRASE else reason
