"""What is wrong with settings, credentials and the configuration of an SSP of one's own."""

from __future__ import annotations

__all__ = ["TOLD", "ZH"]

ZH: dict[str, str] = {}

TOLD: dict[str, str] = {
    # -- settings
    "provider `{name}` is not set up: {variable} is missing, the path of its configuration": (
        "供应商 `{name}` 尚未设置：缺少 {variable}（配置文件的路径）"
    ),
    "provider `{name}` is not set up: {variable} is missing. Set it in the environment, in a .env file beside the "
    "notebook, or in the OS keyring.": "供应商 `{name}` 尚未设置：缺少 {variable}",
    "provider `{name}` is not set up: {why}. Set it in the environment, in a .env file beside the notebook, or in "
    "the OS keyring.": "供应商 `{name}` 尚未设置：{why}",
    "SMSKIT_{code} is missing": "缺少 SMSKIT_{code}",
    "SMSKIT_{code}: Value error, {why}": "SMSKIT_{code}：{why}",
    "SMSKIT_{code}: {why}": "SMSKIT_{code}：{why}",
    "must start with http:// or https://": "须以 http:// 或 https:// 开头",
    "must start with https://, since the password travels in the request": "须以 https:// 开头，因为密码会随请求发送",
    "SMSKIT_ON_RUN_END must be {choices}": "SMSKIT_ON_RUN_END 须为 {choices}",
    # -- where keys are kept
    "the keyring is switched off (SMSKIT_KEYRING=0)": "系统钥匙串已停用（SMSKIT_KEYRING=0）",
    "this machine has no keyring service": "本机没有系统钥匙串服务",
    "the keyring cannot be opened ({kind})": "无法打开系统钥匙串（{kind}）",
    "the keyring refused ({kind})": "系统钥匙串拒绝保存（{kind}）",
    "the keyring did not keep what it was given": "系统钥匙串未能保存",
    "choose the .env file instead": "请改选 .env 文件",
    "the value of {variable} cannot stand in a .env file; keep it in the keyring or the environment": (
        "{variable} 的值无法写入 .env 文件，请存入系统钥匙串或环境变量"
    ),
    "{file} cannot be read": "无法读取 {file}",
    "{file} cannot be written: {why}": "无法写入 {file}：{why}",
    "`{name}` is a key: it is asked for, and never written into a notebook": (
        "`{name}` 是密钥：请在提示时输入，不要写进笔记本"
    ),
    "nobody is here to be asked for keys; put them into the environment or .env": (
        "无人可输入密钥：请放入环境变量或 .env 文件"
    ),
    # -- the configuration of an SSP: the file
    "the configuration: {why}": "配置：{why}",
    "`base_url` is missing; or set {variable}": "缺少 `base_url`；也可设置 {variable}",
    "{file}: is not UTF-8": "{file}：不是 UTF-8",
    "{file}: is not valid YAML or JSON": "{file}：不是有效的 YAML 或 JSON",
    "{file}: {said} at line {n}": "{file}：第 {n} 行不是有效的 YAML 或 JSON",
    "{file}: `{name}` is given twice at line {n}": "{file}：`{name}` 重复（第 {n} 行）",
    "{file}.yaml: {why}": "{file}.yaml：{why}",
    "{file}.yml: {why}": "{file}.yml：{why}",
    "{file}.json: {why}": "{file}.json：{why}",
    "{file}: must hold `name: value` lines": "{file}：应由 `name: value` 各行组成",
    "`{name}` is missing": "缺少 `{name}`",
    # -- its values
    "must be text": "须为文本",
    "must be a path such as data.results, or . for the whole answer": "须为路径，如 data.results；整个应答用 .",
    "must be `unix`, `unix_ms`, `iso` or a pattern such as %Y-%m-%d %H:%M:%S": (
        "须为 `unix`、`unix_ms`、`iso`，或如 %Y-%m-%d %H:%M:%S 的格式"
    ),
    "is not a time zone name such as Asia/Shanghai": "不是时区名，例如 Asia/Shanghai",
    "is not a regular expression (RE2)": "不是正则表达式（RE2）",
    "must be a list of values, or the word `others`": "须为值的列表，或 `others`",
    "has no key `{name}`": "没有键 `{name}`",
    "`{name}` stands under `{one}` and `{two}`": "`{name}` 同时出现在 `{one}` 和 `{two}` 中",
    "only `later` and `retry` have retry_after_s": "只有 `later` 和 `retry` 可有 `retry_after_s`",
    "has both `json` and `form`; a body is one of them": "`json` 和 `form` 只能有一个",
    "is a GET, which has no body; use `query`": "GET 请求没有内容，请用 `query`",
    "`{name}` is not a header": "`{name}` 不是请求头",
    "`{name}` holds a credential; set SMSKIT_HTTP_SECRET and write {{secret}} here": (
        "`{name}` 含有密钥：请设置 SMSKIT_HTTP_SECRET，此处写 {{secret}}"
    ),
    "`url` must start with / or with https://": "`url` 须以 / 或 https:// 开头",
    "`url` must name its host, without user and password": "`url` 须写明主机，不带用户名和密码",
    "`url` holds a query; write it under `query`": "`url` 含查询参数，请写到 `query` 中",
    "has a brace without a partner at character {n}; write {{{{ or }}}}": (
        "第 {n} 个字符的花括号没有配对；普通花括号请写作 {{{{ 或 }}}}"
    ),
    "{key} has a brace without a partner at character {n}; write {{{{ or }}}}": (
        "{key} 第 {n} 个字符的花括号没有配对；普通花括号请写作 {{{{ 或 }}}}"
    ),
    "has {place} beside other text; a number stands alone": "{place} 旁有其他文字，数字须单独出现",
    "{key} has {place} beside other text; a number stands alone": "{key} 中 {place} 旁有其他文字，数字须单独出现",
    # -- how its parts fit together
    "`{name}` uses {{sign}}, and there is no `signing`": "`{name}` 用了 {{sign}}，但没有 `signing`",
    "`signing` is given, and no request uses {{sign}}": "有 `signing`，但没有请求用到 {{sign}}",
    "`{name}` has {{sign}} in the very body that `signing.over` covers": (
        "`{name}` 的内容含 {{sign}}，而 `signing.over` 正是对该内容签名"
    ),
    "`submit` does not say whom to send to; use {{phone}}, {{national}} or {{phones}}": (
        "`submit` 没有写发给谁：请用 {{phone}}、{{national}} 或 {{phones}}"
    ),
    "`submit` does not say what to send; use {{text}}, {{body}}, {{template_id}} or {{var.NAME}}": (
        "`submit` 没有写发什么：请用 {{text}}、{{body}}、{{template_id}} 或 {{var.NAME}}"
    ),
    "`batching.same` is {n}, so `submit` must use {{phones}}": "`batching.same` 为 {n}，`submit` 须用 {{phones}}",
    "`submit` uses {place}, a single number, while `batching.same` is {n}": (
        "`batching.same` 为 {n}，而 `submit` 用的是单个号码 {place}"
    ),
    "`submit.answer.row` is given without `submit.answer.rows`": "有 `submit.answer.row`，但没有 `submit.answer.rows`",
    "`submit.answer.row.phone` is missing: it says which row is about whom": (
        "缺少 `submit.answer.row.phone`：无法知道哪一行是谁"
    ),
    "`{name}` is missing, and no HTTP status is in `statuses.accepted`": (
        "缺少 `{name}`，`statuses.accepted` 中也没有 HTTP 状态"
    ),
    "`codes.accepted` is empty, so no answer could mean that it went well": "`codes.accepted` 为空，无法判断成功",
    "`{name}` is not an HTTP status": "`{name}` 不是 HTTP 状态",
    "only 200 to 299 can mean accepted": "只有 200~299 可表示已受理",
    "`records.answer.row` needs `text` or `reference`, to recognise a record by": (
        "`records.answer.row` 需要 `text` 或 `reference` 来辨认记录"
    ),
    "`records.answer.row.reference` is read, but `submit` sends no {{reference}}": (
        "读取了 `records.answer.row.reference`，但 `submit` 没有发送 {{reference}}"
    ),
    "{place} means nothing here": "此处不能用 {place}",
    "there is no placeholder {place}": "没有占位符 {place}",
    "`{name}` for `{field}`: {why}": "`{name}`（用于 `{field}`）：{why}",
    "`{name}`: {why}": "`{name}`：{why}",
}
