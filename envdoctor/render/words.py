"""The words of the interface, in English and Simplified Chinese. Entry texts carry their own."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "match": ("certain", "已确认"),
    "possible": ("possible", "可能"),
    "error": ("ERROR", "错误"),
    "warning": ("WARNING", "警告"),
    "info": ("INFO", "提示"),
    "because": ("because", "依据"),
    "missing": ("would decide it", "补充后可确认"),
    "fix": ("fix", "解决办法"),
    "see": ("see", "参考"),
    "nothing": ("No known problem applies.", "未发现适用的已知问题。"),
    "covered": ("The matrix knows {known} of {all} installed packages", "知识库覆盖已安装的 {all} 个包中的 {known} 个"),
    "newer": ("newer than anybody checked: {names}", "以下包比已验证的版本更新:{names}"),
    "depends": (
        "{n} more depend on what you run: name it with --engine, --task, --model, --tp",
        "另有 {n} 条取决于具体用法:请用 --engine、--task、--model、--tp 说明",
    ),
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
    "packages": ("packages", "个包"),
    "matrix": ("matrix of {date}, {n} entries", "知识库 {date},{n} 条"),
    "more": ("explain: envdoctor explain {id}", "详情:envdoctor explain {id}"),
    "evidence": ("evidence", "证据"),
    "environment": ("Environment", "环境"),
    "summary": (
        "{errors} error(s), {warnings} warning(s), {infos} note(s)",
        "错误 {errors} 个,警告 {warnings} 个,提示 {infos} 个",
    ),
    "cause": ("cause", "原因类别"),
    "cost": ("cost", "代价"),
    "set": ("set", "设置"),
    "flag": ("flag", "启动参数"),
}  # fmt: skip


def word(key: str, lang: str, **values: object) -> str:
    """The word in `en` or `zh`, its `{holes}` filled."""
    text = WORDS[key][1 if lang == "zh" else 0]
    return text.format(**values) if values else text
