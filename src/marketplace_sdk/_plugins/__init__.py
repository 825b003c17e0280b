"""Finds plugins, checks what they offer, and keeps one's failure from the others."""

from marketplace_sdk._plugins.host import PluginHost
from marketplace_sdk._plugins.offers import PluginInfo

__all__ = ["PluginHost", "PluginInfo"]
