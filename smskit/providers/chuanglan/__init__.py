"""
Chuanglan 创蓝 (253.com): domestic messages, the full-text API "v1" and the template API "v2".

Everything Chuanglan knows: ``client`` (calls, answers, check), ``reports`` (receipts and
replies), ``codes.csv`` (what a code means), ``console.yaml`` (what its console wants).
"""

from smskit.providers.chuanglan.client import Chuanglan, ChuanglanSettings, request_digest

__all__ = ["Chuanglan", "ChuanglanSettings", "request_digest"]
