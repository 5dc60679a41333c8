"""
Chuanglan 创蓝 (253.com): domestic messages, the full-text API "v1" and the template API "v2".

Everything Chuanglan knows, in four files: ``client`` (calls, answers, check),
``codes`` (what a code means), ``console`` (what its console wants and how a
template must read), ``reports`` (receipts and replies, pulled or pushed).
"""

from smskit.providers.chuanglan.client import Chuanglan, ChuanglanSettings, request_digest
from smskit.providers.chuanglan.reports import PUSH_FAILED, PUSH_TAKEN

__all__ = ["PUSH_FAILED", "PUSH_TAKEN", "Chuanglan", "ChuanglanSettings", "request_digest"]
