"""The one error family of envdoctor. The CLI catches it in one place and turns it into a line and an exit status."""

from __future__ import annotations

import errno

from envdoctor.text import Text


class EnvdoctorError(Exception):
    """Anything that envdoctor refuses or cannot do, said in one or two lines for a person, in English and in Chinese.

    `exit_status` is what the process ends with; `advice` is the next step, shown on a line of its own. `str(error)` is English.
    """

    exit_status = 3

    def __init__(self, message: Text, *, advice: Text | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class UsageError(EnvdoctorError):
    """The call or the configuration is wrong (exit status 2)."""

    exit_status = 2


class UndeterminedError(EnvdoctorError):
    """What was asked for could not be determined: a probe, an index or a file failed (exit status 3)."""

    exit_status = 3


class InputError(UsageError):
    """Something that was given to be read is not what it claims to be (exit status 2)."""


#: what the system says most often; Python always says it in English
_SYSTEM = {
    errno.ENOENT: "没有这个文件或目录",
    errno.EACCES: "权限不足",
    errno.EPERM: "不允许该操作",
    errno.EEXIST: "文件已存在",
    errno.ENOTDIR: "不是目录",
    errno.EISDIR: "是目录，不是文件",
    errno.ENOSPC: "磁盘空间不足",
    errno.EDQUOT: "超出磁盘配额",
    errno.EROFS: "文件系统只读",
    errno.EIO: "读写错误",
    errno.ELOOP: "符号链接层数过多",
    errno.ENAMETOOLONG: "文件名过长",
    errno.ENXIO: "没有这个设备，或没有进程读取该管道",
    errno.EMFILE: "打开的文件过多",
    errno.ENOEXEC: "不是可执行文件格式",
    errno.ETIMEDOUT: "超时",
    errno.ENOMEM: "内存不足",
    errno.EINVAL: "参数无效",
    errno.EFBIG: "文件过大",
    errno.ESTALE: "网络文件句柄已失效",
}


def system_says(error: OSError) -> Text:
    """Why the operating system refused, in a few words."""
    en = error.strerror or str(error)
    return Text(en=en, zh=_SYSTEM.get(error.errno or 0, en))
