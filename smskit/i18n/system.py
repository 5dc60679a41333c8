"""What the operating system and pydantic say, which is repeated within sentences of ours."""

from __future__ import annotations

__all__ = ["TOLD", "ZH"]

ZH: dict[str, str] = {}

TOLD: dict[str, str] = {
    # -- the operating system
    "Permission denied": "没有权限",
    "No such file or directory": "文件或文件夹不存在",
    "Is a directory": "这是文件夹",
    "Not a directory": "这不是文件夹",
    "File exists": "文件已存在",
    "File name too long": "文件名过长",
    "No space left on device": "磁盘空间不足",
    "Read-only file system": "文件系统只读",
    "{file}: No such file or directory": "{file}：找不到该文件，请检查路径",
    "{file}: Permission denied": "{file}：没有权限读取",
    "{file}: Is a directory": "{file}：这是文件夹",
    # -- pydantic
    "Input should be a valid datetime or date, {more}": "须为日期或日期时间",
    "Input should be a valid {what}, unable to parse string as {more}": "须为{what}",
    "Input should be a valid {what}, unable to interpret input": "须为{what}",
    "Input should be a valid {what}, got a number with a fractional part": "须为整数",
    "Input should be a valid {what}": "须为{what}",
    "integer": "整数",
    "number": "数字",
    "decimal": "数字",
    "boolean": "true 或 false",
    "string": "文本",
    "list": "列表",
    "dictionary": "映射",
    "Input should be a finite number": "须为有限的数",
    "Input should be greater than or equal to {value}": "不能小于 {value}",
    "Input should be greater than {value}": "须大于 {value}",
    "Input should be less than or equal to {value}": "不能大于 {value}",
    "Input should be less than {value}": "须小于 {value}",
    "Input should be {choices}": "须为 {choices} 之一",
    "Decimal input should have no more than {n} {what}": "数字过长（最多 {n} 位）",
    "Decimal input should be an integer, float, string or Decimal object": "须为数字",
    "String should have at least {n} character": "不能为空",
    "String should have at least {n} characters": "至少 {n} 个字符",
    "String should have at most {n} characters": "最多 {n} 个字符",
    "String should match pattern {pattern}": "写法须符合 `{pattern}`",
    "List should have at least {n} item after validation, not {m}": "至少 {n} 项",
    "Extra inputs are not permitted": "没有这一项",
}
