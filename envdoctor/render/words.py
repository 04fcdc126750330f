"""The words of the interface, in English and Simplified Chinese. Entry texts carry their own."""

from __future__ import annotations

from envdoctor.text import Text

WORDS: dict[str, tuple[str, str]] = {
    "match": ("certain", "已确认"),
    "possible": ("possible", "可能"),
    "error": ("ERROR", "错误"),
    "warning": ("WARNING", "警告"),
    "info": ("INFO", "提示"),
    "because": ("because", "依据"),
    "missing": ("would decide it", "尚需确认"),
    "fix": ("fix", "解决办法"),
    "or": ("or", "或者"),
    "see": ("see", "参考"),
    "nothing": ("No known problem applies.", "未发现适用的已知问题。"),
    "not-recognised": (
        "Nothing was recognised in it, so nothing can be said.",
        "未识别出任何内容，无法判断。",
    ),
    "paste-more": (
        "paste the whole error, and the output of `pip list` or of collect_env",
        "请贴出完整报错，以及 `pip list` 或 collect_env 的输出",
    ),
    "nothing-certain": ("Nothing certain was found.", "没有发现可以确认的问题。"),
    "possible-head": ("Possible, with what is known:", "根据现有信息，可能存在："),
    "depends": (
        "{n} more may apply, depending on what you run:",
        "另有 {n} 条是否适用，取决于具体用法：",
    ),
    "more-grounds": ("and {n} more: --verbose", "另有 {n} 条，见 --verbose"),
    "more-fixes": ("{n} more: envdoctor explain {id}", "另有 {n} 种办法：envdoctor explain {id}"),
    "more-verbose": ("and {n} more: --verbose", "另有 {n} 条，见 --verbose"),
    "covered": ("The matrix knows {known} of {all} installed packages", "已安装 {all} 个包，知识库收录其中 {known} 个"),
    "newer": ("newer than anybody checked: {names}", "比已验证版本更新的包：{names}"),
    "unknown": ("not known", "未知"),
    "facts": ("Facts", "环境事实"),
    "findings": ("Findings", "诊断结果"),
    "ignored": ("ignored", "已忽略"),
    "refuted": ("refuted by a run", "已被实际运行否定"),
    "machine": ("Machine", "机器"),
    "no-gpu": ("no NVIDIA GPU", "无 NVIDIA GPU"),
    "gpu-unknown": ("GPU not known", "GPU 未知"),
    "driver": ("driver", "驱动"),
    "no-driver": ("no driver", "无驱动"),
    "python": ("Python", "Python"),
    "target": ("target", "目标环境"),
    "own-target": (
        "That is where envdoctor itself is installed. If another environment fails, name it: --python PATH",
        "这是 envdoctor 自己所在的环境。如果出问题的是别的环境，请用 --python 指定其路径。",
    ),
    "no-torch": (
        "There is no torch in it. If another environment fails, name it: --python PATH",
        "其中没有 torch。如果出问题的是别的环境，请用 --python 指定其路径。",
    ),
    "packages": ("packages", "个包"),
    "matrix": ("Matrix of {date}, {n} entries", "知识库日期 {date}，共 {n} 条"),
    "next": ("All grounds and facts: --verbose. One finding in full: envdoctor explain {id}",
             "全部依据与环境事实：--verbose；单条详情：envdoctor explain {id}"),
    "evidence": ("evidence", "证据"),
    "environment": ("Environment", "环境"),
    "error-count": ("{n} error", "{n} 个错误"),
    "error-counts": ("{n} errors", "{n} 个错误"),
    "warning-count": ("{n} warning", "{n} 个警告"),
    "warning-counts": ("{n} warnings", "{n} 个警告"),
    "info-count": ("{n} note", "{n} 条提示"),
    "info-counts": ("{n} notes", "{n} 条提示"),
    "comma": (", ", "、"),
    "semicolon": ("; ", "；"),
    "stop": (".", "。"),
    "colon": (": ", "："),
    "cause": ("cause", "原因类别"),
    "cost": ("cost", "代价"),
    "set": ("set", "设置"),
    "flag": ("flag", "启动参数"),
    # progress
    "reading": ("reading the machine and the target", "正在读取机器与目标环境"),
    "matching": ("matching against the matrix", "正在与知识库比对"),
    "solving": ("solving", "正在求解依赖"),
    # explain
    "class": ("class", "原因类别"),
    "effect": ("effect", "影响"),
    "about": ("packages", "相关软件包"),
    "published": ("published", "发布于"),
    "modified": ("modified", "修改于"),
    "withdrawn": ("withdrawn", "已撤回"),
    "when": ("applies when", "适用条件"),
    "shown-by": ("shown by", "日志特征"),
    "conclusive": ("conclusive", "决定性"),
    "checked-to": ("checked up to", "已验证至"),
    "not-installed": ("is not installed", "未安装"),
    "installed": ("is installed", "已安装"),
    "every-gpu": ("every GPU", "所有 GPU"),
    "not": ("not", "不满足"),
    "all-of": ("all of", "全部满足"),
    "any-of": ("any of", "任一满足"),
    "value-or": (" or ", " 或 "),
    # ticket
    "written": ("{path}: {files} files, {masked} values masked", "{path}：共 {files} 个文件，已遮蔽 {masked} 个值"),
}  # fmt: skip


def word(key: str, lang: str, **values: object) -> str:
    """The word in `en` or `zh`, its `{holes}` filled."""
    return text(key, **values).get(lang)


def text(key: str, **values: object) -> Text:
    """The word in both languages, its `{holes}` filled."""
    en, zh = WORDS[key]
    return Text(en=en.format(**values), zh=zh.format(**values)) if values else Text(en=en, zh=zh)
