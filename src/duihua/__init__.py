"""Duihua 对话: self-hosted AI chat over REST and Server-Sent Events."""

__version__ = "0.1.0"
