"""Smokeball's webhooks: the receiver, and commands for subscriptions.

``serve`` and ``prune`` import neither the Singer SDK nor the tap: the receiver stays small, and
needs no credentials of Smokeball.
"""
