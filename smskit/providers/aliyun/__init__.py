"""
Aliyun 阿里云 SMS (Dysmsapi, version 2017-05-25).

``client`` is the provider, ``signing`` its two request digests, ``codes`` what
its codes mean, ``reports`` how its receipts, replies and records are read.
"""

from smskit.providers.aliyun.client import Aliyun, AliyunSettings
from smskit.providers.aliyun.reports import Pushed, parse_push

__all__ = ["Aliyun", "AliyunSettings", "Pushed", "parse_push"]
