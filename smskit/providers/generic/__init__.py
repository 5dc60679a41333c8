"""
Any SSP with an HTTP interface, described by a configuration file instead of code.

The file says what a request looks like (placeholders such as ``{phones}``),
where its answer holds code and id, and which codes mean what; docs/own_ssp.md
explains it with a complete example. A code or an HTTP status that the file does
not list is unknown, never guessed. What cannot be said in the file (XML,
different texts in one request, signing over sorted fields) is a plug-in's.
"""

from smskit.providers.generic.config import HttpConfig
from smskit.providers.generic.loading import load_config
from smskit.providers.generic.pattern import PLACEHOLDERS
from smskit.providers.generic.provider import GenericHttp, GenericSettings

__all__ = ["PLACEHOLDERS", "GenericHttp", "GenericSettings", "HttpConfig", "load_config"]
