"""
Yunpian 云片: SMS v2 HTTP API.

Everything Yunpian knows, in four files: ``client`` (calls, answers, check),
``codes`` (what a code means), ``console`` (what its console wants and how a
template must read), ``reports`` (receipts, replies, records).
"""

from smskit.providers.yunpian.client import Yunpian, YunpianSettings

__all__ = ["Yunpian", "YunpianSettings"]
