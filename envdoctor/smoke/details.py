"""What the rung programs have to say, in both languages: they send codes and values, because they run in the target.

A code that is not here comes from a program of another version, or from one that was tampered with: it is shown as it came.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from envdoctor.text import SEMICOLON, Text, joined, same

_MOST = 8
_LONGEST = 2000

_SAYS: Mapping[str, Text] = {
    "torch": Text(en="torch {version}", zh="torch {version}"),
    "torch-cuda": Text(en="torch {version}, CUDA {cuda}", zh="torch {version}，CUDA {cuda}"),
    "not-installed": Text(en="{module} is not installed in this environment", zh="该环境中未安装 {module}"),
    "broken-before": Text(en="{module} did not import before: {problem}", zh="{module} 此前导入失败：{problem}"),
    "no-such-gpu": Text(
        en="there is no {device}: torch sees {count} GPU(s)", zh="没有 {device}：torch 看到 {count} 块 GPU"
    ),
    "not-finite": Text(en="{name} is {value}", zh="{name} 为 {value}"),
    "over-limit": Text(en="{name} is {value}, the limit is {limit}", zh="{name} 为 {value}，上限为 {limit}"),
    # driver
    "no-driver": Text(en="there is no NVIDIA driver here ({problem})", zh="这里没有 NVIDIA 驱动（{problem}）"),
    "libcuda-without-gpu": Text(
        en="libcuda is there, but sees no GPU ({error})", zh="有 libcuda，但看不到 GPU（{error}）"
    ),
    "driver-cuda": Text(en="the driver takes CUDA up to {version}", zh="驱动最高支持 CUDA {version}"),
    "driver-without-gpu": Text(en="the driver lists no GPU", zh="驱动未列出任何 GPU"),
    "driver-no-such-gpu": Text(
        en="there is no {device}: the driver lists {count} GPU(s)", zh="没有 {device}：驱动列出 {count} 块 GPU"
    ),
    "copied": Text(en="4 MiB to the GPU, across and back", zh="4 MiB 数据写入 GPU、在其中复制、再读回"),
    "bytes-changed": Text(
        en="{wrong} of {total} bytes came back changed", zh="读回的 {total} 字节中有 {wrong} 字节不一致"
    ),
    "nan-results": Text(en="{wrong} of {total} results are NaN", zh="{total} 个结果中有 {wrong} 个为 NaN"),
    "exact": Text(en="{right} of {total} results are exact", zh="{total} 个结果中有 {right} 个完全一致"),
    # torch
    "cpu": Text(en="the CPU", zh="CPU"),
    "cpu-for-want-of-gpu": Text(en="torch sees no GPU: the CPU", zh="torch 看不到 GPU，改用 CPU"),
    "torch-blind": Text(
        en="the driver has a GPU, but torch {version} does not see it", zh="驱动能看到 GPU，但 torch {version} 看不到"
    ),
    "built-for": Text(en="{sm}; torch was built for {archs}", zh="{sm}；torch 为 {archs} 编译"),
    "no-code": Text(en="this torch has no code for {sm}: {archs}", zh="该 torch 不含 {sm} 的代码：{archs}"),
    "float16-range": Text(
        en="70000 becomes {half} in float16 and {brain} in bfloat16; 1e-8 becomes {lost} and {kept}",
        zh="70000 在 float16 中变为 {half}，在 bfloat16 中变为 {brain}；1e-8 分别变为 {lost} 和 {kept}",
    ),
    "float16-rounds-wrong": Text(en="float16 does not round as IEEE 754 says", zh="float16 的舍入不符合 IEEE 754"),
    "bfloat16-rounds-wrong": Text(en="bfloat16 does not round as it should", zh="bfloat16 的舍入不正确"),
    "long-sums": Text(
        en="4096 x 32 is {half} in float16 and {brain} in bfloat16; 2048 + 512 x 1 in float16 is {kept}",
        zh="4096 x 32 在 float16 中为 {half}，在 bfloat16 中为 {brain}；2048 + 512 x 1 在 float16 中为 {kept}",
    ),
    "float16-too-wide": Text(en="float16 held 131072, which it cannot", zh="float16 竟能表示 131072，这不可能"),
    # kernels
    "unproven-on-gpu": Text(
        en="the check of {what} on a GPU has never run on one and is not shipped yet",
        zh="{what} 的 GPU 检查从未在显卡上实际运行过，暂不提供",
    ),
    "unproven": Text(
        en="{module} is installed; a check of its kernels is not shipped yet",
        zh="已安装 {module}；尚无针对其算子的检查",
    ),
    "no-int4": Text(
        en="torch {version} has no int4 product for the CPU ({name})",
        zh="torch {version} 没有 CPU 上的 int4 矩阵乘（{name}）",
    ),
    "there": Text(en="{name} is there", zh="有 {name}"),
    "right": Text(en="{right} of {total} results are right", zh="{total} 个结果中有 {right} 个正确"),
    "largest-error": Text(en="largest error {relative} of the largest result", zh="最大误差为最大结果的 {relative}"),
    # checkpoint
    "nan-logits": Text(en="the logits hold NaN; it said: {said}", zh="logits 中有 NaN；模型输出：{said}"),
    "wrong-sentence": Text(en="it said {said} instead of {wanted}", zh="模型输出 {said}，应为 {wanted}"),
    "right-sentence": Text(en="it says its sentence", zh="模型说出了预期的句子"),
    "made-up": Text(
        en="the loader made up {count} tensors that the checkpoint does not have ({kinds}): {names}",
        zh="加载时凭空生成了检查点中没有的 {count} 个张量（{kinds}）：{names}",
    ),
    "refused": Text(en="{backend}: {problem}", zh="{backend}：{problem}"),
    "no-backend": Text(
        en="transformers {version} needs {names} for {method}: not installed",
        zh="transformers {version} 加载 {method} 需要 {names}，未安装",
    ),
    "loads-through": Text(
        en="transformers loads {what} through {module}, which is not installed",
        zh="transformers 通过 {module} 加载 {what}，而未安装 {module}",
    ),
}
#: names of numbers, where a sentence speaks of them; in the results they stay as they are
_NUMBERS: Mapping[str, Text] = {
    "logit error": Text(en="logit error", zh="logit 误差"),
    "wrong integers": Text(en="wrong integers", zh="错误的整数个数"),
    "weights that changed": Text(en="weights that changed", zh="发生变化的权重个数"),
    "error over bound": Text(en="error over bound", zh="误差与允许值之比"),
    "bfloat16 sum, relative error": Text(en="bfloat16 sum, relative error", zh="bfloat16 求和的相对误差"),
    "float16 product, relative error": Text(en="float16 product, relative error", zh="float16 乘积的相对误差"),
}


def read_detail(data: Any, clean: Callable[[Any, int], str]) -> Text:
    """The sentence of what a program sent: a text, or a list of texts and of codes with values. Anything may come."""
    parts = data if isinstance(data, list) else [data]
    return joined([said for item in parts[:_MOST] if (said := _part(item, clean))], SEMICOLON)


def _part(item: Any, clean: Callable[[Any, int], str]) -> Text:
    code = item.get("code") if isinstance(item, dict) else None
    if not isinstance(code, str):
        return same(clean(item, _LONGEST))
    text, values = _SAYS.get(code), item.get("values")
    if text is None:
        return same(clean(code, _LONGEST))
    given = values if isinstance(values, dict) else {}
    shown = {str(name): clean(value, _LONGEST) for name, value in given.items()}
    return text.fill({name: _NUMBERS.get(value, value) for name, value in shown.items()})
