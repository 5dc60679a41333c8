"""What the explore panel and its table say."""

ZH: dict[str, str] = {
    "Nothing to show yet.": "还没有可显示的内容。",
    "Search": "搜索",
    "a name, an id, a whole phone": "姓名、编号或完整手机号",
    "Sort by": "排序",
    "as in the source": "原有顺序",
    "Descending": "降序",
    "First page": "第一页",
    "Previous page": "上一页",
    "Next page": "下一页",
    "Last page": "最后一页",
    "Rows": "行数",
    "Columns": "显示的列",
    "Show full phones": "显示完整手机号",
    "Full phones then stand on this page for everybody who sees it": "完整手机号将显示在页面上，看到页面的人都能看到",
    "Columns and phones": "列与手机号",
    "rows": "行",
    "{first:,} to {last:,} of {total:,} rows": "第 {first:,} 至 {last:,} 行，共 {total:,} 行",
    "No row found.": "没有找到任何行。",
}
