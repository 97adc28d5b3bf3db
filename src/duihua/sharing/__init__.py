"""Conversations that are read by whoever has their address."""
