"""
Tencent 腾讯云短信: API 3.0, service ``sms``, version 2021-01-11.

Everything Tencent knows, in four files: ``client`` (calls, answers, check),
``codes`` (what a code means), ``signing`` (TC3-HMAC-SHA256), ``reports``
(receipts, replies, records).
"""

from smskit.providers.tencent.client import Tencent, TencentSettings

__all__ = ["Tencent", "TencentSettings"]
