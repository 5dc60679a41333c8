"""What is wrong with a segment, a rule, a template or a parameter."""

from __future__ import annotations

__all__ = ["TOLD", "ZH"]

ZH: dict[str, str] = {}

TOLD: dict[str, str] = {
    # -- segments: where
    "no segment given: name a file, a database URL or env:NAME": "未指定分群：请填文件、数据库 URL 或 env:NAME",
    "{file}: no such file in {folders}": "{file}：找不到该文件，请检查路径（已在 {folders} 中查找）",
    "{file}: no such file": "{file}：找不到该文件，请检查路径",
    "{file}: that environment variable is not set": "{file}：没有设置这个环境变量",
    "{file}: that environment variable is not set; put a path or a URL in it": (
        "{file}：没有设置这个环境变量，请将路径或 URL 放入其中"
    ),
    "{file}: `{name}` is no kind of segment; give {kinds}, or a database URL": (
        "{file}：不支持 `{name}` 文件，请使用 {kinds}，或数据库 URL"
    ),
    "{file}: a segment needs a file extension; give {kinds}, or a database URL": (
        "{file}：缺少文件扩展名，请使用 {kinds}，或数据库 URL"
    ),
    "{file}: a query needs a database; this is a file, filter it with rules": (
        "{file}：查询只用于数据库；文件请用规则筛选"
    ),
    "{file}: a segment is one of {kinds}": "{file}：分群文件应为 {kinds} 之一",
    "{file}: a segment is saved as .csv or .parquet": "{file}：分群只能保存为 .csv 或 .parquet",
    "{file} is there already; choose another name, or say that it may be replaced": (
        "{file} 已存在：请换名，或勾选替换"
    ),
    "there are too many files called {file}; remove some from {folder}/": (
        "名为 {file} 的文件太多，请从 {folder}/ 中删除一些"
    ),
    # -- segments: what is in a file
    "{file}: row {n}: a quote is opened and not properly closed, so rows cannot be told apart; within quotes, "
    'write a quote as ""': '{file}：第 {n} 行的引号没有正确闭合；引号内的引号请写作 ""',
    "{file}: row {n}: a quote is opened and not properly closed": "{file}：第 {n} 行的引号没有正确闭合，请修正文件",
    "{file}: row {n} has {m} cells where the first row names {k} columns; quote a cell that holds the "
    "delimiter or a line break": "{file}：第 {n} 行有 {m} 格，而首行有 {k} 列；含分隔符或换行的单元格请加引号",
    "{file}: is empty; the first row must name the columns": "{file}：文件为空，首行应为列名",
    "{file}: its first sheet is empty; the first row must name the columns": (
        "{file}：第一个工作表为空，首行应为列名"
    ),
    "{file}: is not a text file, or UTF-16 without byte order mark; save it as UTF-8": (
        "{file}：不是文本文件，或是没有 BOM 的 UTF-16，请另存为 UTF-8"
    ),
    "{file}: is not a table of text with one delimiter": "{file}：不是用同一分隔符的文本表格",
    "{file}: row {n} holds bytes that are not UTF-8, which the rest of the file is; save the file again as "
    "UTF-8": "{file}：第 {n} 行含有不是 UTF-8 的字节，请重新保存为 UTF-8",
    "{file}: row {n} holds bytes that are not UTF-16, which its first bytes promise; save the file again as "
    "UTF-8": "{file}：第 {n} 行含有不是 UTF-16 的字节，请重新保存为 UTF-8",
    "{file}: row {n} holds bytes that are not UTF-8, nor GB18030; save the file again as UTF-8": (
        "{file}：第 {n} 行既不是 UTF-8 也不是 GB18030，请重新保存为 UTF-8"
    ),
    "{file}: cannot be read as xlsx ({kind}); is it protected by a password, or another format?": (
        "{file}：无法按 xlsx 读取（{kind}），是否有密码保护，或是其他格式？"
    ),
    "{file}: cannot be read as parquet ({kind})": "{file}：无法按 parquet 读取（{kind}），文件可能已损坏",
    "{file}: cannot be read ({why})": "{file}：无法读取（{why}）",
    "{file}: has no columns": "{file}：没有任何列",
    "{file}: column {n} has no name": "{file}：第 {n} 列没有列名",
    "{file}: column {n} is named by a number; the first row must name the columns": (
        "{file}：第 {n} 列的列名是号码，首行应为列名"
    ),
    "{file}: {n} columns are named `{name}`; rename all but one": "{file}：有 {n} 列都叫 `{name}`，请改名只留一个",
    "{file}: no columns were asked for": "{file}：没有指定要读取的列",
    "{file}: no column `{name}`; did you mean `{near}`? Its columns are {columns}": (
        "{file}：没有列 `{name}`，是否指 `{near}`？已有的列：{columns}"
    ),
    "{file}: no column `{name}`. Its columns are {columns}": "{file}：没有列 `{name}`。已有的列：{columns}",
    "a segment is a pandas DataFrame, not {kind}": "分群应为 pandas DataFrame，而不是 {kind}",
    "column names must be text; {column} is {kind}, rename it": "列名须为文本：{column} 是 {kind}，请改名",
    "parameter `{role}` names column `{name}`, which the segment does not have; did you mean `{near}`? (it has: "
    "{columns})": "参数 `{role}` 指定的列 `{name}` 不在分群中，是否指 `{near}`？（已有：{columns}）",
    "parameter `{role}` names column `{name}`, which the segment does not have (it has: {columns})": (
        "参数 `{role}` 指定的列 `{name}` 不在分群中（已有：{columns}）"
    ),
    "the two segments share neither column `{name}` nor `{phone}`, so people cannot be compared": (
        "两个分群没有共同的列 `{name}` 或 `{phone}`，无法对比"
    ),
    "phone {shown}: {reason}; give one mainland China mobile, 11 digits or +86 before them": (
        "手机号 {shown} 无效（{reason}）：请填写 11 位中国内地手机号，可带 +86"
    ),
    # -- segments: databases
    "the segment's database": "数据库",
    "the frame": "数据框",
    "the segment's database: its URL carries a password; put the URL in an environment variable and say "
    "`env:NAME`": "URL 中含有密码：请把 URL 放入环境变量，再填 `env:NAME`",
    "{file}: a database needs a query; give `segment_query`, one SELECT": "{file}：数据库需要一条查询：请填写 `segment_query`（SELECT）",
    "{file}: is not a URL that SQLAlchemy reads, such as sqlite:///file.db": (
        "不是 SQLAlchemy 能识别的 URL，例如 sqlite:///file.db"
    ),
    "{file}: the query returns no table; write one SELECT": "查询没有返回表格，请写一条 SELECT",
    "{file}: SQLAlchemy knows no database `{name}`; files are {kinds}": (
        "SQLAlchemy 不支持数据库 `{name}`；文件可用 {kinds}"
    ),
    "{file}: the driver `{name}` is not installed": "未安装数据库驱动 `{name}`",
    "{file}: the query failed: {why}": "查询失败：“{why}”",
    "{file}: cannot be connected to ({kind}); check address, user and password": (
        "无法连接数据库（{kind}）：请检查地址、用户名和密码"
    ),
    # -- rules
    "{where}.column: the segment has no column `{name}`": "分群中没有列 `{name}`",
    "{where}.column: the segment has {n} columns called `{name}`": "分群中有 {n} 列都叫 `{name}`",
    "{where}: `{op}` {why} cannot be asked of `{name}`, which is {kind}": "列 `{name}`（{kind}）不支持 `{op}` {why}",
    "{where}.value: {why} does not fit `{name}`, which is {kind}": "{why} 与列 `{name}` 的类型（{kind}）不符",
    "{where}: rules are nested deeper than {n}": "规则嵌套超过 {n} 层",
    "rules are nested deeper than {n}": "规则嵌套超过 {n} 层",
    "{where}: expected a rule such as {{column: level, op: ==, value: gold}}, got {why}": (
        "{where}：应为规则，如 {{column: level, op: ==, value: gold}}，而不是 {why}"
    ),
    "{where}: unknown key": "{where}：没有这个键",
    "{where}: `{name}` must stand alone, found beside {others}": "{where}：`{name}` 须单独使用，不能与 {others} 并列",
    "{where}: expected a list of rules, got {why}": "{where}：应为规则列表，而不是 {why}",
    "{where}: the list is empty; leave `rules` out to keep every row": "{where}：列表为空；要保留所有行，请不要填写 `rules`",
    "{where}: `{name}` is missing": "{where}：缺少 `{name}`",
    "{where}: `value` is missing; `{op}` needs one": "{where}：`{op}` 需要 `value`",
    "{where}.column: expected a column name as text, got {why}": "{where}：列名应为文本，而不是 {why}",
    "{where}.op: unknown operator `{name}`; one of {ops}": "{where}：没有运算符 `{name}`，可用：{ops}",
    "{where}.op: unknown operator `{name}`": "{where}：没有运算符 `{name}`",
    "{where}.value: `{op}` takes no value": "{where}：`{op}` 不需要值",
    "{where}: `{op}` needs text or a number, not {why}": "{where}：`{op}` 需要文本或数字，而不是 {why}",
    "{where}: `{op}` needs text, in quotes and not empty, got {why}": "{where}：`{op}` 需要带引号的非空文本，而不是 {why}",
    "{where}: `{op}` needs a date such as 2026-01-31, got {why}": "{where}：`{op}` 需要日期，如 2026-01-31，而不是 {why}",
    "{where}: `{op}` needs whole days, 1 to {n}, got {why}": "{where}：`{op}` 需要整天数 1 至 {n}，而不是 {why}",
    "{where}: `{op}` needs a list of values, got {why}": "{where}：`{op}` 需要值的列表，而不是 {why}",
    "{where}: {kinds} are mixed; put all values in quotes, or none": "{where}：几个值的类型不一致，请全部加引号或都不加",
    "{where}: `between` needs two values, [low, high], got {n}": "{where}：“介于”需要两个值（下限, 上限），而不是 {n} 个",
    "{where}: `between` needs text or numbers, not {why}": "{where}：“介于”需要文本或数字，而不是 {why}",
    "{where}: the low end {low} is above the high end {high}": "{where}：下限 {low} 大于上限 {high}",
    "{where}: expected a finite number of at most 38 digits, got {why}": "{where}：应为不超过 38 位的数字，而不是 {why}",
    "{where}: expected text, a number, a date or true/false, got {why}": (
        "{where}：应为文本、数字、日期或 true/false，而不是 {why}"
    ),
    "use `op: is_null` to find rows without a value": "要找没有值的行，请用 `op: is_null`",
    "{where}: NUL or half a surrogate pair, which no column can hold": "{where}：含有列中不可能出现的字符",
    "a list of {n}": "{n} 项的列表",
    "a mapping of {n}": "{n} 项的映射",
    "nothing": "空",
    "every row": "所有行",
    "choose a column": "请选择列",
    "choose a condition": "请选择条件",
    "nothing was saved, a rule is not finished: {why}": "未保存，有一条规则尚未填完：{why}",
    "give a value": "请填写值",
    "this group is empty; add a rule to it or remove it": "条件组为空：请添加条件或删除该组",
    # -- templates
    "the template begins with the signature 【{one}】 but `signature` is 【{two}】; make them the same or remove "
    "one": "模板以签名【{one}】开头，而 `signature` 为【{two}】：请改为一致，或去掉其中一个",
    "the template is empty; write the text of the message": "模板为空：请填写短信内容",
    "the template needs a value for {names}": "模板缺少变量 {names} 的值",
    "`{name}` is literal text here, but {form} would read it as a variable; word it differently": (
        "`{name}` 在这里是普通文字，但会被 {form} 当作变量，请换个写法"
    ),
    "the signature brackets 【】 are empty; write the name or remove them": "签名括号【】为空：请填写签名或去掉括号",
    "the signature `{text}` must be a plain name, without brackets or variables": (
        "签名 `{text}` 须为纯文字，不含括号或变量"
    ),
    "the template mixes two forms of variables, {forms}; use one": "模板混用了两种变量写法：{forms}，请只用一种",
    "character {n} of the template: `{name}` is not a variable; a name has letters, digits, `_` and `-`. Write "
    "`{{{{` and `}}}}` for literal braces": (
        "模板第 {n} 个字符：`{name}` 不是变量，变量名只能有字母、数字、`_` 和 `-`；普通花括号请写作 `{{{{` 和 `}}}}`"
    ),
    "character {n} of the template: the brace in `{name}` has no partner. Write `{{{{` and `}}}}` for literal "
    "braces": "模板第 {n} 个字符：`{name}` 中的花括号没有配对；普通花括号请写作 `{{{{` 和 `}}}}`",
    "numbering the repeated `{{$…}}` gives `{name}`, which the template has already; give each place its own "
    "name": "重复的 `{{$…}}` 编号后与已有的 `{name}` 重名，请为每处起不同的名字",
    "give the text as parameter `template`, or the provider's `template_id`": "请填写模板内容，或供应商的模板编号",
    "the text of template {code} has to be fetched from the provider, but {why} Or give the text as parameter "
    "`template`.": "模板 {code} 的内容需从供应商取得，但{why}。也可以直接填写参数 `template`。",
    # -- variables
    "variables do not fit:": "变量不匹配：",
    "  - {why}": "- {why}",
    "`{name}` is in the template but bound to nothing": "`{name}` 在模板中，但没有绑定取值",
    "the segment has a column of that name: write `{name}: {column}`": "分群中有同名的列：请写 `{name}: {column}`",
    "`{name}` is bound but not in the template": "`{name}` 有绑定，但不在模板中",
    "`{name}` is bound to the column `{column}`, which the segment does not have": (
        "`{name}` 绑定的列 `{column}` 不在分群中"
    ),
    "variable `{name}` is bound to nothing": "变量 `{name}` 没有绑定取值",
    "the segment has no column `{name}`": "分群中没有列 `{name}`",
    "variable `{name}` is bound twice": "变量 `{name}` 绑定了两次",
    "`variables` must be a mapping such as `name: column`, not {why}": (
        "`variables` 应为映射，如 `name: column`，而不是 {why}"
    ),
    "variable `{name}`: {why}": "变量 `{name}`：{why}",
    "column `{name}`: {why}": "列 `{name}`：{why}",
    "needs exactly one of `column` and `value`": "`column` 和 `value` 须且只能填一个",
    "`default` and `format` go with a `column`, not with a `value`": "`default` 和 `format` 只能与 `column` 同用，不能与 `value` 同用",
    "`{name}` is empty or a word for a missing cell: {text}": "`{name}` 为空，或是表示空值的词：{text}",
    "`{name}` is empty": "`{name}` 为空",
    "write the name of a column, or `{{value: …}}` for the same text for everybody, not {why}": (
        "请填写列名，或用 `{{value: …}}` 表示所有人相同的文字，而不是 {why}"
    ),
    "unknown key `{name}`; known are {names}": "没有键 `{name}`，可用：{names}",
    "unknown key `{name}`": "没有键 `{name}`",
    "`{name}` must be text, not {why}": "`{name}` 须为文本，而不是 {why}",
    "`{name}` is {value}, not a text; put the word in quotes": "`{name}` 为 {value}，不是文本：请加引号",
    "a value of type {code}": "{code} 类型的值",
    "{why} cannot be written in a message; make it text, a number or a date": (
        "{why}无法写入短信，请改为文本、数字或日期"
    ),
    "the date format {text}: `{name}` is not known; known are {names}": "日期格式 {text}：没有 `{name}`，可用：{names}",
    "the date format {text} shows no part of a date; write e.g. `{name}`": "日期格式 {text} 不含日期，例如 `{name}`",
    # -- parameters
    "parameter `{name}` is required": "缺少参数 `{name}`",
    "unknown parameter `{name}`": "没有参数 `{name}`",
    "parameter `{name}` looks like a credential. Parameters are written into the executed notebook: put it in "
    "the environment, a .env file or the keyring instead": (
        "参数 `{name}` 像是密钥。参数会写入执行后的笔记本：请改放到环境变量、.env 文件或系统钥匙串"
    ),
    "parameter `campaign` must be an id of 1 to 120 letters, digits, and . : _ + -": (
        "参数 `campaign` 须为 1~120 个字母、数字或 . : _ + -"
    ),
    "parameter `campaign` has a placeholder {place}; known are {places}": (
        "参数 `campaign` 含占位符 {place}，可用：{places}"
    ),
    "an occurrence needs a `campaign` in the parameter file to belong to": "参数文件中没有 `campaign`，无法指定期次",
    "parameter `timezone` is not a time zone name such as Asia/Shanghai": (
        "参数 `timezone` 不是时区名，例如 Asia/Shanghai"
    ),
    "parameter `{name}`: {why}": "参数 `{name}`：{why}",
    "holds a placeholder, which `smskit run FILE` fills in; papermill is given the id: -r campaign "
    "weekly-vip-2026-W47 -r series weekly-vip": (
        "含占位符，由 `smskit run FILE` 填写；用 papermill 时请给出编号和系列："
        "`-r campaign weekly-vip-2026-W47 -r series weekly-vip`"
    ),
    "must be a whole number": "须为整数",
    "must be a number": "须为数字",
    "must be at least {least}": "不能小于 {least}",
    "must be more than {least}": "须大于 {least}",
    "must be at most {most}": "不能大于 {most}",
    "must be {names}": "须为 {names}",
    "must not be empty": "不能为空",
    "must be a date or date-time such as 2026-11-23 or 2026-11-23T20:00": (
        "须为日期或日期时间，例如 2026-11-23 或 2026-11-23T20:00"
    ),
    "must be add, demand, empty, or words that say how to opt out such as 拒收请回复R": (
        "须为 `add`、`demand`、留空，或说明如何退订的文字，例如 拒收请回复R"
    ),
    "must read like 08:00-20:00, or be empty for always": "写法如 08:00-20:00，留空表示任何时间",
    "holds a time that does not exist": "含有不存在的时间",
    "starts when it ends; leave it empty for always": "开始与结束相同；留空表示任何时间",
    "must read like 2/7d (two in any seven days) or 1/24h": "写法如 2/7d（任意 7 天内 2 条）或 1/24h",
    "must read like 30m, 2h or 1d": "写法如 30m、2h 或 1d",
    # -- parameter files
    "cannot read parameter file {file}: {why}": "无法读取参数文件 {file}：{why}",
    "cannot write parameter file {file}: {why}": "无法写入参数文件 {file}：{why}",
    "parameter file {file} must be UTF-8; save it so": "参数文件 {file} 须为 UTF-8，请重新保存",
    "{file} gives a name twice, again at line {n}; which of the two is meant?": "{file} 中同一个名字出现两次（第 {n} 行）：请只留一个",
    "{file} is not valid YAML at line {n}": "{file} 第 {n} 行不是有效的 YAML",
    "{file} is not valid YAML": "{file} 不是有效的 YAML",
    "{file} must hold `name: value` lines": "{file} 应由 `name: value` 各行组成",
}
