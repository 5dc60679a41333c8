"""
Tencent's codes and the English words that come with them.

The real service says the words at the top of an answer in the language asked
for and those in a row in English; here they are English everywhere.

Source: the project's Tencent dossier, section 6 (the official SDK's
``errorcodes.py``, sms 3.1.153, and the lists of common codes; read 2026-11).
"""

from __future__ import annotations

from typing import NamedTuple

OK = "Ok"


class Words(NamedTuple):
    """The message of a code."""

    msg: str


CODES: dict[str, Words] = {
    code: Words(msg)
    for code, msg in {
        OK: "send success",
        # any product
        "ActionOffline": "the action is offline",
        "AuthFailure": "authentication failed",
        "AuthFailure.InvalidAuthorization": "the Authorization header is malformed",
        "AuthFailure.InvalidSecretId": "not a key of the right kind",
        "AuthFailure.MFAFailure": "multi-factor authentication failed",
        "AuthFailure.SecretIdNotFound": "the SecretId does not exist",
        "AuthFailure.SignatureExpire": "the signature has expired; the clocks differ by over 5 minutes",
        "AuthFailure.SignatureFailure": "the signature does not fit the request",
        "AuthFailure.TokenFailure": "the token is wrong",
        "AuthFailure.UnauthorizedOperation": "not authorised",
        "DryRunOperation": "the request would have succeeded without DryRun",
        "FailedOperation": "the operation failed",
        "InternalError": "internal error",
        "InvalidAction": "there is no such action",
        "InvalidParameter": "a parameter is malformed",
        "InvalidParameterValue": "a parameter has a wrong value",
        "InvalidRequest": "the request is malformed",
        "IpInBlacklist": "the address is blocked",
        "IpNotInWhitelist": "the address is not on the allow-list",
        "LimitExceeded": "quota exceeded",
        "MissingParameter": "a parameter is missing",
        "NoSuchProduct": "there is no such product",
        "NoSuchVersion": "there is no such version of the API",
        "RequestLimitExceeded": "too many requests in this second",
        "RequestLimitExceeded.GlobalRegionUinLimitExceeded": "too many requests of this account anywhere",
        "RequestLimitExceeded.IPLimitExceeded": "too many requests from this address",
        "RequestLimitExceeded.UinLimitExceeded": "too many requests of this account",
        "ResourceInsufficient": "not enough resources",
        "ResourceUnavailable": "the resource is not available",
        "ServiceUnavailable": "the service is not available now",
        "UnauthorizedOperation": "not authorised",
        "UnknownParameter": "a parameter is not known",
        "UnsupportedOperation": "the operation is not supported",
        "UnsupportedProtocol": "POST with a JSON body is expected",
        "UnsupportedRegion": "the region is not supported",
        # SMS
        "FailedOperation.ContainSensitiveWord": "the content holds a sensitive word",
        "FailedOperation.FailResolvePacket": "the request package cannot be resolved",
        "FailedOperation.InsufficientBalanceInSmsPackage": "the SMS package is used up",
        "FailedOperation.JsonParseFail": "the request body cannot be parsed",
        "FailedOperation.MarketingSendTimeConstraint": "marketing messages may be sent from 8 to 22 only",
        "FailedOperation.MissingSignatureList": "no signature can be recognised",
        "FailedOperation.MissingTemplateList": "no template can be recognised",
        "FailedOperation.NotEnterpriseCertification": "only for accounts certified as companies",
        "FailedOperation.OtherError": "other error",
        "FailedOperation.ParametersOtherError": "other error in the parameters",
        "FailedOperation.PhoneNumberInBlacklist": "the number is on a do-not-disturb list",
        "FailedOperation.PhoneNumberParseFail": "the number cannot be parsed",
        "FailedOperation.ProhibitSubAccountUse": "not for sub-accounts",
        "FailedOperation.SignIdNotExist": "the signature id does not exist",
        "FailedOperation.SignatureIncorrectOrUnapproved": "the signature is not approved or malformed",
        "FailedOperation.TemplateIdNotExist": "the template id does not exist",
        "FailedOperation.TemplateIncorrectOrUnapproved": "the template is not approved or does not match",
        "FailedOperation.TemplateParamSetNotMatchApprovedTemplate": "the count of parameters does not match",
        "FailedOperation.TemplateUnapprovedOrNotExist": "the template is not approved or does not exist",
        "InternalError.JsonParseFail": "the parameters cannot be parsed",
        "InternalError.OtherError": "other internal error",
        "InternalError.ParseBackendResponseFail": "the carrier's answer cannot be parsed",
        "InternalError.RequestTimeException": "the time of the request is off by over 10 minutes",
        "InternalError.RestApiInterfaceNotExist": "there is no such interface",
        "InternalError.SendAndRecvFail": "sending or receiving timed out inside",
        "InternalError.SigFieldMissing": "the inner signature is missing",
        "InternalError.SigVerificationFail": "the inner signature does not fit",
        "InternalError.Timeout": "the submission timed out inside",
        "InternalError.UnknownError": "unknown error",
        "InvalidParameter.AppidAndBizId": "account and application do not match",
        "InvalidParameter.DirtyWordFound": "there is a sensitive word",
        "InvalidParameter.InvalidParameters": "the parameters are wrong",
        "InvalidParameterValue.BeginTimeVerifyFail": "BeginTime is wrong",
        "InvalidParameterValue.ContentLengthLimit": "the content is too long",
        "InvalidParameterValue.EndTimeVerifyFail": "EndTime is wrong",
        "InvalidParameterValue.IncorrectPhoneNumber": "the number has a wrong form",
        "InvalidParameterValue.InvalidInternational": "International is wrong",
        "InvalidParameterValue.InvalidStartTime": "the start is after the end",
        "InvalidParameterValue.LimitVerifyFail": "Limit is wrong",
        "InvalidParameterValue.MultiSmsInfoSetEmpty": "MultiSmsInfoSet is empty",
        "InvalidParameterValue.OffsetVerifyFail": "Offset is wrong",
        "InvalidParameterValue.ProhibitedUseUrlInTemplateParameter": "a parameter must not hold a URL",
        "InvalidParameterValue.SdkAppIdNotExist": "the SdkAppId does not exist",
        "InvalidParameterValue.TemplateParameterFormatError": "verification takes 0 to 6 digits",
        "InvalidParameterValue.TemplateParameterLengthLimit": "a parameter is too long",
        "LimitExceeded.AppCountryOrRegionDailyLimit": "the daily limit for the country is reached",
        "LimitExceeded.AppCountryOrRegionInBlacklist": "the application does not send to that country",
        "LimitExceeded.AppDailyLimit": "the application's daily limit is reached",
        "LimitExceeded.AppGlobalDailyLimit": "the daily limit abroad is reached",
        "LimitExceeded.AppMainlandChinaDailyLimit": "the daily limit for the mainland is reached",
        "LimitExceeded.DailyLimit": "the daily limit is reached",
        "LimitExceeded.DeliveryFrequencyLimit": "a frequency rule was hit",
        "LimitExceeded.GlobalSmsSendingRateLimit": "the rate of global messages is limited",
        "LimitExceeded.PhoneNumberCountLimit": "more than 200 numbers in one call",
        "LimitExceeded.PhoneNumberDailyLimit": "the number's daily limit is reached",
        "LimitExceeded.PhoneNumberOneHourLimit": "the number's hourly limit is reached",
        "LimitExceeded.PhoneNumberSameContentDailyLimit": "the number's limit of equal content is reached",
        "LimitExceeded.PhoneNumberThirtySecondLimit": "the number's limit within 30 seconds is reached",
        "MissingParameter.EmptyPhoneNumberSet": "there is no number",
        "UnauthorizedOperation.IndividualUserMarketingSmsPermissionDeny": "personal accounts may not market",
        "UnauthorizedOperation.RequestIpNotInWhitelist": "the address is not on the application's allow-list",
        "UnauthorizedOperation.RequestPermissionDeny": "no permission for this request",
        "UnauthorizedOperation.SdkAppIdIsDisabled": "the SdkAppId is disabled",
        "UnauthorizedOperation.ServiceSuspendDueToArrears": "suspended for arrears",
        "UnauthorizedOperation.SmsSdkAppIdVerifyFail": "the SmsSdkAppId is not of the key's account",
        "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone": "a mainland template cannot go abroad",
        "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber": "numbers at home and abroad",
        "UnsupportedOperation.ContainDomesticPhoneNumber": "this action is for numbers abroad only",
        "UnsupportedOperation.GlobalTemplateToChineseMainlandPhone": "a global template cannot stay at home",
        "UnsupportedOperation.UnsupportedRegion": "the number's region is not served",
    }.items()
}


def words(code: str) -> str:
    """Return the message of *code*; that of one nobody documented is the code."""
    known = CODES.get(code)
    return known.msg if known else code


class Refusal(Exception):
    """
    Tencent says no to a call as a whole.

    Args:
        code: A key of `CODES`, or one nobody has documented.
        message: The specific cause; "" takes the code's usual one.
    """

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message or words(code)
