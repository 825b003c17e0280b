"""Signed webhooks for the marketplace.

Senders only name the plugin in their configuration; receivers written in Python can import
:func:`verify` and check what reaches them.
"""

from __future__ import annotations

from marketplace_sdk_webhook.signing import BadSignature, verify

__all__ = ["BadSignature", "verify"]
