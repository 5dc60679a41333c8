"""
Aliyun 阿里云 SMS (Dysmsapi, version 2017-05-25).

``client`` is the provider, ``wire`` and ``signing`` are what goes out, ``codes``
what its codes mean, ``reports`` how receipts, replies and records are read.
"""

from smskit.providers.aliyun.client import Aliyun
from smskit.providers.aliyun.reports import parse_push
from smskit.providers.aliyun.wire import AliyunSettings

__all__ = ["Aliyun", "AliyunSettings", "parse_push"]
