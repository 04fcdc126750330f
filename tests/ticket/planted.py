"""Secrets planted in every place that text can come from. All are made up here, from parts, by a fixed recipe.

Nothing in this file is or ever was a credential: bodies are digests of the word `fake` and of their place in the list.
"""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from envdoctor.ticket.redact import Literal

LETTERS = string.ascii_letters
ALNUM = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
UPPER = string.ascii_uppercase + string.digits


def body(name: str, length: int, alphabet: str = ALNUM) -> str:
    """`length` characters of an alphabet that look random and are the same in every run."""
    out, block = "", 0
    while len(out) < length:
        out += "".join(alphabet[b % len(alphabet)] for b in hashlib.sha256(f"fake {name} {block}".encode()).digest())
        block += 1
    return out[:length]


def _uuid(name: str) -> str:
    h = body(name, 32, HEX)
    return "-".join((h[:8], h[8:12], h[12:16], h[16:20], h[20:]))


def _jwt() -> str:
    return ".".join(("ey" + "J" + body("jwt head", 33), "ey" + "J" + body("jwt body", 80), body("jwt sign", 43)))


# kind -> the secret; each is recognizable by itself
TOKENS: dict[str, str] = {
    "hugging face": "hf" + "_" + body("hugging face", 34, LETTERS),
    "hugging face org": "api" + "_org_" + body("hf org", 34, LETTERS),
    "openai": "sk" + "-proj-" + body("openai", 120),
    "openai old": "sk" + "-" + body("openai old", 48),
    "anthropic": "sk" + "-ant-api03-" + body("anthropic", 93),
    "deepseek": "sk" + "-" + body("deepseek", 32, HEX),
    "openrouter": "sk" + "-or-v1-" + body("openrouter", 64, HEX),
    "github classic": "gh" + "p_" + body("github", 36),
    "github app": "gh" + "s_" + body("github app", 36),
    "github fine": "github" + "_pat_" + body("github fine", 22) + "_" + body("github fine 2", 59),
    "gitlab": "gl" + "pat-" + body("gitlab", 20),
    "gitlab runner": "gl" + "rt-" + body("gitlab runner", 20),
    "aws id": "AK" + "IA" + body("aws", 16, UPPER),
    "aws temporary id": "AS" + "IA" + body("aws t", 16, UPPER),
    "slack bot": "xo" + "xb-" + body("slack", 12, string.digits) + "-" + body("slack 2", 24),
    "slack app": "xa" + "pp-1-" + body("slack app", 40),
    "npm": "npm" + "_" + body("npm", 36),
    "package index": "py" + "pi-AgE" + body("index", 90),
    "jwt": _jwt(),
    "google api": "AI" + "za" + body("google", 35),
    "google oauth": "ya" + "29." + body("google oauth", 60),
    "stripe": "sk" + "_live_" + body("stripe", 24),
    "sendgrid": "S" + "G." + body("sendgrid", 22) + "." + body("sendgrid 2", 43),
    "nvidia": "nv" + "api-" + body("nvidia", 64),
    "groq": "gs" + "k_" + body("groq", 52),
    "replicate": "r" + "8_" + body("replicate", 37),
    "xai": "xa" + "i-" + body("xai", 80),
    "docker": "dckr" + "_pat_" + body("docker", 27),
    "digitalocean": "dop" + "_v1_" + body("do", 64, HEX),
    "telegram": body("tg", 9, "123456789") + ":A" + "A" + body("telegram", 33),
    "aliyun": "LT" + "AI" + body("aliyun", 20),
    "tencent": "AK" + "ID" + body("tencent", 32),
    "modelscope": "ms" + "-" + _uuid("modelscope"),
    "vault": "hv" + "s." + body("vault", 90),
    "wandb new": "wandb" + "_v1_" + body("wandb", 60),
    "age": "AGE-" + "SECRET-KEY-1" + body("age", 58, UPPER),
    "gpu uuid": "GPU-" + _uuid("gpu"),
    "mig uuid": "MIG-" + _uuid("mig"),
}

PEM_BODY = [body(f"pem {n}", 64) for n in range(6)]
PEM = ["-----BEGIN " + "RSA PRIVATE KEY-----", *PEM_BODY, "-----END " + "RSA PRIVATE KEY-----"]

USER, HOME, HOST, DOMAIN = "wangxiaoming", "/data/users/wangxiaoming", "gpu-rig-07", "lab.aurora-labs.example"
CHINESE_USER, SHORT_USER, WINDOWS_USER = "王小明", "lzq", "Wang Xiaoming"
MAC, SERIAL = "52:54:00:9a:be:77", "1654922006188"
PRIVATE_IP, PUBLIC_IP, IPV6 = "10.23.45.67", "203.0.113.77", "2001:db8:44:9::1f"

LITERALS = (
    Literal(kind="user", value=USER), Literal(kind="home", value=HOME), Literal(kind="host", value=HOST),
    Literal(kind="host", value=f"{HOST}.{DOMAIN}"), Literal(kind="domain", value=DOMAIN), Literal(kind="user", value=CHINESE_USER),
    Literal(kind="user", value=SHORT_USER), Literal(kind="user", value=WINDOWS_USER), Literal(kind="mac", value=MAC),
    Literal(kind="serial", value=SERIAL), Literal(kind="private-ip", value=PRIVATE_IP), Literal(kind="ip", value=PUBLIC_IP),
    Literal(kind="ip", value=IPV6),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Planted:
    """A text, the kind of its secret, the place it imitates, and the pieces of the secret that must not be in what leaves."""

    kind: str
    place: str
    text: str
    secret: str
    pieces: tuple[str, ...] = ()

    def leaks(self, out: str, *, step: int = 1) -> list[str]:
        """What of the secret is still readable: the whole, its broken pieces, or any 9 characters of its body in a row
        (looked for at every `step`)."""
        bad = [piece for piece in (self.secret, *self.pieces) if piece and piece in out]
        if len(self.secret) >= 18:
            tail = self.secret[6:]
            bad += [tail[i : i + 9] for i in range(0, len(tail) - 8, step) if tail[i : i + 9] in out]
        return bad


def _frame(line: str) -> str:
    return "│ " + line.ljust(76) + " │"


def _ansi(s: str) -> str:
    half = len(s) // 2
    return s[:3] + "\x1b[1;31m" + s[3:half] + "\x1b[0m\x1b[36m" + s[half:] + "\x1b[0m"


def _wrapped(s: str) -> str:
    """As an 80-column terminal breaks it, with the secret across the edge."""
    lead = "ValueError: rejected by the server: credential "
    keep = max(4, len(s) // 2)
    rest = s[keep:]
    return (
        lead.rjust(80 - keep)
        + s[:keep]
        + "\n"
        + "\n".join(rest[i : i + 80] for i in range(0, len(rest), 80))
        + "\nTraceback follows"
    )


def _panel(s: str) -> str:
    keep = max(4, len(s) // 2)
    rest = s[keep:]
    lines = [_frame(("token was " + s[:keep]).rjust(76))] + [_frame(rest[i : i + 76]) for i in range(0, len(rest), 76)]
    return "\n".join(lines) + "\n" + _frame("raise ValueError")


TOKEN_PLACES: dict[str, Callable[[str], str]] = {
    "log line": lambda s: (
        f"INFO 11-21 02:10:11 [utils.py:31] non-default args: {{'model': 'Qwen/Qwen2.5-7B', 'x': '{s}'}}"
    ),
    "traceback": lambda s: (
        f'  File "/opt/app/run.py", line 12, in <module>\n    client = Client("{s}")\nValueError: bad'
    ),
    "environment": lambda s: f"MY_SETTING={s}",
    "git remote": lambda s: f"Cloning https://x:{s}@github.com/org/repo.git to /tmp/pip-req-build-abc",
    "json": lambda s: json.dumps({"note": {"deep": [1, {"value": s}]}}),
    "repr in json": lambda s: json.dumps({"line": repr({"a": s})}),
    "yaml": lambda s: f"server:\n  extra: {s}\n  port: 8000\n",
    "colour codes": _ansi,
    "written colour codes": lambda s: s[:8] + "\\u001b[31m" + s[8:] + "\\u001b[0m",
    "wrapped": _wrapped,
    "panel": _panel,
    "zero width": lambda s: s[:9] + "\u200b" + s[9:],
    "markdown": lambda s: f"Use `{s}` or **{s}**, ({s}).",
    "after a break escape": lambda s: f"'line one\\n{s}'",
    "long line": lambda s: "x " * 3000 + s + " y" * 3000,
}


def _tokens() -> Iterator[Planted]:
    for kind, secret in TOKENS.items():
        for place, make in TOKEN_PLACES.items():
            yield Planted(kind=kind, place=place, text=make(secret), secret=secret)


PASSWORDS = {
    "word": "hunter2-" + "Zebra",
    "symbols": "p@s" + "s#w0rd!x",
    "digits": "8841" + "90257713",
    "Chinese": "密码" + "是秘密9527",
}

NAMED_PLACES: dict[str, str] = {
    "environment": "DB_PASSWORD={}",
    "export": "export MYSQL_PWD={}",
    "docker run": "docker run --gpus all -e REDIS_PASS={} -p 8000:8000 vllm/vllm-openai",
    "json": '{{"user": "svc", "password": "{}", "port": 5432}}',
    "json in json": '{{\\"client_secret\\": \\"{}\\", \\"port\\": 1}}',
    "yaml": "database:\n  password: {}\n  port: 5432",
    "yaml block": "auth:\n  passphrase: |\n    {}\nnext: 1",
    "python call": "login(username='svc', password='{}', timeout=3)",
    "python dict": "{{'api_key': '{}', 'model': 'm'}}",
    "environ repr": "environ({{'HOME': '/root', 'SECRET_KEY': '{}', 'SHELL': '/bin/bash'}})",
    "option": "vllm serve m --api-key {} --port 8000",
    "option equals": "python -m vllm --api-key={} --port 8000",
    "ini": "[server]\npasswd = {}\nport = 1",
    "kubernetes": "        - name: SERVICE_PASSWORD\n          value: {}\n",
    "kubernetes json": '{{"name": "SERVICE_PASSWORD", "value": "{}"}}',
    "pair": "[('CLIENT_SECRET', '{}'), ('A', 'b')]",
    "namespace": "args: Namespace(model='m', api_key=['{}'], port=8000)",
    "prose": "the password is: {}",
    "Chinese prose": "数据库密码：{}",
    "netrc": "machine files.example login svc password {}",
    "colour codes": "\x1b[33mDB_PASSWORD\x1b[0m=\x1b[31m{}\x1b[0m",
    "sshpass": "sshpass -p {} ssh node",
    "Dockerfile": "ENV OPENAI_API_KEY {}",
    "run together": "PGPASSWORD={} psql -h localhost",
    "tag": "<password>{}</password>",
    "Chinese, no colon": "密码是{}",
    "subscript": "os.environ['HF_TOKEN'] = '{}'",
    "set": "set HF_TOKEN={}",
}


def _named() -> Iterator[Planted]:
    for kind, secret in PASSWORDS.items():
        for place, form in NAMED_PLACES.items():
            yield Planted(kind=f"password ({kind})", place=place, text=form.format(secret), secret=secret)
    b64 = body("basic", 40) + "=="
    hexkey = body("wandb old", 40, HEX)
    yield Planted(kind="basic auth", place="header", text=f"> Authorization: Basic {b64}", secret=b64)
    yield Planted(kind="bearer", place="header", text=f"-H 'Authorization: Bearer {hexkey}'", secret=hexkey)
    yield Planted(
        kind="bearer", place="json", text=json.dumps({"headers": {"authorization": f"Bearer {hexkey}"}}), secret=hexkey
    )
    yield Planted(kind="bearer", place="log", text=f"sent bearer {hexkey} to upstream", secret=hexkey)
    yield Planted(
        kind="api key header",
        place="curl",
        text=f"curl -H 'X-Api-Key: {hexkey}' http://localhost:8000/v1/models",
        secret=hexkey,
    )
    yield Planted(kind="wandb old", place="environment", text=f"WANDB_API_KEY={hexkey}", secret=hexkey)
    yield Planted(kind="wandb old", place="yaml", text=f"wandb_api_key: {hexkey}", secret=hexkey)
    yield Planted(kind="aws secret", place="ini", text=f"aws_secret_access_key = {b64[:40]}", secret=b64[:40])
    yield Planted(kind="aws session", place="environment", text=f"AWS_SESSION_TOKEN={b64}", secret=b64)
    yield Planted(
        kind="docker auth", place="config.json", text=json.dumps({"auths": {"r.example": {"auth": b64}}}), secret=b64
    )
    yield Planted(kind="cookie", place="header", text=f"Cookie: session={hexkey}; theme=dark", secret=hexkey)
    yield Planted(kind="cookie", place="header", text=f"set-cookie: sid={b64}; Path=/", secret=b64)
    yield Planted(
        kind="curl user",
        place="command",
        text="curl -u svc:" + PASSWORDS["word"] + " http://localhost/x",
        secret=PASSWORDS["word"],
    )
    yield Planted(
        kind="azure",
        place="connection string",
        text=f"DefaultEndpointsProtocol=https;AccountName=x;AccountKey={b64};EndpointSuffix=y",
        secret=b64,
    )
    yield Planted(
        kind="signed url",
        place="log",
        text=f"GET https://bucket.s3.example/m.safetensors?X-Amz-Credential={hexkey}%2Fx&X-Amz-Signature={b64[:40]}&x=1",
        secret=b64[:40],
        pieces=(hexkey,),
    )
    yield Planted(
        kind="signed url",
        place="log",
        text=f"https://store.example/f?sv=2024&sig={quote(b64, safe='')}",
        secret=b64[:38],
    )
    for scheme in ("https", "git+https", "redis", "postgresql", "amqp", "mongodb+srv", "socks5"):
        for name, secret in PASSWORDS.items():
            if name != "symbols":
                yield Planted(
                    kind="url user-info",
                    place=scheme,
                    text=f"{scheme}://svc:{secret}@store.inner.example:1234/db",
                    secret=secret,
                )
    yield Planted(
        kind="url user-info",
        place="slash in it",
        text="redis://:ab/cd" + "Zebra99@cache.example:6379/0",
        secret="cdZebra99",
    )


def _keys() -> Iterator[Planted]:
    joined = "\n".join(PEM)
    for place, text in {
        "file": f"cat key.pem\n{joined}\ndone",
        "indented": "key: |\n" + "\n".join("    " + line for line in PEM) + "\nnext: 1",
        "one line": json.dumps({"private_key": joined + "\n"}),
        "cut off": "\n".join(PEM[:4]),
        "panel": "\n".join(_frame(line) for line in PEM),
        "repr": repr(joined),
        "json in json": json.dumps({"x": json.dumps({"k": joined})}),
        "colour codes": "\n".join("\x1b[32m" + line + "\x1b[0m" for line in PEM),
    }.items():
        yield Planted(kind="pem", place=place, text=text, secret="".join(PEM_BODY[:3]), pieces=tuple(PEM_BODY[:3]))
    key = "AAAA" + body("ssh", 68)
    yield Planted(kind="ssh public key", place="file", text=f"ssh-ed25519 {key} {USER}@{HOST}", secret=key)
    finger = "SHA256:" + body("finger", 43)
    yield Planted(kind="ssh fingerprint", place="log", text=f"Accepted key {finger}", secret=finger)


ESCAPED = {
    "percent": lambda s: quote(s, safe=""),
    "json ascii": lambda s: json.dumps(s)[1:-1],
    "bytes repr": lambda s: repr(s.encode())[2:-1],
    "git octal": lambda s: "".join(f"\\{b:03o}" if b > 127 else chr(b) for b in s.encode()),
}


def _identity() -> Iterator[Planted]:
    people = {"user": USER, "Chinese user": CHINESE_USER}
    for kind, who in people.items():
        for place, text in {
            "home": f"/home/{who}/models/Qwen2.5-7B-AWQ",
            "Windows": f"C:\\Users\\{who}\\AppData\\Local",
            "Windows escaped": f"'C:\\\\Users\\\\{who}\\\\x'",
            "WSL": f"/mnt/c/Users/{who}/.cache/huggingface",
            "file URL": f"file:///home/{who}/src/repo",
            "traceback": f'  File "/mnt/nas/{who}/miniconda3/lib/python3.10/site-packages/torch/x.py", line 3',
            "log": f"permission denied for {who}.",
            "glued": f"/tmp/torchinductor_{who}/x7",
            "assignment": f"USER={who}",
            "ls": f"drwxr-xr-x 2 {who} {who} 4096 Nov 21 model",
            "escape before": f"a\\n{who} b",
            "colour codes": f"\x1b[32m{who[:2]}\x1b[0m{who[2:]}@box",
            "JSON": json.dumps({"p": {"q": f"/srv/{who}/m"}}, ensure_ascii=False),
            "metadata": f"Author: {who}\nHome-page: https://example.org/{who}",
        }.items():
            yield Planted(kind=kind, place=place, text=text, secret=who)
        for name, spell in ESCAPED.items():
            spelled = spell(who)
            yield Planted(
                kind=kind, place=f"spelled {name}", text=f"path=/srv/{spelled}/x", secret=who, pieces=(spelled,)
            )
    yield Planted(
        kind="user",
        place="wrapped",
        text=f"{'x' * 66} /mnt/nas/{USER[:5]}\n{USER[5:]}/models",
        secret=USER,
        pieces=(USER[5:],),
    )
    yield Planted(kind="short user", place="path", text=f"/mnt/nas/{SHORT_USER}/m", secret=SHORT_USER)
    yield Planted(kind="short user", place="prompt", text=f"({SHORT_USER}@box:~$ ls", secret=SHORT_USER)
    yield Planted(kind="Windows user", place="path", text=f"C:\\Users\\{WINDOWS_USER}\\x", secret=WINDOWS_USER)
    yield Planted(kind="Windows user", place="short name", text="C:\\Users\\WANGXI~1\\AppData", secret="WANGXI~1")
    yield Planted(kind="Windows user", place="escaped blank", text="/mnt/d/Wang\\ Xiaoming/m", secret="Xiaoming")
    yield Planted(kind="stranger", place="home", text="/home/somebody.else/.local/lib", secret="somebody.else")
    yield Planted(kind="stranger", place="Windows", text="C:\\Users\\Jane Doe\\AppData\\x", secret="Jane Doe")
    yield Planted(kind="stranger", place="login", text="Permission denied for janedoe@192.168.1.9", secret="janedoe")
    yield Planted(kind="stranger", place="second home", text="/home2/janedoe/x", secret="janedoe")
    yield Planted(kind="strange host", place="Windows", text="on DESKTOP-AB12CD3", secret="AB12CD3")
    yield Planted(
        kind="wandb old",
        place="command",
        text="wandb login " + body("wandb cmd", 40, HEX),
        secret=body("wandb cmd", 40, HEX),
    )
    yield Planted(
        kind="base64 pem",
        place="kubeconfig",
        text="client-key-data: LS0tLS1CRUdJ" + "Ti" + body("kube", 80),
        secret=body("kube", 80),
    )
    channel = "ab-" + _uuid("channel")
    yield Planted(
        kind="channel token", place="URL", text=f"https://conda.anaconda.org/t/{channel}/team", secret=channel
    )
    yield Planted(kind="home", place="log", text=f"cache at {HOME}/.cache", secret=HOME)
    yield Planted(kind="home", place="slashes escaped", text=json.dumps({"p": HOME}).replace("/", "\\/"), secret=USER)
    for place, text in {
        "traceback": f"torch.distributed.DistNetworkError: The client socket has failed to connect to any network address of ({HOST}.{DOMAIN}, 29500)",
        "NCCL": f"{HOST}:1234:1301 [0] NCCL INFO Bootstrap : Using eth0:{PRIVATE_IP}<0>",
        "prompt": f"(base) {USER}@{HOST}:~/work$ python run.py",
        "uname": f"Linux {HOST} 5.15.0-91-generic #101-Ubuntu SMP x86_64",
        "URL": f"http://{HOST}.{DOMAIN}:8000/v1",
        "upper case": f"[{HOST.upper()}] started",
        "syslog": f"Nov 21 02:00:00 {HOST} kernel: NVRM: Xid 79",
        "glued": f"slurm-{HOST}-0.out",
    }.items():
        yield Planted(kind="host", place=place, text=text, secret=HOST, pieces=(HOST.upper(), DOMAIN, USER, PRIVATE_IP))
    for place, text in {
        "NCCL": "worker-x19:1234:1301 [0] NCCL INFO x",
        "assignment": "HOSTNAME=worker-x19",
        "address": "MASTER_ADDR=worker-x19",
        "socket": "failed to connect to [worker-x19]:29500",
        "prompt": "root@worker-x19:/workspace# ls",
        "URL": "http://worker-x19:8000/v1",
        "inner name": "ray start at worker-x19.svc.cluster.local now",
        "ssh": "ssh -p 22 svc@worker-x19 nvidia-smi",
        "rsync": "rsync -a m/ svc@worker-x19:/data",
        "syslog": "Nov 21 02:00:00 worker-x19 dockerd[12]: x",
        "git remote": "git@worker-x19.corp.example:team/secret-project.git",
        "url and project": "git+ssh://git@worker-x19.corp.example/team/secret-project.git",
    }.items():
        yield Planted(kind="strange host", place=place, text=text, secret="worker-x19", pieces=("secret-project",))
    for place, text in {
        "metadata": "Author-email: Jane <{}>", "log": "logged in as {}.", "git": "git config user.email {}", "json": '{{"mail": "{}"}}',
        "mailto": "mailto:{}", "Chinese": "请联系{}，谢谢", "percent": "u=jane.doe%40mail.aurora.example",
    }.items():  # fmt: skip
        yield Planted(
            kind="email",
            place=place,
            text=text.format("jane.doe@mail.aurora.example"),
            secret="jane.doe@",
            pieces=("aurora",),
        )
    for address in ("192.168.17.23", "10.7.8.9", "172.19.4.5", "100.71.9.8", "198.51.100.23"):
        for place, text in {
            "log": "connecting to {} failed", "port": "tcp://{}:29500", "variable": "MASTER_ADDR={}", "ray": "(RayWorkerWrapper pid=71, ip={}) x",
            "nccl": "NET/IB : eth0:{}<0>", "ifconfig": "inet {}  netmask 255.255.255.0", "json": '{{"host": "{}"}}', "bare": "{}",
        }.items():  # fmt: skip
            yield Planted(kind="ip", place=place, text=text.format(address), secret=address)
    for address in (
        "fe80::5054:ff:fe9a:be77",
        "2001:db8:85a3::8a2e:370:7334",
        "fd12:3456:789a:1::17",
        "2001:db8:0:1:2:3:4:5",
    ):
        for place, text in {
            "log": "connect to {} refused",
            "port": "http://[{}]:8000/",
            "scope": "{}%eth0",
            "ip": "inet6 {}/64 scope global",
        }.items():
            yield Planted(kind="ipv6", place=place, text=text.format(address), secret=address)
    for place, text in {
        "ip link": "link/ether {} brd ff:ff:ff:ff:ff:ff",
        "log": "card {}",
        "dashes": "Physical Address: 52-54-00-9A-BE-78",
    }.items():
        yield Planted(
            kind="mac",
            place=place,
            text=text.format("52:54:00:9a:be:78"),
            secret="52:54:00:9a:be:78",
            pieces=("52-54-00-9A-BE-78",),
        )
    yield Planted(
        kind="serial",
        place="nvidia-smi -q",
        text="    Serial Number                         : 1654922006199",
        secret="1654922006199",
    )
    yield Planted(kind="serial", place="literal", text=f"board {SERIAL} failed", secret=SERIAL)
    hook = "T" + body("hook", 8, UPPER) + "/B" + body("hook2", 8, UPPER) + "/" + body("hook3", 24)
    yield Planted(kind="slack hook", place="yaml", text=f"url: https://hooks.slack.com/services/{hook}", secret=hook)
    hook = body("dhook", 18, string.digits) + "/" + body("dhook2", 68)
    yield Planted(kind="discord hook", place="yaml", text=f"url: https://discord.com/api/webhooks/{hook}", secret=hook)


def corpus() -> list[Planted]:
    """Every planted secret, in a fixed order."""
    return [*_tokens(), *_named(), *_keys(), *_identity()]
