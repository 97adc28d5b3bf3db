"""What the program says to people, in Chinese and English, by stable code."""

from typing import Any, Literal

Language = Literal["zh", "en"]

_MESSAGES: dict[str, tuple[str, str]] = {
    # successes
    "ok": ("成功", "OK"),
    "created": ("已创建", "Created"),
    "updated": ("已更新", "Updated"),
    "deleted": ("已删除", "Deleted"),
    "shared": ("已分享", "Shared"),
    "revoked": ("已停止分享", "No longer shared"),
    "imported": ("导入完成", "Imported"),
    "moved": ("已移动", "Moved"),
    "cleared": ("消息已清空", "Messages cleared"),
    "sent": ("已发送", "Sent"),
    "activated": ("已切换版本", "Version activated"),
    "restored": ("已恢复", "Restored"),
    "forked_title": ("{title}（分支）", "{title} (fork)"),
    "purged": ("已彻底删除", "Deleted for good"),
    "cancel_done": ("已停止生成，已生成的内容已保留", "Stopped; what was generated is kept"),
    "cancel_ended": ("该回复在此之前已结束", "The reply had already ended"),
    "cancel_waits": (
        "已记下停止请求，该回复将在几秒内结束；已生成的内容会保留",
        "The stop is noted: the reply ends within seconds. What was generated is kept",
    ),
    # requests
    "internal_error": (
        "服务器内部错误；请求未生效。请凭 request_id 查看日志",
        "Internal error; nothing was changed. See the log for this request_id",
    ),
    "invalid_input": ("请求参数有误：{field} {reason}", "Invalid request: {field} {reason}"),
    "not_found": ("未找到", "Not found"),
    "method_not_allowed": ("不支持该请求方法", "Method not allowed"),
    "conflict": ("与当前状态冲突", "Conflicts with the present state"),
    "forbidden": ("不允许该请求", "Forbidden"),
    "cross_site": (
        "已拒绝来自其他网站的请求；如需允许，请将其来源加入 DUIHUA_CORS_ORIGINS",
        "Refused: sent by a page of another site. To allow it, add its origin to DUIHUA_CORS_ORIGINS",
    ),
    "unknown_host": (
        "未知的主机名 {host}；如需允许，请加入 DUIHUA_ALLOWED_HOSTS",
        "Unknown host name {host}; to allow it, add it to DUIHUA_ALLOWED_HOSTS",
    ),
    "body_too_large": ("请求体超过 {limit} 字节的上限", "The body exceeds the limit of {limit} bytes"),
    "unsupported_media_type": (
        "请求体须为 JSON，请设置 Content-Type: application/json",
        "The body must be JSON: send Content-Type: application/json",
    ),
    "unavailable": ("服务暂不可用，请稍后重试", "Unavailable for the moment; try again shortly"),
    "storage_unavailable": (
        "数据库暂不可用，本次请求未保存任何内容；请稍后重试",
        "The database is unavailable; nothing of this request was stored. Try again shortly",
    ),
    "storage_in_doubt": (
        "数据库在提交时失去联系，无法确定本次请求是否已保存；请以相同的 Idempotency-Key 重试，不会重复保存",
        "The database was lost during its commit: whether this request was stored is unknown. "
        "Repeating it with the same Idempotency-Key is safe",
    ),
    "storage_full": (
        "磁盘空间不足，本次请求未保存；已有数据仍可读取。请清理空间后重试",
        "No disk space: nothing of this request was stored; all else stays readable. Free space, then retry",
    ),
    "idempotency_key_reused": (
        "该 Idempotency-Key 已用于另一个不同的请求",
        "This Idempotency-Key was used for a different request",
    ),
    "no_model_connected": (
        "没有连接模型，由离线模型应答；请在网页的设置中添加连接，"
        "或设置 OPENAI_API_KEY 或 OPENAI_BASE_URL，或启动本机模型服务，然后重启",
        "no model is connected: the offline model answers. Add a connection in the client's settings; "
        "or set OPENAI_API_KEY or OPENAI_BASE_URL, or start a local model server, and restart",
    ),
    "search_index_outdated": (
        "搜索索引由其他版本建立，可能找不全；请运行 duihua doctor",
        "the search index was made by another version and may not find all: run `duihua doctor`",
    ),
    "model_answers": ("模型已应答", "The model answers"),
    # conversations, groups, messages
    "conversation_not_found": ("对话不存在", "Conversation not found"),
    "share_not_found": ("该对话未被分享", "This conversation is not shared"),
    "share_gone": (
        "此分享不存在、已过期或已停止",
        "There is no such page: it has expired, or is no longer shared",
    ),
    "conversation_changing": (
        "制作分享页面期间对话一直在变化，未能分享，请稍后再试",
        "The conversation kept changing while its page was made; share it again",
    ),
    "shared_page_too_large": (
        "对话超过 {limit} 个字符，无法作为一页分享；可以导出后发送文件",
        "The conversation exceeds {limit} characters, too many for one page; export it and send the file",
    ),
    "message_not_found": ("消息不存在", "Message not found"),
    "connection_not_found": ("模型连接不存在", "Model connection not found"),
    "prompt_not_found": ("提示词不存在", "Prompt not found"),
    "file_not_found": ("文件不存在", "File not found"),
    "group_not_found": ("分组不存在", "Group not found"),
    "default_group_undeletable": ("默认分组不能删除", "The default group cannot be deleted"),
    "generation_not_found": ("生成任务不存在", "Generation not found"),
    "message_too_long": (
        "消息超过 {limit} 个字符的上限，未保存",
        "The message exceeds {limit} characters; it was not stored",
    ),
    "message_streaming": (
        "该回复仍在生成，请先停止或等待其结束",
        "This reply is still being generated; stop it or wait for its end",
    ),
    "trash_in_use": (
        "其中有对话的回复仍在结束，未删除任何内容；请几秒后重试",
        "A reply in one of these conversations is still ending; nothing was removed. Try again in seconds",
    ),
    "nothing_to_answer": ("没有可供回答的用户消息", "There is no user's message to answer"),
    "nothing_to_continue": (
        "这条消息不能续写：它不是回复、没有内容或仍在生成。未做任何更改",
        "This message can't be continued: it is no reply, is empty, or is being written. Nothing was changed",
    ),
    # generations
    "too_many_generations": (
        "正在生成的回复过多（上限 {limit}），消息未保存；请稍后重试",
        "Too many replies at once (limit {limit}); the message was not stored. Try again shortly",
    ),
    "shutting_down": (
        "服务器正在重启，消息未保存；请稍后重试",
        "The server is restarting; the message was not stored. Try again shortly",
    ),
    "generation_cancelled": (
        "已停止生成，已生成的内容已保留",
        "Stopped; what was generated is kept",
    ),
    "generation_interrupted": (
        "服务器在生成途中停止；此前的内容已保留，可重新生成",
        "The server stopped while generating; what there was is kept. Regenerate to try again",
    ),
    "generation_lost": (
        "该回复已结束或已由另一进程接管",
        "The reply has ended, or another process has taken it over",
    ),
    "reply_too_long": (
        "回复超过 {limit} 个字符的上限，已保留此前内容",
        "The reply exceeded {limit} characters; what there was is kept",
    ),
}


def messages_of(codes: dict[str, tuple[str, str]]) -> None:
    """Add a feature's own messages, `code -> (zh, en)`; a code may be registered once."""
    clash = _MESSAGES.keys() & codes.keys()
    if clash:
        raise ValueError(f"message codes registered twice: {sorted(clash)}")
    _MESSAGES.update(codes)


def translate(code: str, language: Language, **values: Any) -> str:
    """The sentence for `code`; a code without one is its own text, so that nothing is ever silent."""
    zh, en = _MESSAGES.get(code, (code, code))
    return (zh if language == "zh" else en).format_map(_Blank(values))


def preferred_language(accept_language: str | None) -> Language:
    """Chinese or English by an `Accept-Language` header (RFC 9110 §12.5.4); Chinese where it is missing."""
    if not accept_language or not accept_language.strip():
        return "zh"
    weights: dict[Language, float] = {"zh": 0.0, "en": 0.0}
    for part in accept_language.split(","):
        tag, _, quality = part.strip().partition(";")
        primary = tag.strip().lower().partition("-")[0]
        language: Language = "zh" if primary in {"zh", "*"} else "en"
        weights[language] = max(weights[language], _quality(quality))
    return "zh" if weights["zh"] > 0 and weights["zh"] >= weights["en"] else "en"


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return min(max(float(value), 0.0), 1.0)
    except ValueError:
        return 0.0


class _Blank(dict[str, Any]):
    """A missing value leaves its place empty: a message must never fail to be said."""

    def __missing__(self, key: str) -> str:
        return ""
